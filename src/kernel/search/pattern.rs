// SPDX-License-Identifier: MIT OR Apache-2.0
//! Patterns for names.

use crate::kernel::site::close_in_length;
use crate::words::{edits_within, matches_glob, nearest, nearest_glob};

/// So many letters of a word that is looked for inside names may have one mistake.
const LETTERS_PER_EDIT: usize = 5;

/// A pattern for names: `tcp_*`, `*openat*`, `sys_?nter_read`; a plain word is anywhere in the name.
#[derive(Debug, Clone, Copy)]
pub struct Pattern<'a> {
    pub(super) text: &'a str,
    pub(super) is_glob: bool,
}

impl<'a> Pattern<'a> {
    /// `*` stands for any text, `?` for one character. Without either, the text may be anywhere in a name.
    pub fn new(text: &'a str) -> Self {
        Self { text, is_glob: text.contains(['*', '?']) }
    }

    /// True where the name fits.
    pub fn matches(self, name: &str) -> bool {
        // Even to prepare the search for a long text takes its time, and there are as many names as the kernel has functions.
        let may = self.is_glob || self.text.len() <= name.len();
        may && if self.is_glob { matches_glob(self.text, name) } else { name.contains(self.text) }
    }

    /// What was probably meant by a pattern that none of the names fits: a whole name, or a pattern that fits some of them.
    pub(super) fn nearest<'w>(self, known: impl Iterator<Item = &'w str> + Clone) -> Option<String> {
        if self.is_glob {
            return nearest_glob(self.text, known);
        }
        let close = known.clone().filter(|name| close_in_length(name, self.text));
        let part = || {
            let glob = nearest_glob(&format!("*{}*", self.text), known)?;
            let part = glob.trim_matches('*');
            // Among so many parts of names, some are near by chance.
            edits_within(self.text, part, self.text.len() / LETTERS_PER_EDIT).map(|_| part.to_owned())
        };
        nearest(self.text, close).map(str::to_owned).or_else(part)
    }

    /// The text without what stands for others: what a person has in mind.
    pub(super) fn word(self) -> String {
        self.text.replace(['*', '?'], "")
    }
}

/// A tracepoint is found by its name, or by category and name.
pub(super) fn fits(pattern: Pattern<'_>, target: &str) -> bool {
    let bare = target.split_once(':').map(|(_, name)| name);
    pattern.matches(target) || bare.is_some_and(|name| pattern.matches(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words are found anywhere, globs cover the whole name; a tracepoint is found with and without its category.
    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("openat", "do_sys_openat2", true),
            ("tcp_*", "tcp_v4_connect", true),
            ("tcp_*", "mptcp_init", false),
            ("*openat", "do_sys_openat2", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(name), expected, "{pattern} {name}");
        }
        for pattern in ["sched:*", "sched_sw*", "sched:sched_switch", "switch"] {
            assert!(fits(Pattern::new(pattern), "sched:sched_switch"), "{pattern}");
        }
        assert!(!fits(Pattern::new("switch*"), "sched:sched_switch"));
    }

    /// Where nothing fits: the nearest name, or what names that are longer have inside.
    #[test]
    fn near() {
        let known = ["syscalls:sys_enter_openat", "syscalls:sys_exit_openat", "sched:sched_switch", "vfs_read"];
        for (pattern, meant) in [
            ("vfs_raed", Some("vfs_read")),
            ("openatt", Some("openat")),
            ("swich", Some("switch")),
            ("vsf_*", Some("vfs_*")),
            ("xyz", None),
            ("openxxt", None),
            ("qqqqqqqq", None),
        ] {
            assert_eq!(Pattern::new(pattern).nearest(known.into_iter()).as_deref(), meant, "{pattern}");
        }
    }
}

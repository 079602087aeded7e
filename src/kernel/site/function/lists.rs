// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel lists of its functions, each list read when it is first needed and kept.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::fs;
use std::path::Path;

const KPROBE_BLACKLIST: &str = "/sys/kernel/debug/kprobes/blacklist";

/// The lists that were read so far.
#[derive(Default)]
pub(in crate::kernel) struct FunctionLists {
    kallsyms: OnceCell<String>,
    blacklist: OnceCell<Option<HashSet<String>>>,
    traceable: OnceCell<Option<HashSet<String>>>,
    /// Names that several functions have.
    repeated: OnceCell<HashSet<String>>,
}

impl FunctionLists {
    /// The kernel's symbols, one a line: address, type, name, and `[module]` where it is of one. Empty if it hides them.
    pub(in crate::kernel) fn kallsyms(&self) -> &str {
        self.kallsyms.get_or_init(|| fs::read_to_string("/proc/kallsyms").unwrap_or_default())
    }

    /// The functions of the kernel and its modules, with the module: `("nf_hook", "")`. A name may come several times.
    pub(in crate::kernel) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.kallsyms().lines().filter_map(|line| {
            let mut words = line.split_ascii_whitespace().skip(1);
            let is_function = matches!(words.next(), Some("t" | "T" | "w" | "W"));
            let name = words.next().filter(|_| is_function)?;
            Some((name, words.next().unwrap_or_default().trim_matches(['[', ']'])))
        })
    }

    /// The address of a variable of the kernel itself; 0 where the kernel hides it.
    pub(in crate::kernel) fn variable(&self, name: &str) -> Option<u64> {
        self.kallsyms().lines().find_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let (address, kind) = (words.next()?, words.next()?);
            let is_it = matches!(kind, "b" | "B" | "d" | "D" | "r" | "R") && words.next() == Some(name);
            (is_it && words.next().is_none()).then(|| u64::from_str_radix(address, 16).ok())?
        })
    }

    /// True for a name that no two functions have.
    pub(in crate::kernel) fn is_unique(&self, symbol: &str) -> bool {
        let repeated = || {
            let mut seen = HashSet::new();
            self.all().filter(|(name, _)| !seen.insert(*name)).map(|(name, _)| name.to_owned()).collect()
        };
        !self.repeated.get_or_init(repeated).contains(symbol)
    }

    /// The functions that no kprobe may be at; `None` where debugfs does not tell.
    pub(in crate::kernel) fn blacklist(&self) -> Option<&HashSet<String>> {
        let read = || {
            let text = fs::read_to_string(KPROBE_BLACKLIST).ok()?;
            Some(text.lines().filter_map(|line| Some(line.split_once('\t')?.1.trim().to_owned())).collect())
        };
        self.blacklist.get_or_init(read).as_ref()
    }

    /// The functions that ftrace can trace; `None` where the list in `tracefs` cannot be read. Without
    /// CONFIG_KPROBE_EVENTS_ON_NOTRACE, the kernel refuses kprobes at all others.
    pub(in crate::kernel) fn traceable(&self, tracefs: Option<&Path>) -> Option<&HashSet<String>> {
        let read = || {
            let path = tracefs?.join("available_filter_functions");
            let list = parse_traceable(&fs::read_to_string(path).ok()?);
            // Without the function tracer the list is there, and empty.
            (!list.is_empty()).then_some(list)
        };
        self.traceable.get_or_init(read).as_ref()
    }
}

/// Names of functions; a line may end with ` [module]`.
fn parse_traceable(text: &str) -> HashSet<String> {
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list has the functions of modules as well.
    #[test]
    fn traceable() {
        assert!(parse_traceable("tcp_init\nnf_hook [nf]\n").contains("nf_hook"));
    }
}

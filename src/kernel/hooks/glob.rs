// SPDX-License-Identifier: MIT OR Apache-2.0
//! Patterns for names: `tcp_*`, `*openat*`, `sys_?nter_read`; a plain word is anywhere in the name.

/// A pattern.
#[derive(Debug, Clone, Copy)]
pub struct Pattern<'a>(&'a str);

impl<'a> Pattern<'a> {
    /// `*` stands for any text, `?` for one character. Without either, the text may be anywhere in a name.
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// True where the name fits.
    pub fn matches(self, name: &str) -> bool {
        if self.is_word() { name.contains(self.0) } else { fits(self.0.as_bytes(), name.as_bytes()) }
    }

    /// The text without what stands for others: what a person has in mind.
    pub(super) fn word(self) -> String {
        self.0.replace(['*', '?'], "")
    }

    fn is_word(self) -> bool {
        !self.0.contains(['*', '?'])
    }
}

/// Matches in time proportional to the product of the lengths at most: a `*` that does not work out takes one more byte,
/// and only the last one is tried again.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, n));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match &mut star {
                Some((after, taken)) => {
                    *taken += 1;
                    (p, n) = (*after, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words are found anywhere, globs cover the whole name.
    #[test]
    fn patterns() {
        for (pattern, name, fits) in [
            ("openat", "do_sys_openat2", true),
            ("tcp_*", "tcp_v4_connect", true),
            ("tcp_*", "mptcp_init", false),
            ("*openat*", "do_sys_openat2", true),
            ("*openat", "do_sys_openat2", false),
            ("sched:*", "sched:sched_switch", true),
            ("sys_?nter_read", "sys_enter_read", true),
            ("sys_?nter_read", "sys_enter_readv", false),
            ("a*b*c", "aXbXbc", true),
            ("a*b*c", "aXbXbcd", false),
            ("*", "", true),
            ("?", "", false),
            ("**a**", "a", true),
        ] {
            assert_eq!(Pattern::new(pattern).matches(name), fits, "{pattern} {name}");
        }
    }

    /// A pattern that tries again and again stays quick.
    #[test]
    fn no_explosion() {
        let pattern = "*a".repeat(50) + "b";
        assert!(!Pattern::new(&pattern).matches(&"a".repeat(5000)));
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel lists of its functions, each list read when it is first needed and kept.

use std::cell::{Cell, OnceCell};
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
    /// Where the name of each function stands in `kallsyms`, in the order of the names.
    by_name: OnceCell<Vec<usize>>,
    /// How many names were looked up one by one.
    searches: Cell<u32>,
}

/// Names that are looked up by reading the list; for more of them it is sorted, which takes as long as some ten of these.
const SEARCHES: u32 = 8;

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

    /// How many functions have this name.
    pub(in crate::kernel) fn count(&self, symbol: &str) -> usize {
        let searches = self.searches.get();
        if searches < SEARCHES {
            self.searches.set(searches + 1);
            return self.all().filter(|(name, _)| *name == symbol).count();
        }
        let text = self.kallsyms();
        let name_at = |at: usize| text[at..].split_ascii_whitespace().next().unwrap_or_default();
        let sorted = self.by_name.get_or_init(|| {
            let place = |(name, _): (&str, &str)| name.as_ptr().addr() - text.as_ptr().addr();
            let mut places: Vec<usize> = self.all().map(place).collect();
            places.sort_unstable_by_key(|at| name_at(*at));
            places
        });
        let first = sorted.partition_point(|at| name_at(*at) < symbol);
        sorted[first..].iter().take_while(|at| name_at(**at) == symbol).count()
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

/// Leaves out what the compiler made of functions: padding before them (`__pfx_`, `__cfi_`) and split-off cold halves.
pub(in crate::kernel) fn can_be_named(name: &str) -> bool {
    let made = ["__pfx_", "__cfi_"].iter().any(|prefix| name.starts_with(prefix)) || name.contains(".cold");
    !made && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name is found as often as functions have it, by reading the list and in the sorted one.
    #[test]
    fn counts() {
        let lists = FunctionLists::default();
        let text = "0 T open\n0 t read\n0 D data\n0 t open\t[module]\n0 t openat\n0 t a\n";
        lists.kallsyms.set(text.to_owned()).unwrap();
        for _ in 0..=SEARCHES {
            let counts = ["open", "openat", "ope", "a", "data", "z"].map(|name| lists.count(name));
            assert_eq!(counts, [2, 1, 0, 1, 0, 0]);
        }
        assert!(lists.by_name.get().is_some());
    }

    /// What the compiler made of functions is left out.
    #[test]
    fn names() {
        assert!(can_be_named("tcp_v4_connect") && can_be_named("do_one.isra.0"));
        assert!(!can_be_named("__pfx_tcp_v4_connect") && !can_be_named("do_one.cold") && !can_be_named("a$b"));
    }

    /// The list has the functions of modules as well.
    #[test]
    fn traceable() {
        assert!(parse_traceable("tcp_init\nnf_hook [nf]\n").contains("nf_hook"));
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kernel functions as targets.

use std::collections::HashMap;

use super::listing::{Listing, Places, Source, Unasked};
use crate::kernel::host::Host;
use crate::kernel::site::function::can_be_named;

/// Functions, of which most machines can probe the entries and returns.
pub(super) const FUNCTIONS: Listing = Listing {
    source: Source::Machine(functions),
    unasked: |host| match host.has_kprobes() {
        true => Unasked::Listed,
        false => Unasked::LeftOut("this kernel has no kprobes: functions are not listed (`--kind kprobe` lists them)"),
    },
    describe: |name, prototypes, _| prototypes.signature(name),
};

/// Functions, and what stands in the way of probing any.
fn functions(host: &Host) -> Places {
    let (all, note) = described_functions(host);
    let no_kprobes =
        (!host.has_kprobes()).then(|| "this kernel has no kprobes: none of its functions can be probed".to_owned());
    (all, note.or(no_kprobes))
}

/// Functions with what is to know about each.
pub(super) fn described_functions(host: &Host) -> Places {
    let mut counts: HashMap<&str, (usize, &str)> = HashMap::new();
    for (name, module) in host.functions().filter(|(name, _)| can_be_named(name)) {
        counts.entry(name).or_insert((0, module)).0 += 1;
    }
    let note = counts.is_empty().then(|| "functions: `/proc/kallsyms` cannot be read".to_owned());
    let traceable = host.traceable_functions();
    let remark = |name: &str, count: usize, module: &str| {
        if host.kprobe_blacklist().is_some_and(|list| list.contains(name)) {
            return "the kernel does not allow a kprobe here".to_owned();
        }
        if count > 1 {
            return format!("{count} functions have this name: newer kernels attach to none of them");
        }
        if traceable.as_ref().is_some_and(|list| !list.contains(name)) {
            return "not traceable: the kernel may refuse it".to_owned();
        }
        if module.is_empty() { String::new() } else { format!("module {module}") }
    };
    let all = counts.into_iter().map(|(name, (count, module))| (name.to_owned(), remark(name, count, module)));
    (all.collect(), note)
}

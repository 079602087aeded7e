// SPDX-License-Identifier: MIT OR Apache-2.0
//! Functions of this kernel by their names, and what was probably meant by one that none of them has.

use std::collections::HashSet;
use std::fs;

use crate::expr::Variable;
use crate::kernel::host::Host;
use crate::kernel::site::close_in_length;
use crate::kernel::site::function::lists::can_be_named;
use crate::words::suggest;

/// Where 32-bit processes enter the kernel.
#[cfg(target_arch = "x86_64")]
const COMPAT_ENTRY: &str = "entry_SYSENTER_compat";
#[cfg(target_arch = "aarch64")]
const COMPAT_ENTRY: &str = "do_el0_svc_compat";

impl Host {
    /// The kernel's symbols, one a line: address, type, name, and `[module]` where it is of one. Empty if it hides them.
    pub(in crate::kernel) fn kallsyms(&self) -> &str {
        self.functions.kallsyms()
    }

    /// The functions of the kernel and its modules, with the module: `("nf_hook", "")`. A name may come several times.
    pub(in crate::kernel) fn functions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.functions.all()
    }

    /// The functions that no kprobe may be at; `None` where debugfs does not tell.
    pub(in crate::kernel) fn kprobe_blacklist(&self) -> Option<&HashSet<String>> {
        self.functions.blacklist()
    }

    /// The functions that ftrace can trace; `None` where the list cannot be read.
    pub(in crate::kernel) fn traceable_functions(&self) -> Option<&HashSet<String>> {
        self.functions.traceable(self.tracefs().ok())
    }

    /// Where a variable of the kernel is.
    pub(in crate::kernel) fn variable(&self, name: &str) -> Variable {
        match self.functions.variable(name) {
            Some(0) => Variable::Hidden,
            Some(address) => Variable::At(address),
            None => Variable::Unknown,
        }
    }

    /// How often a function of this name stands in /proc/kallsyms; where it does not, what is there instead.
    pub fn kernel_symbol(&self, symbol: &str) -> SymbolSearch {
        let count = self.functions.count(symbol);
        if count > 0 {
            return SymbolSearch { count, ..SymbolSearch::default() };
        }
        let is_variant = |name: &&str| name.strip_prefix(symbol).is_some_and(|rest| rest.starts_with('.'));
        let names = || self.functions().map(|(name, _)| name);
        let variants = names().filter(is_variant).map(str::to_owned).collect();
        let help = suggest(symbol, names().filter(|name| close_in_length(name, symbol)), "");
        SymbolSearch { count, variants, help }
    }

    /// True where one link can hold a program at many functions (`bpf_kprobe_multi_link_attach`, which needs CONFIG_FPROBE).
    pub(in crate::kernel) fn has_kprobe_multi(&self) -> bool {
        self.version() >= (5, 18) && self.kernel_symbol("register_fprobe_ips").count > 0
    }

    /// True for a name that exactly one function has.
    pub(in crate::kernel) fn is_function_unique(&self, symbol: &str) -> bool {
        self.functions.is_unique(symbol)
    }

    /// The kernel functions of these names that can be probed, sorted: those that ftrace can trace where it tells, else
    /// those that no compiler made up.
    pub fn probeable_functions(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let traceable = self.traceable_functions();
        let probeable = |name: &str| match &traceable {
            Some(list) => list.contains(name),
            None => can_be_named(name) && !name.contains('.'),
        };
        let names = self.functions().map(|(name, _)| name).filter(|name| wanted(name) && probeable(name));
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort();
        names.dedup();
        names
    }

    /// True where the kernel runs 32-bit processes, whose system calls have a table of their own (`CONFIG_IA32_EMULATION`,
    /// `CONFIG_COMPAT`); on x86 it can be switched off at boot (Linux 6.7).
    pub(in crate::kernel) fn runs_32_bit(&self) -> bool {
        let has_entry = self.functions().any(|(name, _)| name == COMPAT_ENTRY);
        let options = fs::read_to_string("/proc/cmdline").unwrap_or_default();
        let mut switches = options.split_ascii_whitespace().filter_map(|option| option.strip_prefix("ia32_emulation="));
        has_entry
            && !switches.next_back().is_some_and(|value| matches!(value, "0" | "n" | "N" | "no" | "off" | "false"))
    }
}

/// What /proc/kallsyms says about a name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SymbolSearch {
    /// Functions of exactly this name.
    pub count: usize,
    /// Parts that the compiler split off: `name.isra.0`.
    pub variants: Vec<String>,
    /// "did you mean …", where a name is close.
    pub help: Option<String>,
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is known of the running kernel, read when it is first needed and kept.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::path::Path;

use crate::catalog::{Btf, Named};
use crate::expr::{TraceField, parse_format};
use crate::kernel::site::binary::Binaries;
use crate::kernel::site::close_in_length;
use crate::kernel::site::event::{Tracefs, denied_help};
use crate::kernel::site::interface::Netdev;
use crate::spec::TracepointName;
use crate::words::suggest;

/// The running kernel.
#[derive(Default)]
pub struct Host {
    btf: OnceCell<Option<Btf>>,
    tracefs: OnceCell<Result<Tracefs, (String, String)>>,
    kallsyms: OnceCell<String>,
    blacklist: OnceCell<Option<HashSet<String>>>,
    traceable: OnceCell<Option<HashSet<String>>>,
    pub(in crate::kernel) binaries: Binaries,
}

/// Where 32-bit processes enter the kernel.
#[cfg(target_arch = "x86_64")]
const COMPAT_ENTRY: &str = "entry_SYSENTER_compat";
#[cfg(target_arch = "aarch64")]
const COMPAT_ENTRY: &str = "do_el0_svc_compat";

pub(in crate::kernel) const BTF_PATH: &str = "/sys/kernel/btf/vmlinux";
const KPROBE_BLACKLIST: &str = "/sys/kernel/debug/kprobes/blacklist";
const KPROBE_PMU: &str = "/sys/bus/event_source/devices/kprobe/type";
const UPROBE_PMU: &str = "/sys/bus/event_source/devices/uprobe/type";

impl Host {
    /// The same for somebody who is not looking: binaries that others than root could change are refused where the probe does
    /// not allow them.
    pub fn guarded() -> Self {
        Self { binaries: Binaries::guarded(), ..Self::default() }
    }

    /// The kernel's BTF; `None` if it has none (`CONFIG_DEBUG_INFO_BTF`) or hides it.
    pub fn btf(&self) -> Option<&Btf> {
        let read = || Btf::parse(fs::read(BTF_PATH).ok()?).map_err(|error| tracing::warn!("{BTF_PATH}: {error}")).ok();
        self.btf.get_or_init(read).as_ref()
    }

    /// Where the files of tracefs are, as long as this lives; it need not be mounted. The error is a sentence and a help.
    pub fn tracefs(&self) -> Result<&Path, (String, String)> {
        self.find_tracefs().map(Tracefs::path)
    }

    /// Where tracefs is mounted; `None` where it is used without being mounted.
    pub fn tracefs_mount(&self) -> Result<Option<&Path>, (String, String)> {
        self.find_tracefs().map(|found| Some(found.path()).filter(|_| found.is_mounted()))
    }

    fn find_tracefs(&self) -> Result<&Tracefs, (String, String)> {
        self.tracefs.get_or_init(Tracefs::find).as_ref().map_err(Clone::clone)
    }

    /// The fields of a tracepoint, from its format file. The error is a sentence and a help.
    pub fn tracepoint(&self, name: &TracepointName) -> Result<Vec<TraceField>, (String, String)> {
        let events = self.tracefs()?.join("events");
        let path = events.join(&name.category).join(&name.name);
        match fs::read_to_string(path.join("format")) {
            Ok(text) => Ok(parse_format(&text)),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let message = format!("failed to read tracepoint `{name}`: permission denied");
                Err((message, denied_help()))
            }
            Err(_) => Err(missing_tracepoint(&events, name)),
        }
    }

    /// The number of a tracepoint; `None` where it is not there or tracefs cannot be read.
    pub(in crate::kernel) fn tracepoint_number(&self, name: &TracepointName) -> Option<u64> {
        let path = self.tracefs().ok()?.join("events").join(&name.category).join(&name.name).join("id");
        fs::read_to_string(path).ok()?.trim().parse().ok()
    }

    /// The names of the network interfaces of this network namespace (sysfs may show those of another one), sorted.
    pub fn interfaces(&self) -> Vec<String> {
        Netdev::all().into_iter().map(|one| one.name).collect()
    }

    /// The number of a network interface in this network namespace. `name` may be a further one (`altname` of ip-link(8)).
    pub fn interface_index(&self, name: &str) -> Option<u32> {
        let text = CString::new(name).ok()?;
        // SAFETY: `text` is NUL-terminated and lives across the call.
        let index = unsafe { libc::if_nametoindex(text.as_ptr()) };
        // The call takes names of up to 15 bytes, and is quick.
        if index != 0 { Some(index) } else { Netdev::named(name).map(|found| found.index) }
    }

    /// The name that the kernel uses for an interface which may be called by a further one. `None` where it is not there.
    pub fn interface_name(&self, name: &str) -> Option<String> {
        Netdev::named(name).map(|found| found.name)
    }

    /// False where the kernel was built without kprobes for perf and tracing.
    pub fn has_kprobes(&self) -> bool {
        Path::new(KPROBE_PMU).exists() || self.tracefs().is_ok_and(|path| path.join("kprobe_events").exists())
    }

    /// False where the kernel was built without uprobes (`CONFIG_UPROBE_EVENTS`).
    pub fn has_uprobes(&self) -> bool {
        Path::new(UPROBE_PMU).exists() || self.tracefs().is_ok_and(|path| path.join("uprobe_events").exists())
    }

    /// `6.12.48+deb13-cloud-amd64` and `x86_64`, as uname(2) says.
    pub fn release(&self) -> (String, String) {
        let mut name = MaybeUninit::<libc::utsname>::zeroed();
        // SAFETY: the pointer is valid; the call only fails for one that is not.
        unsafe { libc::uname(name.as_mut_ptr()) };
        // SAFETY: plain data, zeroed and then filled.
        let name = unsafe { name.assume_init() };
        // SAFETY: the kernel terminates each text within its array.
        let text =
            |field: &[libc::c_char; 65]| unsafe { CStr::from_ptr(field.as_ptr()) }.to_string_lossy().into_owned();
        (text(&name.release), text(&name.machine))
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

    /// Major and minor number of the release: (6, 12).
    pub fn version(&self) -> (u32, u32) {
        let (release, _) = self.release();
        let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
    }

    /// The kernel's symbols, one a line: address, type, name, and `[module]` where it is of one. Empty if it hides them.
    pub(in crate::kernel) fn kallsyms(&self) -> &str {
        self.kallsyms.get_or_init(|| fs::read_to_string("/proc/kallsyms").unwrap_or_default())
    }

    /// The functions of the kernel and its modules, with the module: `("nf_hook", "")`. A name may come several times.
    pub(in crate::kernel) fn functions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.kallsyms().lines().filter_map(|line| {
            let mut words = line.split_ascii_whitespace().skip(1);
            let is_function = matches!(words.next(), Some("t" | "T" | "w" | "W"));
            let name = words.next().filter(|_| is_function)?;
            Some((name, words.next().unwrap_or_default().trim_matches(['[', ']'])))
        })
    }

    /// The functions that no kprobe may be at; `None` where debugfs does not tell.
    pub(in crate::kernel) fn kprobe_blacklist(&self) -> Option<&HashSet<String>> {
        let read = || {
            let text = fs::read_to_string(KPROBE_BLACKLIST).ok()?;
            Some(text.lines().filter_map(|line| Some(line.split_once('\t')?.1.trim().to_owned())).collect())
        };
        self.blacklist.get_or_init(read).as_ref()
    }

    /// The functions that ftrace can trace; `None` where the list cannot be read. Without CONFIG_KPROBE_EVENTS_ON_NOTRACE,
    /// the kernel refuses kprobes at all others.
    pub(in crate::kernel) fn traceable_functions(&self) -> Option<&HashSet<String>> {
        let read = || {
            let path = self.tracefs().ok()?.join("available_filter_functions");
            let list = parse_traceable(&fs::read_to_string(path).ok()?);
            // Without the function tracer the list is there, and empty.
            (!list.is_empty()).then_some(list)
        };
        self.traceable.get_or_init(read).as_ref()
    }

    /// How often a function of this name stands in /proc/kallsyms, and what else begins like it.
    pub fn kernel_symbol(&self, symbol: &str) -> SymbolSearch {
        let mut search = SymbolSearch::default();
        let mut all = Vec::new();
        for (name, _) in self.functions() {
            if name == symbol {
                search.count += 1;
            } else if name.strip_prefix(symbol).is_some_and(|rest| rest.starts_with('.')) {
                search.variants.push(name.to_owned());
            }
            all.push(name);
        }
        if search.count == 0 {
            search.help = suggest(symbol, all.into_iter().filter(|name| close_in_length(name, symbol)), "");
        }
        search
    }

    /// The kernel functions of these names that can be probed, sorted: those that ftrace can trace where it tells, else
    /// those that no compiler made up.
    pub fn probeable_functions(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let traceable = self.traceable_functions();
        let probeable = |name: &str| match &traceable {
            Some(list) => list.contains(name),
            None => !name.contains(['.', '$']),
        };
        let names = self.functions().map(|(name, _)| name).filter(|name| wanted(name) && probeable(name));
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort();
        names.dedup();
        names
    }

    /// False where neither the kernel's BTF nor tracefs knows a tracepoint of this name.
    pub fn may_have_raw_tracepoint(&self, name: &str) -> bool {
        let in_btf = self.btf().map(|btf| btf.find(Named::Typedef, &format!("btf_trace_{name}")).is_some());
        // Tracepoints of modules are in the modules' own BTF.
        let in_tracefs = self.tracefs().ok().map(|path| {
            let events = path.join("events");
            names_in(&events).iter().any(|category| events.join(category).join(name).is_dir())
        });
        !matches!((in_btf, in_tracefs), (Some(false), Some(false) | None) | (None, Some(false)))
    }

    /// The name of a raw tracepoint that was probably meant.
    pub fn nearest_raw_tracepoint(&self, name: &str) -> String {
        let Some(btf) = self.btf() else { return String::new() };
        let names = || btf.all(Named::Typedef).filter_map(|id| btf.name(id).strip_prefix("btf_trace_"));
        let known: Vec<&str> = names().collect();
        crate::words::nearest(name, known).map_or_else(String::new, |found| format!("did you mean `{found}`?"))
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
    pub help: String,
}

fn missing_tracepoint(events: &Path, name: &TracepointName) -> (String, String) {
    let category = events.join(&name.category);
    if !category.is_dir() {
        let categories = names_in(events);
        let message = format!("this kernel has no tracepoints of the category `{}`", name.category);
        // The same name in another category is more likely than a category of a similar name.
        let elsewhere = categories.iter().find(|category| events.join(category).join(&name.name).is_dir());
        let help = match elsewhere {
            Some(category) => format!("did you mean `{category}:{}`?", name.name),
            None => crate::words::nearest(&name.category, categories.iter().map(String::as_str))
                .map_or_else(String::new, |found| format!("did you mean the category `{found}`?")),
        };
        return (message, help);
    }
    // Whole, as the YAML wants them.
    let names: Vec<String> = names_in(&category).iter().map(|event| format!("{}:{event}", name.category)).collect();
    let help = suggest(&name.to_string(), names.iter().map(String::as_str), "its tracepoints are");
    (format!("this kernel has no tracepoint `{name}`"), help)
}

/// The names in a directory, sorted; none if it cannot be read.
fn names_in(path: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
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

// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is known of the running kernel, read when it is first needed and kept.

use std::cell::OnceCell;
use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;

use crate::catalog::{Btf, Named};
use crate::expr::{TraceField, parse_format};
use crate::spec::TracepointName;
use crate::words::suggest;

/// The running kernel.
#[derive(Default)]
pub struct Host {
    btf: OnceCell<Option<Btf>>,
    tracefs: OnceCell<Result<PathBuf, (String, String)>>,
}

const BTF_PATH: &str = "/sys/kernel/btf/vmlinux";
const TRACEFS_PATHS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
const KPROBE_PMU: &str = "/sys/bus/event_source/devices/kprobe/type";

impl Host {
    /// The kernel's BTF; `None` if it has none (`CONFIG_DEBUG_INFO_BTF`) or hides it.
    pub fn btf(&self) -> Option<&Btf> {
        let read = || Btf::parse(fs::read(BTF_PATH).ok()?).map_err(|error| tracing::warn!("{BTF_PATH}: {error}")).ok();
        self.btf.get_or_init(read).as_ref()
    }

    /// Where tracefs is; mounts it if it is not mounted anywhere. The error is a sentence and a help.
    pub fn tracefs(&self) -> Result<&Path, (String, String)> {
        self.tracefs.get_or_init(find_tracefs).as_deref().map_err(Clone::clone)
    }

    /// The fields of a tracepoint, from its format file. The error is a sentence and a help.
    pub fn tracepoint(&self, name: &TracepointName) -> Result<Vec<TraceField>, (String, String)> {
        let events = self.tracefs()?.join("events");
        let path = events.join(&name.category).join(&name.name);
        match fs::read_to_string(path.join("format")) {
            Ok(text) => Ok(parse_format(&text)),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let message = format!("failed to read tracepoint `{name}`: permission denied");
                Err((message, tracefs_help()))
            }
            Err(_) => Err(missing_tracepoint(&events, name)),
        }
    }

    /// The names of the network interfaces of this network namespace (sysfs may show those of another one).
    pub fn interfaces(&self) -> Vec<String> {
        // SAFETY: takes nothing; returns NULL or an array that ends with an entry without a name.
        let first = unsafe { libc::if_nameindex() };
        if first.is_null() {
            return Vec::new();
        }
        let mut names = Vec::new();
        let mut entry = first;
        // SAFETY: `entry` stays within the array: it stops at the last entry, whose name is NULL.
        while let Some(name) = unsafe { NonNull::new((*entry).if_name) } {
            // SAFETY: the name is NUL-terminated and lives until the array is freed.
            names.push(unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned());
            // SAFETY: the entry has a name, so another one follows.
            entry = unsafe { entry.add(1) };
        }
        // SAFETY: the array of if_nameindex, freed once.
        unsafe { libc::if_freenameindex(first) };
        names.sort();
        names
    }

    /// The number of a network interface in this network namespace.
    pub fn interface_index(&self, name: &str) -> Option<u32> {
        let name = CString::new(name).ok()?;
        // SAFETY: `name` is NUL-terminated and lives across the call.
        let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
        (index != 0).then_some(index)
    }

    /// False where the kernel was built without kprobes for perf and tracing.
    pub fn has_kprobes(&self) -> bool {
        Path::new(KPROBE_PMU).exists() || self.tracefs().is_ok_and(|path| path.join("kprobe_events").exists())
    }

    /// How often a function of this name stands in /proc/kallsyms, and what else begins like it.
    pub fn kernel_symbol(&self, symbol: &str) -> SymbolSearch {
        let text = fs::read_to_string("/proc/kallsyms").unwrap_or_default();
        let functions = text.lines().filter_map(|line| {
            let mut words = line.split_ascii_whitespace().skip(1);
            matches!(words.next(), Some("t" | "T" | "w" | "W")).then(|| words.next())?
        });
        let mut search = SymbolSearch::default();
        let mut all = Vec::new();
        for name in functions {
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

fn close_in_length(name: &str, symbol: &str) -> bool {
    name.len().abs_diff(symbol.len()) <= 1 + symbol.len() / 4
}

fn find_tracefs() -> Result<PathBuf, (String, String)> {
    let first = fs::metadata(Path::new(TRACEFS_PATHS[0]).join("events"));
    if first.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
        let message = format!("failed to read tracefs (`{}`): permission denied", TRACEFS_PATHS[0]);
        return Err((message, tracefs_help()));
    }
    let usable = |path: &str| Path::new(path).join("events").exists();
    if let Some(path) = TRACEFS_PATHS.into_iter().find(|path| usable(path)) {
        return Ok(PathBuf::from(path));
    }
    match mount_tracefs(TRACEFS_PATHS[0]) {
        Ok(()) if usable(TRACEFS_PATHS[0]) => Ok(PathBuf::from(TRACEFS_PATHS[0])),
        Ok(()) => Err(("tracefs has no events: this kernel was built without tracepoints".to_owned(), String::new())),
        Err(error) => Err((
            format!("tracefs is not mounted, and mounting it failed: {error}"),
            format!("as root, `mount -t tracefs nodev {}`", TRACEFS_PATHS[0]),
        )),
    }
}

/// tracefs has the permissions of files: CAP_BPF and CAP_PERFMON do not open it.
fn tracefs_help() -> String {
    "it belongs to root: run as root, or with CAP_DAC_READ_SEARCH as well; a raw tracepoint does not need it".to_owned()
}

fn mount_tracefs(target: &str) -> io::Result<()> {
    let target = CString::new(target)?;
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    // SAFETY: all strings are NUL-terminated and live across the call; tracefs takes no data.
    let code = unsafe { libc::mount(c"nodev".as_ptr(), target.as_ptr(), c"tracefs".as_ptr(), flags, std::ptr::null()) };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
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
                .map_or_else(String::new, |found| format!("did you mean `{found}`?")),
        };
        return (message, help);
    }
    let names = names_in(&category);
    let help = suggest(&name.name, names.iter().map(String::as_str), "its tracepoints are");
    (format!("this kernel has no tracepoint `{name}`"), help)
}

/// The names in a directory, sorted; none if it cannot be read.
fn names_in(path: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

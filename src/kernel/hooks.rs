// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be hooked on this machine: kernel functions, tracepoints, LSM hooks, functions of a binary; found by pattern.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::catalog::{Lookup, Named, TypeId, Written, demangle};
use crate::expr::{Prototype, TraceShape};
use crate::kernel::host::Host;
use crate::kernel::site::binary::unusable;
use crate::kernel::site::binary::{first, near, of_a_source, some};
use crate::kernel::site::close_in_length;
use crate::spec::TracepointName;
use crate::words::{edits_within, matches_glob, nearest, nearest_glob};

/// A kind of hook whose targets can be listed; the order is that of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listed {
    /// Entries of kernel functions.
    Kprobe,
    /// Returns of kernel functions.
    Kretprobe,
    /// Tracepoints.
    Tracepoint,
    /// Raw tracepoints.
    RawTracepoint,
    /// Hooks of Linux security modules.
    Lsm,
    /// Functions of a binary.
    Uprobe,
}

impl Listed {
    /// The key in the YAML.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kprobe => "kprobe",
            Self::Kretprobe => "kretprobe",
            Self::Tracepoint => "tracepoint",
            Self::RawTracepoint => "raw_tracepoint",
            Self::Lsm => "lsm",
            Self::Uprobe => "uprobe",
        }
    }
}

/// So many letters of a word that is looked for inside of names may have one mistake.
const LETTERS_PER_EDIT: usize = 5;

/// A pattern for names: `tcp_*`, `*openat*`, `sys_?nter_read`; a plain word is anywhere in the name.
#[derive(Debug, Clone, Copy)]
pub struct Pattern<'a> {
    text: &'a str,
    is_glob: bool,
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
    fn nearest<'w>(self, known: impl Iterator<Item = &'w str> + Clone) -> Option<String> {
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
    fn word(self) -> String {
        self.text.replace(['*', '?'], "")
    }
}

/// What to look for.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    /// The names.
    pub pattern: Pattern<'a>,
    /// The kinds.
    pub kinds: Vec<Listed>,
    /// Whether arguments and fields are wanted.
    pub details: bool,
    /// Most targets of one kind.
    pub most: usize,
    /// The binary whose functions [`Listed::Uprobe`] lists, as the YAML names it.
    pub binary: Option<String>,
}

/// One thing that can be hooked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How.
    pub kind: Listed,
    /// What the YAML names: `tcp_v4_connect`, `sched:sched_switch`.
    pub target: String,
    /// Name and C type of its arguments or fields; `None` where they were not asked for or are not known.
    pub params: Option<Vec<(String, String)>>,
    /// C type of what a function returns.
    pub returns: Option<String>,
    /// Why it may not work all the same; empty where nothing is known.
    pub remark: String,
}

/// What a search found.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// By kind, the exact name first, then by name.
    pub found: Vec<Found>,
    /// How many more there are of a kind.
    pub more: Vec<(Listed, usize)>,
    /// What could not be looked at, and why.
    pub notes: Vec<String>,
    /// Where nothing was found: names that are close.
    pub nearest: Vec<String>,
}

/// Looks for hooks.
pub fn search(query: &Query<'_>, host: &Host) -> Search {
    let mut search = Search::default();
    for kind in &query.kinds {
        if *kind == Listed::Uprobe {
            search_binary(query, host, &mut search);
            continue;
        }
        let (targets, note) = targets(*kind, host);
        search.notes.extend(note);
        let mut names: Vec<&String> = targets.keys().filter(|name| fits(query.pattern, *kind, name)).collect();
        // Stable: within each half the order of the names stays.
        names.sort_by_key(|name| **name != query.pattern.word());
        if names.len() > query.most {
            search.more.push((*kind, names.len() - query.most));
        }
        let shown = names.into_iter().take(query.most);
        search.found.extend(shown.map(|name| Found {
            kind: *kind,
            target: name.clone(),
            params: None,
            returns: None,
            remark: targets[name].clone(),
        }));
        if search.found.is_empty() {
            let near = query.pattern.nearest(targets.keys().map(String::as_str));
            search.nearest.extend(near.filter(|near| !search.nearest.contains(near)));
        }
    }
    if query.details {
        describe(&mut search.found, host);
    }
    if !search.found.is_empty() {
        search.nearest.clear();
    }
    search
}

/// A tracepoint is found by its name, or by category and name.
fn fits(pattern: Pattern<'_>, kind: Listed, target: &str) -> bool {
    let bare = target.split_once(':').filter(|_| kind == Listed::Tracepoint).map(|(_, name)| name);
    pattern.matches(target) || bare.is_some_and(|name| pattern.matches(name))
}

/// All targets of a kind, each with its remark; and what stands in the way.
fn targets(kind: Listed, host: &Host) -> (BTreeMap<String, String>, Option<String>) {
    match kind {
        Listed::Kprobe | Listed::Kretprobe => functions(host),
        Listed::Tracepoint => tracepoints(host),
        Listed::RawTracepoint => raw_tracepoints(host),
        Listed::Lsm => lsm_hooks(host),
        // Those of a binary are searched for.
        Listed::Uprobe => (BTreeMap::new(), None),
    }
}

fn functions(host: &Host) -> (BTreeMap<String, String>, Option<String>) {
    let mut counts: HashMap<&str, (usize, &str)> = HashMap::new();
    for (name, module) in host.functions().filter(|(name, _)| can_be_named(name)) {
        counts.entry(name).or_insert((0, module)).0 += 1;
    }
    let note = if counts.is_empty() {
        Some("functions: `/proc/kallsyms` cannot be read".to_owned())
    } else if host.has_kprobes() {
        None
    } else {
        Some("this kernel has no kprobes: none of its functions can be probed".to_owned())
    };
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

/// Leaves out what the compiler made of functions: padding before them (`__pfx_`, `__cfi_`) and split-off cold halves.
fn can_be_named(name: &str) -> bool {
    let made = ["__pfx_", "__cfi_"].iter().any(|prefix| name.starts_with(prefix)) || name.contains(".cold");
    !made && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte))
}

fn tracepoints(host: &Host) -> (BTreeMap<String, String>, Option<String>) {
    let listed = host.tracefs().map_err(|(reason, help)| format!("{reason}; {help}")).and_then(|path| {
        std::fs::read_to_string(path.join("available_events")).map_err(|error| format!("failed to list them: {error}"))
    });
    match listed {
        Ok(text) => (text.lines().map(|line| (line.to_owned(), String::new())).collect(), None),
        Err(reason) => (BTreeMap::new(), Some(format!("tracepoints: {reason}"))),
    }
}

fn raw_tracepoints(host: &Host) -> (BTreeMap<String, String>, Option<String>) {
    let Some(btf) = host.btf() else {
        return (BTreeMap::new(), Some("raw tracepoints: this kernel has no BTF, which lists them".to_owned()));
    };
    let names = btf.all(Named::Typedef).filter_map(|id| btf.name(id).strip_prefix("btf_trace_"));
    (names.map(|name| (name.to_owned(), String::new())).collect(), None)
}

/// What a kind says that this build knows and does not attach.
const NOT_YET: &str = "not attached by this build yet";

/// The hooks that BPF programs can be at (`CONFIG_BPF_LSM`, Linux 5.7): the kernel has a function `bpf_lsm_NAME` for each.
fn lsm_hooks(host: &Host) -> (BTreeMap<String, String>, Option<String>) {
    let names =
        host.btf().into_iter().flat_map(|btf| btf.all(Named::Func).filter_map(|id| btf.name(id).strip_prefix(LSM)));
    let all: BTreeMap<String, String> = names.map(|name| (name.to_owned(), NOT_YET.to_owned())).collect();
    let note = all.is_empty().then(|| "LSM hooks: this kernel has none for BPF (CONFIG_BPF_LSM)".to_owned());
    (all, note)
}

/// What the kernel calls the function of an LSM hook.
const LSM: &str = "bpf_lsm_";

/// What the YAML calls a binary that a command line names: a file by its absolute path; a bare name of no file here as it is,
/// to be searched for.
pub fn binary_in_yaml(path: &Path) -> String {
    let is_bare = path.file_name().is_some_and(|name| name == path.as_os_str());
    let file = if is_bare && !path.exists() { None } else { std::path::absolute(path).ok() };
    file.as_deref().unwrap_or(path).to_string_lossy().into_owned()
}

/// Looks for functions of a binary. Only those that are shown are kept: it may have millions.
fn search_binary(query: &Query<'_>, host: &Host, search: &mut Search) {
    let Some(name) = &query.binary else { return };
    let found = host.binaries.open(name).and_then(|file| {
        let exact = query.pattern.word();
        let written = of_a_source(query.pattern.text);
        let of_source = |written: &Written<'_>, name: &str| {
            if query.pattern.is_glob { written.matches(name) } else { written.is_part_of(name) }
        };
        let fits = |name: &str| {
            query.pattern.matches(name) || written.as_ref().is_some_and(|written| of_source(written, name))
        };
        let first = first(&file.binary, query.most, &exact, fits);
        let all = written.as_ref().map_or(Ok(()), Written::compared_all);
        let (names, count) = all.and(first).map_err(|error| unusable(&file.path, &error))?;
        Ok((file, names, count))
    });
    let (file, names, count) = match found {
        Ok(found) => found,
        Err(error) if error.help.is_empty() => return search.notes.push(error.message),
        Err(error) => return search.notes.push(format!("{}: {}", error.message, error.help)),
    };
    let binary = &file.binary;
    if binary.is_stripped() {
        search.notes.push(format!("`{}` has no symbols of functions: it is stripped", file.path.display()));
    }
    if count > names.len() {
        search.more.push((Listed::Uprobe, count - names.len()));
    }
    let remark = |name: &str| match binary.find(name) {
        Ok(Lookup::One(function)) if function.chooses => {
            "chooses another function when a program starts: not probed".to_owned()
        }
        Ok(Lookup::Several(all)) => format!("{} functions have this name: choose one by `offset`", all.len()),
        Ok(Lookup::One(_) | Lookup::Missing) | Err(_) => String::new(),
    };
    search.found.extend(names.into_iter().map(|target| {
        let parts = [demangle(&target).unwrap_or_default(), remark(&target)];
        let remark = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
        let kind = Listed::Uprobe;
        Found { kind, target, params: None, returns: None, remark }
    }));
    if search.found.is_empty() {
        let nearest = |names: Vec<String>| query.pattern.nearest(names.iter().map(String::as_str));
        let close = near(binary, query.pattern.text).map(nearest);
        search.nearest.extend(close.ok().flatten().or_else(|| some(binary).ok().and_then(nearest)));
    }
}

/// Adds arguments, fields and types.
fn describe(found: &mut [Found], host: &Host) {
    let functions: HashMap<&str, TypeId> =
        host.btf().iter().flat_map(|btf| btf.all(Named::Func).map(|id| (btf.name(id), id))).collect();
    let prototype = |name: &str| Prototype::of_type(host.btf()?, *functions.get(name)?);
    for one in found {
        match one.kind {
            Listed::Kprobe | Listed::Kretprobe => {
                if let Some(prototype) = prototype(&one.target) {
                    one.params = Some(prototype.declarations());
                    one.returns = Some(prototype.returned_type());
                }
            }
            Listed::RawTracepoint => {
                let quick = prototype(&format!("__traceiter_{}", one.target)).map(Prototype::without_first);
                let slow = || Prototype::of_raw_tracepoint(host.btf()?, &one.target);
                let prototype = quick.or_else(slow);
                one.params = prototype.map(|prototype| prototype.declarations());
            }
            Listed::Tracepoint => one.params = fields(&one.target, host),
            Listed::Lsm => {
                if let Some(prototype) = prototype(&format!("{LSM}{}", one.target)) {
                    one.params = Some(prototype.declarations());
                    one.returns = Some(prototype.returned_type());
                }
            }
            // A binary's symbols have no types.
            Listed::Uprobe => {}
        }
    }
}

fn fields(target: &str, host: &Host) -> Option<Vec<(String, String)>> {
    let (category, name) = target.split_once(':')?;
    let name = TracepointName { category: category.to_owned(), name: name.to_owned() };
    let fields = host.tracepoint(&name).ok()?;
    let declare = |field: crate::expr::TraceField| {
        let brackets = match field.shape {
            TraceShape::Scalar => String::new(),
            TraceShape::Array(count) => format!("[{count}]"),
            TraceShape::DataLoc | TraceShape::RelLoc => "[]".to_owned(),
        };
        (field.name, field.c_type + &brackets)
    };
    Some(fields.into_iter().map(declare).collect())
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
            assert!(fits(Pattern::new(pattern), Listed::Tracepoint, "sched:sched_switch"), "{pattern}");
        }
        assert!(!fits(Pattern::new("switch*"), Listed::Tracepoint, "sched:sched_switch"));
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

    /// What the compiler made of functions is left out.
    #[test]
    fn names() {
        assert!(can_be_named("tcp_v4_connect") && can_be_named("do_one.isra.0"));
        assert!(!can_be_named("__pfx_tcp_v4_connect") && !can_be_named("do_one.cold") && !can_be_named("a$b"));
    }
}

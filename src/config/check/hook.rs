// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a hook names must be something that can exist. Whether it does is for the kernel to say.

use super::user_function;
use crate::config::forms::{Names, NamesOr};
use crate::config::look_alike::without_curly;
use crate::config::source::Span;
use crate::config::yaml::Node;
use crate::config::{Cx, TARGET, codes, raw};
use crate::spec::{Hook, HookKind, Place, Site, Targets, TracepointName, XdpMode};

/// Longest name of an interface: ALTIFNAMSIZ (linux/if.h) without its NUL. What is longer than 15 bytes is a further name
/// (`altname` of ip-link(8)).
const MAX_INTERFACE_BYTES: usize = 127;
/// Longest kernel symbol: KSYM_NAME_LEN (512 since 6.1, 128 before) without its NUL.
const MAX_SYMBOL_BYTES: usize = 511;

impl raw::Hook {
    /// The key that is given; `None` cannot be after the first gate.
    pub(super) fn kind(&self) -> Option<&'static str> {
        let given = [
            (self.xdp.is_some(), "xdp"),
            (self.kprobe.is_some(), "kprobe"),
            (self.kretprobe.is_some(), "kretprobe"),
            (self.tracepoint.is_some(), "tracepoint"),
            (self.raw_tracepoint.is_some(), "raw_tracepoint"),
            (self.uprobe.is_some(), "uprobe"),
            (self.uretprobe.is_some(), "uretprobe"),
        ];
        given.into_iter().find(|(given, _)| *given).map(|(_, kind)| kind)
    }
}

/// The hook and what its target stands for, where that can exist.
pub(crate) fn check(cx: &mut Cx<'_>, raw: &raw::Hook) -> Option<(Hook, Targets)> {
    let kind = raw.kind()?;
    cx.note_place(Place::Hook, cx.key(&["hook", kind]));
    if let Some(xdp) = &raw.xdp {
        return check_xdp(cx, xdp);
    }
    if let Some(kprobe) = &raw.kprobe {
        return check_function(cx, kind, kprobe, HookKind::Kprobe);
    }
    if let Some(kretprobe) = &raw.kretprobe {
        return check_function(cx, kind, kretprobe, HookKind::Kretprobe);
    }
    if let Some(function) = raw.uprobe.as_ref().or(raw.uretprobe.as_ref()) {
        return user_function::check(cx, kind, function);
    }
    let hook = match &raw.tracepoint {
        Some(name) => check_tracepoint(cx, name),
        None => check_raw_tracepoint(cx, raw.raw_tracepoint.as_deref()?),
    };
    Some((hook?, Targets::One))
}

/// The names that a target is given as, each with its place. Notes these, and the place of all of
/// them as that of the target.
pub(super) fn names(cx: &mut Cx<'_>, keys: &[&str], names: &Names) -> Vec<(String, Span)> {
    let whole = target(cx, keys);
    // The short form has the list one key further up.
    let short = keys.split_last().map_or(keys, |(_, above)| above);
    let items = cx.node.at(keys).or_else(|| cx.node.at(short)).map(Node::items).unwrap_or_default();
    let place = |(index, name): (usize, &String)| (name.clone(), items.get(index).map_or(whole, |item| item.span));
    let given: Vec<(String, Span)> = match names {
        Names::One(name) => return vec![(name.clone(), whole)],
        Names::Several(names) => names.iter().enumerate().map(place).collect(),
    };
    let mut names: Vec<(String, Span)> = Vec::new();
    for (name, span) in given {
        if let Some((_, first)) = names.iter().find(|(known, _)| *known == name) {
            let problem = cx.error(codes::REPEATED_TARGET, span, format!("`{name}` is named twice"));
            cx.report(problem.related(cx.at(*first), "first here").help("remove one of them"));
            continue;
        }
        cx.note_place(Place::Entry(name.clone()), span);
        names.push((name, span));
    }
    names
}

/// One name for the hook, and what there is of them.
pub(super) fn targets(names: Vec<(String, Span)>) -> Option<(String, Targets)> {
    let names: Vec<String> = names.into_iter().map(|(name, _)| name).collect();
    match names.as_slice() {
        [name] if !Targets::is_pattern(name) => Some((name.clone(), Targets::One)),
        [first, ..] => Some((first.clone(), Targets::Each(names))),
        [] => None,
    }
}

fn check_function(
    cx: &mut Cx<'_>,
    kind: &str,
    raw: &NamesOr<impl LongFunction>,
    hook: HookKind,
) -> Option<(Hook, Targets)> {
    let (given, first_of, offset) = match raw {
        NamesOr::Names(given) => (Some(given), None, 0),
        NamesOr::Long(long) => long.parts(),
    };
    let one_of = |cx: &mut Cx<'_>, found: &str| {
        let problem = cx.error(codes::KEY_COUNT, cx.value(&["hook", kind]), format!("`{kind}` {found}"));
        cx.report(problem.label("needs exactly one of `symbol` and `first_of`"));
        None
    };
    let names = match (given, first_of) {
        (Some(given), None) => names(cx, &["hook", kind, "symbol"], given),
        (None, Some(first_of)) => names(cx, &["hook", kind, "first_of"], &Names::Several(first_of.to_vec())),
        (Some(_), Some(_)) => return one_of(cx, "has both `symbol` and `first_of`"),
        (None, None) => return one_of(cx, "names no function"),
    };
    let patterns = first_of.is_none();
    let mut good = true;
    for (name, span) in &names {
        good &= check_symbol(cx, kind, name, *span, patterns);
    }
    let (symbol, targets) = match first_of {
        Some(names) => (names.first()?.clone(), Targets::FirstOf(names.to_vec())),
        None => targets(names)?,
    };
    good &= offset_is_for_one(cx, kind, offset, &targets);
    good.then_some((Hook { kind: hook, site: Site::Function { symbol, offset } }, targets))
}

/// Complains about an offset into several functions.
pub(super) fn offset_is_for_one(cx: &mut Cx<'_>, kind: &str, offset: u64, targets: &Targets) -> bool {
    if offset == 0 || *targets == Targets::One {
        return true;
    }
    let problem = cx.error(TARGET, cx.value(&["hook", kind, "offset"]), "an offset is for one function");
    cx.report(problem.label("means another instruction in each function").help("name one function as `symbol`"));
    false
}

/// The long forms of `kprobe` and `kretprobe`.
trait LongFunction {
    /// `symbol`, `first_of`, `offset`.
    fn parts(&self) -> (Option<&Names>, Option<&[String]>, u64);
}

impl LongFunction for raw::Kprobe {
    fn parts(&self) -> (Option<&Names>, Option<&[String]>, u64) {
        (self.symbol.as_ref(), self.first_of.as_deref(), self.offset.unwrap_or(0))
    }
}

impl LongFunction for raw::Kretprobe {
    fn parts(&self) -> (Option<&Names>, Option<&[String]>, u64) {
        (self.symbol.as_ref(), self.first_of.as_deref(), 0)
    }
}

fn check_xdp(cx: &mut Cx<'_>, raw: &raw::Xdp) -> Option<(Hook, Targets)> {
    let names = names(cx, &["hook", "xdp", "interface"], &raw.interface);
    if cx.node.at(&["hook", "xdp", "mode"]).is_some() {
        cx.note_place(Place::Mode, cx.value(&["hook", "xdp", "mode"]));
    }
    let mut good = true;
    for (name, span) in &names {
        good &= check_interface(cx, name, *span);
    }
    let mode = match raw.mode {
        None | Some(raw::XdpMode::Auto) => XdpMode::Auto,
        Some(raw::XdpMode::Native) => XdpMode::Native,
        Some(raw::XdpMode::Generic) => XdpMode::Generic,
        Some(raw::XdpMode::Offload) => XdpMode::Offload,
    };
    let (interface, targets) = targets(names)?;
    let site = Site::Interface { name: interface, mode };
    good.then_some((Hook { kind: HookKind::Xdp, site }, targets))
}

fn check_interface(cx: &mut Cx<'_>, interface: &str, span: Span) -> bool {
    let complaint = if interface == Targets::DEFAULT_ROUTE {
        return true;
    } else if interface.is_empty() {
        "it is empty".to_owned()
    } else if interface.starts_with('@') {
        format!("the only word with `@` is `{}`", Targets::DEFAULT_ROUTE)
    } else if interface.len() > MAX_INTERFACE_BYTES {
        format!("it has {} bytes, an interface's name has {MAX_INTERFACE_BYTES} at most", interface.len())
    } else if interface.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control()) {
        "an interface's name has no space and no `/`".to_owned()
    } else if interface == "." || interface == ".." {
        "not a valid interface name".to_owned()
    } else {
        return true;
    };
    let help = match as_list(interface) {
        Some(list) => format!("write a list: `interface: {list}`"),
        None => "`ip link` lists the interfaces of this machine".to_owned(),
    };
    let problem = cx.error(TARGET, span, format!("`{interface}` cannot be the name of an interface"));
    cx.report(problem.label(complaint).help(help));
    false
}

/// Notes the place of the target: the value itself, or the member of its mapping.
pub(super) fn target(cx: &mut Cx<'_>, keys: &[&str]) -> Span {
    let span = cx.value(keys);
    cx.note_place(Place::Target, span);
    span
}

fn check_symbol(cx: &mut Cx<'_>, kind: &str, symbol: &str, span: Span, patterns: bool) -> bool {
    let star = |c: char| patterns && (c == '*' || c == '?');
    let is_good = is_symbol(&symbol.replace(star, "_"));
    if patterns && stands_for_all(symbol) {
        let message = format!("`{symbol}` stands for functions of any name: a kernel has more than 50000");
        let help = "write a part of the name, for example `tcp_*`; `ebpf-run hooks PATTERN` lists what matches";
        every_function(cx, span, message, help.to_owned());
        return false;
    }
    if is_good && symbol.len() <= MAX_SYMBOL_BYTES {
        return true;
    }
    let bare = without_curly(symbol).trim().trim_end_matches("()");
    // bpftrace writes kinds and modules in front: `kprobe:do_exit`, `vmlinux:do_exit`.
    let bare = bare.rsplit_once(':').map_or(bare, |(_, name)| name);
    let help = if let Some((name, offset)) = bare.split_once('+') {
        match kind {
            "kprobe" => format!("an offset is written `kprobe: {{ symbol: {name}, offset: {offset} }}`"),
            _return => format!("the return of a function has no offset: write `{name}`"),
        }
    } else if !patterns && symbol.contains('*') {
        "write whole names here; a glob goes into `symbol`".to_owned()
    } else if symbol.contains(['^', '|', '(', '[', '\\']) && bare == symbol {
        "regular expressions are not known: `*` is any text and `?` one character, or write a list of names".to_owned()
    } else if let Some(list) = as_list(bare).filter(|_| bare.contains(',')) {
        format!("write a list: `{kind}: {list}`")
    } else if bare != symbol && is_symbol(bare) {
        format!("write the name alone: `{bare}`")
    } else {
        "write the function's name as in /proc/kallsyms".to_owned()
    };
    let message = if symbol.is_empty() {
        "the name of the function is empty".to_owned()
    } else {
        format!("`{symbol}` cannot be the name of a kernel function")
    };
    let problem = cx.error(TARGET, span, message);
    cx.report(problem.label("letters, digits, `_` and `.` only").help(help));
    false
}

/// True for what a kernel function may be called.
fn is_symbol(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '.')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.$".contains(c))
}

/// `[eth0, eth1]` of `eth0, eth1`; `None` where there are not several names.
fn as_list(text: &str) -> Option<String> {
    let names: Vec<&str> = text.split([',', ' ']).filter(|name| !name.is_empty()).collect();
    let plain = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    (names.len() > 1 && names.iter().all(plain)).then(|| format!("[{}]", names.join(", ")))
}

/// True for a glob without a letter.
pub(super) fn stands_for_all(symbol: &str) -> bool {
    !symbol.is_empty() && symbol.chars().all(|c| c == '*' || c == '?')
}

/// Complains about a glob for functions of any name.
pub(super) fn every_function(cx: &mut Cx<'_>, span: Span, message: String, help: String) {
    let problem = cx.error(TARGET, span, message).label(format!("one probe may have {}", Targets::MAX));
    cx.report(problem.help(help));
}

fn check_tracepoint(cx: &mut Cx<'_>, text: &str) -> Option<Hook> {
    let span = target(cx, &["hook", "tracepoint"]);
    if let Some((category, name)) = text.split_once(':')
        && is_event_word(category)
        && is_event_word(name)
    {
        let name = TracepointName { category: category.to_owned(), name: name.to_owned() };
        return Some(Hook { kind: HookKind::Tracepoint, site: Site::Event(name) });
    }
    let parts: Vec<&str> = without_curly(text).split([':', '/', '.', ' ']).filter(|part| !part.is_empty()).collect();
    let help = match parts.as_slice() {
        _ if text.contains(['*', '?']) => {
            format!("a tracepoint is one name: `ebpf-run hooks '{text}'` lists those that match")
        }
        ["tracepoint" | "tp", category, name] | [category, name] if is_event_word(category) && is_event_word(name) => {
            format!("write `tracepoint: {category}:{name}`")
        }
        [name] if name.starts_with("sys_enter_") || name.starts_with("sys_exit_") => {
            format!("write `tracepoint: syscalls:{name}`")
        }
        _other => "for example `tracepoint: sched:sched_switch`; /sys/kernel/tracing/events has a directory for each \
                   category"
            .to_owned(),
    };
    let problem = cx.error(TARGET, span, format!("`{text}` is not `category:name`"));
    cx.report(problem.label("expected a tracepoint's category and name").help(help));
    None
}

fn check_raw_tracepoint(cx: &mut Cx<'_>, name: &str) -> Option<Hook> {
    let span = target(cx, &["hook", "raw_tracepoint"]);
    if is_event_word(name) {
        return Some(Hook { kind: HookKind::RawTracepoint, site: Site::RawEvent(name.to_owned()) });
    }
    let bare = name.rsplit([':', '/']).next().unwrap_or_default();
    let help = if is_event_word(bare) {
        format!("a raw tracepoint has no category: write `raw_tracepoint: {bare}`")
    } else {
        "for example `raw_tracepoint: sched_switch`".to_owned()
    };
    let problem = cx.error(TARGET, span, format!("`{name}` cannot be the name of a raw tracepoint"));
    cx.report(problem.help(help));
    None
}

/// One half of a tracepoint's name.
fn is_event_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

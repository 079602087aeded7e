// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a hook names must be something that can exist. Whether it does is for the kernel to say.

use super::probe::{Cx, TARGET};
use crate::config::forms::StringOr;
use crate::config::raw;
use crate::config::source::Span;
use crate::spec::{Hook, Place, TracepointName, XdpMode};

/// Longest interface name: IFNAMSIZ (linux/if.h) without its NUL.
const MAX_INTERFACE_BYTES: usize = 15;
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
        ];
        given.into_iter().find(|(given, _)| *given).map(|(_, kind)| kind)
    }
}

/// The hook, where its target can exist.
pub(super) fn check(cx: &mut Cx<'_>, raw: &raw::Hook) -> Option<Hook> {
    let kind = raw.kind()?;
    cx.note_place(Place::Hook, cx.key(&["hook", kind]));
    if let Some(xdp) = &raw.xdp {
        return check_xdp(cx, xdp);
    }
    if let Some(kprobe) = &raw.kprobe {
        let (symbol, offset) = match kprobe {
            StringOr::Short(symbol) => (symbol, 0),
            StringOr::Long(long) => (&long.symbol, long.offset.unwrap_or(0)),
        };
        return check_symbol(cx, kind, symbol).then(|| Hook::Kprobe { symbol: symbol.clone(), offset });
    }
    if let Some(kretprobe) = &raw.kretprobe {
        let symbol = match kretprobe {
            StringOr::Short(symbol) => symbol,
            StringOr::Long(long) => &long.symbol,
        };
        return check_symbol(cx, kind, symbol).then(|| Hook::Kretprobe { symbol: symbol.clone() });
    }
    if let Some(name) = &raw.tracepoint {
        return check_tracepoint(cx, name);
    }
    check_raw_tracepoint(cx, raw.raw_tracepoint.as_deref()?)
}

fn check_xdp(cx: &mut Cx<'_>, raw: &raw::Xdp) -> Option<Hook> {
    let span = target(cx, &["hook", "xdp", "interface"]);
    if cx.node.at(&["hook", "xdp", "mode"]).is_some() {
        cx.note_place(Place::Mode, cx.value(&["hook", "xdp", "mode"]));
    }
    let interface = raw.interface.clone();
    let complaint = if interface.len() > MAX_INTERFACE_BYTES {
        Some(format!("it has {} bytes, an interface's name has {MAX_INTERFACE_BYTES} at most", interface.len()))
    } else if interface.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control()) {
        Some("an interface's name has no space and no `/`".to_owned())
    } else if interface == "." || interface == ".." {
        Some("an interface cannot be called so".to_owned())
    } else {
        None
    };
    if let Some(label) = complaint {
        let problem = cx.error(TARGET, span, format!("`{interface}` cannot be the name of an interface"));
        cx.report(problem.label(label).help("`ip link` lists the interfaces of this machine"));
        return None;
    }
    let mode = match raw.mode {
        None | Some(raw::XdpMode::Auto) => XdpMode::Auto,
        Some(raw::XdpMode::Native) => XdpMode::Native,
        Some(raw::XdpMode::Generic) => XdpMode::Generic,
        Some(raw::XdpMode::Offload) => XdpMode::Offload,
    };
    Some(Hook::Xdp { interface, mode })
}

/// Notes the place of the target: the value itself, or the member of its mapping.
fn target(cx: &mut Cx<'_>, keys: &[&str]) -> Span {
    let span = cx.value(keys);
    cx.note_place(Place::Target, span);
    span
}

fn check_symbol(cx: &mut Cx<'_>, kind: &str, symbol: &str) -> bool {
    let span = target(cx, &["hook", kind, "symbol"]);
    let starts = symbol.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '.');
    let rest = symbol.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.$".contains(&byte));
    if starts && rest && symbol.len() <= MAX_SYMBOL_BYTES {
        return true;
    }
    let bare = symbol.trim().trim_end_matches("()");
    let help = if let Some((name, offset)) = bare.split_once('+') {
        match kind {
            "kprobe" => format!("an offset is written `kprobe: {{ symbol: {name}, offset: {offset} }}`"),
            _return => format!("the return of a function has no offset: write `{name}`"),
        }
    } else if symbol.contains('*') {
        "one probe takes one function: write its whole name".to_owned()
    } else if bare != symbol {
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

fn check_tracepoint(cx: &mut Cx<'_>, text: &str) -> Option<Hook> {
    let span = target(cx, &["hook", "tracepoint"]);
    if let Some((category, name)) = text.split_once(':')
        && is_event_word(category)
        && is_event_word(name)
    {
        return Some(Hook::Tracepoint(TracepointName { category: category.to_owned(), name: name.to_owned() }));
    }
    let parts: Vec<&str> = text.split([':', '/', '.', ' ']).filter(|part| !part.is_empty()).collect();
    let help = match parts.as_slice() {
        ["tracepoint" | "tp", category, name] | [category, name] => format!("write `tracepoint: {category}:{name}`"),
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
        return Some(Hook::RawTracepoint { name: name.to_owned() });
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

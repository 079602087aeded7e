// SPDX-License-Identifier: MIT OR Apache-2.0
//! `uprobe` and `uretprobe`: a binary, and a function or a place in it.

use super::hook::{every_function, names, offset_is_for_one, stands_for_all, target, targets};
use crate::config::forms::{Names, StringOr};
use crate::config::source::Span;
use crate::config::{Cx, TARGET, codes, raw};
use crate::spec::{Hook, HookKind, Place, Site, Targets, UserPlace, UserPoint};

/// What a function's name or a path may have; the longest path is PATH_MAX (linux/limits.h) without its NUL.
const MAX_BYTES: usize = 4095;

/// The hook and what its function's name stands for, where that can exist.
pub(super) fn check(cx: &mut Cx<'_>, kind: &str, raw: &StringOr<raw::UserFunction>) -> Option<(Hook, Targets)> {
    let (point, targets) = match raw {
        StringOr::Short(text) => short(cx, kind, text)?,
        StringOr::Long(long) => {
            let binary = cx.value(&["hook", kind, "binary"]);
            cx.note_place(Place::Binary, binary);
            cx.note_place(Place::Process, cx.value(&["hook", kind, "pid"]));
            cx.note_place(Place::BuildId, cx.value(&["hook", kind, "build_id"]));
            let good = check_binary(cx, kind, &long.binary, binary);
            let (place, targets) = place(cx, kind, long)?;
            let (binary, build_id) = (long.binary.clone(), long.build_id.as_ref().map(|id| id.to_ascii_lowercase()));
            let allow_untrusted = long.allow_untrusted.unwrap_or(false);
            good.then_some((UserPoint { binary, place, pid: long.pid, build_id, allow_untrusted }, targets))?
        }
    };
    let hook = if kind == "uretprobe" { HookKind::Uretprobe } else { HookKind::Uprobe };
    Some((Hook { kind: hook, site: Site::Binary(point) }, targets))
}

/// `BINARY:FUNCTION`, split at the first colon: functions of C++ and Go have more of them than paths.
fn short(cx: &mut Cx<'_>, kind: &str, text: &str) -> Option<(UserPoint, Targets)> {
    let span = target(cx, &["hook", kind]);
    let Some((binary, symbol)) = text.split_once(':') else {
        let problem = cx.error(TARGET, span, format!("`{text}` is not `BINARY:FUNCTION`"));
        let help = match text.contains(['/', '.']) {
            true => format!("name a function of it, for example `{kind}: {text}:main`"),
            false => format!("name the binary, for example `{kind}: /usr/bin/bash:{text}`"),
        };
        cx.report(problem.label("expected a binary, a colon and a function in it").help(help));
        return None;
    };
    let good = check_binary(cx, kind, binary, span);
    let good = check_symbol(cx, kind, binary, symbol, span, true) && good;
    let (name, targets) = targets(vec![(symbol.to_owned(), span)])?;
    let (binary, place) = (binary.to_owned(), UserPlace::Symbol { name, offset: 0 });
    good.then_some((UserPoint { binary, place, pid: None, build_id: None, allow_untrusted: false }, targets))
}

/// The place in the binary that the long form names.
fn place(cx: &mut Cx<'_>, kind: &str, raw: &raw::UserFunction) -> Option<(UserPlace, Targets)> {
    let one_of = |cx: &mut Cx<'_>, found: &str, label: &str| {
        let problem = cx.error(codes::KEY_COUNT, cx.value(&["hook", kind]), format!("`{kind}` {found}"));
        cx.report(problem.label(label.to_owned()));
        None
    };
    let names = match (&raw.symbol, &raw.first_of, raw.offset) {
        (Some(given), None, _) => names(cx, &["hook", kind, "symbol"], given),
        (None, Some(first_of), _) => names(cx, &["hook", kind, "first_of"], &Names::Several(first_of.clone())),
        (None, None, Some(offset)) => {
            target(cx, &["hook", kind, "offset"]);
            return Some((UserPlace::Offset(offset), Targets::One));
        }
        (Some(_), Some(_), _) => {
            return one_of(cx, "has both `symbol` and `first_of`", "needs exactly one of `symbol` and `first_of`");
        }
        (None, None, None) => return one_of(cx, "names no function", "needs `symbol`, `first_of` or `offset`"),
    };
    let mut good = true;
    for (name, span) in &names {
        good &= check_symbol(cx, kind, &raw.binary, name, *span, raw.first_of.is_none());
    }
    let (name, targets) = match &raw.first_of {
        Some(names) => (names.first()?.clone(), Targets::FirstOf(names.clone())),
        None => targets(names)?,
    };
    let offset = raw.offset.unwrap_or(0);
    if kind == "uretprobe" && offset != 0 {
        let problem = cx.error(TARGET, cx.value(&["hook", kind, "offset"]), "the return of a function has no offset");
        cx.report(problem.help("remove `offset`, or `symbol`: alone, an offset is the function's place in the file"));
        return None;
    }
    good &= offset_is_for_one(cx, kind, offset, &targets);
    let place = UserPlace::Symbol { name, offset };
    if offset != 0 {
        // The function is there, and so short: that is said of the number.
        cx.note_place(Place::Entry(place.to_string()), cx.value(&["hook", kind, "offset"]));
    }
    good.then_some((place, targets))
}

fn check_binary(cx: &mut Cx<'_>, kind: &str, binary: &str, span: Span) -> bool {
    let message = if binary.is_empty() {
        format!("`{kind}` names no binary")
    } else if binary.contains(char::is_control) || binary.len() > MAX_BYTES {
        "this cannot be the path of a binary".to_owned()
    } else if binary.trim() != binary {
        let problem = cx.error(TARGET, span, format!("`{binary}` has a space too much"));
        cx.report(problem.help(format!("write `{}`", binary.trim())));
        return false;
    } else if binary.contains('/') && !binary.starts_with('/') {
        format!("`{binary}` is a relative path")
    } else {
        return true;
    };
    let problem = cx.error(TARGET, span, message);
    cx.report(problem.help("write an absolute path, or a bare name to be searched for: `/usr/bin/bash`, `libc.so.6`"));
    false
}

/// Names in binaries can hold nearly anything: C++, Rust and Go have signs in them.
fn check_symbol(cx: &mut Cx<'_>, kind: &str, binary: &str, symbol: &str, span: Span, patterns: bool) -> bool {
    if patterns && stands_for_all(symbol) {
        let message = format!("`{symbol}` stands for functions of any name: a binary has hundreds of them");
        let list = format!("`ebpf-run hooks '*' --binary {binary}` lists them");
        every_function(cx, span, message, format!("write a part of the name, for example `get*`; {list}"));
        return false;
    }
    // In a name of C++, empty brackets are parameters.
    let bare = if symbol.contains("::") { symbol.trim() } else { symbol.trim().trim_end_matches("()") };
    let number = symbol.starts_with(|c: char| c.is_ascii_digit());
    let (message, help) = if symbol.is_empty() {
        ("the name of the function is empty".to_owned(), format!("`ebpf-run hooks '*' --binary {binary}` lists them"))
    } else if number {
        let help = format!("an offset into the file is written `{kind}: {{ binary: {binary}, offset: {symbol} }}`");
        (format!("`{symbol}` is a number, not a function"), help)
    } else if symbol.contains(char::is_control) || symbol.len() > MAX_BYTES {
        ("this cannot be the name of a function".to_owned(), String::new())
    } else if let Some((name, offset)) = bare.split_once('+').filter(|(_, offset)| is_number(offset)) {
        let help = match kind {
            "uprobe" => format!("write `uprobe: {{ binary: {binary}, symbol: {name}, offset: {offset} }}`"),
            _return => format!("the return of a function has no offset: write `{name}`"),
        };
        (format!("`{symbol}` is a function and an offset"), help)
    } else if bare != symbol {
        (format!("`{symbol}` cannot be the name of a function"), format!("write the name alone: `{bare}`"))
    } else if !patterns && symbol.contains('*') && !symbol.contains('(') {
        let help = "write whole names here; a glob goes into `symbol`".to_owned();
        (format!("`{symbol}` cannot be the name of a function"), help)
    } else {
        return true;
    };
    let problem = cx.error(TARGET, span, message);
    cx.report(problem.maybe_help(Some(help).filter(|help| !help.is_empty())));
    false
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

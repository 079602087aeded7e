// SPDX-License-Identifier: MIT OR Apache-2.0
//! Points in programs and libraries, as hooks name them: the forms of `uprobe` and its relatives.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::names::{every_function, names, offset_is_for_one, stands_for_all, target, targets};
use crate::config::Span;
use crate::config::forms::{Names, StringOr};
use crate::config::{Cx, TARGET, codes, pattern};
use crate::spec::{Hook, HookKind, Place, Site, Targets, UserPlace, UserPoint};

/// What a function's name or a path may have; the longest path is PATH_MAX (linux/limits.h) without its NUL.
const MAX_BYTES: usize = 4095;

/// A function of a program or library.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserFunction {
    /// The program or library: an absolute path, or a bare name. A name with `.so` is searched for in LD_LIBRARY_PATH and the
    /// directories of the system's libraries, any other in PATH.
    #[schemars(length(min = 1, max = 4095), extend("examples" = ["/usr/bin/bash", "bash", "libc.so.6"]))]
    binary: String,
    /// The function's name in the binary, as `ebpf-run hooks NAME --binary FILE` lists it; a list of names, or a glob. With
    /// anything but one name, events carry a field `symbol`.
    #[serde(default)]
    #[schemars(extend("examples" = ["readline", ["malloc", "calloc"], "SSL_*"]))]
    symbol: Option<Names>,
    /// The first of these functions that exists in the binary, for names that differ between versions.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1000), extend("examples" = [["SSL_write_ex", "SSL_write"]]))]
    first_of: Option<Vec<String>>,
    /// With `symbol`, at `uprobe`: bytes after the function's start. Alone: bytes into the file, for a function of a
    /// binary without symbols. It must be the start of an instruction. That is checked if the file has symbols; if
    /// not, a wrong offset breaks the running program.
    #[serde(default)]
    #[schemars(range(min = 0), extend("examples" = [4096]))]
    offset: Option<u64>,
    /// Only this process, with all its threads. Before Linux 6.13, and in a container that numbers its processes itself, a
    /// `uretprobe` may also see other probed processes at the same function.
    #[serde(default)]
    #[schemars(range(min = 1, max = 4_194_304), extend("examples" = [1234]))]
    pid: Option<u32>,
    /// Only this build of the binary: its build id, which `readelf -n FILE` shows. Any other file
    /// is refused. A daemon requires it, or `allow_untrusted`, if users other than root could change or
    /// replace the file.
    #[serde(default)]
    #[schemars(extend("pattern" = pattern::BUILD_ID.regex, "examples" = ["4f1c89a0b2d3e4f5061728394a5b6c7d8e9fa0b1"]))]
    build_id: Option<String>,
    /// Allows a binary that users other than root could change, also in a daemon: a program in a home directory, or
    /// in a container (`/proc/PID/root/…`). Anyone who can change it controls what is probed. With `offset` alone,
    /// `build_id` is still required.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    allow_untrusted: Option<bool>,
}

impl UserFunction {
    /// A function by its name.
    pub(super) fn new(
        binary: String,
        symbol: Option<Names>,
        first_of: Option<Vec<String>>,
        pid: Option<u32>,
        build_id: Option<String>,
        allow_untrusted: Option<bool>,
    ) -> Self {
        Self { binary, symbol, first_of, offset: None, pid, build_id, allow_untrusted }
    }
}

/// The hook and what its function's name matches, where that can exist.
pub(super) fn check(cx: &mut Cx<'_>, kind: HookKind, raw: &StringOr<UserFunction>) -> Option<(Hook, Targets)> {
    check_as(cx, kind, kind, raw)
}

/// The same of a hook that the file calls `written`.
pub(super) fn check_as(
    cx: &mut Cx<'_>,
    written: HookKind,
    kind: HookKind,
    raw: &StringOr<UserFunction>,
) -> Option<(Hook, Targets)> {
    let word = written.word();
    let (point, targets) = match raw {
        StringOr::Short(text) => short(cx, written, text)?,
        StringOr::Long(long) => {
            let binary = cx.value(&["hook", word, "binary"]);
            cx.note_place(Place::Binary, binary);
            cx.note_place(Place::Process, cx.value(&["hook", word, "pid"]));
            cx.note_place(Place::BuildId, cx.value(&["hook", word, "build_id"]));
            let good = check_binary(cx, word, &long.binary, binary);
            let (place, targets) = place(cx, written, kind, long)?;
            let (binary, build_id) = (long.binary.clone(), long.build_id.as_ref().map(|id| id.to_ascii_lowercase()));
            let allow_untrusted = long.allow_untrusted.unwrap_or(false);
            good.then_some((UserPoint { binary, place, pid: long.pid, build_id, allow_untrusted }, targets))?
        }
    };
    Some((Hook { kind, site: Site::Binary(point) }, targets))
}

/// `BINARY:FUNCTION`, split at the first colon: functions of C++ and Go have more of them than paths.
fn short(cx: &mut Cx<'_>, kind: HookKind, text: &str) -> Option<(UserPoint, Targets)> {
    let word = kind.word();
    let span = target(cx, &["hook", word]);
    let Some((binary, symbol)) = text.split_once(':') else {
        let problem = cx.error(TARGET, span, format!("`{text}` is not `BINARY:FUNCTION`"));
        let help = match text.contains(['/', '.']) {
            true => format!("name a function of it, for example `{kind}: {text}:main`"),
            false => format!("name the binary, for example `{kind}: /usr/bin/bash:{text}`"),
        };
        cx.report(problem.label("expected a binary, a colon and a function in it").help(help));
        return None;
    };
    let good = check_binary(cx, word, binary, span);
    let good = check_symbol(cx, kind, binary, symbol, span, true) && good;
    let (name, targets) = targets(vec![(symbol.to_owned(), span)])?;
    let (binary, place) = (binary.to_owned(), UserPlace::Symbol { name, offset: 0, more: Vec::new() });
    good.then_some((UserPoint { binary, place, pid: None, build_id: None, allow_untrusted: false }, targets))
}

/// The place in the binary that the long form names.
fn place(cx: &mut Cx<'_>, written: HookKind, kind: HookKind, raw: &UserFunction) -> Option<(UserPlace, Targets)> {
    let word = written.word();
    let one_of = |cx: &mut Cx<'_>, found: &str, label: &str| {
        let problem = cx.error(codes::KEY_COUNT, cx.value(&["hook", word]), format!("`{written}` {found}"));
        cx.report(problem.label(label.to_owned()));
        None
    };
    let names = match (&raw.symbol, &raw.first_of, raw.offset) {
        (Some(given), None, _) => names(cx, &["hook", word, "symbol"], given),
        (None, Some(first_of), _) => names(cx, &["hook", word, "first_of"], &Names::Several(first_of.clone())),
        (None, None, Some(offset)) => {
            target(cx, &["hook", word, "offset"]);
            return Some((UserPlace::Offset(offset), Targets::One));
        }
        (Some(_), Some(_), _) => {
            return one_of(cx, "has both `symbol` and `first_of`", "needs exactly one of `symbol` and `first_of`");
        }
        (None, None, None) => return one_of(cx, "has no function", "needs `symbol`, `first_of` or `offset`"),
    };
    let mut good = true;
    for (name, span) in &names {
        good &= check_symbol(cx, written, &raw.binary, name, *span, raw.first_of.is_none());
    }
    let (name, targets) = match &raw.first_of {
        Some(names) => (names.first()?.clone(), Targets::FirstOf(names.clone())),
        None => targets(names)?,
    };
    let offset = raw.offset.unwrap_or(0);
    if kind == HookKind::Uretprobe && offset != 0 {
        let problem = cx.error(TARGET, cx.value(&["hook", word, "offset"]), "the return of a function has no offset");
        cx.report(problem.help("remove `offset`, or `symbol`: alone, an offset is the function's place in the file"));
        return None;
    }
    good &= offset_is_for_one(cx, word, offset, &targets);
    let place = UserPlace::Symbol { name, offset, more: Vec::new() };
    if offset != 0 {
        // The function is there, and so short: that is said of the number.
        cx.note_place(Place::Entry(place.to_string()), cx.value(&["hook", word, "offset"]));
    }
    good.then_some((place, targets))
}

pub(super) fn check_binary(cx: &mut Cx<'_>, kind: &str, binary: &str, span: Span) -> bool {
    let message = if binary.is_empty() {
        format!("`{kind}` has no binary")
    } else if binary.contains(char::is_control) || binary.len() > MAX_BYTES {
        "not a valid path of a binary".to_owned()
    } else if binary.trim() != binary {
        let problem = cx.error(TARGET, span, format!("`{binary}` has leading or trailing whitespace"));
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
fn check_symbol(cx: &mut Cx<'_>, kind: HookKind, binary: &str, symbol: &str, span: Span, patterns: bool) -> bool {
    if patterns && stands_for_all(symbol) {
        let message = format!("`{symbol}` matches every function: a binary has hundreds of them");
        let list = format!("`ebpf-run hooks '*' --binary {binary}` lists them");
        every_function(cx, span, message, format!("write part of the name, for example `get*`; {list}"));
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
        ("not a valid function name".to_owned(), String::new())
    } else if let Some((name, offset)) = bare.split_once('+').filter(|(_, offset)| is_number(offset)) {
        let help = if kind == HookKind::Uretprobe {
            format!("the return of a function has no offset: write `{name}`")
        } else {
            format!("write `{kind}: {{ binary: {binary}, symbol: {name}, offset: {offset} }}`")
        };
        (format!("`{symbol}` is a function and an offset"), help)
    } else if bare != symbol {
        (format!("`{symbol}` is not a valid function name"), format!("write the name alone: `{bare}`"))
    } else if !patterns && symbol.contains('*') && !symbol.contains('(') {
        let help = "write full names here; globs go into `symbol`".to_owned();
        (format!("`{symbol}` is not a valid function name"), help)
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

/// `{ binary: FILE, symbol: NAME }` for `FILE:NAME`.
pub(super) fn long(value: Value) -> Value {
    match value.as_str().and_then(|short| short.split_once(':')) {
        Some((binary, symbol)) => json!({ "binary": binary, "symbol": symbol }),
        None => value,
    }
}

/// A process runs its own functions.
pub(super) fn of_current_thread(_: &Site) -> bool {
    true
}

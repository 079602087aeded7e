// SPDX-License-Identifier: MIT OR Apache-2.0
//! Functions of the kernel, as hooks name them: the forms of `kprobe` and its relatives.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::names::{as_list, every_function, names, offset_is_for_one, stands_for_all, targets};
use crate::config::Span;
use crate::config::forms::{Names, NamesOr};
use crate::config::without_curly;
use crate::config::{Cx, TARGET, codes};
use crate::spec::{Hook, HookKind, Site, Targets};

/// Longest kernel symbol: KSYM_NAME_LEN (512 since 6.1, 128 before) without its NUL.
const MAX_SYMBOL_BYTES: usize = 511;

/// Beginnings of the functions that system calls are, or go through.
const OF_SYSTEM_CALLS: [&str; 9] =
    ["__x64_sys_", "__ia32_sys_", "__arm64_sys_", "__se_sys_", "__do_sys_", "do_sys_", "ksys_", "vfs_", "filp_"];

/// True at functions that the current thread calls: system calls, and what they go through.
pub(super) fn of_current_thread(site: &Site) -> bool {
    match site {
        Site::Function { symbol, .. } | Site::Call { symbol, .. } => {
            OF_SYSTEM_CALLS.iter().any(|begin| symbol.starts_with(begin))
        }
        Site::Interface { .. }
        | Site::Traffic { .. }
        | Site::Cgroup { .. }
        | Site::Event(_)
        | Site::RawEvent(_)
        | Site::SecurityHook(_)
        | Site::Binary(_)
        | Site::Syscall(_)
        | Site::Timer(_)
        | Site::Profile(_)
        | Site::Perf { .. }
        | Site::Items(_) => false,
    }
}

/// `kprobe: do_exit` for `do_exit` and for `vmlinux:do_exit`: bpftrace writes the module in front.
pub(super) fn at(word: &str, target: &str) -> String {
    let name = target.rsplit_once(':').map_or(target, |(_, name)| name);
    if name.contains(['*', '?']) { format!("{word}: \"{name}\"") } else { format!("{word}: {name}") }
}

/// `{ symbol: NAME }` for a name or a list of them.
pub(super) fn long(value: Value) -> Value {
    match value {
        Value::String(_) | Value::Array(_) => json!({ "symbol": value }),
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

/// The long form of a kind at kernel functions.
pub(super) trait LongFunction {
    /// Whether it may name an instruction inside the function.
    const HAS_OFFSET: bool;

    /// `symbol`, `first_of`, `offset`.
    fn parts(&self) -> (Option<&Names>, Option<&[String]>, u64);
}

/// The long form of kinds at whole functions, without an offset.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = ["do_sys_openat2"]))]
pub(super) struct WholeFunction {
    /// The function's name, a list of names, or a glob. With anything but one name, events carry a field `symbol`.
    #[serde(default)]
    #[schemars(extend("examples" = ["do_sys_openat2", ["tcp_v4_connect", "tcp_v6_connect"], "vfs_*"]))]
    symbol: Option<Names>,
    /// The first of these functions that exists in the kernel, for names that differ between versions.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1000), extend("examples" = [["do_sys_openat2", "do_sys_open"]]))]
    first_of: Option<Vec<String>>,
}

impl LongFunction for WholeFunction {
    const HAS_OFFSET: bool = false;

    fn parts(&self) -> (Option<&Names>, Option<&[String]>, u64) {
        (self.symbol.as_ref(), self.first_of.as_deref(), 0)
    }
}

/// The checked hook of a kind at whole functions.
pub(super) fn check_whole(cx: &mut Cx<'_>, kind: HookKind) -> Option<(Hook, Targets)> {
    let raw = cx.decode::<NamesOr<WholeFunction>>(&["hook", kind.word()])?;
    check_function(cx, kind, &raw)
}

/// The checked hook at the functions that a form names.
pub(super) fn check_function<F: LongFunction>(
    cx: &mut Cx<'_>,
    kind: HookKind,
    raw: &NamesOr<F>,
) -> Option<(Hook, Targets)> {
    let word = kind.word();
    let (given, first_of, offset) = match raw {
        NamesOr::Names(given) => (Some(given), None, 0),
        NamesOr::Long(long) => long.parts(),
    };
    let one_of = |cx: &mut Cx<'_>, found: &str| {
        let problem = cx.error(codes::KEY_COUNT, cx.value(&["hook", word]), format!("`{kind}` {found}"));
        cx.report(problem.label("needs exactly one of `symbol` and `first_of`"));
        None
    };
    let names = match (given, first_of) {
        (Some(given), None) => names(cx, &["hook", word, "symbol"], given),
        (None, Some(first_of)) => names(cx, &["hook", word, "first_of"], &Names::Several(first_of.to_vec())),
        (Some(_), Some(_)) => return one_of(cx, "has both `symbol` and `first_of`"),
        (None, None) => return one_of(cx, "has no function"),
    };
    let patterns = first_of.is_none();
    let mut good = true;
    for (name, span) in &names {
        good &= check_symbol(cx, (kind, F::HAS_OFFSET), name, *span, patterns);
    }
    let (symbol, targets) = match first_of {
        Some(names) => (names.first()?.clone(), Targets::FirstOf(names.to_vec())),
        None => targets(names)?,
    };
    good &= offset_is_for_one(cx, word, offset, &targets);
    good.then_some((Hook { kind, site: Site::Function { symbol, offset, more: Vec::new() } }, targets))
}

fn check_symbol(
    cx: &mut Cx<'_>,
    (kind, has_offset): (HookKind, bool),
    symbol: &str,
    span: Span,
    patterns: bool,
) -> bool {
    let star = |c: char| patterns && (c == '*' || c == '?');
    let is_good = is_symbol(&symbol.replace(star, "_"));
    if patterns && stands_for_all(symbol) {
        let message = format!("`{symbol}` matches every function: a kernel has more than 50000");
        let help = "write part of the name, for example `tcp_*`; `ebpf-run hooks PATTERN` lists the matches";
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
        if has_offset {
            format!("an offset is written `{kind}: {{ symbol: {name}, offset: {offset} }}`")
        } else {
            format!("a `{kind}` has no offset: write `{name}`")
        }
    } else if !patterns && symbol.contains('*') {
        "write full names here; globs go into `symbol`".to_owned()
    } else if symbol.contains(['^', '|', '(', '[', '\\']) && bare == symbol {
        "regular expressions are not supported: `*` matches any text and `?` one character; or write a list of names"
            .to_owned()
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
        format!("`{symbol}` is not a valid kernel function name")
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

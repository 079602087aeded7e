// SPDX-License-Identifier: MIT OR Apache-2.0
//! `function`: a function of the kernel, or of a program or library, whose mechanism is chosen on the machine.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Value, json};

use super::at::{RawEnd, end};
use super::binary::{self, UserFunction};
use super::kernel_function::{LongFunction, check_function, of_current_thread};
use super::kind::{Kind, no_claim};
use super::offers;
use crate::config::forms::{Names, NamesOr, StringOr, form_with};
use crate::config::{Cx, TARGET, pattern};
use crate::spec::{CallEnd, Hook, HookKind, Site, Targets};
use crate::words::Refusal;

/// The kind.
pub(super) static KIND: Kind = Kind {
    kind: HookKind::Function,
    doc: "A function of the kernel (`vfs_read`), or of a program or library (`libc.so.6:malloc`): a name, a list of names, a glob, \
          or a mapping with `symbol` or `first_of`. At the entry (unless `at` says otherwise) there are its arguments, at the \
          return `retval`. The mechanism is chosen: `fentry` or `kprobe`, `fexit` or `kretprobe`, `uprobe` or `uretprobe`; `plan` \
          tells which and why.",
    program: "trace",
    example: "function: vfs_read",
    capture: ("cpu", "cpu"),
    how: &["at", "pid", "build_id", "allow_untrusted"],
    elsewhere: &["func"],
    at: |target| format!("function: \"{target}\""),
    form,
    long,
    check,
    lacks,
    of_current_thread,
    claim: no_claim,
};

/// A function.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Function {
    /// The program or library that has it: an absolute path, or a bare name to be searched for. Without it, a function of the
    /// kernel.
    #[serde(default)]
    #[schemars(length(min = 1, max = 4095), extend("examples" = ["/usr/bin/bash", "libc.so.6"]))]
    binary: Option<String>,
    /// The function's name, a list of names, or a glob. With anything but one name, events carry a field `symbol`.
    #[serde(default)]
    #[schemars(extend("examples" = ["vfs_read", ["tcp_v4_connect", "tcp_v6_connect"], "vfs_*"]))]
    symbol: Option<Names>,
    /// The first of these functions that there is, for names that differ between versions.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1000), extend("examples" = [["do_sys_openat2", "do_sys_open"]]))]
    first_of: Option<Vec<String>>,
    /// `entry`: before the function does anything, with its arguments. `return`: when it is done, with `retval`. `span`: when it is
    /// done, with the arguments of the entry, `retval` and `duration`.
    #[serde(default)]
    #[schemars(extend("default" = "entry"))]
    at: Option<RawEnd>,
    /// With `binary`: only this process, with all its threads.
    #[serde(default)]
    #[schemars(range(min = 1, max = 4_194_304), extend("examples" = [1234]))]
    pid: Option<u32>,
    /// With `binary`: only this build of it, as for `uprobe`.
    #[serde(default)]
    #[schemars(extend("pattern" = pattern::BUILD_ID.regex, "examples" = ["4f1c89a0b2d3e4f5061728394a5b6c7d8e9fa0b1"]))]
    build_id: Option<String>,
    /// With `binary`: also one that users other than root could change, as for `uprobe`.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    allow_untrusted: Option<bool>,
}

impl LongFunction for Function {
    const HAS_OFFSET: bool = false;

    fn parts(&self) -> (Option<&Names>, Option<&[String]>, u64) {
        (self.symbol.as_ref(), self.first_of.as_deref(), 0)
    }
}

fn form(generator: &mut SchemaGenerator) -> Schema {
    form_with::<NamesOr<Function>>(
        generator,
        json!(["vfs_read", "libc.so.6:malloc", { "binary": "bash", "symbol": "readline", "at": "return" }]),
    )
}

/// The binary and the function of `libc.so.6:malloc`; functions of the kernel have no colon.
fn in_binary(text: &str) -> Option<(&str, &str)> {
    text.split_once(':').filter(|(binary, _)| *binary != "vmlinux")
}

/// `{ symbol: NAME, at: entry }` for a name or a list of them.
fn long(value: Value) -> Value {
    match value {
        Value::String(text) => match in_binary(&text) {
            Some((binary, symbol)) => json!({ "binary": binary, "symbol": symbol, "at": "entry" }),
            None => json!({ "symbol": text, "at": "entry" }),
        },
        Value::Array(_) => json!({ "symbol": value, "at": "entry" }),
        Value::Object(mut long) => {
            long.entry("at").or_insert_with(|| "entry".into());
            long.into()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

fn check(cx: &mut Cx<'_>) -> Option<(Hook, Targets)> {
    let raw = cx.decode::<NamesOr<Function>>(&["hook", "function"])?;
    let end = match &raw {
        NamesOr::Names(_) => CallEnd::Entry,
        NamesOr::Long(long) => end(long.at, CallEnd::Entry),
    };
    let user = match &raw {
        NamesOr::Names(Names::One(text)) if in_binary(text).is_some() => StringOr::Short(text.clone()),
        NamesOr::Names(Names::Several(names)) if names.iter().any(|name| in_binary(name).is_some()) => {
            return of_several(cx, names);
        }
        NamesOr::Long(Function { binary: Some(binary), symbol, first_of, pid, build_id, allow_untrusted, .. }) => {
            let (symbol, first_of) = (symbol.clone(), first_of.clone());
            let (binary, build_id) = (binary.clone(), build_id.clone());
            StringOr::Long(UserFunction::new(binary, symbol, first_of, *pid, build_id, *allow_untrusted))
        }
        NamesOr::Long(long) => {
            only_with_binary(cx, long)?;
            return kernel_function(cx, &raw, end);
        }
        NamesOr::Names(_) => return kernel_function(cx, &raw, end),
    };
    let kind = match end {
        CallEnd::Entry => HookKind::Uprobe,
        CallEnd::Return => HookKind::Uretprobe,
    };
    binary::check_as(cx, HookKind::Function, kind, &user)
}

fn kernel_function(cx: &mut Cx<'_>, raw: &NamesOr<Function>, end: CallEnd) -> Option<(Hook, Targets)> {
    let (hook, targets) = check_function(cx, HookKind::Function, raw)?;
    let (symbol, _) = hook.symbol()?;
    Some((Hook { kind: HookKind::Function, site: Site::Call { symbol: symbol.to_owned(), end } }, targets))
}

/// A list of functions with their binaries is one of a single binary, which the mapping says once.
fn of_several(cx: &mut Cx<'_>, names: &[String]) -> Option<(Hook, Targets)> {
    let parts: Vec<(&str, &str)> = names.iter().filter_map(|name| in_binary(name)).collect();
    let help = match parts.first() {
        Some((binary, _)) if parts.len() == names.len() && parts.iter().all(|(other, _)| other == binary) => {
            let symbols: Vec<&str> = parts.iter().map(|(_, symbol)| *symbol).collect();
            format!("write `function: {{ binary: {binary}, symbol: [{}] }}`", symbols.join(", "))
        }
        Some(_) | None => "write a probe for each binary, and one for the kernel".to_owned(),
    };
    let problem =
        cx.error(TARGET, cx.value(&["hook", "function"]), "a list names functions of one binary, or of the kernel");
    cx.report(problem.help(help));
    None
}

fn only_with_binary(cx: &mut Cx<'_>, long: &Function) -> Option<()> {
    let given = [
        ("pid", long.pid.is_some()),
        ("build_id", long.build_id.is_some()),
        ("allow_untrusted", long.allow_untrusted.is_some()),
    ];
    let Some((key, _)) = given.into_iter().find(|(_, is_there)| *is_there) else { return Some(()) };
    let problem = cx.error(TARGET, cx.key(&["hook", "function", key]), format!("`{key}` is for functions of a binary"));
    let help = match key {
        "pid" => "add `binary`; or, for a function of the kernel, `where: pid == …`",
        _other => "add `binary`, or remove it",
    };
    cx.report(problem.help(help));
    None
}

fn lacks(hook: &Hook, base: &str) -> Option<Refusal> {
    let Site::Call { end, .. } = &hook.site else { return None };
    match (end, base) {
        (CallEnd::Entry, "retval") => {
            let help = "add `at: return`: `function: { symbol: NAME, at: return }`";
            Some(Refusal::new("there is no `retval` at the entry of a function").help(help))
        }
        (CallEnd::Return, "ret") => {
            Some(Refusal::new("there is no `ret` at the return of a function").help("did you mean `retval`?"))
        }
        (CallEnd::Entry | CallEnd::Return, _) => offers::beyond_words(base, "kernel function"),
    }
}

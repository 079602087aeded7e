// SPDX-License-Identifier: MIT OR Apache-2.0
//! `usdt`: a probe that the source of a program or library names, at each place where it stands.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Value, json};

use super::binary::{check_binary, of_current_thread};
use super::kind::{Kind, no_claim};
use super::names::{names, target, targets};
use crate::config::forms::{Names, StringOr, form_with};
use crate::config::{Cx, Span, TARGET, codes, pattern};
use crate::spec::{Hook, HookKind, Place, Site, Targets, UserPlace, UserPoint};
use crate::words::Refusal;

/// The kind.
pub(super) static KIND: Kind = Kind {
    kind: HookKind::Usdt,
    doc: "A probe that the source of a program or library names (USDT, `<sys/sdt.h>`), at each place where it stands: \
          `BINARY:PROVIDER:NAME`, or a mapping with `binary`, `provider` and `name` or `first_of`. `arg0`… are its \
          arguments, and one that is a global variable also has its name, if the binary has its symbol; floating-point numbers \
          cannot be read. Strings and bytes they point to are read from the process. Programs that ask whether anybody looks \
          (semaphores) are told so.",
    program: "trace",
    example: "usdt: python3:python:import__find__load__start",
    capture: ("module", "arg0 as string"),
    how: &["pid", "build_id", "allow_untrusted"],
    elsewhere: &["u"],
    at: |target| format!("usdt: \"{target}\""),
    form,
    long,
    check,
    // Variables have names; which, the binary tells.
    lacks: |_, base| {
        (base == "retval").then(|| Refusal::new("there is no `retval` at a USDT probe").help("a `uretprobe` has it"))
    },
    of_current_thread,
    claim: no_claim,
};

/// A probe of a program or library.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Usdt {
    /// The program or library: an absolute path, or a bare name. A name with `.so` is searched for in LD_LIBRARY_PATH and the
    /// directories of the system's libraries, any other in PATH.
    #[schemars(length(min = 1, max = 4095), extend("examples" = ["/usr/sbin/mysqld", "python3", "libc.so.6"]))]
    binary: String,
    /// The provider of the probe, as `ebpf-run hooks NAME --kind usdt --binary FILE` lists it.
    #[schemars(length(min = 1, max = 255), extend("examples" = ["python", "libc"]))]
    provider: String,
    /// The probe's name, a list of names, or a glob. With anything but one name, events carry a field `event`.
    #[serde(default)]
    #[schemars(extend("examples" = ["setjmp", ["query__start", "query__done"], "gc__*"]))]
    name: Option<Names>,
    /// The first of these probes that the binary has, for names that differ between versions.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1000))]
    first_of: Option<Vec<String>>,
    /// Only this process, with all its threads.
    #[serde(default)]
    #[schemars(range(min = 1, max = 4_194_304), extend("examples" = [1234]))]
    pid: Option<u32>,
    /// Only this build of the binary: its build id, which `readelf -n FILE` shows. Any other file is refused. A daemon
    /// requires it, or `allow_untrusted`, if users other than root could change or replace the file.
    #[serde(default)]
    #[schemars(extend("pattern" = pattern::BUILD_ID.regex, "examples" = ["4f1c89a0b2d3e4f5061728394a5b6c7d8e9fa0b1"]))]
    build_id: Option<String>,
    /// Allows a binary that users other than root could change, also in a daemon. Anyone who can change it controls what is
    /// probed.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    allow_untrusted: Option<bool>,
}

fn form(generator: &mut SchemaGenerator) -> Schema {
    let long = json!({ "binary": "/usr/sbin/mysqld", "provider": "mysql", "name": "query__start" });
    form_with::<StringOr<Usdt>>(generator, json!(["python3:python:gc__start", long]))
}

/// Binary, provider and name of `FILE:PROVIDER:NAME`.
fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let (rest, name) = text.rsplit_once(':')?;
    let (binary, provider) = rest.rsplit_once(':')?;
    Some((binary, provider, name))
}

/// `{ binary: FILE, provider: PROVIDER, name: NAME }` for `FILE:PROVIDER:NAME`.
fn long(value: Value) -> Value {
    match value.as_str().and_then(parts) {
        Some((binary, provider, name)) => json!({ "binary": binary, "provider": provider, "name": name }),
        None => value,
    }
}

fn check(cx: &mut Cx<'_>) -> Option<(Hook, Targets)> {
    let (point, targets) = match cx.decode::<StringOr<Usdt>>(&["hook", "usdt"])? {
        StringOr::Short(text) => short(cx, &text)?,
        StringOr::Long(raw) => written_out(cx, &raw)?,
    };
    Some((Hook { kind: HookKind::Usdt, site: Site::Binary(point) }, targets))
}

fn short(cx: &mut Cx<'_>, text: &str) -> Option<(UserPoint, Targets)> {
    let span = target(cx, &["hook", "usdt"]);
    let Some((binary, provider, name)) = parts(text) else {
        let problem = cx.error(TARGET, span, format!("`{text}` is not `BINARY:PROVIDER:NAME`"));
        let help =
            "for example `usdt: python3:python:gc__start`; `ebpf-run hooks '*' --kind usdt --binary FILE` lists them";
        cx.report(problem.label("expected a binary, a provider and a probe, with colons").help(help));
        return None;
    };
    let mut good = check_binary(cx, "usdt", binary, span);
    good &= check_word(cx, "provider", provider, span, false) && check_word(cx, "probe", name, span, true);
    let (name, targets) = targets(vec![(format!("{provider}:{name}"), span)])?;
    let place = UserPlace::probe(&name)?;
    let binary = binary.to_owned();
    good.then_some((UserPoint { binary, place, pid: None, build_id: None, allow_untrusted: false }, targets))
}

fn written_out(cx: &mut Cx<'_>, raw: &Usdt) -> Option<(UserPoint, Targets)> {
    let binary = cx.value(&["hook", "usdt", "binary"]);
    cx.note_place(Place::Binary, binary);
    cx.note_place(Place::Process, cx.value(&["hook", "usdt", "pid"]));
    cx.note_place(Place::BuildId, cx.value(&["hook", "usdt", "build_id"]));
    let mut good = check_binary(cx, "usdt", &raw.binary, binary);
    let provider = cx.value(&["hook", "usdt", "provider"]);
    good &= check_word(cx, "provider", &raw.provider, provider, false);
    let one_of = |cx: &mut Cx<'_>, found: &str| {
        let problem = cx.error(codes::KEY_COUNT, cx.value(&["hook", "usdt"]), format!("`usdt` {found}"));
        cx.report(problem.label("needs exactly one of `name` and `first_of`"));
        None
    };
    let whole = |names: &Names| match names {
        Names::One(name) => Names::One(format!("{}:{name}", raw.provider)),
        Names::Several(names) => Names::Several(names.iter().map(|name| format!("{}:{name}", raw.provider)).collect()),
    };
    let names = match (&raw.name, &raw.first_of) {
        (Some(given), None) => names(cx, &["hook", "usdt", "name"], &whole(given)),
        (None, Some(first)) => names(cx, &["hook", "usdt", "first_of"], &whole(&Names::Several(first.clone()))),
        (Some(_), Some(_)) => return one_of(cx, "has both `name` and `first_of`"),
        (None, None) => return one_of(cx, "has no probe"),
    };
    for (name, span) in &names {
        let name = name.strip_prefix(&raw.provider).map_or(name.as_str(), |rest| rest.trim_start_matches(':'));
        good &= check_word(cx, "probe", name, *span, raw.first_of.is_none());
    }
    let (name, targets) = match &raw.first_of {
        Some(_) => (names.first()?.0.clone(), Targets::FirstOf(names.into_iter().map(|(name, _)| name).collect())),
        None => targets(names)?,
    };
    let point = UserPoint {
        binary: raw.binary.clone(),
        place: UserPlace::probe(&name)?,
        pid: raw.pid,
        build_id: raw.build_id.as_ref().map(|id| id.to_ascii_lowercase()),
        allow_untrusted: raw.allow_untrusted.unwrap_or(false),
    };
    good.then_some((point, targets))
}

/// A provider or a probe is called what an identifier of C can be, and a little more.
fn check_word(cx: &mut Cx<'_>, what: &str, word: &str, span: Span, may_be_glob: bool) -> bool {
    let is_good = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c) || may_be_glob && "*?".contains(c);
    if !word.is_empty() && word.len() <= 255 && word.chars().all(is_good) {
        return true;
    }
    let help = if word.is_empty() {
        "`ebpf-run hooks '*' --kind usdt --binary FILE` lists them"
    } else if word.contains(['*', '?']) && what == "provider" {
        "name one provider; globs go into `name`"
    } else if word.contains(['*', '?']) {
        "write full names here; globs go into `name`"
    } else {
        "letters, digits, `_`, `-` and `.` only"
    };
    let message = if word.is_empty() {
        format!("the name of the {what} is empty")
    } else {
        format!("`{word}` is not a valid name of a {what}")
    };
    let problem = cx.error(TARGET, span, message);
    cx.report(problem.help(help));
    false
}

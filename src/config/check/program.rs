// SPDX-License-Identifier: MIT OR Apache-2.0
//! The program that a probe runs, and what it is told.

use crate::catalog::{Catalog, HookDecl, Param, ParamType, Program};
use crate::config::forms::Scalar;
use crate::config::{Cx, codes, raw, unknown};
use crate::spec::{ParamValue, Place};
use crate::words;

/// The program, where there is one of that name that fits the hook; one that brings its own hooks stays also where the
/// file says another: it is the hook that must go.
pub(super) fn choose<'c>(cx: &mut Cx<'_>, raw: &raw::Probe, catalog: &'c Catalog) -> Option<&'c Program> {
    let hook = raw.hook.as_ref().and_then(raw::Hook::kind);
    let name = match (&raw.program, hook) {
        (Some(name), _) => {
            cx.note_place(Place::Program, cx.value(&["program"]));
            name.as_str()
        }
        (None, Some(kind)) => usual(kind),
        (None, None) => {
            let own = catalog.programs().iter().filter(|program| program.has_own_hooks());
            let own = words::list(own.map(|program| program.name.as_str()), 8);
            let message = format!("the probe `{}` says neither where it attaches nor what it runs", raw.name);
            let problem = cx.error(codes::MISSING_HOOK, cx.name(), message);
            let problem = problem.help("add a hook, for example `hook: { kprobe: do_sys_openat2 }`");
            cx.report(if own.is_empty() {
                problem
            } else {
                problem.note(format!("programs that need no hook: {own}"))
            });
            return None;
        }
    };
    let Some(program) = catalog.get(name) else {
        let known = catalog.programs().iter().map(|program| program.name.as_str());
        let problem =
            cx.error(codes::UNKNOWN_PROGRAM, cx.value(&["program"]), format!("no program is called `{name}`"));
        cx.report(unknown(problem, name, "programs", known));
        return None;
    };
    fits(cx, raw, program, catalog).then_some(program)
}

/// What runs at a kind of hook where nothing is said.
fn usual(kind: &str) -> &'static str {
    if kind == "xdp" { "packet_count" } else { "trace" }
}

/// What this machine is asked about where the program is not there or does not fit: what usually runs at the hook.
pub(super) fn stand_in<'c>(raw: &raw::Probe, catalog: &'c Catalog) -> Option<&'c Program> {
    let kind = raw.hook.as_ref().and_then(raw::Hook::kind)?;
    catalog.get(usual(kind))
}

/// Whether the program can run at the probe's hook, or at its own.
fn fits(cx: &mut Cx<'_>, raw: &raw::Probe, program: &Program, catalog: &Catalog) -> bool {
    let (name, hook) = (&program.name, raw.hook.as_ref().and_then(raw::Hook::kind));
    let mut kinds: Vec<&str> = Vec::new();
    for decl in program.hooks.iter().filter(|decl| decl.site.is_none()) {
        if !kinds.contains(&decl.kind.word()) {
            kinds.push(decl.kind.word());
        }
    }
    let Some(hook) = hook else {
        if program.has_own_hooks() {
            return true;
        }
        let example = kinds.first().map_or("…", |kind| example(kind));
        let problem = cx.error(codes::MISSING_HOOK, cx.value(&["program"]), format!("`{name}` needs a hook"));
        let problem = problem.help(format!("say where it attaches, for example `hook: {{ {example} }}`"));
        cx.report(problem.note(format!("`{name}` runs at: {}", words::list(kinds, 16))));
        return false;
    };
    if program.has_own_hooks() {
        let targets: Vec<String> = program.hooks.iter().filter_map(HookDecl::target).collect();
        let message = format!("`{name}` brings its own hooks");
        let problem = cx.error(codes::NEEDLESS_HOOK, cx.key(&["hook"]), message).help("remove `hook`");
        cx.report(
            problem.note(format!("`{name}` attaches to: {}", words::list(targets.iter().map(String::as_str), 8))),
        );
        return true;
    }
    if kinds.contains(&hook) {
        return true;
    }
    let message = format!("`{name}` cannot run at `{hook}` hooks");
    let problem = cx
        .error(codes::PROGRAM_HOOK, cx.value(&["program"]), message)
        .related(cx.at(cx.key(&["hook", hook])), "the hook");
    let usual = usual(hook);
    let problem = if name == usual {
        problem
    } else {
        problem.help(format!("remove `program` to run `{usual}` there, or choose another hook"))
    };
    let problem = problem.note(format!("`{name}` runs at: {}", words::list(kinds, 16)));
    // Which of both is meant is not known: what goes with either is said at once, and is no mistake of its own.
    let either = [Some(program), catalog.get(usual).filter(|usual| usual.name != *name)];
    cx.report(either.into_iter().flatten().fold(problem, |problem, program| {
        let keys = needless_keys(raw, program);
        if keys.is_empty() {
            return problem;
        }
        problem.note(format!("`{}` has no use for {}", program.name, words::list(keys, 8)))
    }));
    false
}

/// The keys of a probe that mean nothing for a program.
fn needless_keys(raw: &raw::Probe, program: &Program) -> Vec<&'static str> {
    let keys = [
        ("params", raw.params.is_some() && program.params.is_empty()),
        ("capture", raw.capture.is_some() && !program.captures()),
        ("interval", raw.interval.is_some() && program.counters.is_none()),
        ("buffer", raw.buffer.is_some() && program.event.is_none()),
        ("include_self", raw.include_self.is_some() && !program.captures()),
        ("limits", raw.limits.is_some() && program.limit_table.is_none()),
    ];
    keys.into_iter().filter(|(_, needless)| *needless).map(|(key, _)| key).collect()
}

fn example(kind: &str) -> &'static str {
    match kind {
        "xdp" => "xdp: { interface: eth0 }",
        "kprobe" => "kprobe: do_sys_openat2",
        "kretprobe" => "kretprobe: do_sys_openat2",
        "tracepoint" => "tracepoint: sched:sched_switch",
        "raw_tracepoint" => "raw_tracepoint: sched_switch",
        "uprobe" => "uprobe: libc.so.6:getaddrinfo",
        "uretprobe" => "uretprobe: /usr/bin/bash:readline",
        _other => "…",
    }
}

/// The parameters that the file sets. Without a program nothing can be said of them.
pub(super) fn params(cx: &mut Cx<'_>, raw: &raw::Probe, program: Option<&Program>) -> Vec<(String, ParamValue)> {
    let (Some(program), Some(params)) = (program, &raw.params) else { return Vec::new() };
    let mut checked = Vec::new();
    for (name, value) in &params.0 {
        let Some(param) = program.params.iter().find(|param| param.name == *name) else {
            let span = cx.key(&["params", name]);
            let message = format!("`{}` has no parameter `{name}`", program.name);
            let problem = cx.error(codes::UNKNOWN_PARAM, span, message);
            let known = program.params.iter().map(|param| param.name.as_str());
            cx.report(if program.params.is_empty() {
                problem.help("remove `params`: this program takes none")
            } else {
                unknown(problem, name, &format!("parameters of `{}`", program.name), known)
            });
            continue;
        };
        let span = cx.value(&["params", name]);
        match value_of(param, value) {
            Ok(value) => {
                cx.note_place(Place::Param(name.clone()), span);
                checked.push((name.clone(), value));
            }
            Err(label) => {
                let message = format!("parameter `{name}` of `{}` does not take this value", program.name);
                let problem = cx.error(codes::PARAM_VALUE, span, message).label(label);
                let written = cx.source.text.get(span.start..span.end).unwrap_or_default();
                let bare = written.trim_matches(['"', '\'']);
                let quoted = bare.len() < written.len()
                    && bare.contains("${env:")
                    && !matches!(param.ty, ParamType::Text { .. });
                let help = quoted.then(|| {
                    format!("in quotes it is text: write it on a line of its own, without them: `{name}: {bare}`")
                });
                let problem = problem.maybe_help(help);
                cx.report(if param.doc.is_empty() {
                    problem
                } else {
                    problem.note(format!("`{name}`: {}", param.doc))
                });
            }
        }
    }
    checked
}

/// Keys that mean nothing for this program. In `defaults` they are for the others.
pub(super) fn refuse_needless_keys(cx: &mut Cx<'_>, raw: &raw::Probe, program: Option<&Program>) {
    let Some(program) = program else { return };
    let needless = needless_keys(raw, program);
    let keys = [
        ("interval", "counts nothing that could be reported"),
        ("buffer", "emits no events that could be buffered"),
        ("include_self", "sees nothing that ebpf-run does itself"),
    ];
    for (key, why) in keys.into_iter().filter(|(key, _)| needless.contains(key)) {
        let message = format!("`{}` has no use for `{key}`: it {why}", program.name);
        let problem = cx.error(codes::NEEDLESS_KEY, cx.key(&[key]), message);
        cx.report(problem.help(format!("remove `{key}`")));
    }
}

/// The value in the parameter's type, or what is expected instead.
fn value_of(param: &Param, value: &Scalar) -> Result<ParamValue, String> {
    match (param.ty, value) {
        (ParamType::Bool, Scalar::Bool(value)) => Ok(ParamValue::Bool(*value)),
        (ParamType::Bool, Scalar::Text(text)) if words::truth(text).is_some() => {
            let truth = words::truth(text) == Some(true);
            Err(format!("YAML 1.2 has only `true` and `false`: write `{truth}`"))
        }
        (ParamType::Bool, Scalar::Int(_) | Scalar::Float | Scalar::Text(_)) => {
            Err("expected `true` or `false`".to_owned())
        }
        (ParamType::Int { least, most, .. }, Scalar::Int(value)) => {
            if (least..=most).contains(value) {
                return Ok(ParamValue::Int(*value));
            }
            Err(format!("must be from {least} to {most}{}", unit(param)))
        }
        (ParamType::Int { .. }, Scalar::Bool(_) | Scalar::Float | Scalar::Text(_)) => {
            Err(format!("expected an integer{}", unit(param)))
        }
        (ParamType::Text { size }, Scalar::Text(text)) => {
            let most = usize::try_from(size).unwrap_or(usize::MAX).saturating_sub(1);
            if text.contains('\0') {
                return Err("text with a NUL cannot be given to a program".to_owned());
            }
            if text.len() <= most {
                return Ok(ParamValue::Text(text.clone()));
            }
            Err(format!("it has {} bytes, {most} at most fit", text.len()))
        }
        (ParamType::Text { .. }, Scalar::Bool(_) | Scalar::Int(_) | Scalar::Float) => {
            Err("expected text: put it in quotes".to_owned())
        }
    }
}

fn unit(param: &Param) -> String {
    if param.unit.is_empty() { String::new() } else { format!(" ({})", param.unit) }
}

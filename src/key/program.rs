// SPDX-License-Identifier: MIT OR Apache-2.0
//! `program: trace`

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::definition::{Checking, Key};
use crate::catalog::{HookDecl, Program};
use crate::config::{Node, codes, unknown};
use crate::hook;
use crate::spec::{HookKind, Place, SpanRole, Targets};
use crate::words;

pub(super) const PROGRAM: Key =
    Key { word: "program", schema: |schemas| schemas.subschema_for::<Form>(), check, ..Key::PLAIN };

/// The program that runs there; `ebpf-run programs` lists them. The default is `trace`, but for `xdp` and `tc` without `capture`, `where`
/// and `aggregate`: there it is `packet_count`.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("examples" = ["trace", "packet_count", "exec"]))]
struct Form(String);

/// A program that brings its own hooks stays also where the file says another: it is the hook that must go.
fn check(checking: &mut Checking<'_>) {
    let kind = kind(checking.cx.node);
    let usual = kind.map(|kind| usual(kind, |word| checking.cx.node.get(word).is_some()));
    let counts = checking.cx.node.get("aggregate").is_some();
    let program = choose(checking, kind, usual).map(|program| form(program, counts));
    checking.program = program.map(Arc::as_ref);
    // Nothing follows from a hook that must go.
    if checking.program.is_some_and(Program::has_own_hooks) {
        checking.hook = Some((None, Targets::One));
    }
    let usual = usual.and_then(|usual| checking.catalog.get(usual)).map(|program| form(program, counts));
    checking.stand_in = program.or(usual);
}

/// The form of a program that counts its events, or the usual one.
fn form(program: &Arc<Program>, counts: bool) -> &Arc<Program> {
    program.counting.as_ref().filter(|_| counts).unwrap_or(program)
}

/// The kind of hook that the file says.
fn kind(probe: &Node) -> Option<HookKind> {
    let of = |hook: &Node| hook.entries().iter().find_map(|entry| HookKind::of_word(&entry.key));
    let hook = probe.at(&["hook"])?;
    // Of a span, the hook at which there is the event.
    let end = || hook.at(&[hook::SPAN, SpanRole::End.word()]);
    of(hook).or_else(|| end().and_then(|end| of(end).or_else(|| end.items().first().and_then(of))))
}

/// The program, where there is one of that name that fits the hook.
fn choose<'c>(
    checking: &mut Checking<'c>,
    kind: Option<HookKind>,
    usual: Option<&'static str>,
) -> Option<&'c Arc<Program>> {
    let (given, catalog) = (checking.own("program"), checking.catalog);
    let cx = &mut checking.cx;
    let name = match (&given, usual) {
        (Some(Form(name)), _) => {
            cx.note_place(Place::Program, cx.value(&["program"]));
            name.as_str()
        }
        (None, Some(usual)) => usual,
        (None, None) => {
            let own = catalog.programs().iter().filter(|program| program.has_own_hooks());
            let own = words::list(own.map(|program| program.name.as_str()), 8);
            let probe = checking.id.as_ref().map(|id| id.name.as_str()).unwrap_or_default();
            let message = format!("the probe `{probe}` says neither where it attaches nor what it runs");
            let problem = cx.error(codes::MISSING_HOOK, cx.name(), message);
            let problem = problem.help("add a hook, for example `hook: { kprobe: do_sys_openat2 }`");
            cx.report(if own.is_empty() {
                problem
            } else {
                problem.note(format!("programs with hooks of their own: {own}"))
            });
            return None;
        }
    };
    let Some(program) = catalog.get(name) else {
        let known = catalog.programs().iter().map(|program| program.name.as_str());
        let problem = cx.error(codes::UNKNOWN_PROGRAM, cx.value(&["program"]), format!("unknown program `{name}`"));
        cx.report(unknown(problem, name, "programs", known));
        return None;
    };
    fits(checking, kind, program).then_some(program)
}

/// Keys that say something of single events.
const OF_EVENTS: [&str; 3] = ["capture", "where", "aggregate"];

/// What runs at a kind of hook where the probe does not say: what has events where it says something of them.
pub(crate) fn usual(kind: HookKind, says: impl Fn(&str) -> bool) -> &'static str {
    if OF_EVENTS.into_iter().any(says) { "trace" } else { hook::kind(kind).program }
}

/// Whether the program can run at the probe's hook, or at its own.
fn fits(checking: &mut Checking<'_>, given: Option<HookKind>, program: &Program) -> bool {
    let (name, cx) = (&program.name, &mut checking.cx);
    let kinds = program.kinds();
    let words = words::list(kinds.iter().map(|kind| kind.word()), 16);
    let Some(given) = given else {
        if program.has_own_hooks() {
            return true;
        }
        let example = kinds.first().map_or("…", |kind| hook::kind(*kind).example);
        let problem = cx.error(codes::MISSING_HOOK, cx.value(&["program"]), format!("`{name}` needs a hook"));
        let problem = problem.help(format!("add where it attaches, for example `hook: {{ {example} }}`"));
        cx.report(problem.note(format!("`{name}` runs at: {words}")));
        return false;
    };
    if program.has_own_hooks() {
        let targets: Vec<String> = program.hooks.iter().filter_map(HookDecl::target).collect();
        let message = format!("`{name}` has hooks of its own");
        let problem = cx.error(codes::NEEDLESS_HOOK, cx.key(&["hook"]), message).help("remove `hook`");
        let targets = words::list(targets.iter().map(String::as_str), 8);
        cx.report(problem.note(format!("`{name}` attaches to: {targets}")));
        return true;
    }
    if kinds.contains(&given) {
        return true;
    }
    let message = format!("`{name}` cannot run at `{given}` hooks");
    let problem = cx
        .error(codes::PROGRAM_HOOK, cx.value(&["program"]), message)
        .related(cx.at(cx.key(&["hook", given.word()])), "the hook");
    let usual = usual(given, |word| cx.node.get(word).is_some());
    let problem = if name == usual {
        problem
    } else {
        problem.help(format!("remove `program` to run `{usual}` there, or choose another hook"))
    };
    let problem = problem.note(format!("`{name}` runs at: {words}"));
    // Which of both is meant is not known: what goes with either is said at once, and is no mistake of its own.
    let either = [Some(program), checking.catalog.get(usual).map(Arc::as_ref).filter(|usual| usual.name != *name)];
    let problem = either.into_iter().flatten().fold(problem, |problem, program| {
        let needless = checking.keys.iter().filter(|key| !key.makes_sense_for(program));
        let given = needless.map(|key| key.word).filter(|word| checking.cx.node.get(word).is_some());
        let list = words::list(given, 8);
        if list.is_empty() { problem } else { problem.note(format!("`{}` does not use {list}", program.name)) }
    });
    checking.cx.report(problem);
    false
}

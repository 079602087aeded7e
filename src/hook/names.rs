// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of targets: one, a list, globs; each with its place in the file.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Span;
use crate::config::forms::{Names, NamesOr};
use crate::config::yaml::Node;
use crate::config::{Cx, TARGET, codes};
use crate::spec::{Place, Targets};

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
            let problem = cx.error(codes::REPEATED_TARGET, span, format!("`{name}` is listed twice"));
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

/// Names, or the first of several that there is: `interface: eth0`, `interface: { first_of: [eth0, ens3] }`.
pub(super) type Places = NamesOr<FirstOf>;

/// The first of several.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FirstOf {
    /// The first of these that there is, for names that differ between machines.
    #[schemars(length(min = 1, max = 1000))]
    first_of: Vec<String>,
}

/// The first name under these keys, and what there is of them; `is_good` judges each, and reports what is wrong with it.
pub(super) fn places(
    cx: &mut Cx<'_>,
    [hook, kind, key]: [&str; 3],
    given: &Places,
    is_good: impl Fn(&mut Cx<'_>, &str, Span) -> bool,
) -> Option<(String, Targets)> {
    let found = match given {
        NamesOr::Names(given) => names(cx, &[hook, kind, key], given),
        NamesOr::Long(long) => names(cx, &[hook, kind, key, "first_of"], &Names::Several(long.first_of.clone())),
    };
    let mut good = true;
    for (name, span) in &found {
        if matches!(given, NamesOr::Long(_)) && Targets::is_pattern(name) {
            let problem = cx.error(TARGET, *span, format!("`{name}` is not one name"));
            let label = "`first_of` chooses among names";
            cx.report(problem.label(label).help(format!("write `{key}: \"{name}\"`, or name each one")));
            good = false;
        } else {
            good &= is_good(cx, name, *span);
        }
    }
    let found = match given {
        NamesOr::Long(long) => (long.first_of.first()?.clone(), Targets::FirstOf(long.first_of.clone())),
        NamesOr::Names(_) => targets(found)?,
    };
    good.then_some(found)
}

/// Notes the place of the target: the value itself, or the member of its mapping.
pub(super) fn target(cx: &mut Cx<'_>, keys: &[&str]) -> Span {
    let span = cx.value(keys);
    cx.note_place(Place::Target, span);
    span
}

/// Complains about an offset into several functions.
pub(super) fn offset_is_for_one(cx: &mut Cx<'_>, kind: &str, offset: u64, targets: &Targets) -> bool {
    if offset == 0 || *targets == Targets::One {
        return true;
    }
    let problem = cx.error(TARGET, cx.value(&["hook", kind, "offset"]), "`offset` works with one function only");
    cx.report(problem.label("would be a different instruction in each function").help("name one function as `symbol`"));
    false
}

/// `[eth0, eth1]` of `eth0, eth1`; `None` where there are not several names.
pub(super) fn as_list(text: &str) -> Option<String> {
    let names: Vec<&str> = text.split([',', ' ']).filter(|name| !name.is_empty()).collect();
    let plain = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    (names.len() > 1 && names.iter().all(plain)).then(|| format!("[{}]", names.join(", ")))
}

/// `["sched:a", "sched:b"]` of `sched:a, sched:b`; `None` where there are not several tracepoints.
pub(super) fn as_events(text: &str) -> Option<String> {
    let names: Vec<&str> = text.split([',', ' ']).filter(|name| !name.is_empty()).collect();
    let is_event = |name: &&str| name.split_once(':').is_some_and(|(a, b)| is_event_word(a) && is_event_word(b));
    let quoted = || names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    (names.len() > 1 && names.iter().all(is_event)).then(|| format!("[{}]", quoted()))
}

/// True for a glob without a letter.
pub(super) fn stands_for_all(symbol: &str) -> bool {
    !symbol.is_empty() && symbol.chars().all(|c| c == '*' || c == '?')
}

/// Complains about a glob for functions of any name.
pub(super) fn every_function(cx: &mut Cx<'_>, span: Span, message: String, help: String) {
    let problem = cx.error(TARGET, span, message).label(format!("a probe can have at most {}", Targets::MAX));
    cx.report(problem.help(help));
}

/// One half of a tracepoint's name.
pub(super) fn is_event_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! The names that a probe adds to its events: captures and labels.

use crate::catalog::{FetchTable, Program};
use crate::config::problem::Problem;
use crate::config::source::{SourceFile, Span};
use crate::config::yaml::Node;
use crate::config::{Cx, codes, is_identifier, raw};
use crate::expr;
use crate::spec::{Capture, Hook, Place, RESERVED_FIELDS};
use crate::words;

/// What the head of an event holds anyway: a capture of it is a second name and costs no fetch.
const HEAD: [&str; 4] = ["pid", "tid", "uid", "comm"];
/// Most fields that are looked at; a probe with more has its problem by then.
const MAX_FIELDS: usize = 64;
/// Longest name of a field.
const MAX_NAME_BYTES: usize = 64;
/// What the siblings of a text are called behind the text's own name, what they say, and when they are written.
const SIBLINGS: [(&str, &str, &str); 2] =
    [("_truncated", "was cut", "is cut"), ("_escaped", "is not UTF-8", "is not UTF-8")];

/// The text that a field of this name would be a sibling of, what the sibling says, and when.
fn sibling(name: &str) -> Option<(&str, &'static str, &'static str)> {
    SIBLINGS.into_iter().find_map(|(end, what, when)| Some((name.strip_suffix(end)?, what, when)))
}

/// The same text; of any other field itself.
fn text_of(name: &str) -> &str {
    sibling(name).map_or(name, |(text, ..)| text)
}

/// The captures, with their expressions read.
pub(super) fn captures(cx: &mut Cx<'_>, raw: &raw::Probe, program: Option<&Program>) -> Vec<Capture> {
    let Some(captures) = &raw.capture else { return Vec::new() };
    if let Some(program) = program.filter(|program| !program.captures()) {
        let message = format!("`{}` decides itself what it reports and takes no `capture`", program.name);
        let problem = cx.error(codes::NEEDLESS_CAPTURE, cx.key(&["capture"]), message).help("remove `capture`");
        let names: Vec<&str> = own_fields(program).collect();
        cx.report(if names.is_empty() {
            problem
        } else {
            problem.note(format!("it reports: {}", words::list(names, 16)))
        });
    }
    let capacity = program.map_or(usize::MAX, capacity);
    let fetched = || captures.0.iter().filter(|(_, text)| !HEAD.contains(&text.trim()));
    if let Some((name, _)) = fetched().nth(capacity) {
        let message = format!("the probe captures {} values, {capacity} at most are possible", fetched().count());
        let problem = cx.error(codes::TOO_MANY_CAPTURES, cx.key(&["capture", name]), message);
        cx.report(problem.label(format!("number {}", capacity + 1)).help("write a second probe on the same hook"));
    }
    let mut checked = Vec::new();
    for (name, text) in captures.0.iter().take(MAX_FIELDS) {
        if let Some(problem) = capture_name(cx, raw, name) {
            cx.report(problem);
        }
        if let Some(expr) = expression(cx, name, text) {
            cx.note_place(Place::Capture(name.clone()), cx.value(&["capture", name]));
            checked.push(Capture { name: name.clone(), expr });
        }
    }
    checked
}

/// How many values a program can fetch.
fn capacity(program: &Program) -> usize {
    program.fetch_table.as_ref().map_or(usize::MAX, FetchTable::capacity)
}

/// Drops the captures for which the program has no room; a probe with such ones has its problem.
pub(super) fn keep_fitting(captures: &mut Vec<Capture>, program: &Program) {
    let mut left = capacity(program);
    captures.retain(|capture| {
        if HEAD.contains(&capture.expr.to_string().as_str()) {
            return true;
        }
        let fits = left > 0;
        left = left.saturating_sub(1);
        fits
    });
}

fn expression(cx: &mut Cx<'_>, name: &str, text: &str) -> Option<crate::spec::CaptureExpr> {
    let error = match expr::parse(text) {
        Ok(expr) => return Some(expr),
        Err(error) => error,
    };
    let span = cx.node.at(&["capture", name]).map_or(cx.name(), |node| node.part(&error.range));
    let problem = cx.error(codes::EXPRESSION, span, format!("capture `{name}`: {}", error.message));
    cx.report(problem.maybe_help(error.help));
    None
}

/// What is wrong with the name of a capture.
fn capture_name(cx: &Cx<'_>, raw: &raw::Probe, name: &str) -> Option<Problem> {
    let span = cx.key(&["capture", name]);
    if !is_identifier(name) || name.len() > MAX_NAME_BYTES {
        let message = format!("`{name}` cannot be the name of a capture");
        let problem = cx.error(codes::FIELD_NAME, span, message);
        let problem = problem.label(format!("letters, digits and `_`, not a digit first, {MAX_NAME_BYTES} at most"));
        return Some(match suggestion(name) {
            Some(better) => problem.help(format!("for example `{better}`")),
            None => problem,
        });
    }
    if RESERVED_FIELDS.contains(&name) {
        return Some(reserved(cx.error(codes::FIELD_NAME, span, format!("a capture cannot be called `{name}`")), name));
    }
    let (text, what, when) = sibling(name)?;
    let message = format!("`{name}` would clash with what says that `{text}` {what}");
    let problem = cx.error(codes::FIELD_CLASH, span, message);
    if text == "comm" {
        return Some(problem.help("call it something else"));
    }
    cx.node.at(&["capture"])?.get(text).filter(|_| raw.capture.is_some()).map(|captured| {
        problem
            .related(cx.at(captured.key_span), format!("writes `{name}: true` when it {when}"))
            .help("call one of them something else")
    })
}

fn reserved(problem: Problem, name: &str) -> Problem {
    let problem = problem.label("reserved");
    let problem = if ["pid", "tid", "uid", "comm"].contains(&name) {
        problem.help(format!("events carry the `{name}` of the process anyway; call it for example `the_{name}`"))
    } else {
        problem.help(format!("call it for example `my_{name}`"))
    };
    problem.note(format!("the runner writes these itself: {}", words::list(RESERVED_FIELDS, 16)))
}

/// The name with everything that does not fit made `_`.
fn suggestion(name: &str) -> Option<String> {
    let mut better: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if better.starts_with(|c: char| c.is_ascii_digit()) {
        better.insert(0, '_');
    }
    better.truncate(MAX_NAME_BYTES);
    (is_identifier(&better) && better.contains(|c: char| c.is_ascii_alphanumeric())).then_some(better)
}

/// The labels as written: those of the file's defaults, then the probe's own, which win.
pub(super) fn labels(
    cx: &mut Cx<'_>,
    raw: &raw::Probe,
    program: Option<&Program>,
    defaults: &[(String, String)],
    default_spans: &[(String, Span)],
) -> Vec<(String, String)> {
    let mut checked = defaults.to_vec();
    for (name, span) in default_spans {
        let own = raw.labels.as_ref().is_some_and(|labels| labels.0.iter().any(|(own, _)| own == name));
        if let Some(problem) = label_clash(cx, name, *span, program).filter(|_| !own) {
            cx.report(problem);
        }
    }
    for (name, _) in raw.labels.iter().flat_map(|labels| &labels.0) {
        let span = cx.key(&["labels", name]);
        if let Some(problem) = label_name(cx, name, span).or_else(|| label_clash(cx, name, span, program)) {
            cx.report(problem);
        }
        let Some(node) = cx.node.at(&["labels", name]) else { continue };
        let text = label_text(cx.source, node);
        match checked.iter_mut().find(|(known, _)| known == name) {
            Some((_, default)) => *default = text,
            None => checked.push((name.clone(), text)),
        }
    }
    checked
}

/// The text of a label: numbers and booleans as they are written.
pub(super) fn label_text(source: &SourceFile, node: &Node) -> String {
    node.text().unwrap_or_else(|| node.shown(&source.text)).to_owned()
}

/// What is wrong with the name of a label, whatever else the probe has.
pub(super) fn label_name(cx: &Cx<'_>, name: &str, span: Span) -> Option<Problem> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '=' || c == '"';
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.contains(odd) {
        let problem = cx.error(codes::FIELD_NAME, span, format!("`{name}` cannot be the name of a label"));
        return Some(problem.label(format!("1 to {MAX_NAME_BYTES} characters, no space, `=` or `\"`")));
    }
    let problem = || cx.error(codes::FIELD_NAME, span, format!("a label cannot be called `{name}`"));
    RESERVED_FIELDS.contains(&name).then(|| reserved(problem(), name))
}

/// Whether a label has the name of another field of the events.
fn label_clash(cx: &Cx<'_>, name: &str, span: Span, program: Option<&Program>) -> Option<Problem> {
    let captures = cx.node.at(&["capture"]);
    let capture = captures.and_then(|captures| captures.get(text_of(name)));
    let capture = capture.or_else(|| captures?.get(name));
    if let Some(capture) = capture {
        let problem = cx.error(codes::FIELD_CLASH, span, format!("label `{name}` has the name of a captured field"));
        return Some(problem.related(cx.at(capture.key_span), "captured here").help("call one of them something else"));
    }
    let has = |program: &&Program| own_fields(program).any(|field| field == name || field == text_of(name));
    let program = program.filter(|program| has(program) || text_of(name) == "comm")?;
    let message = format!("label `{name}` has the name of a field that `{}` reports", program.name);
    Some(cx.error(codes::FIELD_CLASH, span, message).help("call the label something else"))
}

/// What a program reports without being asked.
fn own_fields(program: &Program) -> impl Iterator<Item = &str> {
    let event = program.event.iter().flat_map(|layout| &layout.fields);
    let counters = program.counters.iter().flat_map(|counters| &counters.row.fields);
    event.chain(counters).map(|field| field.name.as_str())
}

/// A probe with several targets says in a field which one an event comes from: no other field can have that name.
pub(super) fn refuse_target_field(cx: &mut Cx<'_>, hook: &Hook, captures: &[Capture], labels: &[(String, String)]) {
    let Some(field) = hook.target_field() else { return };
    let captured = captures.iter().any(|capture| capture.name == field).then_some("capture");
    let labelled = labels.iter().any(|(name, _)| name == field).then_some("labels");
    if let Some(place) = captured.or(labelled) {
        let message = format!("two fields would be called `{field}`");
        let problem = cx.error(codes::FIELD_CLASH, cx.key(&[place, field]), message);
        cx.report(
            problem.label(format!("the {field} that an event comes from has this name")).help("choose another name"),
        );
    }
}

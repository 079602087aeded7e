// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where events go: the sinks of a file, and the ones that its probes name.

use std::collections::HashMap;
use std::sync::Arc;

use super::run::{Run, same_sink};
use crate::config::destination::{DestinationForm, FORMS, Given, short, short_forms, short_words};
use crate::config::draft::Draft;
use crate::config::guess::name_like;
use crate::config::problem::Problem;
use crate::config::source::{Location, SourceFile, Span};
use crate::config::yaml::{Entry, Node};
use crate::config::{Cx, codes, pattern};
use crate::expr::has_stack;
use crate::format::FormatWriter;
use crate::spec::{Destination, Format, Place, SinkSpec};
use crate::words;

/// Names of a file's sinks that hints are about.
const MOST_HINTED: usize = 1000;

/// The sinks that a file declares. They are known in that file only.
#[derive(Default)]
pub(crate) struct FileSinks {
    /// By name; `None` for one that has its problem already.
    named: HashMap<String, Option<SinkSpec>>,
    /// The names of the first of them, in the order of the file.
    order: Vec<String>,
    /// The declarations as a whole could not be read: nothing is said about names that are missing.
    pub(super) incomplete: bool,
}

impl FileSinks {
    /// None yet, and room for so many: a table that grows is there twice for a moment.
    pub(super) fn with_room(count: usize) -> Self {
        Self { named: HashMap::with_capacity(count), ..Self::default() }
    }

    /// Takes an entry of `sinks`, which has its problem already where it is not `clean`.
    pub(super) fn declare(
        &mut self,
        source: &Arc<SourceFile>,
        entry: &Entry,
        clean: bool,
        run: &mut Run,
        problems: &mut Vec<Problem>,
    ) {
        let name = &entry.key;
        let place = Location::new(source, entry.key_span);
        if short_words(false).any(|word| word == name) {
            let message = format!("a sink cannot have the name `{name}`: that is a short form");
            let help = format!("rename it, or remove it and write `sinks: [{name}]` in the probe");
            problems.push(Problem::new(codes::WRONG_FORM, place, message).help(help));
        } else if !(pattern::NAME.matches)(name) {
            let message = format!("the name of a sink must be {}", pattern::NAME.expected);
            let better = name_like(name).map(|name| format!("for example `{name}`"));
            problems.push(Problem::new(codes::WRONG_FORM, place, message).maybe_help(better));
        }
        let spec = match clean.then(|| declared(source, entry)) {
            None => None,
            Some(Ok(given)) => Some(given.into_spec(name)),
            Some(Err(found)) => {
                problems.extend(found);
                None
            }
        };
        if let Some(spec) = &spec {
            run.claim_file(spec, &Location::new(source, entry.key_span), problems);
        }
        self.named.insert(name.clone(), spec);
        if self.order.len() < MOST_HINTED {
            self.order.push(name.clone());
        }
    }

    /// The sinks of a list under the key `sinks`, each with its place.
    pub(crate) fn resolve(&self, cx: &mut Cx<'_>, names: &[String], run: &mut Run) -> Vec<(SinkSpec, Span)> {
        let mut found: Vec<(SinkSpec, Span)> = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let items = cx.node.at(&["sinks"]).map(crate::config::yaml::Node::items).unwrap_or_default();
            let span = items.get(index).map_or(cx.name(), |item| item.span);
            let Some(spec) = self.one(cx, name, span, run) else { continue };
            if let Some((other, first)) = found.iter().find(|(other, _)| same_sink(other, &spec)) {
                let message = if other.name == spec.name {
                    format!("the sink `{name}` is listed twice")
                } else {
                    format!("`{name}` and `{}` are the same sink", other.name)
                };
                let problem = cx.error(codes::REPEATED_SINK, span, message).related(cx.at(*first), "first here");
                cx.report(problem.help("remove one of them: every event would be written twice"));
                continue;
            }
            found.push((spec, span));
        }
        found
    }

    /// The sink of one name or short form.
    fn one(&self, cx: &mut Cx<'_>, name: &str, span: Span, run: &mut Run) -> Option<SinkSpec> {
        if let Some(spec) = self.named.get(name) {
            return spec.clone();
        }
        match short(name) {
            Some(Ok(given)) => {
                let spec = given.into_spec(name);
                let place = cx.at(span);
                run.claim_file(&spec, &place, cx.problems);
                Some(spec)
            }
            Some(Err(label)) => {
                let problem = short_problem(cx.source, span, name, &label);
                cx.report(problem);
                None
            }
            None if self.incomplete => None,
            None => {
                let known = || self.order.iter().map(String::as_str);
                let nearest = words::nearest(name, known().chain(short_words(false).map(|word| -> &str { word })));
                let help = nearest.map(|word| format!("did you mean `{word}`?")).or_else(|| looks_like_path(name));
                let problem = cx.error(codes::UNKNOWN_SINK, span, format!("unknown sink `{name}`"));
                let problem = problem.maybe_help(help).note(short_forms_note());
                let names = words::list(known(), 16);
                cx.report(if names.is_empty() {
                    problem
                } else {
                    problem.note(format!("sinks of this file: {names}"))
                });
                None
            }
        }
    }
}

/// Complains about sinks for stacks of a probe that has none.
pub(super) fn refuse_stackless(draft: &Draft, problems: &mut Vec<Problem>) {
    if has_stack(&draft.spec) {
        return;
    }
    let folded = draft.sinks.iter().filter(|sink| sink.format == Some(Format::Folded));
    problems.extend(folded.map(|sink| {
        let place = |wanted: &Place| draft.places.iter().find(|(place, _)| place == wanted).map(|(_, span)| *span);
        let span = place(&Place::Sink(sink.name.clone())).or_else(|| place(&Place::Probe)).unwrap_or_default();
        let name = &draft.spec.id.name;
        let message = format!("`{}` is for stacks, and the events of `{name}` have none", sink.name);
        let problem = Problem::new(codes::NO_STACK, Location::new(&draft.source, span), message);
        let place = if draft.spec.aggregates.is_empty() { "`capture`" } else { "`by` of its `aggregate`" };
        problem.help(format!("add one to {place}: `stack: kstack` or `stack: ustack`"))
    }));
}

fn short_problem(source: &Arc<SourceFile>, span: Span, text: &str, label: &str) -> Problem {
    Problem::new(codes::WRONG_FORM, Location::new(source, span), format!("`{text}` is not a file to write to"))
        .label(label)
}

/// What an entry of `sinks` says.
fn declared(source: &Arc<SourceFile>, entry: &Entry) -> Result<Given, Vec<Problem>> {
    let Some(text) = entry.value.text() else { return long(source, entry) };
    let span = entry.value.span;
    match short(text) {
        Some(given) => given.map_err(|label| vec![short_problem(source, span, text, &label)]),
        None => {
            let place = Location::new(source, span);
            let problem = Problem::new(codes::UNKNOWN_SINK, place, format!("`{text}` is not a sink"));
            let nearest = words::nearest(text, short_words(false)).map(|word| format!("did you mean `{word}`?"));
            Err(vec![problem.note(short_forms_note()).maybe_help(nearest.or_else(|| looks_like_path(text)))])
        }
    }
}

/// The long form: exactly one destination, and a format where one is given.
fn long(source: &Arc<SourceFile>, entry: &Entry) -> Result<Given, Vec<Problem>> {
    let name = &entry.key;
    let entries = entry.value.entries();
    let destinations: Vec<&Entry> = entries.iter().filter(|entry| entry.key != "format").collect();
    let count = |span, message: String| Problem::new(codes::KEY_COUNT, Location::new(source, span), message);
    if let [_, second, ..] = destinations.as_slice() {
        let problem = count(second.key_span, format!("the sink `{name}` has two destinations"));
        let help = "declare two sinks and name both in the probe's `sinks`";
        return Err(vec![problem.label("a second one").help(help)]);
    }
    let only = destinations.first().and_then(|entry| Some((DestinationForm::named(&entry.key)?, entry)));
    let Some((form, destination)) = only else {
        let problem = count(entry.key_span, format!("the sink `{name}` has no destination"));
        let examples: Vec<String> = FORMS.iter().map(|form| format!("`{}`", form.example)).collect();
        return Err(vec![problem.help(format!("add one of {}", examples.join(", ")))]);
    };
    let given = (form.long)(source, destination)?;
    let word = entry.value.at(&["format"]).and_then(Node::text);
    if given.destination == Destination::Metrics
        && let Some(format) = entry.value.at(&["format"])
    {
        let place = Location::new(source, format.span);
        let problem = Problem::new(codes::WRONG_FORM, place, "`metrics` has no format: Prometheus reads it");
        return Err(vec![problem.help("remove `format`")]);
    }
    let format = word.and_then(FormatWriter::named).map(|writer| writer.format);
    Ok(Given { format: format.or(given.format), ..given })
}

fn short_forms_note() -> String {
    format!("short forms: {}", short_forms())
}

/// Help for a path without its format, or with one that does not exist.
fn looks_like_path(text: &str) -> Option<String> {
    if let Some((format, path)) = text.split_once(':') {
        let nearest = words::nearest(format, short_words(true))?;
        return Some(format!("did you mean `{nearest}:{path}`?"));
    }
    let path = text.contains(['/', '.']);
    path.then(|| format!("for a file write `jsonl:{text}`"))
}

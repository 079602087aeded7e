// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where events go: the sinks of a file, and the ones that its probes name.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::run::{Run, same_sink};
use crate::config::forms::StringOr;
use crate::config::gate::shell_variable;
use crate::config::problem::Problem;
use crate::config::source::{Location, SourceFile, Span};
use crate::config::yaml::Entry;
use crate::config::{Cx, codes, pattern, raw};
use crate::format::{FormatWriter, WRITERS};
use crate::spec::{Destination, Format, Rights, SinkSpec};
use crate::words;

/// The first words of `WORD:PATH`.
fn file_words() -> impl Iterator<Item = &'static str> {
    WRITERS.iter().filter(|writer| writer.has_short_form).map(|writer| writer.name).chain(["file"])
}

fn short_forms() -> String {
    let files = file_words().map(|word| format!(", `{word}:PATH`")).collect::<String>();
    format!("short forms that need no name: `stdout`, `stderr`{files}")
}

/// The sinks that a file declares. They are known in that file only.
#[derive(Default)]
pub(crate) struct FileSinks {
    /// By name; `None` for one that has its problem already.
    named: HashMap<String, Option<SinkSpec>>,
    /// Their names in the order of the file.
    order: Vec<String>,
    /// The declarations as a whole could not be read: nothing is said about names that are missing.
    pub(super) incomplete: bool,
}

impl FileSinks {
    /// Takes an entry of `sinks`; `raw` is `None` where it has its problem already.
    pub(super) fn declare(
        &mut self,
        source: &Arc<SourceFile>,
        entry: &Entry,
        raw: Option<&StringOr<raw::Sink>>,
        run: &mut Run,
        problems: &mut Vec<Problem>,
    ) {
        let name = &entry.key;
        let place = Location::new(source, entry.key_span);
        if matches!(name.as_str(), "stdout" | "stderr") {
            let message = format!("a sink cannot be called `{name}`: that is a short form");
            let help = format!("call it something else, or remove it and write `sinks: [{name}]` in the probe");
            problems.push(Problem::new(codes::WRONG_FORM, place, message).help(help));
        } else if !(pattern::NAME.matches)(name) {
            let message = format!("the name of a sink must be {}", pattern::NAME.expected);
            let better = crate::config::gate::name_like(name).map(|name| format!("for example `{name}`"));
            problems.push(Problem::new(codes::WRONG_FORM, place, message).maybe_help(better));
        }
        let parsed = match raw.map(|raw| declared(source, entry, raw)) {
            None => None,
            Some(Ok(parsed)) => Some(parsed),
            Some(Err(problem)) => {
                problems.push(*problem);
                None
            }
        };
        let spec =
            parsed.map(|(destination, format, rights)| SinkSpec { name: name.clone(), destination, format, rights });
        if let Some(spec) = &spec {
            run.claim_file(spec, &Location::new(source, entry.key_span), problems);
        }
        self.named.insert(name.clone(), spec);
        self.order.push(name.clone());
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
                    format!("the sink `{name}` is named twice")
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
            Some(Ok((destination, format, rights))) => {
                let spec = SinkSpec { name: name.to_owned(), destination, format, rights };
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
                let known = || self.order.iter().take(1000).map(String::as_str);
                let nearest = words::nearest(name, known().chain(["stdout", "stderr"]));
                let help = nearest.map(|word| format!("did you mean `{word}`?")).or_else(|| looks_like_path(name));
                let problem = cx.error(codes::UNKNOWN_SINK, span, format!("no sink is called `{name}`"));
                let problem = problem.maybe_help(help).note(short_forms());
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

/// A destination, a format, which a file always has, and whose the file is.
type Parsed = (Destination, Option<Format>, Rights);

/// A short form; `None` where it looks like none, `Err` where its path is missing or not good.
fn short(text: &str) -> Option<Result<Parsed, String>> {
    let (format, path) = match text.split_once(':') {
        None if text == "stdout" => return Some(Ok((Destination::Stdout, None, Rights::default()))),
        None if text == "stderr" => return Some(Ok((Destination::Stderr, None, Rights::default()))),
        Some(("file", path)) => (Format::Jsonl, path),
        Some((word, path)) => (FormatWriter::named(word).filter(|writer| writer.has_short_form)?.format, path),
        None => return None,
    };
    Some(file(path).map(|path| (Destination::File(path), Some(format), Rights::default())))
}

fn file(path: &str) -> Result<PathBuf, String> {
    if let Some(name) = variable(path) {
        return Err(format!("`${name}` is not expanded: write `${{env:{name}}}`"));
    }
    match path {
        "" => Err("the path is missing".to_owned()),
        _ if path.trim() != path => Err("the path begins or ends with a space".to_owned()),
        _ if path.starts_with("~/") => Err("`~` is not expanded: write the whole path".to_owned()),
        _ if path.ends_with('/') => Err("this is a directory: add the name of a file".to_owned()),
        _ if path.contains('\0') => Err("a path has no NUL".to_owned()),
        _good => Ok(PathBuf::from(path)),
    }
}

/// What a shell would put in the place of a directory: `HOME` of `$HOME/events.jsonl`. Such names have capitals only; a
/// directory may be called `$Recycle.Bin`.
fn variable(path: &str) -> Option<&str> {
    let of_part =
        |part| shell_variable(part).filter(|(before, name, _)| before.is_empty() && !name.contains(char::is_lowercase));
    path.split('/').find_map(of_part).map(|(_, name, _)| name)
}

fn short_problem(source: &Arc<SourceFile>, span: Span, text: &str, label: &str) -> Problem {
    Problem::new(codes::WRONG_FORM, Location::new(source, span), format!("`{text}` names no file to write to"))
        .label(label)
}

/// What an entry of `sinks` says.
fn declared(source: &Arc<SourceFile>, entry: &Entry, raw: &StringOr<raw::Sink>) -> Result<Parsed, Box<Problem>> {
    let text = match raw {
        StringOr::Short(text) => text,
        StringOr::Long(sink) => return long(source, entry, sink),
    };
    let span = entry.value.span;
    match short(text) {
        Some(parsed) => parsed.map_err(|label| Box::new(short_problem(source, span, text, &label))),
        None => {
            let place = Location::new(source, span);
            let problem = Problem::new(codes::UNKNOWN_SINK, place, format!("`{text}` is not a sink"));
            let nearest = words::nearest(text, ["stdout", "stderr"]).map(|word| format!("did you mean `{word}`?"));
            Err(Box::new(problem.note(short_forms()).maybe_help(nearest.or_else(|| looks_like_path(text)))))
        }
    }
}

/// The long form: exactly one destination.
fn long(source: &Arc<SourceFile>, entry: &Entry, raw: &raw::Sink) -> Result<Parsed, Box<Problem>> {
    let name = &entry.key;
    let given: Vec<&Entry> = entry.value.entries().iter().filter(|entry| entry.key != "format").collect();
    let count = |span, message: String| Problem::new(codes::KEY_COUNT, Location::new(source, span), message);
    let format = raw.format;
    if let [_, second, ..] = given.as_slice() {
        let problem = count(second.key_span, format!("the sink `{name}` has two destinations"));
        let help = "declare two sinks and name both in the probe's `sinks`";
        return Err(Box::new(problem.label("a second one").help(help)));
    }
    if let Some(raw) = &raw.file {
        let path = file(&raw.path).map_err(|label| {
            let span = entry.value.at(&["file", "path"]).map_or(entry.key_span, |node| node.span);
            Box::new(short_problem(source, span, &raw.path, &label))
        })?;
        return Ok((Destination::File(path), format.or(Some(Format::Jsonl)), rights(raw)));
    }
    match (&raw.stdout, &raw.stderr) {
        (Some(_), _) => Ok((Destination::Stdout, format, Rights::default())),
        (None, Some(_)) => Ok((Destination::Stderr, format, Rights::default())),
        (None, None) => {
            let problem = count(entry.key_span, format!("the sink `{name}` does not say where events go"));
            Err(Box::new(problem.help("add one of `stdout: {}`, `stderr: {}`, `file: { path: … }`")))
        }
    }
}

/// Whose the file is; the forms have been checked.
fn rights(file: &raw::FileSink) -> Rights {
    let owner = file.owner.as_deref().unwrap_or_default();
    let (user, group) = owner.split_once(':').unwrap_or((owner, ""));
    let given = |name: &str| Some(name.to_owned()).filter(|name| !name.is_empty());
    let mode = file.mode.as_deref().and_then(|mode| u32::from_str_radix(mode, 8).ok());
    Rights { mode, user: given(user), group: given(group) }
}

/// Help for a path without its format, or with one that does not exist.
fn looks_like_path(text: &str) -> Option<String> {
    if let Some((format, path)) = text.split_once(':') {
        let nearest = words::nearest(format, file_words())?;
        return Some(format!("did you mean `{nearest}:{path}`?"));
    }
    let path = text.contains(['/', '.']);
    path.then(|| format!("for a file write `jsonl:{text}`"))
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Violations in a person's words. The words depend on the schema only, so a new key needs none of its own.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::help::{example_help, missing_help, range_help};
use super::keys::unknown_key;
use super::validate::{Kind, Violation, types};
use super::written::{find, goes_on, is_version, shown};
use crate::config::codes;
use crate::config::guess::{self, Misfit};
use crate::config::origin::THROUGH;
use crate::config::pattern;
use crate::config::problem::Problem;
use crate::config::source::{Location, SourceFile, Span};
use crate::config::yaml::{Node, Segment};
use crate::{hook, words};

/// The problem of a violation; `None` where it has one already.
pub(super) fn problem(source: &Arc<SourceFile>, root: &Node, violation: &Violation<'_>) -> Option<Problem> {
    if matches!(violation.kind, Kind::Broken) {
        // Before the way to it is walked: there may be many in one mapping.
        return None;
    }
    let (subject, shown) = (subject(&violation.path), shown(source, root, violation));
    let mut problem = Blamed { source, root, violation, subject, shown }.problem()?;
    if goes_on(source, root, violation) {
        problem = problem.note("the string continues on the lines below: all of them are one value");
    }
    Some(match alias_on(root, violation) {
        Some(alias) => problem.related(Location::new(source, alias), THROUGH),
        None => problem,
    })
}

/// A violation, and how its parts are called.
struct Blamed<'a> {
    source: &'a Arc<SourceFile>,
    root: &'a Node,
    violation: &'a Violation<'a>,
    /// What is wrong: `` `interface` ``.
    subject: String,
    /// What stands there.
    shown: String,
}

impl Blamed<'_> {
    fn blame(&self, code: &'static str, message: String) -> Problem {
        Problem::new(code, Location::new(self.source, self.violation.span), message)
    }

    fn problem(&self) -> Option<Problem> {
        let Self { violation, subject, shown, .. } = self;
        Some(match &violation.kind {
            Kind::Broken => return None,
            Kind::Type { expected, found } => self.wrong_type(expected, found),
            Kind::UnknownKey { key, allowed } => {
                if let Some((message, help)) = not_in_a_span(&violation.path, key) {
                    return Some(self.blame(codes::UNKNOWN_KEY, message).help(help));
                }
                let problem = self.blame(codes::UNKNOWN_KEY, format!("unknown key `{key}` in {subject}"));
                let mapping = find(self.root, &violation.path);
                unknown_key(problem, &violation.path, mapping, key, allowed, violation.schema)
            }
            Kind::MissingKey { key } => {
                let primary = Location::new(self.source, first_line(self.source, violation.span));
                let problem = Problem::new(codes::MISSING_KEY, primary, format!("{subject} has no `{key}`"));
                problem.maybe_help(missing_help(key, violation.schema))
            }
            Kind::NotListed { .. } if is_version(&violation.path) => {
                let message = format!("this build does not know version {shown} of the language");
                self.blame(codes::VERSION, message).help("this build understands `version: 1`")
            }
            Kind::NotListed { allowed } => self.unknown_word(allowed),
            Kind::Form { regex } => self.wrong_form(regex),
            Kind::TooShort => self.too_short(),
            Kind::TooSmall { least } => self.out_of_range(format!("must be {least} or more")),
            Kind::TooLarge { most } => self.out_of_range(format!("must be {most} or less")),
            Kind::TooFewKeys => self.too_few_keys(),
            Kind::TooManyKeys { most: 1 } => self
                .blame(codes::KEY_COUNT, format!("{subject} has more than one kind"))
                .label("a second one")
                .help("a probe has one hook: write one probe for each"),
            Kind::TooManyKeys { most } | Kind::TooLong { most } => self
                .blame(codes::KEY_COUNT, format!("{subject} has more than {most} entries"))
                .label(format!("number {}", most + 1)),
        })
    }

    fn too_short(&self) -> Problem {
        let least = self.violation.schema.get("minItems").and_then(Json::as_u64);
        let has_some = find(self.root, &self.violation.path).is_some_and(|node| !node.items().is_empty());
        let problem = match least.filter(|_| has_some) {
            Some(least) => self.blame(codes::KEY_COUNT, format!("{} has fewer than {least} entries", self.subject)),
            None => self.blame(codes::WRONG_FORM, format!("{} is empty", self.subject)),
        };
        problem.maybe_help(example_help(self.violation.schema))
    }

    fn wrong_type(&self, expected: &[&str], found: &str) -> Problem {
        let (subject, wanted) = (&self.subject, wanted(expected));
        let message = match found {
            "nothing" => format!("{subject} has no value"),
            _something => format!("{subject} must be {wanted}, not {found}"),
        };
        let meant = type_help(self.violation, self.source, self.root, &self.shown);
        let problem = self.blame(codes::WRONG_TYPE, message).label(format!("expected {wanted}"));
        problem.maybe_help(meant.or_else(|| example_help(self.violation.schema)))
    }

    /// A word that is none of those there are.
    fn unknown_word(&self, allowed: &[Json]) -> Problem {
        let word = self.shown.trim_matches(['"', '\'']);
        let allowed: Vec<&str> = allowed.iter().filter_map(Json::as_str).collect();
        let key = if let Some(Segment::Key(key)) = self.violation.path.last() { key.as_str() } else { "" };
        let nearest = guess::for_word(key, word).or_else(|| words::nearest(&self.shown, allowed.iter().copied()));
        self.blame(codes::UNKNOWN_WORD, format!("{} cannot be `{word}`", self.subject))
            .label(format!("expected one of {}", words::list(allowed.iter().copied(), 12)))
            .maybe_help(nearest.map(|word| format!("did you mean `{word}`?")))
    }

    fn wrong_form(&self, regex: &str) -> Problem {
        let form = pattern::ALL.iter().find(|form| form.regex == regex);
        let expected = form.map_or("of another form", |form| form.expected);
        let range = || form.filter(|form| form.is_of_time()).and_then(|_| range_help(self.violation.schema));
        let meant = form_help(form, &self.shown).or_else(range).or_else(|| example_help(self.violation.schema));
        self.blame(codes::WRONG_FORM, format!("{} must be {expected}", self.subject)).maybe_help(meant)
    }

    fn out_of_range(&self, must: String) -> Problem {
        self.blame(codes::OUT_OF_RANGE, format!("{} cannot be {}", self.subject, self.shown)).label(must)
    }

    fn too_few_keys(&self) -> Problem {
        let schema = self.violation.schema;
        let label = if schema.get("properties").is_some() { choice(schema) } else { "does nothing".to_owned() };
        let problem = self.blame(codes::KEY_COUNT, format!("{} is empty", self.subject)).label(label);
        problem.maybe_help(example_help(schema))
    }
}

/// What to write instead of a value of the wrong type, where it says what is meant.
fn type_help(violation: &Violation<'_>, source: &SourceFile, root: &Node, shown: &str) -> Option<String> {
    let (node, expected) = (find(root, &violation.path)?, types(violation.schema));
    let goes_on = goes_on(source, root, violation);
    let (path, schema) = (&violation.path, violation.schema);
    guess::for_value(&Misfit { source, path, node, shown, goes_on, schema, expected: &expected })
}

/// What to write instead of a text of another form, where it says what is meant.
fn form_help(form: Option<&pattern::Pattern>, shown: &str) -> Option<String> {
    guess::for_form(form?, shown.trim_matches(['"', '\'']).trim())
}

/// That a hook cannot be an end of a span, and what can.
fn not_in_a_span(path: &[Segment], key: &str) -> Option<(String, String)> {
    let [.., Segment::Key(hook), Segment::Key(span), Segment::Key(role)] = path else { return None };
    hook::not_in_a_span(key, role).filter(|_| hook == "hook" && span == hook::SPAN)
}

/// The alias that brought in what is to blame.
fn alias_on(root: &Node, violation: &Violation<'_>) -> Option<Span> {
    let mut node = root;
    for segment in &violation.path {
        let (next, merged) = match segment {
            Segment::Key(key) => node.get(key).map(|entry| (&entry.value, entry.merged))?,
            Segment::Index(index) => (node.items().get(*index)?, None),
        };
        let alias = merged.or_else(|| next.origin.as_ref()?.alias);
        if alias.is_some() {
            return alias;
        }
        node = next;
    }
    let Kind::UnknownKey { key, .. } = &violation.kind else { return None };
    node.get(key)?.merged
}

/// What a path leads to: `` `interface` ``, `a probe`, `the file`.
fn subject(path: &[Segment]) -> String {
    match path {
        [] => "the file".to_owned(),
        [Segment::Key(list), Segment::Index(_)] if list == "probes" => "the probe".to_owned(),
        [Segment::Key(map), Segment::Key(name)] if map == "sinks" => format!("the sink `{name}`"),
        [.., Segment::Key(map), Segment::Key(name)] if map == "labels" => format!("the label `{name}`"),
        [.., Segment::Key(map), Segment::Key(name)] if map == "params" => format!("the parameter `{name}`"),
        [.., Segment::Key(map), Segment::Key(name)] if map == "capture" => format!("the capture `{name}`"),
        [.., Segment::Key(name)] => format!("`{name}`"),
        [.., Segment::Key(list), Segment::Index(_)] => format!("an entry of `{list}`"),
        [.., Segment::Index(_)] => "this entry".to_owned(),
    }
}

/// The first line of a place: a missing key is blamed on where its mapping begins.
fn first_line(source: &SourceFile, span: Span) -> Span {
    let raw = source.text.get(span.start..span.end).unwrap_or_default();
    Span::new(span.start, span.start + raw.lines().next().unwrap_or_default().trim_end().len())
}

fn wanted(expected: &[&str]) -> String {
    let words: Vec<&str> = expected
        .iter()
        .map(|name| match *name {
            "boolean" => "`true` or `false`",
            "integer" => "an integer",
            "number" => "a number",
            "string" => "a string",
            "array" => "a list",
            "object" => "a mapping",
            other => other,
        })
        .collect();
    match words.as_slice() {
        [first, rest @ .., last] if !rest.is_empty() => format!("{first}, {}, or {last}", rest.join(", ")),
        _short => words.join(" or "),
    }
}

fn choice(schema: &Map<String, Json>) -> String {
    let keys = schema.get("properties").and_then(Json::as_object).into_iter().flat_map(Map::keys);
    format!("expected one of {}", words::list(keys.map(String::as_str), 12))
}

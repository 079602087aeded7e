// SPDX-License-Identifier: MIT OR Apache-2.0
//! What messages leave out: the text of files that somebody made us read, and what variables of the environment say.
//!
//! ```text
//! error[E0201]: unknown key `root:$6$…`            of web.yaml -> /etc/shadow becomes
//! error[E0201]: unknown key
//!
//! error[E0402]: there is no kernel function `s3cret`            of `kprobe: "${env:TOKEN}"` becomes
//! error[E0402]: there is no kernel function `${env:TOKEN}`
//! ```

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use super::codes::CODES;
use super::problem::Problem;
use super::source::{Location, Withheld};

/// Characters of a value that may be in a message by chance.
const BY_CHANCE: usize = 3;

/// What variables said while files were checked, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Values {
    pub(super) said: BTreeMap<String, String>,
    /// The variables of files that have their values from the environment: file, name, and which of the environment.
    pub(super) through: Vec<(PathBuf, String, Vec<String>)>,
}

/// What may be said: of a file whose text is withheld, one problem of each code; of the environment, names.
pub(super) fn discreet(problems: Vec<Problem>, values: &Values) -> Vec<Problem> {
    let mut said: HashSet<(PathBuf, &str)> = HashSet::new();
    let mut is_new = |problem: &Problem| {
        let source = &problem.primary.source;
        source.withheld.is_none() || said.insert((source.path.clone(), problem.code))
    };
    let new = problems.into_iter().filter(|problem| is_new(problem));
    new.map(|problem| values.leave_out(without_text(problem))).collect()
}

/// The same problem without a word of files whose text is [withheld](super::source::Withheld): its place, its code and what the
/// code means.
fn without_text(mut problem: Problem) -> Problem {
    let is_withheld = |location: &Location| location.source.withheld.is_some();
    for (location, label) in &mut problem.related {
        if is_withheld(location) {
            label.clear();
        }
    }
    match problem.primary.source.withheld {
        Some(withheld) => {
            let path = problem.primary.source.shown();
            let help = match withheld {
                Withheld::Outside => Some(format!("`ebpf-run check \"$(readlink -f {path})\"` shows it")),
                Withheld::Private => None,
            };
            // Not even how long it is.
            problem.primary.span.end = problem.primary.span.start;
            Problem {
                message: title(problem.code).to_owned(),
                label: String::new(),
                help,
                notes: vec![withheld.note().to_owned()],
                ..problem
            }
        }
        None => problem,
    }
}

/// What a code means.
fn title(code: &str) -> &'static str {
    CODES.iter().find(|known| known.code == code).map_or("something is wrong", |known| known.title)
}

impl Values {
    /// The same problem without what variables say. Where it is about a value that came from one, not even a part of that is
    /// left: a message that quotes one says what its code means instead.
    pub(super) fn leave_out(&self, mut problem: Problem) -> Problem {
        if self.said.is_empty() {
            return problem;
        }
        let own: Vec<(&str, &str)> = self.at(&problem.primary).collect();
        let elsewhere = || self.all().filter(|(_, value)| !problem.primary.source.text.contains(value));
        let others: Vec<(String, String)> =
            elsewhere().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let named = |text: &str| {
            let text = others.iter().fold(text.to_owned(), |text, (name, value)| with_name(&text, name, value));
            own.iter().fold(text, |text, (name, value)| with_name(&text, name, value))
        };
        // A large file is not looked through for nothing.
        let written = if own.is_empty() { String::new() } else { problem.primary.source.text.to_lowercase() };
        let quotes = |text: &str| {
            if own.is_empty() {
                return false;
            }
            let text = unwritten(&self.without_references(text, &problem.primary).to_lowercase(), &written);
            own.iter().any(|(_, value)| has_part(&text, value))
        };
        let mut left_out = false;
        let mut clean = |text: &str| {
            let text = named(text);
            let is_clean = !quotes(&text);
            left_out |= !is_clean;
            is_clean.then_some(text)
        };
        problem.message = clean(&problem.message).unwrap_or_else(|| title(problem.code).to_owned());
        problem.label = clean(&problem.label).unwrap_or_default();
        problem.help = problem.help.and_then(|help| clean(&help));
        // A note that says what a variable says would say that it is itself.
        let notes = problem.notes.len();
        problem.notes.retain(|note| named(note) == *note && !quotes(note));
        let left_out = left_out || problem.notes.len() < notes && !own.is_empty();
        for (_, label) in &mut problem.related {
            *label = named(label);
        }
        if left_out {
            let names: Vec<String> = own.iter().map(|(name, _)| format!("`{name}`")).collect();
            problem.notes.push(format!("environment variables hidden here: {}", names.join(", ")));
        }
        problem
    }

    /// A text without the references that stand in the file, or that a value has given way to. Others may be made of a value:
    /// what is said of `$s3cret` recommends `${env:s3cret}`.
    fn without_references(&self, text: &str, place: &Location) -> String {
        let (mut rest, mut left) = (text, String::new());
        while let Some(at) = rest.find("${env:").into_iter().chain(rest.find("${var:")).min() {
            let end = rest[at..].find('}').map_or(rest.len(), |end| at + end + 1);
            let reference = &rest[at..end];
            let is_known = self.said.contains_key(&reference["${env:".len()..].replace('}', ""))
                || place.source.text.contains(reference);
            left.push_str(if is_known { &rest[..at] } else { &rest[..end] });
            rest = &rest[end..];
        }
        left + rest
    }

    fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.said.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(|(_, value)| !value.is_empty())
    }

    /// True where a text of a file refers to a variable of the file that has its value from `name` of the environment.
    fn leads_to(&self, place: &Location, text: &str, name: &str) -> bool {
        let of_file = self.through.iter().filter(|(path, ..)| *path == place.source.path);
        let mut leading = of_file.filter(|(_, _, names)| names.iter().any(|known| known == name));
        leading.any(|(_, var, _)| refers(text, "${var:", var))
    }

    /// Those that the text at a place refers to.
    fn at(&self, place: &Location) -> impl Iterator<Item = (&str, &str)> {
        let text = place.source.text.get(place.span.start..place.span.end).unwrap_or_default();
        self.all().filter(move |(name, _)| refers(text, "${env:", name) || self.leads_to(place, text, name))
    }
}

/// The names of the environment that a text of a file refers to.
pub(super) fn names_in(text: &str) -> Vec<String> {
    let references = text.match_indices("${env:").map(|(at, start)| &text[at + start.len()..]);
    references.map(|rest| rest.split(['}', ':']).next().unwrap_or_default().to_owned()).collect()
}

/// True where a text has a reference of this kind to this name.
fn refers(text: &str, begin: &str, name: &str) -> bool {
    let mut references = text.match_indices(begin).map(|(at, start)| &text[at + start.len()..]);
    references.any(|rest| rest.strip_prefix(name).is_some_and(|rest| rest.starts_with(['}', ':'])))
}

/// The text with the name of a variable in the place of its value, as a message may quote it. A value of few characters counts
/// only where it stands by itself.
fn with_name(text: &str, name: &str, value: &str) -> String {
    let reference = format!("${{env:{name}}}");
    let escaped = value.escape_debug().to_string();
    let forms = [value, escaped.as_str(), value.trim()];
    forms.iter().filter(|form| !form.is_empty()).fold(text.to_owned(), |text, form| {
        let mut found = text.match_indices(form).filter(|(at, _)| stands_alone(&text, *at, form)).peekable();
        if found.peek().is_none() {
            return text.clone();
        }
        let (mut replaced, mut from) = (String::new(), 0);
        for (at, form) in found {
            replaced.push_str(&text[from..at]);
            replaced.push_str(&reference);
            from = at + form.len();
        }
        replaced + &text[from..]
    })
}

/// True for a value that is long enough, or has no letters and digits next to it; never inside a reference.
fn stands_alone(text: &str, at: usize, value: &str) -> bool {
    let (before, after) = (&text[..at], &text[at + value.len()..]);
    let in_reference = before.rfind("${").is_some_and(|open| !before[open..].contains('}')) && after.contains('}');
    let letter = |c: char| c.is_alphanumeric();
    let alone = !before.ends_with(letter) && !after.starts_with(letter);
    !in_reference && (alone || value.chars().count() > BY_CHANCE)
}

/// A text without the words that stand in the file itself: those are no secret.
fn unwritten(text: &str, written: &str) -> String {
    let words = text.split_inclusive(|c: char| !c.is_alphanumeric());
    let left = words.map(|word| {
        let bare = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        if written.contains(bare) { &word[bare.len()..] } else { word }
    });
    left.collect()
}

/// True where a text, in small letters, quotes more of a value than chance does.
fn has_part(text: &str, value: &str) -> bool {
    let value: Vec<char> = value.to_lowercase().chars().collect();
    if value.len() <= BY_CHANCE {
        let value: String = value.into_iter().collect();
        return text.match_indices(&value).any(|(at, _)| stands_alone(text, at, &value) && text[..at].ends_with('`'));
    }
    value.windows(BY_CHANCE + 1).any(|part| !is_common(part) && text.contains(&part.iter().collect::<String>()))
}

/// True for characters that are no part of a word: a run of spaces or dashes says nothing.
fn is_common(part: &[char]) -> bool {
    part.iter().all(|c| !c.is_alphanumeric())
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! All kinds of destinations, and what is asked of all of them.

use super::file::FILE;
use super::form::{DestinationForm, Given};
use super::metrics::METRICS;
use super::stream::{STDERR, STDOUT};
use crate::spec::{Destination, DestinationKind};

/// Every kind of destination, in the order in which they are declared and shown.
pub(in crate::config) const FORMS: &[&DestinationForm] = &[&STDOUT, &STDERR, &FILE, &METRICS];

/// Each kind has its form.
const _: () = {
    assert!(FORMS.len() == DestinationKind::COUNT, "a destination that no file can name");
    let mut at = 0;
    while at < FORMS.len() {
        assert!(FORMS[at].kind as usize == at, "destinations and their forms in the same order");
        at += 1;
    }
};

impl DestinationKind {
    /// The word in the YAML: `file`.
    pub fn name(self) -> &'static str {
        FORMS[self as usize].word
    }
}

impl DestinationForm {
    /// The form of this destination.
    pub(in crate::config) fn of(destination: &Destination) -> &'static Self {
        FORMS[destination.kind() as usize]
    }

    /// The form with this key.
    pub(in crate::config) fn named(word: &str) -> Option<&'static Self> {
        FORMS.iter().copied().find(|form| form.word == word)
    }
}

/// A short form; `None` where it looks like none, `Err` where what follows its colon is missing or not good.
pub(in crate::config) fn short(text: &str) -> Option<Result<Given, String>> {
    let (word, argument) = text.split_once(':').map_or((text, None), |(word, argument)| (word, Some(argument)));
    let is_meant =
        |form: &&DestinationForm| form.argument.is_some() == argument.is_some() && (form.short_words)().contains(&word);
    let form = FORMS.iter().copied().find(is_meant)?;
    Some((form.short)(word, argument.unwrap_or_default()))
}

/// The words of all short forms with something after a colon, or of those without.
pub(in crate::config) fn short_words(has_argument: bool) -> impl Iterator<Item = &'static str> {
    let forms = FORMS.iter().filter(move |form| form.argument.is_some() == has_argument);
    forms.flat_map(|form| (form.short_words)())
}

/// All short forms, for messages and documentation: `` `stdout`, `jsonl:PATH` ``.
pub(crate) fn short_forms() -> String {
    let of_form = |form: &&DestinationForm| {
        let argument = form.argument.map(|argument| format!(":{argument}")).unwrap_or_default();
        (form.short_words)().into_iter().map(move |word| format!("`{word}{argument}`"))
    };
    FORMS.iter().flat_map(of_form).collect::<Vec<_>>().join(", ")
}

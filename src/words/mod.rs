// SPDX-License-Identifier: MIT OR Apache-2.0
//! Help with words: the nearest one that exists, lists of words in a sentence, words of strangers made harmless, and what
//! says no.

use std::collections::HashSet;

mod glob;
mod refusal;
mod shown;

pub use glob::{matches_glob, nearest_glob};
pub use refusal::Refusal;
pub use shown::{acts, distinct, json_text, path_text, shown, shown_lines, write_out};

/// Bytes of the longest word that is compared with others: what is longer is near to none, and distances take the product of
/// two lengths. A name of C++ with its types can have some hundreds.
pub const MAX_WORD: usize = 512;

/// A text in the quotes of YAML, between which none of its characters means something else.
///
/// ```
/// assert_eq!(ebpf_run::words::in_quotes("f(a, b)"), "\"f(a, b)\"");
/// assert_eq!(ebpf_run::words::in_quotes("f(a, \"it's\")"), "'f(a, \"it''s\")'");
/// ```
pub fn in_quotes(text: &str) -> String {
    if text.contains(['"', '\\']) { format!("'{}'", text.replace('\'', "''")) } else { format!("\"{text}\"") }
}

/// The known word that is most likely meant by `word`; `None` where none is near.
///
/// ```
/// assert_eq!(ebpf_run::words::nearest("interfase", ["interface", "mode"]), Some("interface"));
/// assert_eq!(ebpf_run::words::nearest("banana", ["interface", "mode"]), None);
/// ```
pub fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    if word.len() > MAX_WORD {
        return None;
    }
    let plain = |word: &str| word.to_lowercase().replace(['-', '_', ' '], "");
    let wanted = plain(word);
    let allowed = (wanted.chars().count() / 3).max(1);
    known
        .into_iter()
        .filter(|candidate| candidate.len() <= MAX_WORD)
        .map(|candidate| (distance(&wanted, &plain(candidate), allowed), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.chars().count())
        // Of several that are as near, the one of the most similar length: `openat` for `openatt`, not `open`.
        .min_by_key(|(distance, candidate)| (*distance, word.len().abs_diff(candidate.len())))
        .map(|(_, candidate)| candidate)
}

/// A help text: "did you mean `x`?", else "LIST a, b and c"; `None` where there is nothing to list.
///
/// ```
/// let names = ["filename", "flags"];
/// assert_eq!(ebpf_run::words::suggest("filname", names, "there are").unwrap(), "did you mean `filename`?");
/// assert_eq!(ebpf_run::words::suggest("path", names, "there are").unwrap(), "there are `filename`, `flags`");
/// assert_eq!(ebpf_run::words::suggest("path", ["a", "b", "a"], "there are").unwrap(), "there are `a`, `b`");
/// ```
pub fn suggest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>, listing: &str) -> Option<String> {
    // A field may have the name of a builtin.
    let mut seen = HashSet::new();
    let known: Vec<&str> = known.into_iter().filter(|name| seen.insert(*name)).collect();
    match nearest(word, known.iter().copied()) {
        Some(found) => Some(format!("did you mean `{found}`?")),
        None if known.is_empty() || listing.is_empty() => None,
        None => Some(format!("{listing} {}", list(known, 16))),
    }
}

/// What a word of YAML 1.1 means that is plain text in YAML 1.2: `yes`, `off`; `None` for other words.
///
/// ```
/// assert_eq!(ebpf_run::words::truth("Off"), Some(false));
/// assert_eq!(ebpf_run::words::truth("true"), None);
/// ```
pub fn truth(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "yes" | "on" | "y" => Some(true),
        "no" | "off" | "n" => Some(false),
        _other => None,
    }
}

/// Edits between two words; a word that begins with the other counts as near. Lengths that differ by more than `allowed`
/// take more edits than that.
fn distance(wanted: &str, candidate: &str, allowed: usize) -> usize {
    let begins = wanted.len() >= 4 && candidate.starts_with(wanted);
    let begins = begins || (candidate.len() >= 4 && wanted.starts_with(candidate));
    if begins {
        usize::from(wanted != candidate)
    } else {
        edits_within(wanted, candidate, allowed).unwrap_or(usize::MAX)
    }
}

/// Edits between two words; `None` where they are more than `allowed`, which is said without comparing words that are too long
/// or of too different length.
///
/// ```
/// use ebpf_run::words::edits_within;
/// assert_eq!(edits_within("opennat", "openat", 2), Some(1));
/// assert_eq!(edits_within("open", "openat2", 2), None);
/// assert_eq!(edits_within(&"a".repeat(900_000), &"b".repeat(900_000), usize::MAX), None);
/// ```
pub fn edits_within(wanted: &str, candidate: &str, allowed: usize) -> Option<usize> {
    let lengths = [wanted, candidate].map(|word| word.chars().count());
    let comparable = wanted.len().max(candidate.len()) <= MAX_WORD && lengths[0].abs_diff(lengths[1]) <= allowed;
    comparable.then(|| strsim::osa_distance(wanted, candidate)).filter(|edits| *edits <= allowed)
}

/// `` `a`, `b` `` of `["a", "b"]`; at most `most`, then how many more there are.
///
/// ```
/// assert_eq!(ebpf_run::words::list(["a", "b", "c"], 2), "`a`, `b` and 1 more");
/// ```
pub fn list<'w>(words: impl IntoIterator<Item = &'w str>, most: usize) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.len().checked_sub(most) {
        Some(more @ 1..) => format!("{} and {more} more", words[..most].join(", ")),
        Some(0) | None => words.join(", "),
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Help with words: the nearest one that exists, and lists of words in a sentence.

mod glob;

pub use glob::{matches_glob, nearest_glob};

/// The known word that is most likely meant by `word`; `None` where none is near.
///
/// ```
/// assert_eq!(ebpf_run::words::nearest("interfase", ["interface", "mode"]), Some("interface"));
/// assert_eq!(ebpf_run::words::nearest("banana", ["interface", "mode"]), None);
/// ```
pub fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let plain = |word: &str| word.to_lowercase().replace(['-', '_', ' '], "");
    let wanted = plain(word);
    let allowed = (wanted.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A help text: "did you mean `x`?", else "LIST a, b and c"; empty where there is nothing to list.
///
/// ```
/// let names = ["filename", "flags"];
/// assert_eq!(ebpf_run::words::suggest("filname", names, "there are"), "did you mean `filename`?");
/// assert_eq!(ebpf_run::words::suggest("path", names, "there are"), "there are `filename`, `flags`");
/// ```
pub fn suggest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>, listing: &str) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(word, known.iter().copied()) {
        Some(found) => format!("did you mean `{found}`?"),
        None if known.is_empty() || listing.is_empty() => String::new(),
        None => format!("{listing} {}", list(known, 16)),
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

/// Edits between two words; a word that begins with the other counts as near.
fn distance(wanted: &str, candidate: &str) -> usize {
    let begins = wanted.len() >= 4 && candidate.starts_with(wanted);
    let begins = begins || (candidate.len() >= 4 && wanted.starts_with(candidate));
    let edits = strsim::osa_distance(wanted, candidate);
    if begins { edits.min(1) } else { edits }
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

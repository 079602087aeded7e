// SPDX-License-Identifier: MIT OR Apache-2.0
//! "did you mean": the known word that is closest to what was typed.

/// The closest of the known words, if one is close enough to have been meant.
pub fn closest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_ascii_lowercase();
    let limit = 1 + word.chars().count() / 4;
    known
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "did you mean `x`?", or the list where it is short: "its members are a, b and c"; empty where neither helps.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str> + Clone, list: &str) -> String {
    if let Some(found) = closest(word, known.clone()) {
        return format!("did you mean `{found}`?");
    }
    let words: Vec<&str> = known.collect();
    match words.as_slice() {
        [] => String::new(),
        words if words.len() <= 24 => format!("{list} {}", sentence_list(words)),
        words => format!("{list} {} and {} more", words[..16].join(", "), words.len() - 16),
    }
}

/// "a, b and c".
pub fn sentence_list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [init @ .., last] => format!("{} and {last}", init.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slip of the finger finds its word, another word finds none.
    #[test]
    fn slips_are_found() {
        let known = ["filename", "flags", "dfd"];
        assert_eq!(closest("filname", known.into_iter()), Some("filename"));
        assert_eq!(closest("Flags", known.into_iter()), Some("flags"));
        assert_eq!(closest("path", known.into_iter()), None);
        assert_eq!(nearest("path", known.into_iter(), "there are"), "there are filename, flags and dfd");
    }
}

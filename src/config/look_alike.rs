// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signs that look like something else: why a text is not what it seems to be.

use super::codes;
use super::problem::Problem;
use super::yaml::is_odd_space;

/// Opening and closing quotes of word processors and web pages.
const CURLY: &[char] = &['“', '”', '„', '‘', '’', '«', '»'];

/// Adds a note where the text that is to blame holds such a sign.
pub(super) fn note(problem: &mut Problem) {
    let span = problem.primary.span;
    let text = problem.primary.source.text.get(span.start..span.end).unwrap_or_default();
    if problem.code == codes::SYNTAX || text.contains('\n') {
        return;
    }
    let plain = !text.starts_with(['"', '\'', '[', '{', '|', '>']);
    if let Some(curly) = text.chars().next().filter(|first| plain && CURLY.contains(first)) {
        problem.notes.push(format!("`{curly}` is a part of the text: the quotes of YAML are `\"` and `'`"));
    }
    if let Some(odd) = text.chars().find(|c| is_odd_space(*c)) {
        problem.notes.push(format!("the text holds a character that is not seen: U+{:04X}", u32::from(odd)));
    }
    if plain && text.contains(" //") {
        problem.notes.push("`//` is a part of the text: a comment begins with a space and `#`".to_owned());
    }
    if plain && text.ends_with([',', ';']) {
        let last = &text[text.len() - 1..];
        problem.notes.push(format!("the `{last}` is a part of the text: nothing ends a line here"));
    }
}

/// The text without quotes that are none.
pub(crate) fn without_curly(text: &str) -> &str {
    text.trim_matches(CURLY)
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signs that look like something else: why a text is not what it seems to be.

use super::foreign::is_odd_space;

/// Opening and closing quotes of word processors and web pages.
const CURLY: &[char] = &['“', '”', '„', '‘', '’', '«', '»'];

/// `name: “execs”`
pub(super) fn curly_quote(text: &str) -> Option<String> {
    let curly = text.chars().next().filter(|first| CURLY.contains(first))?;
    Some(format!("`{curly}` is part of the string: YAML's quotes are `\"` and `'`"))
}

/// A no-break space, or a character of no width.
pub(super) fn unseen(text: &str) -> Option<String> {
    let odd = text.chars().find(|c| is_odd_space(*c))?;
    Some(format!("the string contains an invisible character: U+{:04X}", u32::from(odd)))
}

/// `name: execs,`, as in JSON.
pub(super) fn comma(text: &str) -> Option<String> {
    let plain = !text.starts_with(['"', '\'', '[', '{', '|', '>']);
    (plain && text.ends_with(',')).then(|| "the `,` is part of the string: lines need no end mark".to_owned())
}

/// The text without quotes that are none.
pub(crate) fn without_curly(text: &str) -> &str {
    text.trim_matches(CURLY)
}

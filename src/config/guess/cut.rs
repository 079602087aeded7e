// SPDX-License-Identifier: MIT OR Apache-2.0
//! Expressions of which YAML took a part for itself.

use crate::config::yaml::Node;
use crate::words::in_quotes;

/// What YAML made of an expression that could not be read: what happened, and what to write.
pub(crate) fn cut(file: &str, node: &Node) -> Option<(String, String)> {
    let (text, at) = (node.text()?, node.verbatim_at()?);
    let is_plain = at == node.span.start && file.get(at..)?.starts_with(text);
    if !is_plain {
        return None;
    }
    let line = file[at..].lines().next()?;
    let behind = line.get(text.len()..)?;
    if behind.trim_start().starts_with('#') && behind.starts_with(' ') {
        let message = "YAML takes what follows ` #` as a comment".to_owned();
        return Some((message, format!("put all of it in quotes: `{}`", in_quotes(line.trim_end()))));
    }
    let before = file[..at].trim_end();
    let word = before.rsplit([' ', '\n']).next()?;
    (word.starts_with('&') && word.len() > 1).then(|| {
        let message = format!("YAML takes `{word}` as the name of an anchor");
        (
            message,
            format!("there is no `&` before a value; a string that begins with it needs quotes: `\"{word} {text}\"`"),
        )
    })
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! A tab after a `:` separates as well as a space does (YAML 1.2.2 §6.2), and the parser takes it for none where a letter, a
//! digit or a `-` follows: it stops at `name:\topens` (saphyr-parser 0.3). So it is given a space in the place of that
//! tab. Not in quotes and block texts, where a tab is text: which is which, it tells itself.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::MAX_DEPTH;
use super::marks::Marks;

/// The text for the parser: as long as this one, so that every place is where it was.
pub(super) fn separated(text: &str) -> Cow<'_, str> {
    let mut tabs: Vec<usize> = text.match_indices(":\t").map(|(at, _)| at + 1).collect();
    tabs.retain(|at| is_refused(&text[*at..]));
    if tabs.is_empty() {
        return Cow::Borrowed(text);
    }
    // What is structure and what is text is the same with spaces in all these places.
    let texts = texts(&with_spaces(text, &tabs));
    let mut texts = texts.iter().peekable();
    tabs.retain(|tab| {
        while texts.next_if(|(_, end)| end <= tab).is_some() {}
        texts.peek().is_none_or(|(start, _)| tab < start)
    });
    Cow::Owned(with_spaces(text, &tabs))
}

/// True for tabs with something after them that the parser does not take there.
fn is_refused(text: &str) -> bool {
    let behind = text.trim_start_matches('\t');
    behind.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

fn with_spaces(text: &str, tabs: &[usize]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for tab in tabs {
        out.extend([&text[done..*tab], " "]);
        done = tab + 1;
    }
    out + &text[done..]
}

/// The bytes of texts in quotes and of block texts, in order, up to where the parser stops.
fn texts(text: &str) -> Vec<(usize, usize)> {
    let (mut marks, mut depth, mut found) = (Marks::new(text, 0), 0, Vec::new());
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        match event {
            Ok((Event::Scalar(_, style, ..), span)) if style != ScalarStyle::Plain => {
                let span = marks.span(span);
                found.push((span.start, span.end));
            }
            Ok((Event::MappingStart(..) | Event::SequenceStart(..), _)) if depth == MAX_DEPTH => break,
            Ok((Event::MappingStart(..) | Event::SequenceStart(..), _)) => depth += 1,
            Ok((Event::MappingEnd | Event::SequenceEnd, _)) => depth -= 1,
            Ok(_) => {}
            // The parser goes on after it.
            Err(error) if error.info().contains("unknown anchor") => {}
            Err(_) => break,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::separated;

    /// Tabs that separate become spaces, those in texts stay.
    #[test]
    fn what_separates() {
        for (text, given) in [
            ("a:\tb", "a: b"),
            ("a:\t\tb", "a: \tb"),
            ("a: b", "a: b"),
            ("- a:\t-1", "- a: -1"),
            ("{a:\tb, \"c\":\td}", "{a: b, \"c\": d}"),
            ("a:\t\"b:\tc\"\nd:\te", "a:\t\"b:\tc\"\nd: e"),
            ("a: 'b:\tc'\nd: |\n  e:\tf\ng:\th # :\ti", "a: 'b:\tc'\nd: |\n  e:\tf\ng: h # : i"),
            ("ä: 'ö:\tü:\tx'\nß:\tx", "ä: 'ö:\tü:\tx'\nß: x"),
            ("a: >-\n  b:\tc\nd:\te", "a: >-\n  b:\tc\nd: e"),
            ("a: *x\nb:\tc", "a: *x\nb: c"),
        ] {
            assert_eq!(separated(text), given, "{text:?}");
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! `{ x: first_of(a, b) }`: between brackets YAML ends a value at its first `,`, in parentheses and in a text as well.

use saphyr_parser::ScalarStyle;

use super::super::spans::is_flow;
use super::{Builder, Frame, Key};
use crate::config::codes;
use crate::config::source::Span;
use crate::words::in_quotes;

impl Builder<'_> {
    /// True for a part of a call that YAML cut at a comma. Said once, of the whole call: its other parts look like keys or values
    /// of their own.
    pub(super) fn is_of_a_call(&mut self, text: &str, style: ScalarStyle, span: Span) -> bool {
        if span.start < self.call_end {
            return true;
        }
        let (start, is_value) = match self.stack.last() {
            Some(Frame::Seq { start, .. }) => (*start, true),
            Some(Frame::Map { start, key, .. }) => (*start, matches!(key, Key::Is(..))),
            None => return false,
        };
        let is_value = is_value && is_flow(&self.source.text, start);
        let is_open = text.matches('(').count() > text.matches(')').count() || text.matches('"').count() % 2 == 1;
        let is_cut = style == ScalarStyle::Plain && is_open;
        let Some(whole) = self.source.text.get(span.start..).filter(|_| is_value && is_cut).and_then(whole_call) else {
            return false;
        };
        let call = Span::new(span.start, span.start + whole.len());
        self.call_end = call.end;
        let problem = self.problem(codes::SYNTAX, call, "between brackets YAML ends a value at its first `,`");
        let words = whole.split_whitespace().collect::<Vec<_>>().join(" ");
        self.problems.push(problem.help(format!("put it in quotes: `{}`", in_quotes(&words))));
        true
    }
}

/// A text up to the sign that ends a value after the last parenthesis and text is closed; `None` where that does not follow, or what
/// looks like entries of their own stands in between.
fn whole_call(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    let (mut has_comma, mut is_text) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            ',' if is_text => has_comma = true,
            ':' if text[at + 1..].starts_with([' ', '\n']) => return None,
            '"' => is_text = !is_text,
            _any if is_text => {}
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            ',' | '}' | ']' if depth == 0 => return Some(text[..at].trim_end()).filter(|_| has_comma),
            ',' => has_comma = true,
            '[' | ']' | '{' | '}' => return None,
            '#' if text[..at].ends_with([' ', '\n']) => return None,
            _other => {}
        }
    }
    None
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! A scalar becomes a value: first what the environment makes of it, then what the core schema makes of that.

use saphyr_parser::ScalarStyle;

use super::super::MAX_BYTES;
use super::super::node::{Node, Origin, Text, Value};
use super::super::scalar::{Plain, resolve};
use super::{Builder, Frame, Key, Stop};
use crate::config::codes;
use crate::config::environment::Replaced;
use crate::config::problem::Problem;
use crate::config::source::Span;

impl Builder<'_> {
    /// A scalar with its references to the environment replaced; keys are left as they are.
    pub(super) fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span) -> Result<Node, Stop> {
        let raw = self.source.text.get(span.start..span.end).unwrap_or_default();
        let verbatim_at = match style {
            ScalarStyle::Plain => (raw == text).then_some(span.start),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                let inside = raw.get(1..raw.len().saturating_sub(1));
                (inside == Some(text)).then_some(span.start + 1)
            }
            ScalarStyle::Literal | ScalarStyle::Folded => None,
        };
        let is_key = matches!(self.stack.last(), Some(Frame::Map { key: Key::Wanted, .. }));
        if is_key || !text.contains("${") {
            let value = self.value(text, style, span, verbatim_at);
            return Ok(Node::new(span, value));
        }
        let environment = if self.is_in_vars() { self.environment.without_vars() } else { *self.environment };
        match environment.substitute(text, MAX_BYTES.saturating_sub(self.copied)) {
            Ok(Replaced { text: replaced, parts }) => {
                self.copied += replaced.len();
                if self.copied > MAX_BYTES {
                    let message =
                        format!("with this environment variable the file grows by more than {MAX_BYTES} bytes");
                    let problem = self.problem(codes::TOO_LARGE, span, message);
                    self.problems.push(problem.help("check that it is the right variable"));
                    return Err(Stop::All);
                }
                let style = if environment.is_quoted(text) { ScalarStyle::DoubleQuoted } else { style };
                let value = self.value(&replaced, style, span, None);
                let origin = Origin { substituted: Some(replaced), parts, ..Origin::default() };
                Ok(Node { span, value, origin: Some(Box::new(origin)) })
            }
            Err(complaints) => {
                for complaint in complaints {
                    let reference = text.get(complaint.range.clone()).unwrap_or_default();
                    let found = || raw.find(reference).map_or(span.start, |at| span.start + at);
                    let start = verbatim_at.map_or_else(found, |at| at + complaint.range.start);
                    let length = if self.source.text[start..].starts_with(reference) { reference.len() } else { 0 };
                    let place = if length == 0 { span } else { Span::new(start, start + length) };
                    let problem = self.problem(complaint.code, place, complaint.message).help(complaint.help);
                    self.problems.push(complaint.note.into_iter().fold(problem, Problem::note));
                }
                Ok(Node::new(span, Value::Broken))
            }
        }
    }

    /// True inside `vars` of the file.
    fn is_in_vars(&self) -> bool {
        matches!(self.stack.first(), Some(Frame::Map { key: Key::Is(word, _), .. }) if word == "vars")
    }

    fn value(&mut self, text: &str, style: ScalarStyle, span: Span, verbatim_at: Option<usize>) -> Value {
        let as_text = |text: &str| Value::Text(Text { text: text.to_owned(), verbatim_at });
        if style != ScalarStyle::Plain {
            return as_text(text);
        }
        match resolve(text) {
            Plain::Null => Value::Null,
            Plain::Bool(value) => Value::Bool(value),
            Plain::Int(value) => Value::Int(value),
            Plain::Float(value) => Value::Float(value),
            Plain::Text => as_text(text),
            Plain::TooLarge => {
                let message = format!("the integer `{text}` does not fit 64 bits");
                let raw = self.source.text.get(span.start..span.end).unwrap_or_default();
                let help = format!("for a string, put it in quotes: `\"{raw}\"`");
                let problem = self.problem(codes::INTEGER_RANGE, span, message).help(help);
                let range = format!("integers range from {} to {}", i64::MIN, u64::MAX);
                self.problems.push(problem.note(range));
                Value::Broken
            }
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parser events to a tree, with a stack of our own.

use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::marks::Marks;
use super::node::{Entry, Node, Text, Value};
use super::scalar::{Plain, resolve};
use super::{MAX_DEPTH, MAX_NODES, explain};
use crate::config::codes;
use crate::config::problem::Problem;
use crate::config::source::{Location, SourceFile, Span};

/// The tree, and what is wrong with it.
pub(super) fn build(source: &Arc<SourceFile>) -> (Option<Node>, Vec<Problem>) {
    let text = &*source.text;
    let base = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut builder = Builder {
        source,
        marks: Marks::new(text, base),
        stack: Vec::new(),
        root: None,
        nodes: 0,
        problems: Vec::new(),
    };
    let mut parser = Parser::new_from_str(&text[base..]);
    while let Some(event) = parser.next_event() {
        let step = match event {
            Ok((event, span)) => {
                let span = builder.marks.span(span);
                builder.event(event, span)
            }
            Err(error) => {
                let at = builder.marks.byte(*error.marker());
                let open = builder.open_bracket();
                builder.problems.push(explain::syntax(source, at, error.info(), open));
                Err(Stop)
            }
        };
        if step.is_err() {
            builder.root = None;
            break;
        }
    }
    (builder.root, builder.problems)
}

/// Nothing sensible can be read behind this point; the problem has been recorded.
struct Stop;

/// A list or mapping that is not complete.
enum Frame {
    Seq {
        start: Span,
        items: Vec<Node>,
    },
    /// `written` runs from the first key to the last value, dropped ones included.
    Map {
        start: Span,
        entries: Vec<Entry>,
        seen: HashMap<String, Span>,
        key: Key,
        written: Option<Span>,
    },
}

/// Where a mapping stands.
enum Key {
    /// The next value is a key.
    Wanted,
    /// This key waits for its value.
    Is(String, Span),
    /// A key that has its problem already waits for its value; both will be dropped.
    Dropped,
}

struct Builder<'t> {
    source: &'t Arc<SourceFile>,
    marks: Marks<'t>,
    stack: Vec<Frame>,
    root: Option<Node>,
    nodes: usize,
    problems: Vec<Problem>,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) if self.root.is_some() => {
                let problem = self.problem(codes::SEVERAL_DOCUMENTS, span, "a second YAML document begins here");
                self.problems.push(problem.help("a file is one document: put the second one into a file of its own"));
                Err(Stop)
            }
            Event::DocumentStart(_) => Ok(()),
            Event::Alias(_) => {
                self.count(span)?;
                if !matches!(self.stack.last(), Some(Frame::Map { key: Key::Dropped, .. })) {
                    let problem = self.problem(codes::ANCHOR, span, "an alias is not supported yet");
                    let help = "write the value out where it is needed; a text that begins with `*` needs quotes";
                    self.problems.push(problem.help(help));
                }
                self.place(Node { span, value: Value::Broken });
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.count(span)?;
                let span = self.scalar_span(span, style);
                let broken = self.properties(span, anchor, tag.is_some());
                let value = if broken { Value::Broken } else { self.scalar(&text, style, span) };
                self.place(Node { span, value });
                Ok(())
            }
            Event::SequenceStart(anchor, tag) => {
                self.properties(span, anchor, tag.is_some());
                self.open(Frame::Seq { start: span, items: Vec::new() }, span)
            }
            Event::MappingStart(anchor, tag) => {
                self.properties(span, anchor, tag.is_some());
                let frame = Frame::Map {
                    start: span,
                    entries: Vec::new(),
                    seen: HashMap::new(),
                    key: Key::Wanted,
                    written: None,
                };
                self.open(frame, span)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.close(span);
                Ok(())
            }
        }
    }

    fn open(&mut self, frame: Frame, span: Span) -> Result<(), Stop> {
        self.count(span)?;
        if self.stack.len() == MAX_DEPTH {
            let message = format!("nested more than {MAX_DEPTH} levels deep");
            let problem = self.problem(codes::TOO_LARGE, span, message).help("a configuration needs six at most");
            self.problems.push(problem);
            return Err(Stop);
        }
        self.stack.push(frame);
        Ok(())
    }

    fn count(&mut self, span: Span) -> Result<(), Stop> {
        self.nodes += 1;
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        let message = format!("the file holds more than {MAX_NODES} values");
        let problem = self.problem(codes::TOO_LARGE, span, message).help("is it the right file? split it if it is");
        self.problems.push(problem);
        Err(Stop)
    }

    fn close(&mut self, end: Span) {
        let node = match self.stack.pop() {
            Some(Frame::Seq { start, items }) => {
                let last = items.last().map(|item| item.span);
                Node { span: self.extent(start, last, end), value: Value::Seq(items) }
            }
            Some(Frame::Map { start, entries, written, .. }) => {
                let span = if self.is_flow(start) { start.to(end) } else { written.unwrap_or(start) };
                Node { span, value: Value::Map(entries) }
            }
            None => return,
        };
        self.place(node);
    }

    /// From `start` to the closing bracket, or to the last value of a block (the parser ends a block at the next token).
    fn extent(&self, start: Span, last: Option<Span>, end: Span) -> Span {
        if self.is_flow(start) { start.to(end) } else { start.to(last.unwrap_or(start)) }
    }

    /// Where the innermost bracket stands that is still open.
    fn open_bracket(&self) -> Option<Span> {
        let starts = self.stack.iter().rev().map(|frame| match frame {
            Frame::Seq { start, .. } | Frame::Map { start, .. } => *start,
        });
        starts.into_iter().find(|start| self.is_flow(*start))
    }

    /// The parser ends a quoted scalar at the next token; we end it at its quote.
    fn scalar_span(&self, span: Span, style: ScalarStyle) -> Span {
        let raw = self.source.text.get(span.start..span.end).unwrap_or_default();
        let quote = match style {
            ScalarStyle::SingleQuoted => '\'',
            ScalarStyle::DoubleQuoted => '"',
            ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => {
                return Span::new(span.start, span.start + raw.trim_end().len());
            }
        };
        let mut inside = raw.char_indices().skip(1);
        while let Some((at, c)) = inside.next() {
            let doubled = quote == '\'' && raw[at + c.len_utf8()..].starts_with('\'');
            if (c == '\\' && quote == '"') || (c == quote && doubled) {
                inside.next();
            } else if c == quote {
                return Span::new(span.start, span.start + at + c.len_utf8());
            }
        }
        span
    }

    fn is_flow(&self, start: Span) -> bool {
        self.source.text[start.start..].starts_with(['[', '{'])
    }

    /// Puts a complete value where it belongs.
    fn place(&mut self, mut node: Node) {
        if let Some(Frame::Map { written, .. }) = self.stack.last_mut() {
            *written = Some(written.map_or(node.span, |written| written.to(node.span)));
        }
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Frame::Seq { items, .. }) => {
                if is_unwritten(&node) {
                    node.span = blame_dash(&self.source.text, node.span);
                }
                items.push(node);
            }
            Some(Frame::Map { key: key @ Key::Wanted, .. }) => {
                *key = Key::Dropped;
                self.key(node);
            }
            Some(Frame::Map { entries, key, .. }) => {
                if let Key::Is(name, key_span) = std::mem::replace(key, Key::Wanted) {
                    if is_unwritten(&node) {
                        node.span = key_span;
                    }
                    entries.push(Entry { key: name, key_span, value: node });
                }
            }
        }
    }

    /// Takes a value as the key of the innermost mapping, or says why it cannot be one.
    fn key(&mut self, node: Node) {
        let name = match node.value {
            Value::Text(text) => text.text,
            Value::Broken => return,
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Seq(_) | Value::Map(_) => {
                let message = format!("a key must be text, this is {}", node.kind());
                let problem = self.problem(codes::KEY_NOT_TEXT, node.span, message);
                let raw = self.source.text.get(node.span.start..node.span.end).unwrap_or_default();
                let scalar = !raw.is_empty() && !matches!(node.value, Value::Seq(_) | Value::Map(_));
                let help = if scalar {
                    format!("put it in quotes: `\"{raw}\"`")
                } else {
                    "write `key: value`; a text with brackets in it needs quotes".to_owned()
                };
                let problem = problem.help(help);
                self.problems.push(problem);
                return;
            }
        };
        if name == "<<" {
            self.unsupported(node.span, "a merge key");
            return;
        }
        let Some(Frame::Map { seen, key, .. }) = self.stack.last_mut() else { return };
        if let Some(&first) = seen.get(&name) {
            let problem = self.problem(codes::DUPLICATE_KEY, node.span, format!("the key `{name}` is given twice"));
            let problem = problem
                .label("again here")
                .related(Location::new(self.source, first), "first here")
                .help("remove one of them; to have several, make them entries of a list");
            self.problems.push(problem);
            return;
        }
        seen.insert(name.clone(), node.span);
        *key = Key::Is(name, node.span);
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span) -> Value {
        let raw = self.source.text.get(span.start..span.end).unwrap_or_default();
        let verbatim_at = match style {
            ScalarStyle::Plain => (raw == text).then_some(span.start),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                let inside = raw.get(1..raw.len().saturating_sub(1));
                (inside == Some(text)).then_some(span.start + 1)
            }
            ScalarStyle::Literal | ScalarStyle::Folded => None,
        };
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
                let help = format!("if it is meant as text, put it in quotes: `\"{text}\"`");
                let problem = self.problem(codes::INTEGER_RANGE, span, message).help(help);
                let range = format!("integers go from {} to {}", i64::MIN, u64::MAX);
                self.problems.push(problem.note(range));
                Value::Broken
            }
        }
    }

    /// Complains about an anchor or a tag on a value. True where the value's meaning hangs on it.
    fn properties(&mut self, span: Span, anchor: usize, tagged: bool) -> bool {
        if anchor != 0 {
            let place = sigil(&self.source.text, span, '&');
            self.unsupported(place, "an anchor");
        }
        if tagged {
            let place = sigil(&self.source.text, span, '!');
            let problem = self.problem(codes::TAG, place, "YAML tags are not used in this language");
            self.problems.push(problem.help("remove the tag; to make something text, put it in quotes"));
        }
        tagged
    }

    fn unsupported(&mut self, span: Span, what: &str) {
        let problem = self.problem(codes::ANCHOR, span, format!("{what} is not supported yet"));
        self.problems.push(problem.help("write the value out where it is needed"));
    }

    fn problem(&self, code: &'static str, span: Span, message: impl Into<String>) -> Problem {
        Problem::new(code, Location::new(self.source, span), message)
    }
}

fn is_unwritten(node: &Node) -> bool {
    node.value == Value::Null && node.span.start == node.span.end
}

/// The dash of a list entry without a value; the parser puts it anywhere behind it.
fn blame_dash(text: &str, span: Span) -> Span {
    let before = text[..span.start].trim_end();
    if before.ends_with('-') { Span::new(before.len() - 1, before.len()) } else { span }
}

/// The `&name` or `!tag` of a value: at its beginning or before it.
fn sigil(text: &str, span: Span, sign: char) -> Span {
    let start = if text[span.start..].starts_with(sign) { Some(span.start) } else { text[..span.start].rfind(sign) };
    let Some(start) = start else { return span };
    let length = text[start..].find(|c: char| c.is_whitespace() || ",[]{}".contains(c));
    Span::new(start, length.map_or(text.len(), |length| start + length))
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parser events to a tree, with a stack of our own.

use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::anchors::{Anchors, merge};
use super::marks::Marks;
use super::node::{Entry, Node, Origin, Text, Value};
use super::scalar::{Plain, resolve};
use super::{MAX_BYTES, MAX_DEPTH, MAX_NODES, explain};
use crate::config::codes;
use crate::config::environment::Environment;
use crate::config::problem::Problem;
use crate::config::source::{Location, SourceFile, Span};

/// The tree, and what is wrong with it.
pub(super) fn build(source: &Arc<SourceFile>, environment: &Environment<'_>) -> (Option<Node>, Vec<Problem>) {
    let text = &*source.text;
    let base = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut builder = Builder {
        source,
        marks: Marks::new(text, base),
        stack: Vec::new(),
        root: None,
        nodes: 0,
        copied: 0,
        anchors: Anchors::default(),
        environment,
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
                let problem = match builder.anchors.unknown(source, at, error.info()) {
                    Some(problem) => problem,
                    None => explain::syntax(source, at, error.info(), open),
                };
                builder.problems.push(problem);
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
pub(super) struct Stop;

/// A list or mapping that is not complete.
#[expect(clippy::large_enum_variant, reason = "64 of them at most")]
enum Frame {
    Seq {
        start: Span,
        anchor: usize,
        items: Vec<Node>,
    },
    /// `written` runs from the first key to the last value, dropped ones included.
    Map {
        start: Span,
        anchor: usize,
        entries: Vec<Entry>,
        seen: HashMap<String, Span>,
        key: Key,
        written: Option<Span>,
        /// The `<<` of the mapping: where it stands, how many entries come before it, what it merges.
        merge: Option<(Span, usize, Node)>,
    },
}

/// Where a mapping stands.
enum Key {
    /// The next value is a key.
    Wanted,
    /// This key waits for its value.
    Is(String, Span),
    /// The key `<<` at this place waits for what is merged.
    Merge(Span),
    /// A key that has its problem already waits for its value; both will be dropped.
    Dropped,
}

struct Builder<'t> {
    source: &'t Arc<SourceFile>,
    marks: Marks<'t>,
    stack: Vec<Frame>,
    root: Option<Node>,
    nodes: usize,
    /// Bytes of text that aliases and the environment brought in.
    copied: usize,
    anchors: Anchors,
    environment: &'t Environment<'t>,
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
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1, span)?;
                let broken = self.tag(span, tag.is_some());
                self.anchors.open(anchor, span);
                let span = self.scalar_span(span, style);
                let node = if broken { Node::new(span, Value::Broken) } else { self.scalar(&text, style, span)? };
                self.anchors.close(&self.source.text, anchor, &node);
                self.place(node);
                Ok(())
            }
            Event::SequenceStart(anchor, tag) => {
                self.tag(span, tag.is_some());
                self.anchors.open(anchor, span);
                self.open(Frame::Seq { start: span, anchor, items: Vec::new() }, span)
            }
            Event::MappingStart(anchor, tag) => {
                self.tag(span, tag.is_some());
                self.anchors.open(anchor, span);
                let frame = Frame::Map {
                    start: span,
                    anchor,
                    entries: Vec::new(),
                    seen: HashMap::new(),
                    key: Key::Wanted,
                    written: None,
                    merge: None,
                };
                self.open(frame, span)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.close(span);
                Ok(())
            }
        }
    }

    /// Puts what an alias stands for where the alias stands.
    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        let dropped = matches!(self.stack.last(), Some(Frame::Map { key: Key::Dropped, .. }));
        let Some(anchored) = self.anchors.get(anchor) else {
            self.count(1, span)?;
            if !dropped {
                let problem = self.problem(codes::ANCHOR, span, "an alias inside the value that it stands for");
                let problem = match self.anchors.start(anchor) {
                    Some(start) => problem.related(Location::new(self.source, start), "the value begins here"),
                    None => problem,
                };
                self.problems.push(problem.help("a value cannot hold itself: write out what is meant"));
            }
            self.place(Node::new(span, Value::Broken));
            return Ok(());
        };
        let (nodes, bytes, depth, place) = (anchored.nodes, anchored.bytes, anchored.depth, anchored.place);
        let too_large = if self.nodes + nodes > MAX_NODES {
            Some(format!("with this alias the file holds more than {MAX_NODES} values"))
        } else if self.copied + bytes > MAX_BYTES {
            Some(format!("with this alias the file grows by more than {MAX_BYTES} bytes"))
        } else if self.stack.len() + depth > MAX_DEPTH {
            Some(format!("with this alias the file is nested more than {MAX_DEPTH} levels deep"))
        } else {
            None
        };
        if let Some(message) = too_large {
            let problem = self.problem(codes::TOO_LARGE, span, message);
            let problem = problem.related(Location::new(self.source, place), "it stands for this");
            self.problems.push(problem.help("aliases of aliases multiply: write out less, or split the file"));
            return Err(Stop);
        }
        let node = anchored.at(span);
        self.nodes += nodes;
        self.copied += bytes;
        self.place(node);
        Ok(())
    }

    fn open(&mut self, mut frame: Frame, span: Span) -> Result<(), Stop> {
        self.count(1, span)?;
        if self.stack.len() == MAX_DEPTH {
            let message = format!("nested more than {MAX_DEPTH} levels deep");
            let problem = self.problem(codes::TOO_LARGE, span, message).help("a configuration needs six at most");
            self.problems.push(problem);
            return Err(Stop);
        }
        let (Frame::Seq { start, .. } | Frame::Map { start, .. }) = &mut frame;
        let value = behind_properties(&self.source.text, *start);
        if self.source.text[value..].starts_with(['[', '{']) {
            *start = Span::new(value, value);
        }
        self.stack.push(frame);
        Ok(())
    }

    fn count(&mut self, more: usize, span: Span) -> Result<(), Stop> {
        self.nodes += more;
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        let message = format!("the file holds more than {MAX_NODES} values");
        let problem = self.problem(codes::TOO_LARGE, span, message).help("is it the right file? split it if it is");
        self.problems.push(problem);
        Err(Stop)
    }

    fn close(&mut self, end: Span) {
        let (node, anchor) = match self.stack.pop() {
            Some(Frame::Seq { start, anchor, items }) => {
                let written = |item: &Node| item.origin.as_ref().and_then(|origin| origin.alias).unwrap_or(item.span);
                let last = items.last().map(written);
                (Node::new(self.extent(start, last, end), Value::Seq(items)), anchor)
            }
            Some(Frame::Map { start, anchor, mut entries, seen, written, merge: merged, .. }) => {
                let span = self.extent(start, written, end);
                if let Some((_, at, node)) = merged {
                    merge(self.source, &mut entries, &seen, at, node, &mut self.problems);
                }
                (Node::new(span, Value::Map(entries)), anchor)
            }
            None => return,
        };
        self.anchors.close(&self.source.text, anchor, &node);
        self.place(node);
    }

    /// From `start` to the closing bracket, or to the last value of a block (the parser ends a block at the next token).
    fn extent(&self, start: Span, last: Option<Span>, end: Span) -> Span {
        if !self.is_flow(start) {
            return start.to(last.unwrap_or(start));
        }
        // The parser counts space and comments behind a bracket as part of it.
        let text = &self.source.text;
        let mut at = last.map_or(start.start + 1, |last| last.end);
        while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
            match c {
                ']' | '}' => return Span::new(start.start, at + 1),
                '#' => at += text[at..].find('\n').unwrap_or(text.len() - at),
                c if c.is_whitespace() || ",:?".contains(c) => at += c.len_utf8(),
                _unexpected => break,
            }
        }
        start.to(end)
    }

    /// Where the innermost bracket stands that is still open.
    fn open_bracket(&self) -> Option<Span> {
        let starts = self.stack.iter().rev().map(|frame| match frame {
            Frame::Seq { start, .. } | Frame::Map { start, .. } => *start,
        });
        starts.into_iter().find(|start| self.is_flow(*start))
    }

    /// The parser begins a scalar at its anchor or tag, and ends a quoted one at the next token; we mean the value alone.
    fn scalar_span(&self, span: Span, style: ScalarStyle) -> Span {
        let span = Span::new(behind_properties(&self.source.text, span), span.end);
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
            let span = node.origin.as_ref().and_then(|origin| origin.alias).unwrap_or(node.span);
            *written = Some(written.map_or(span, |written| written.to(span)));
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
            Some(Frame::Map { entries, key, merge, .. }) => match std::mem::replace(key, Key::Wanted) {
                Key::Is(name, key_span) => {
                    if is_unwritten(&node) {
                        node.span = key_span;
                    }
                    entries.push(Entry { key: name, key_span, merged: None, value: node });
                }
                Key::Merge(key_span) => {
                    if is_unwritten(&node) {
                        node.span = key_span;
                    }
                    *merge = Some((key_span, entries.len(), node));
                }
                Key::Wanted | Key::Dropped => {}
            },
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
        if name.contains("${env:") {
            let problem = self.problem(codes::ENV_FORM, node.span, "a key cannot come from the environment");
            self.problems.push(problem.help("write the key itself; only values are replaced"));
            return;
        }
        let plain_merge = name == "<<" && self.source.text[node.span.start..].starts_with('<');
        let Some(Frame::Map { seen, key, .. }) = self.stack.last_mut() else { return };
        if let Some(&first) = seen.get(&name) {
            let problem = self.problem(codes::DUPLICATE_KEY, node.span, format!("the key `{name}` is given twice"));
            let problem = problem.label("again here").related(Location::new(self.source, first), "first here").help(
                if plain_merge {
                    "merge several with one key: `<<: [*one, *two]`"
                } else {
                    "remove one of them; to have several, make them entries of a list"
                },
            );
            self.problems.push(problem);
            return;
        }
        seen.insert(name.clone(), node.span);
        *key = if plain_merge { Key::Merge(node.span) } else { Key::Is(name, node.span) };
    }

    /// A scalar with its references to the environment replaced; keys are left as they are.
    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span) -> Result<Node, Stop> {
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
        match self.environment.substitute(text, MAX_BYTES.saturating_sub(self.copied)) {
            Ok(replaced) => {
                self.copied += replaced.len();
                if self.copied > MAX_BYTES {
                    let message =
                        format!("with this value of the environment the file grows by more than {MAX_BYTES} bytes");
                    let problem = self.problem(codes::TOO_LARGE, span, message);
                    self.problems.push(problem.help("is it the right variable?"));
                    return Err(Stop);
                }
                let value = self.value(&replaced, style, span, None);
                let origin = Origin { alias: None, substituted: Some(replaced) };
                Ok(Node { span, value, origin: Some(Box::new(origin)) })
            }
            Err(complaints) => {
                for complaint in complaints {
                    let reference = text.get(complaint.range.clone()).unwrap_or_default();
                    let found = || raw.find(reference).map_or(span.start, |at| span.start + at);
                    let start = verbatim_at.map_or_else(found, |at| at + complaint.range.start);
                    let length = if self.source.text[start..].starts_with(reference) { reference.len() } else { 0 };
                    let place = if length == 0 { span } else { Span::new(start, start + length) };
                    let problem = self.problem(complaint.code, place, complaint.message);
                    self.problems.push(problem.help(complaint.help));
                }
                Ok(Node::new(span, Value::Broken))
            }
        }
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
                let help = format!("if it is meant as text, put it in quotes: `\"{raw}\"`");
                let problem = self.problem(codes::INTEGER_RANGE, span, message).help(help);
                let range = format!("integers go from {} to {}", i64::MIN, u64::MAX);
                self.problems.push(problem.note(range));
                Value::Broken
            }
        }
    }

    /// Complains about a tag on a value. True where there is one: the value's meaning hangs on it.
    fn tag(&mut self, span: Span, tagged: bool) -> bool {
        if tagged {
            let place = sigil(&self.source.text, span, '!');
            let problem = self.problem(codes::TAG, place, "YAML tags are not used in this language");
            self.problems.push(problem.help("remove the tag; to make something text, put it in quotes"));
        }
        tagged
    }

    fn problem(&self, code: &'static str, span: Span, message: impl Into<String>) -> Problem {
        Problem::new(code, Location::new(self.source, span), message)
    }
}

/// True for a value that is not written: an alias is.
fn is_unwritten(node: &Node) -> bool {
    node.value == Value::Null && node.span.start == node.span.end
}

/// Where a value begins whose span may begin with `&name` and `!tag`.
fn behind_properties(text: &str, span: Span) -> usize {
    let end = span.end.max(span.start);
    let mut at = span.start;
    while text[at..].starts_with(['&', '!']) {
        let rest = &text[at..];
        at += rest.find(|c: char| c.is_whitespace() || ",[]{}".contains(c)).unwrap_or(rest.len());
        while let Some(c) = text[at..].chars().next() {
            match c {
                c if c.is_whitespace() => at += c.len_utf8(),
                '#' => at += text[at..].find('\n').unwrap_or(text.len() - at),
                _value => break,
            }
        }
    }
    // What has an anchor and nothing else is not written at all.
    if span.start < at && at > end { span.start } else { at }
}

/// The dash of a list entry without a value; the parser puts it anywhere behind it.
fn blame_dash(text: &str, span: Span) -> Span {
    let before = text[..span.start].trim_end();
    if before.ends_with('-') { Span::new(before.len() - 1, before.len()) } else { span }
}

/// The `&name` or `!tag` of a value: at its beginning or before it.
pub(super) fn sigil(text: &str, span: Span, sign: char) -> Span {
    let head = &text[span.start..behind_properties(text, span).max(span.start)];
    let start = head.find(sign).map(|at| span.start + at).or_else(|| {
        let here = text[span.start..].starts_with(sign);
        if here { Some(span.start) } else { text[..span.start].rfind(sign) }
    });
    let Some(start) = start else { return span };
    let length = text[start..].find(|c: char| c.is_whitespace() || ",[]{}".contains(c));
    Span::new(start, length.map_or(text.len(), |length| start + length))
}

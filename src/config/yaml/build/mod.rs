// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parser events to a tree, with a stack of our own.

mod alias;
mod call;
mod cut;
mod key;
mod scalar;

use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser};

use super::anchors::{Anchors, merge};
use super::marks::Marks;
use super::node::{Entry, Node, Value};
use super::spans::{behind_properties, blame_dash, extent, is_flow, scalar_span, sigil};
use super::tabs::separated;
use super::{MAX_DEPTH, MAX_NODES, explain};
use crate::config::codes;
use crate::config::environment::Environment;
use crate::config::problem::Problem;
use crate::config::source::{Location, SourceFile, Span};

/// Most problems: after them a file is not what it was meant to be. More than are shown of one.
const MAX_PROBLEMS: usize = 200;

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
        call_end: 0,
        problems: Vec::new(),
    };
    builder.read(Parser::new_from_str(&separated(&text[base..])));
    (builder.root, builder.problems)
}

/// Nothing sensible can be read behind this point; the problem has been recorded.
pub(super) enum Stop {
    /// What has been read stands.
    Here,
    /// What has been read means nothing: the file is too large to be a configuration.
    All,
}

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
        /// Keys could not be read.
        incomplete: bool,
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
    /// Where a call ends that YAML cut at its first `,`: what comes before belongs to it.
    call_end: usize,
    problems: Vec<Problem>,
}

impl Builder<'_> {
    fn read(&mut self, mut parser: Parser<'_, impl saphyr_parser::Input>) {
        while let Some(event) = parser.next_event() {
            let step = match event {
                Ok((event, span)) => {
                    let span = self.marks.span(span);
                    self.event(event, span)
                }
                Err(error) => {
                    let at = self.marks.byte(*error.marker());
                    self.complaint(at, error.info())
                }
            };
            let step = if self.problems.len() > MAX_PROBLEMS { step.and(Err(Stop::Here)) } else { step };
            match step {
                Ok(()) => {}
                Err(Stop::Here) => return self.cut(),
                Err(Stop::All) => {
                    self.root = None;
                    return;
                }
            }
        }
    }

    /// What the parser complains about at byte `at`. It goes on after an alias without an anchor, and nothing else.
    fn complaint(&mut self, at: usize, info: &str) -> Result<(), Stop> {
        if info.contains("unknown anchor") {
            let span = sigil(&self.source.text, Span::new(at, at), '*');
            self.count(1, span)?;
            self.problems.push(self.anchors.unknown(self.source, span));
            self.place(Node::new(span, Value::Broken));
            return Ok(());
        }
        if info.contains("handle wasn't declared") {
            self.tag(Span::new(at, at), true);
            return Err(Stop::Here);
        }
        let problem = explain::syntax(self.source, at, info, self.open_bracket());
        let stop = if problem.code == codes::TOO_LARGE { Stop::All } else { Stop::Here };
        // A template is both: a key that is none, and more text after it.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
        Err(stop)
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) if self.root.is_some() => {
                let problem = self.problem(codes::SEVERAL_DOCUMENTS, span, "a second YAML document begins here");
                self.problems.push(problem.help("a file is one document: put the second one into a file of its own"));
                Err(Stop::Here)
            }
            Event::DocumentStart(_) => Ok(()),
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1, span)?;
                let broken = self.tag(span, tag.is_some());
                self.anchors.open(anchor, span);
                let span = scalar_span(&self.source.text, span, style);
                let is_broken = broken || self.is_of_a_call(&text, style, span);
                let node = if is_broken { Node::new(span, Value::Broken) } else { self.scalar(&text, style, span)? };
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
                    incomplete: false,
                };
                self.open(frame, span)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.close(span);
                Ok(())
            }
        }
    }

    fn open(&mut self, mut frame: Frame, span: Span) -> Result<(), Stop> {
        self.count(1, span)?;
        if self.stack.len() == MAX_DEPTH {
            let message = format!("nested more than {MAX_DEPTH} levels deep");
            let problem = self.problem(codes::TOO_LARGE, span, message).help("a probe file needs six at most");
            self.problems.push(problem);
            return Err(Stop::All);
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
        let message = format!("the file has more than {MAX_NODES} values");
        let problem =
            self.problem(codes::TOO_LARGE, span, message).help("check that it is the right file, or split it");
        self.problems.push(problem);
        Err(Stop::All)
    }

    fn close(&mut self, end: Span) {
        let Some(frame) = self.stack.pop() else { return };
        let (Frame::Seq { anchor, .. } | Frame::Map { anchor, .. }) = frame;
        let node = self.node(frame, Some(end));
        self.anchors.close(&self.source.text, anchor, &node);
        self.place(node);
    }

    /// The list or mapping of a frame; `end` is where the parser ends it, if it does.
    fn node(&mut self, frame: Frame, end: Option<Span>) -> Node {
        let text = &self.source.text;
        let extent = |start: Span, last: Option<Span>| match end {
            Some(end) => extent(text, start, last, end),
            None => start.to(last.unwrap_or(start)),
        };
        let (mut node, whole) = match frame {
            Frame::Seq { start, mut items, .. } => {
                // The first push makes room for four: most of what a file of small lists or mappings would take.
                items.shrink_to_fit();
                let written = |item: &Node| item.origin.as_ref().and_then(|origin| origin.alias).unwrap_or(item.span);
                let last = items.last().map(written);
                (Node::new(extent(start, last), Value::Seq(items)), true)
            }
            Frame::Map { start, mut entries, seen, written, merge: merged, incomplete, .. } => {
                let span = extent(start, written);
                let merged = merged
                    .is_none_or(|(_, at, node)| merge(self.source, &mut entries, &seen, at, node, &mut self.problems));
                entries.shrink_to_fit();
                (Node::new(span, Value::Map(entries)), merged && !incomplete)
            }
        };
        if end.is_none() && is_flow(&self.source.text, node.span) {
            // Without its bracket it took in what was meant for others.
            return Node::new(node.span, Value::Broken);
        }
        if !whole || end.is_none() {
            node.set_incomplete();
            if let Value::Map(entries) = &mut node.value {
                // What could not be read may have taken the place of what is merged.
                entries.retain(|entry| entry.merged.is_none());
            }
        }
        node
    }

    /// Where the innermost bracket stands that is still open.
    fn open_bracket(&self) -> Option<Span> {
        let starts = self.stack.iter().rev().map(|frame| match frame {
            Frame::Seq { start, .. } | Frame::Map { start, .. } => *start,
        });
        starts.into_iter().find(|start| is_flow(&self.source.text, *start))
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
                if is_unwritten(&self.source.text, &node) {
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
                    if is_unwritten(&self.source.text, &node) {
                        node.span = key_span;
                    }
                    entries.push(Entry { key: name, key_span, merged: None, value: node });
                }
                Key::Merge(key_span) => {
                    if is_unwritten(&self.source.text, &node) {
                        node.span = key_span;
                    }
                    *merge = Some((key_span, entries.len(), node));
                }
                Key::Wanted | Key::Dropped => {}
            },
        }
    }

    /// Complains about a tag on a value. True where there is one: the value's meaning hangs on it.
    fn tag(&mut self, span: Span, tagged: bool) -> bool {
        if tagged {
            let place = sigil(&self.source.text, span, '!');
            let problem = self.problem(codes::TAG, place, "YAML tags are not supported");
            let help = match self.source.text[place.start..place.end].strip_prefix('!') {
                Some(word) if word.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                    format!("remove the tag; for a string, use quotes; in an expression write `not {word}`")
                }
                Some(_) | None => "remove the tag; for a string, use quotes".to_owned(),
            };
            self.problems.push(problem.help(help));
        }
        tagged
    }

    fn problem(&self, code: &'static str, span: Span, message: impl Into<String>) -> Problem {
        Problem::new(code, Location::new(self.source, span), message)
    }
}

/// True for a value that is not written: an alias is.
fn is_unwritten(text: &str, node: &Node) -> bool {
    // Between brackets the parser has the sign after an empty value as its text.
    let raw = text.get(node.span.start..node.span.end).unwrap_or_default();
    node.value == Value::Null && (raw.is_empty() || raw.starts_with([',', '}', ']']))
}

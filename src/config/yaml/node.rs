// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tree: every key and value with its place.

use crate::config::source::Span;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// The value's bytes in the text, quotes and brackets included. For a value that is not written (`name:`), its key.
    pub(crate) span: Span,
    /// What it is.
    pub(crate) value: Value,
    /// How it came here, where it is not just written here, as a whole.
    pub(crate) origin: Option<Box<Origin>>,
}

/// How a value came to its place, and whether it is all of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Origin {
    /// The alias that put it here; the value's own span is where it is written.
    pub(crate) alias: Option<Span>,
    /// A scalar after its references to the environment were replaced.
    pub(crate) substituted: Option<String>,
    /// The bytes of that text which came from references.
    pub(crate) parts: Vec<std::ops::Range<usize>>,
    /// Keys or elements of a list or mapping could not be read: what is missing may be there.
    pub(crate) incomplete: bool,
}

/// A value by the YAML 1.2 core rules: only plain scalars are anything but text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// `12`, `-3`, `0x1f`, `0o17`; from the least i64 to the greatest u64.
    Int(i128),
    /// `1.5`, `1e9`, `.inf`, `.nan`.
    Float(f64),
    /// Everything else that is one scalar.
    Text(Text),
    /// `[a, b]` or `- a`.
    Seq(Vec<Node>),
    /// `{a: b}` or `a: b`, in the order of the file.
    Map(Vec<Entry>),
    /// Something that has its problem already; nothing more is to be said about it.
    Broken,
}

/// A text and where its characters stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    /// The characters, unescaped.
    pub(crate) text: String,
    /// Offset of the first one, where they stand in the file exactly so; `None` with escapes or folding.
    pub(crate) verbatim_at: Option<usize>,
}

/// One `key: value`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: String,
    /// Where the key stands, quotes included.
    pub(crate) key_span: Span,
    /// The alias after the `<<` that put the entry here.
    pub(crate) merged: Option<Span>,
    /// The value.
    pub(crate) value: Node,
}

/// One step from a value to one inside it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Segment {
    /// The value of this key.
    Key(String),
    /// The element of this index.
    Index(usize),
}

impl Node {
    /// A value that is written where it stands.
    pub(crate) fn new(span: Span, value: Value) -> Self {
        Self { span, value, origin: None }
    }

    /// Notes that keys or elements of a list or mapping could not be read.
    pub(super) fn set_incomplete(&mut self) {
        self.origin.get_or_insert_default().incomplete = true;
    }

    /// True where keys or elements of a list or mapping could not be read: the problem has been said.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.origin.as_ref().is_some_and(|origin| origin.incomplete)
    }

    /// The text of a scalar as a person sees it: after substitution, or as it is written in `source`.
    pub(crate) fn shown<'n>(&'n self, source: &'n str) -> &'n str {
        let substituted = self.origin.as_ref().and_then(|origin| origin.substituted.as_deref());
        substituted.unwrap_or_else(|| source.get(self.span.start..self.span.end).unwrap_or_default())
    }

    /// How the value or key that is written at `span` came into this tree; `None` where nothing here is written there.
    pub(crate) fn origin_of(&self, span: Span) -> Option<Origin> {
        self.find_origin(span, None)
    }

    fn find_origin(&self, span: Span, alias: Option<Span>) -> Option<Origin> {
        let own = self.origin.as_deref();
        let alias = alias.or(own.and_then(|own| own.alias));
        let scalar = !matches!(self.value, Value::Seq(_) | Value::Map(_));
        let inside = scalar && (self.span.start..=self.span.end).contains(&span.start);
        if inside || (!scalar && self.span.start == span.start) {
            let substituted = own.and_then(|own| own.substituted.clone());
            return Some(Origin { alias, substituted, ..Origin::default() });
        }
        let of_entry = |entry: &Entry| {
            let alias = alias.or(entry.merged);
            let key = (entry.key_span == span).then_some(Origin { alias, ..Origin::default() });
            key.or_else(|| entry.value.find_origin(span, alias))
        };
        let in_entries = self.entries().iter().find_map(of_entry);
        in_entries.or_else(|| self.items().iter().find_map(|item| item.find_origin(span, alias)))
    }

    /// The entries of a mapping; none for anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Seq(_)
            | Value::Broken => &[],
        }
    }

    /// The elements of a sequence; none for anything else.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.value {
            Value::Seq(items) => items,
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Map(_)
            | Value::Broken => &[],
        }
    }

    /// The text of a text scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(&text.text) } else { None }
    }

    /// The bytes of the text that came from the environment or a variable.
    pub(crate) fn opaque(&self) -> &[std::ops::Range<usize>] {
        self.origin.as_ref().map(|origin| origin.parts.as_slice()).unwrap_or_default()
    }

    /// The entry of this key.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value at the end of these keys.
    pub(crate) fn at(&self, keys: &[&str]) -> Option<&Node> {
        keys.iter().try_fold(self, |node, key| Some(&node.get(key)?.value))
    }

    /// The place at the end of `path`, or of the last step that exists.
    pub(crate) fn nearest(&self, path: &[Segment]) -> Span {
        let mut node = self;
        for segment in path {
            let next = match segment {
                Segment::Key(key) => node.get(key).map(|entry| &entry.value),
                Segment::Index(index) => node.items().get(*index),
            };
            let Some(next) = next else { break };
            node = next;
        }
        node.span
    }

    /// Where the text of a text scalar begins; `None` where it is not written verbatim.
    pub(crate) fn verbatim_at(&self) -> Option<usize> {
        if let Value::Text(text) = &self.value { text.verbatim_at } else { None }
    }

    /// The place of a part of a text scalar: `range` counts its bytes. The whole scalar where it is not written verbatim.
    pub(crate) fn part(&self, range: &std::ops::Range<usize>) -> Span {
        match &self.value {
            Value::Text(Text { verbatim_at: Some(at), .. }) => Span::new(at + range.start, at + range.end),
            Value::Text(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Seq(_)
            | Value::Map(_)
            | Value::Broken => self.span,
        }
    }

    /// What it is, in a person's words: `a number`, `text`, `a list`.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Int(_) => "an integer",
            Value::Float(_) => "a number with a fraction",
            Value::Text(_) => "a string",
            Value::Seq(_) => "a list",
            Value::Map(_) => "a mapping",
            Value::Broken => "something unreadable",
        }
    }

    /// The same as JSON. What JSON cannot say (`.inf`) becomes null.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null | Value::Broken => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Int(value) => match (i64::try_from(*value), u64::try_from(*value)) {
                (Ok(value), _) => Json::from(value),
                (Err(_), Ok(value)) => Json::from(value),
                (Err(_), Err(_)) => Json::Null,
            },
            Value::Float(value) => Json::from(*value),
            Value::Text(text) => Json::String(text.text.clone()),
            Value::Seq(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Value::Map(entries) => {
                Json::Object(entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect())
            }
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file's text, and places in it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::words::{path_text, shown};

/// One file as it was read. Positions of problems point into `text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The path as messages show it.
    pub path: PathBuf,
    /// Its whole text.
    pub text: Arc<str>,
    /// Why no message may quote the text; `None`: they may.
    pub withheld: Option<Withheld>,
}

/// Why messages do not quote a file: what is wrong with a file that somebody made us read may be the first line of
/// `/etc/shadow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withheld {
    /// A link leads to it, out of the directory that was named.
    Outside,
    /// Only some may read it, and it does not have the name of a configuration file; we read it as root.
    Private,
}

impl Withheld {
    /// For a note: why nothing of the text is shown.
    pub fn note(self) -> &'static str {
        match self {
            Self::Outside => "its text is not shown: a link leads to it, out of the directory",
            Self::Private => "its text is not shown: not everybody may read it, and its name does not end in .yaml",
        }
    }
}

impl SourceFile {
    /// A file whose text may be shown.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<Arc<str>>) -> Self {
        Self { path: path.into(), text: text.into(), withheld: None }
    }

    /// The path in one line for people: no two paths are shown alike, and nothing in it acts on a terminal.
    pub fn shown(&self) -> String {
        shown(&path_text(&self.path)).into_owned()
    }
}

/// A range of bytes of a file's text: `start..end`, both on character boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte; equal to `start` for a place between two characters.
    pub end: usize,
}

impl Span {
    /// `start..end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end: end.max(start) }
    }

    /// From the beginning of this one to the end of the other.
    pub fn to(self, other: Self) -> Self {
        Self::new(self.start, other.end)
    }
}

/// A place in a file. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    /// The file.
    pub source: Arc<SourceFile>,
    /// Where in its text.
    pub span: Span,
}

impl Location {
    /// The place `span` of `source`.
    pub fn new(source: &Arc<SourceFile>, span: Span) -> Self {
        Self { source: Arc::clone(source), span }
    }

    /// Line and column of its first character. Both count from 1; columns count characters.
    pub fn line_column(&self) -> (usize, usize) {
        self.line_column_of(self.span.start)
    }

    /// Line and column one after its last character, counted alike.
    pub fn end_line_column(&self) -> (usize, usize) {
        self.line_column_of(self.span.end)
    }

    fn line_column_of(&self, at: usize) -> (usize, usize) {
        let before = self.source.text.get(..at).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        let text = before[line_start..].trim_start_matches('\u{feff}');
        (line, text.chars().count() + 1)
    }
}

/// `path:line:column`.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_column();
        write!(f, "{}:{line}:{column}", self.source.shown())
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}..{}]", self.source.path.display(), self.span.start, self.span.end)
    }
}

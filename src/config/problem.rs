// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is wrong, where, and what would work.

use super::source::Location;

/// Whether a problem stops the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can be used, but probably does not do what was meant.
    Warning,
}

/// One thing that is wrong in a file. Messages are lower case, without a final stop; names stand in backquotes.
///
/// ```
/// # use ebpf_run::config::{Location, Problem, SourceFile, Span, codes};
/// # let source = std::sync::Arc::new(SourceFile::new("web.yaml", "interface: eht0"));
/// let problem = Problem::new(codes::BAD_TARGET, Location::new(&source, Span::new(11, 15)), "no interface `eht0`")
///     .label("not on this machine")
///     .help("did you mean `eth0`?");
/// assert_eq!(problem.primary.to_string(), "web.yaml:1:12");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The stable code, one of [`super::codes::CODES`].
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// What was found, in one line.
    pub message: String,
    /// The place that is to blame.
    pub primary: Location,
    /// The words next to the caret; empty where the message says it all.
    pub label: String,
    /// Other places that matter, each with its words.
    pub related: Vec<(Location, String)>,
    /// What to write instead.
    pub help: Option<String>,
    /// More that helps: a list of what exists, the reason of a rule.
    pub notes: Vec<String>,
}

impl Problem {
    /// An error at a place.
    pub fn new(code: &'static str, primary: Location, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            primary,
            label: String::new(),
            related: Vec::new(),
            help: None,
            notes: Vec::new(),
        }
    }

    /// A warning at a place.
    pub fn warning(code: &'static str, primary: Location, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::new(code, primary, message) }
    }

    /// Sets the words next to the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds another place with its words.
    #[must_use]
    pub fn related(mut self, location: Location, label: impl Into<String>) -> Self {
        self.related.push((location, label.into()));
        self
    }

    /// Says what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says what to write instead, where something is known.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// Adds a note.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// True where it is about a file as a whole, which has no text to point at.
    pub fn is_about_file(&self) -> bool {
        self.primary.source.text.is_empty() && self.code != super::codes::EMPTY
    }

    /// True where it stops the run.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

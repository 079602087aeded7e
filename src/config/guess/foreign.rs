// SPDX-License-Identifier: MIT OR Apache-2.0
//! What came into a file from elsewhere and is no YAML: conflicts of a merge, templates, comments of other languages, spaces
//! that only look like spaces.

use std::sync::Arc;

use super::syntax::Stumble;
use crate::config::codes;
use crate::config::problem::Problem;
use crate::config::source::{Location, SourceFile, Span};

/// The first answer about the line above the place where the parser stopped, or about its own.
fn nearby(stumble: &Stumble<'_>, on: impl Fn(&Arc<SourceFile>, usize) -> Option<Problem>) -> Option<Problem> {
    let line = line_start(&stumble.source.text, stumble.at);
    let above = line_start(&stumble.source.text, line.saturating_sub(1));
    on(stumble.source, above).or_else(|| on(stumble.source, line))
}

/// `name: {{ .Values.name }}`, which Helm, Ansible or Jinja would have filled in.
pub(super) fn template(stumble: &Stumble<'_>) -> Option<Problem> {
    nearby(stumble, template_on)
}

/// A comment as C, Go and JavaScript have it.
pub(super) fn comment(stumble: &Stumble<'_>) -> Option<Problem> {
    nearby(stumble, comment_on)
}

/// A space of another kind where structure needs a plain one: in the indentation, after a `:`, a `-` or a bracket.
pub(super) fn space(stumble: &Stumble<'_>) -> Option<Problem> {
    nearby(stumble, space_on)
}

/// A text between `{{` and `}}` or `{%` and `%}`, on the line that begins at byte `line`.
fn template_on(source: &Arc<SourceFile>, line: usize) -> Option<Problem> {
    let text = before_comment(&source.text[line..]);
    let (start, closing) = [("{{", "}}"), ("{%", "%}")]
        .into_iter()
        .filter_map(|(opening, closing)| Some((text.find(opening)?, closing)))
        .min_by_key(|(start, _)| *start)?;
    let quoted = |quote| text[..start].matches(quote).count() % 2 == 1;
    let length = text[start..].find(closing)? + closing.len();
    if quoted('"') || quoted('\'') {
        return None;
    }
    Some(unfilled(source, Span::new(line + start, line + start + length)))
}

/// The problem of a template, where a mapping that should be a key is the inner half of one: `{{ .Values.name }}`.
pub(in crate::config) fn template_around(source: &Arc<SourceFile>, inner: Span) -> Option<Problem> {
    let bytes = source.text.as_bytes();
    let start = inner.start.checked_sub(1).filter(|start| bytes[*start] == b'{')?;
    // The parser counts the outer bracket as well where nothing follows a `:`.
    let end = if bytes[..inner.end].ends_with(b"}}") { inner.end } else { inner.end + 1 };
    bytes.get(start..end)?.ends_with(b"}}").then(|| unfilled(source, Span::new(start, end)))
}

fn unfilled(source: &Arc<SourceFile>, span: Span) -> Problem {
    let problem = Problem::new(codes::SYNTAX, Location::new(source, span), "this is an unrendered template");
    problem.help("render the file first, as Helm, Ansible or Jinja do; `${env:NAME}` inserts an environment variable")
}

/// What git leaves where two sides have changed the same lines.
pub(super) fn conflict(stumble: &Stumble<'_>) -> Option<Problem> {
    let source = stumble.source;
    let text = &*source.text;
    let starts = |sign: &str| {
        let found = text.match_indices(sign).map(|(at, _)| at);
        found.into_iter().find(|at| *at == 0 || text[..*at].ends_with('\n'))
    };
    let (first, _) = (starts("<<<<<<< ")?, starts(">>>>>>> ")?);
    let length = first_line(&text[first..]).len();
    let problem = Problem::new(
        codes::SYNTAX,
        Location::new(source, Span::new(first, first + length)),
        "this file has an unresolved merge conflict",
    );
    Some(problem.help("keep one of the two sides, and remove the lines with `<<<<<<<`, `=======` and `>>>>>>>`"))
}

fn comment_on(source: &Arc<SourceFile>, line: usize) -> Option<Problem> {
    let text = first_line(&source.text[line..]);
    let start = text.len() - text.trim_start().len();
    if !text[start..].starts_with("//") && !text[start..].starts_with("/*") {
        return None;
    }
    let place = Location::new(source, Span::new(line + start, line + start + 2));
    let problem = Problem::new(codes::SYNTAX, place, "this is not a comment in YAML");
    Some(problem.help("a comment begins with `#` and ends with its line"))
}

fn space_on(source: &Arc<SourceFile>, line: usize) -> Option<Problem> {
    // What stands before it, spaces left out: nothing but `-`, or this.
    let (mut leads, mut last) = (true, ' ');
    let mut is_found = |(_, c): &(usize, char)| {
        if is_odd_space(*c) {
            return leads || ":-,{[".contains(last);
        }
        if !c.is_whitespace() {
            leads &= *c == '-';
            last = *c;
        }
        false
    };
    let (start, odd) = before_comment(&source.text[line..]).char_indices().find(|each| is_found(each))?;
    let place = Location::new(source, Span::new(line + start, line + start + odd.len_utf8()));
    let name = if odd == '\u{a0}' { "a no-break space" } else { "this character" };
    let message = format!("{name} (U+{:04X}) is not a space to YAML", u32::from(odd));
    let problem = Problem::new(codes::SYNTAX, place, message);
    Some(problem.help("replace it with a plain space; such characters come from web pages and word processors"))
}

/// True for what looks like a space, or like nothing, and is neither space nor tab.
pub(super) fn is_odd_space(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{2000}'..='\u{200f}' | '\u{202f}' | '\u{205f}'..='\u{2064}' | '\u{3000}' | '\u{feff}')
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The first line without its comment. A `#` between quotes counts as one: what is looked for stands between none.
fn before_comment(text: &str) -> &str {
    let line = first_line(text);
    let begins = |at: &usize| line[..*at].chars().next_back().is_none_or(char::is_whitespace);
    let comment = line.match_indices('#').map(|(at, _)| at).find(begins);
    &line[..comment.unwrap_or(line.len())]
}

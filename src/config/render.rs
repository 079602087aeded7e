// SPDX-License-Identifier: MIT OR Apache-2.0
//! Problems on a terminal, the way rustc shows them.
//!
//! ```text
//! error[E0201]: unknown key `interfase` in `xdp`
//!   --> web.yaml:4:19
//!    |
//!  4 |     hook: { xdp: { interfase: eth0 } }
//!    |                    ^^^^^^^^^
//!    |
//!    = note: keys here: `interface`, `mode`
//!    = help: did you mean `interface`?
//! ```
//!
//! Whatever a message quotes is written out ([`shown`]); in the lines of the file one picture stands for each character that
//! would act, so that what is marked stays under its marks.

use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::problem::{Problem, Severity};
use super::source::{Location, SourceFile};
use crate::words::{acts, shown, shown_lines};

/// Longest stretch of text between two places that is looked at as one piece.
const MAX_WINDOW: usize = 16 << 10;
/// Longest line that is shown as a whole, in bytes; longest message, in characters.
const MAX_LINE: usize = 600;
/// Characters shown on both sides of a place in a longer line.
const AROUND: usize = 60;

/// The problem as text of several lines, without a final line end. `color` adds terminal escapes.
pub fn render(problem: &Problem, color: bool) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(short(&shown(&problem.message))).id(problem.code));
    let marks = marks(problem);
    let paths: Vec<String> = marks.iter().map(|piece| piece[0].location.source.shown()).collect();
    if problem.is_about_file() {
        group = group.element(Origin::path(&paths[0]));
    }
    for (piece, path) in marks.iter().zip(&paths).filter(|_| !problem.is_about_file()) {
        for part in snippets(piece, path) {
            group = group.element(part);
        }
    }
    for note in &problem.notes {
        // Those of several lines are indented below their first.
        group = group.element(Level::NOTE.message(shown_lines(note)));
    }
    if let Some(help) = &problem.help {
        group = group.element(Level::HELP.message(shown(help)));
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let text = renderer.render(&[group]);
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// A place with its words.
struct Mark<'p> {
    location: &'p Location,
    label: &'p str,
    kind: AnnotationKind,
}

/// The places of a problem in pieces that are shown together; the first piece holds the primary place.
fn marks(problem: &Problem) -> Vec<Vec<Mark<'_>>> {
    let primary = Mark { location: &problem.primary, label: &problem.label, kind: AnnotationKind::Primary };
    let mut pieces = vec![vec![primary]];
    for (location, label) in &problem.related {
        let mark = Mark { location, label, kind: AnnotationKind::Context };
        let near = |other: &Mark<'_>| {
            let same =
                Arc::ptr_eq(&other.location.source, &location.source) || other.location.source == location.source;
            same && other.location.span.start.abs_diff(location.span.start) < MAX_WINDOW
        };
        match pieces.iter_mut().find(|piece| piece.iter().all(near)) {
            Some(piece) => piece.push(mark),
            None => pieces.push(vec![mark]),
        }
    }
    pieces
}

/// The lines of a piece with its marks.
fn snippets<'p>(piece: &[Mark<'p>], path: &'p str) -> Vec<Element<'p>> {
    let source: &'p SourceFile = &piece[0].location.source;
    if source.withheld.is_some() {
        return piece.iter().map(|mark| origin(mark, path).into()).collect();
    }
    let window = window(source, piece);
    if source.text[window.clone()].lines().any(|line| line.len() > MAX_LINE) {
        return piece.iter().flat_map(|mark| excerpt(mark, path)).collect();
    }
    let first_line = source.text[..window.start].bytes().filter(|&byte| byte == b'\n').count() + 1;
    let text = &source.text[window.clone()];
    let annotations = piece.iter().map(|mark| annotation(text, window.start, mark));
    vec![Snippet::source(visible(text)).path(path).line_start(first_line).annotations(annotations).into()]
}

/// A mark on a line that nobody can look at as a whole: the part around it, under its true place.
fn excerpt<'p>(mark: &Mark<'p>, path: &'p str) -> [Element<'p>; 2] {
    let text = &mark.location.source.text;
    let start = mark.location.span.start;
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let before = text[line_start..start].char_indices().rev().nth(AROUND).map_or(line_start, |(at, _)| line_start + at);
    let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
    let end = text[start..line_end].char_indices().nth(AROUND).map_or(line_end, |(at, _)| start + at);
    let (line, _) = mark.location.line_column();
    let part = &text[before..end];
    let snippet = Snippet::source(visible(part)).line_start(line).annotation(annotation(part, before, mark));
    [origin(mark, path).into(), snippet.into()]
}

/// Where a mark is, and nothing of what stands there.
fn origin<'p>(mark: &Mark<'_>, path: &'p str) -> Origin<'p> {
    let (line, column) = mark.location.line_column();
    Origin::path(path).line(line).char_column(column)
}

fn annotation<'p>(text: &str, text_start: usize, mark: &Mark<'p>) -> Annotation<'p> {
    let span = mark.location.span;
    // The window begins after a byte order mark; what is said of the file as a whole begins before it.
    let (start, end) = (span.start.saturating_sub(text_start), span.end.saturating_sub(text_start));
    let range = shown_range(text, start, end);
    let at = |byte| visible(&text[..byte]).len();
    let annotation = mark.kind.span(at(range.start)..at(range.end));
    if mark.label.is_empty() { annotation } else { annotation.label(shown(mark.label)) }
}

/// The text with a picture for each character that acts, so that columns stay what they are: `␛` for ESC, `␡` for DEL, `�` for those
/// that have none. A carriage return belongs to the end of its line, and a space is not seen there; tabs are the renderer's.
fn visible(text: &str) -> String {
    let picture = |c: char| match c {
        '\n' | '\t' => c,
        '\r' => ' ',
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('�'),
        '\x7f' => '␡',
        _ if acts(c) => '�',
        _ => c,
    };
    text.chars().map(picture).collect()
}

/// A message of a sensible length, whatever name it quotes.
fn short(message: &str) -> String {
    match message.char_indices().nth(MAX_LINE) {
        Some((at, _)) => format!("{}…", &message[..at]),
        None => message.to_owned(),
    }
}

/// The whole lines that hold all marks.
fn window(source: &SourceFile, piece: &[Mark<'_>]) -> Range<usize> {
    let start = piece.iter().map(|mark| mark.location.span.start).min().unwrap_or(0);
    let end = piece.iter().map(|mark| mark.location.span.start).max().unwrap_or(0);
    let text = &source.text;
    let start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let start = if start == 0 && text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { start };
    let end = text[end..].find('\n').map_or(text.len(), |newline| end + newline);
    start.min(end)..end
}

/// A mark stays on its first line: a block of ten lines needs no ten carets.
fn shown_range(text: &str, start: usize, end: usize) -> Range<usize> {
    let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
    let line = text[start..line_end].trim_end();
    let end = end.min(start + line.len()).max(start);
    if text.is_char_boundary(end) { start..end } else { start..start }
}

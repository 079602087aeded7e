// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the parser's spans mean: it counts anchors, tags, comments and space as part of a value.

use saphyr_parser::ScalarStyle;

use crate::config::source::Span;

/// From `start` to the closing bracket, or to the last value of a block (the parser ends a block at the next token).
pub(super) fn extent(text: &str, start: Span, last: Option<Span>, end: Span) -> Span {
    if !is_flow(text, start) {
        return start.to(last.unwrap_or(start));
    }
    // The parser counts space and comments after a bracket as part of it.
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

/// The parser begins a scalar at its anchor or tag, and ends a quoted one at the next token; we mean the value alone.
pub(super) fn scalar_span(text: &str, span: Span, style: ScalarStyle) -> Span {
    let span = Span::new(behind_properties(text, span), span.end);
    let raw = text.get(span.start..span.end).unwrap_or_default();
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

/// True where a list or mapping is written in brackets.
pub(super) fn is_flow(text: &str, start: Span) -> bool {
    text[start.start..].starts_with(['[', '{'])
}

/// Where a value begins whose span may begin with `&name` and `!tag`.
pub(super) fn behind_properties(text: &str, span: Span) -> usize {
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

/// The dash of a list entry without a value; the parser puts it anywhere after it.
pub(super) fn blame_dash(text: &str, span: Span) -> Span {
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

// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the parser's positions, which count characters, to bytes.

use saphyr_parser::Marker;

use crate::config::source::Span;

/// Turns character indexes into byte offsets. Asked in rising order it walks the text once.
pub(super) struct Marks<'t> {
    text: &'t str,
    /// Byte offset of the text that the parser saw: 3 after a byte order mark.
    base: usize,
    chars: usize,
    bytes: usize,
}

impl<'t> Marks<'t> {
    /// For a parser that was given `text[base..]`.
    pub(super) fn new(text: &'t str, base: usize) -> Self {
        Self { text, base, chars: 0, bytes: base }
    }

    /// The byte offset of a mark; the end of the text where it lies after it.
    pub(super) fn byte(&mut self, mark: Marker) -> usize {
        let index = mark.index();
        if index < self.chars {
            (self.chars, self.bytes) = (0, self.base);
        }
        let rest = &self.text[self.bytes..];
        let wanted = index - self.chars;
        let ascii = rest.as_bytes().get(..wanted).is_some_and(<[u8]>::is_ascii);
        let step = if ascii { wanted } else { rest.char_indices().nth(wanted).map_or(rest.len(), |(at, _)| at) };
        self.chars = index;
        self.bytes += step;
        self.bytes
    }

    /// The bytes of a span.
    pub(super) fn span(&mut self, span: saphyr_parser::Span) -> Span {
        let start = self.byte(span.start);
        Span::new(start, self.byte(span.end))
    }
}

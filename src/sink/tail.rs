// SPDX-License-Identifier: MIT OR Apache-2.0
//! What follows the last `\n` of a file, as bytes.

use crate::format;
use crate::spec::Format;

/// What the end of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// A line can begin here.
    Ended,
    /// A part of a line as we write them: anyone who wrote it was killed, or the file was cut there.
    Torn,
    /// A line of somebody else, or a whole one of ours, that lacks its `\n` only.
    Unended,
}

/// Judges the bytes after the last `\n`. Blanks are what became of a torn line that could not be cut away, and zeros
/// what a file system makes of one when the machine loses power.
pub(super) fn judge(tail: &[u8], format: Format) -> Tail {
    if tail.is_empty() {
        return Tail::Ended;
    }
    let zeros = tail.iter().rev().take_while(|byte| **byte == 0).count();
    let text = tail[..tail.len() - zeros].trim_ascii_start();
    if text.is_empty() || format::is_torn(format, text) { Tail::Torn } else { Tail::Unended }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of ours is torn wherever it is cut; without its `\n` only it is whole.
    #[test]
    fn every_cut_of_a_line_is_torn() {
        let lines = [
            (Format::Jsonl, "{\"ts\":\"2026-11-21T07:40:00.123456789Z\",\"probe\":\"opens\",\"path\":\"{}\"}"),
            (Format::Text, "ts=2026-11-21T07:40:00.123456789Z probe=opens path=a"),
            (Format::Pretty, "08:40:00.123 opens        cat[4711]            path=/etc/hosts"),
        ];
        for (format, line) in lines {
            assert_eq!(judge(b"", format), Tail::Ended);
            for end in 1..line.len() {
                assert_eq!(judge(&line.as_bytes()[..end], format), Tail::Torn, "{}", &line[..end]);
                let zeros = [&line.as_bytes()[..end], &[0; 40]].concat();
                assert_eq!(judge(&zeros, format), Tail::Torn, "{}", &line[..end]);
            }
        }
        assert_eq!(judge(lines[0].1.as_bytes(), Format::Jsonl), Tail::Unended);
        assert_eq!(judge(b"    ", Format::Jsonl), Tail::Torn);
    }

    /// What somebody else wrote is never taken for a torn line of ours.
    #[test]
    fn what_others_wrote_is_theirs() {
        for text in ["a note", "{\"time\":1", "[1, 2", "12 monkeys"] {
            for format in [Format::Jsonl, Format::Text, Format::Pretty] {
                assert_eq!(judge(text.as_bytes(), format), Tail::Unended, "{text}");
            }
        }
    }
}

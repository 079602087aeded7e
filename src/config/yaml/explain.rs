// SPDX-License-Identifier: MIT OR Apache-2.0
//! The parser's complaints in a person's words.

use std::sync::Arc;

use crate::config::codes;
use crate::config::guess::{self, Stumble};
use crate::config::problem::Problem;
use crate::config::source::{SourceFile, Span};

/// Part of the parser's message; what is said instead; what to do. The first that matches is taken.
const SENTENCES: &[(&str, &str, &str)] = &[
    ("unexpected end of stream", "a quoted string is not closed", "add the closing quote"),
    ("unexpected document indicator", "a quoted string is not closed", "add the closing quote"),
    (
        "unknown escape character",
        "unknown escape",
        "in double quotes write `\\\\` for one backslash; in single quotes nothing is escaped",
    ),
    (
        "hexadecimal number",
        "this escape needs hexadecimal digits",
        "write `\\x41`, `\\u0041` or `\\U00000041`; for a backslash itself `\\\\`, or single quotes, in which nothing is escaped",
    ),
    ("Unicode character escape", "this escape is not a valid character", "write `\\x41`, `\\u0041` or `\\U00000041`"),
    ("invalid trailing content", "unexpected text after the closing quote", "put all of it inside the quotes"),
    (
        "',' or '}'",
        "a `{` is not closed before this",
        "put `,` between entries and `}` at the end; a value with `,`, `[`, `]`, `{` or `}` in it needs quotes",
    ),
    (
        "',' or ']'",
        "a `[` is not closed before this",
        "put `,` between entries and `]` at the end; a value with `,`, `[`, `]`, `{` or `}` in it needs quotes",
    ),
    ("misplaced bracket", "this bracket closes nothing", "remove it, or put the string in quotes"),
    ("recursion limit", "nested too deep", "a probe file needs six levels at most"),
    (
        "mapping values are not allowed",
        "a second `: ` on one line",
        "a value with `: ` in it needs quotes; an entry of its own needs a line of its own",
    ),
    ("illegal placement of ':'", "a `:` is not expected here", "a value with `:` in it needs quotes"),
    ("':' must be followed", "a `:` is not expected here", "put a space after it, or put the string in quotes"),
    ("may not precede any of", "a `:` after a key needs a space after it", "write `: {` or `: [`"),
    (
        "expected <document start>",
        "this line does not fit the indentation of the lines above it",
        "begin it in the same column as the first key of the file",
    ),
    (
        "expected node content",
        "a value is missing before this",
        "add it, or remove the sign; a string that begins with `,`, `]` or `}` needs quotes",
    ),
    (
        "scanning a block scalar",
        "`>` and `|` begin a string on the lines below",
        "put a string that begins with one of them in quotes",
    ),
    ("simple key expect", "a key without `:`, here or on the line above", "write `key: value` or `key:`"),
    (
        "did not find expected key",
        "this line does not fit the indentation of the lines above it",
        "begin it in the same column as the keys it belongs to",
    ),
    (
        "did not find expected '-'",
        "this line does not fit the indentation of the lines above it",
        "begin it in the same column as the keys it belongs to; entries of a list begin with `-`",
    ),
    ("sequence entries are not allowed", "a list cannot begin here", "begin the list on a line of its own"),
    (
        "only valid inside a block",
        "a `-` is not allowed inside brackets",
        "between `[` and `]` separate entries with `,`",
    ),
    (
        "comments must be separated",
        "a comment needs a space before its `#`",
        "put a space before it, or put the string in quotes",
    ),
    (
        "expected whitespace",
        "a comment needs a space before its `#`",
        "put a space before it, or put the string in quotes",
    ),
    ("comment intercepting", "a comment in the middle of a string", "put the string on one line"),
    (
        "indentation",
        "this line has the wrong indentation",
        "indent with spaces; entries of one mapping begin in one column",
    ),
    ("wrongly indented", "this line has the wrong indentation", "all lines of a block begin in one column"),
    ("end marker", "unexpected text after the end of the document", "remove `...`"),
    (
        "byte order mark",
        "a byte order mark in the middle of the file",
        "remove it: only the first three bytes of a file may be one",
    ),
    ("unprintable", "a character that YAML does not allow", "remove it, or write it as an escape in double quotes"),
];

/// The problem for a complaint of the parser at byte `at`.
pub(super) fn syntax(source: &Arc<SourceFile>, at: usize, info: &str, open: Option<Span>) -> Problem {
    let stumble = Stumble { source, at, info, open };
    guess::for_syntax(&stumble).unwrap_or_else(|| plainly(&stumble))
}

fn plainly(stumble: &Stumble<'_>) -> Problem {
    let known = SENTENCES.iter().find(|(part, _, _)| stumble.info.contains(part));
    match known {
        Some((_, message, help)) => {
            let code = if stumble.info.contains("recursion limit") { codes::TOO_LARGE } else { codes::SYNTAX };
            Problem::new(code, stumble.place(), *message).help(*help)
        }
        None => Problem::new(codes::SYNTAX, stumble.place(), "this is not valid YAML")
            .help("check quotes, brackets, and the indentation of this line and the one above it"),
    }
}

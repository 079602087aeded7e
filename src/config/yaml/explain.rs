// SPDX-License-Identifier: MIT OR Apache-2.0
//! The parser's complaints in a person's words.

use std::sync::Arc;

use super::foreign;
use crate::config::codes;
use crate::config::problem::Problem;
use crate::config::source::{Location, SourceFile, Span};

/// Part of the parser's message; what is said instead; what to do. The first that matches is taken.
const SENTENCES: &[(&str, &str, &str)] = &[
    ("unexpected end of stream", "a quoted text is not closed", "add the closing quote"),
    ("unexpected document indicator", "a quoted text is not closed", "add the closing quote"),
    (
        "unknown escape character",
        "this escape is not known",
        "in double quotes write `\\\\` for one backslash; in single quotes nothing is escaped",
    ),
    (
        "hexadecimal number",
        "this escape needs hexadecimal digits",
        "write `\\x41`, `\\u0041` or `\\U00000041`; for a backslash itself `\\\\`, or single quotes, in which nothing is escaped",
    ),
    ("Unicode character escape", "this escape is no character", "write `\\x41`, `\\u0041` or `\\U00000041`"),
    ("invalid trailing content", "there is more text after the closing quote", "put all of it inside the quotes"),
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
    ("misplaced bracket", "this bracket closes nothing", "remove it, or put the text in quotes"),
    ("recursion limit", "nested too deep", "a configuration needs six levels at most"),
    (
        "mapping values are not allowed",
        "a second `: ` on one line",
        "a value with `: ` in it needs quotes; an entry of its own needs a line of its own",
    ),
    ("illegal placement of ':'", "a `:` is not expected here", "a value with `:` in it needs quotes"),
    ("':' must be followed", "a `:` is not expected here", "put a space behind it, or put the text in quotes"),
    ("may not precede any of", "a `:` behind a key needs a space behind it", "write `: {` or `: [`"),
    (
        "expected <document start>",
        "this line does not fit the indentation of the lines above it",
        "begin it in the same column as the first key of the file",
    ),
    (
        "expected node content",
        "a value is missing before this",
        "write it, or remove the sign; a text that begins with `,`, `]` or `}` needs quotes",
    ),
    (
        "scanning a block scalar",
        "`>` and `|` begin a text of several lines below",
        "put a text that begins with one of them in quotes",
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
        "a `-` cannot stand inside brackets",
        "between `[` and `]` separate entries with `,`",
    ),
    (
        "comments must be separated",
        "a comment needs a space before its `#`",
        "put a space before it, or put the text in quotes",
    ),
    (
        "expected whitespace",
        "a comment needs a space before its `#`",
        "put a space before it, or put the text in quotes",
    ),
    ("comment intercepting", "a comment in the middle of a text", "put the text on one line"),
    (
        "indentation",
        "this line is not indented as it must be",
        "indent with spaces; entries of one mapping begin in one column",
    ),
    ("wrongly indented", "this line is not indented as it must be", "every line of a block text begins in one column"),
    ("end marker", "there is more text after the end of the document", "remove `...`"),
    (
        "byte order mark",
        "a byte order mark in the middle of the file",
        "remove it: it belongs to the first three bytes, or nowhere",
    ),
    ("unprintable", "a character that YAML does not allow", "remove it, or write it as an escape in double quotes"),
];

/// The problem for a complaint of the parser at byte `at`.
pub(super) fn syntax(source: &Arc<SourceFile>, at: usize, info: &str, open: Option<Span>) -> Problem {
    if let Some(problem) = foreign::problem(source, at) {
        return problem;
    }
    if let Some(tab) = indenting_tab(&source.text, at) {
        let location = Location::new(source, Span::new(tab, tab + 1));
        return Problem::new(codes::TAB, location, "a tab is used for indentation")
            .help("YAML indents with spaces only: replace the tab");
    }
    if source.text[..at].ends_with('$') && source.text[at..].starts_with('{') {
        let length = source.text[at..].find('}').map_or(1, |close| close + 1);
        let reference = Span::new(at - 1, at + length);
        let text = source.text.get(reference.start..reference.end).unwrap_or_default();
        return Problem::new(
            codes::SYNTAX,
            Location::new(source, reference),
            "inside of `{}` or `[]` a `${…}` needs quotes",
        )
        .help(format!("write `\"{}\"`", text.lines().next().unwrap_or_default()));
    }
    if let Some(problem) = bracket_in_text(source, at, info) {
        return problem;
    }
    if let Some(nul) = source.text.find('\0').filter(|nul| *nul <= at || info.contains("unexpected end")) {
        let location = Location::new(source, Span::new(nul, nul + 1));
        return Problem::new(codes::SYNTAX, location, "a character that YAML does not allow")
            .help("remove it, or write it as `\\0` in double quotes");
    }
    let location = Location::new(source, here(&source.text, at));
    let same_line = |open: Span| !source.text[open.start.min(at)..at].contains('\n');
    let at_end = source.text[at..].trim().is_empty();
    if let Some(open) = open.filter(|open| at_end || !same_line(*open)) {
        if let Some(problem) = missing_comma(source, at, open) {
            return problem;
        }
        let bracket = &source.text[open.start..=open.start];
        let closing = if bracket == "[" { "]" } else { "}" };
        return Problem::new(
            codes::SYNTAX,
            Location::new(source, Span::new(open.start, open.start + 1)),
            format!("this `{bracket}` is not closed"),
        )
        .related(location, "reading it stopped here")
        .help(format!("add the `{closing}`; a text with `{bracket}` or `{closing}` in it needs quotes"));
    }
    if info.contains("mapping values are not allowed") && !line_before(&source.text, at).contains(": ") {
        let before = line_before(&source.text, at);
        let word = before.trim_start();
        let location = Location::new(source, Span::new(at - word.len(), at));
        if let Some(name) = line_above(&source.text, at).trim_start().strip_prefix('-')
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
        {
            let start = name.as_ptr() as usize - source.text.as_ptr() as usize;
            let dash = Location::new(source, Span::new(start - 1, start));
            return Problem::new(codes::SYNTAX, dash, "a `-` that begins an entry needs a space behind it")
                .help(format!("write `- {}`", name.trim_end()));
        }
        return Problem::new(codes::SYNTAX, location, "this line is indented more than the mapping it belongs to")
            .help("begin it in the same column as the key above it");
    }
    if let Some(problem) = nameless_anchor(source, at, info) {
        return problem;
    }
    if let Some(sign) = source.text[at..].chars().next().filter(|c| "@`%".contains(*c))
        && (info.contains("unexpected character") || info.contains("directive"))
    {
        return Problem::new(codes::SYNTAX, location, format!("a plain text cannot begin with `{sign}`"))
            .help("put it in quotes");
    }
    if info.contains("simple key expect") {
        let written = [line_before(&source.text, at), line_above(&source.text, at)];
        if let Some((key, value)) = written.iter().find_map(|line| line.trim().trim_start_matches("- ").split_once(':'))
            && !value.is_empty()
            && !value.starts_with(' ')
        {
            let start = value.as_ptr() as usize - source.text.as_ptr() as usize;
            let colon = Location::new(source, Span::new(start - 1, start));
            return Problem::new(codes::SYNTAX, colon, "a `:` behind a key needs a space behind it")
                .help(format!("write `{key}: {value}`"));
        }
    }
    if info.contains("indentation") && source.text[at..].starts_with(['\'', '"']) {
        return Problem::new(codes::SYNTAX, location, "a quoted text is not closed before the lines below it")
            .help("add the closing quote; a quoted text of several lines is indented more than its key");
    }
    let known = SENTENCES.iter().find(|(part, _, _)| info.contains(part));
    match known {
        Some((_, message, help)) => {
            let code = if info.contains("recursion limit") { codes::TOO_LARGE } else { codes::SYNTAX };
            Problem::new(code, location, *message).help(*help)
        }
        None => Problem::new(codes::SYNTAX, location, "this is not valid YAML")
            .help("check quotes, brackets, and the indentation of this line and the one above it"),
    }
}

/// In a file of JSON: an entry that begins on a line of its own, with no `,` behind the one above.
fn missing_comma(source: &Arc<SourceFile>, at: usize, open: Span) -> Option<Problem> {
    let text = &source.text;
    let json = text.trim_start_matches('\u{feff}').trim_start();
    let line = at - line_before(text, at).len();
    let above = text[..line].trim_end();
    let begins = text[line..].trim_start().starts_with(['"', '{', '[']);
    if !json.starts_with(['{', '[']) || !begins || line <= open.start || above.ends_with([',', '{', '[', ':']) {
        return None;
    }
    let place = Location::new(source, Span::new(above.len(), above.len()));
    Some(Problem::new(codes::SYNTAX, place, "a `,` is missing here").help("put `,` behind every entry but the last"))
}

/// A text without quotes between brackets with a bracket of its own: `{ head: arg1 as bytes[16] }`.
fn bracket_in_text(source: &Arc<SourceFile>, at: usize, info: &str) -> Option<Problem> {
    let kinds = [("',' or '}'", "{}", "{"), ("',' or ']'", "[]", "[")];
    let (_, around, opening) = kinds.into_iter().find(|(part, ..)| info.contains(part))?;
    let bracket = source.text[at..].chars().next().filter(|c| matches!(c, '[' | '{'))?;
    let closing = if bracket == '[' { ']' } else { '}' };
    let line = line_before(&source.text, at);
    let start = [": ", ",", opening].iter().filter_map(|sign| Some(line.rfind(sign)? + sign.len())).max();
    let before = &line[start.unwrap_or(0)..].trim_start();
    // `{ capture { … } }` has no `:`, and one with its opening quote is not closed.
    if before.is_empty() || before.ends_with(' ') || before.starts_with(['"', '\'']) {
        return None;
    }
    let behind = source.text[at..].lines().next()?;
    let closed = behind.find(closing)? + 1;
    let length = behind[closed..].find([',', ']', '}', '#']).map_or(behind.len(), |rest| closed + rest);
    let whole = Span::new(at - before.len(), at + behind[..length].trim_end().len());
    let text = &source.text[whole.start..whole.end];
    let message = format!("inside of `{around}` a text with `{bracket}` in it needs quotes");
    Some(Problem::new(codes::SYNTAX, Location::new(source, whole), message).help(format!("write `\"{text}\"`")))
}

/// A `*` or `&` alone, which was probably meant as text: `kprobe: *`. The parser has gone on to where a name should be.
fn nameless_anchor(source: &Arc<SourceFile>, at: usize, info: &str) -> Option<Problem> {
    let before = at.checked_sub(1).filter(|_| info.contains("scanning an anchor or alias"));
    let starts = |at: &usize| source.text.get(*at..).is_some_and(|rest| rest.starts_with(['*', '&']));
    let sign = before.filter(starts).or_else(|| Some(at).filter(|_| before.is_some()).filter(starts))?;
    let location = Location::new(source, Span::new(sign, sign + 1));
    let sign = &source.text[sign..=sign];
    let problem = Problem::new(codes::SYNTAX, location, format!("a `{sign}` without the name of an anchor"));
    Some(problem.help(format!("a text that begins with `{sign}` needs quotes: `\"{sign}\"`")))
}

/// What stands before `at` on its line.
fn line_before(text: &str, at: usize) -> &str {
    let before = &text[..at];
    before.rfind('\n').map_or(before, |newline| &before[newline + 1..])
}

/// The line above the one that holds `at`; empty for the first.
fn line_above(text: &str, at: usize) -> &str {
    let start = at - line_before(text, at).len();
    line_before(text, start.saturating_sub(1))
}

/// A tab before the first word of the line that holds `at`, of the line before it, or of the one behind it: the parser may
/// complain about the text that the line with the tab would continue.
fn indenting_tab(text: &str, at: usize) -> Option<usize> {
    let tab_of = |line_start: usize| {
        let line = &text[line_start..];
        let indent = line.len() - line.trim_start_matches([' ', '\t', '-']).len();
        line[..indent].find('\t').map(|tab| line_start + tab)
    };
    let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let before = text[..line_start.saturating_sub(1)].rfind('\n').map_or(0, |newline| newline + 1);
    let behind = || text[at..].find('\n').map(|newline| at + newline + 1);
    tab_of(line_start).or_else(|| tab_of(before)).or_else(|| tab_of(behind()?))
}

/// The character at `at`; the end of the last line where nothing but space follows.
fn here(text: &str, at: usize) -> Span {
    let rest = &text[at..];
    if rest.trim().is_empty() {
        let end = text.trim_end().len();
        let end = if end == 0 { at } else { end };
        return Span::new(end, end);
    }
    Span::new(at, at + rest.chars().next().map_or(0, char::len_utf8))
}

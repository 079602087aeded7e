// SPDX-License-Identifier: MIT OR Apache-2.0
//! Texts that are no YAML, and where the mistake is: often not where the parser stopped.

use std::sync::Arc;

use crate::config::codes;
use crate::config::problem::Problem;
use crate::config::source::{Location, SourceFile, Span};
use crate::words::in_quotes;

/// A place where the parser stopped.
pub(in crate::config) struct Stumble<'a> {
    pub(in crate::config) source: &'a Arc<SourceFile>,
    /// The byte.
    pub(in crate::config) at: usize,
    /// What the parser says.
    pub(in crate::config) info: &'a str,
    /// The innermost bracket that is still open.
    pub(in crate::config) open: Option<Span>,
}

impl Stumble<'_> {
    /// The character where it stopped; the end of the last line where nothing but space follows.
    pub(in crate::config) fn place(&self) -> Location {
        Location::new(self.source, here(&self.source.text, self.at))
    }

    /// A problem of this range of bytes.
    fn problem(&self, start: usize, end: usize, message: impl Into<String>) -> Problem {
        Problem::new(codes::SYNTAX, Location::new(self.source, Span::new(start, end)), message)
    }

    /// The bracket that is still open, where that is the mistake: at the end of the file, or on another line.
    fn unclosed(&self) -> Option<Span> {
        let text = &self.source.text;
        let same_line = |open: &Span| !text[open.start.min(self.at)..self.at].contains('\n');
        let at_end = text[self.at..].trim().is_empty();
        self.open.filter(|open| at_end || !same_line(open))
    }
}

/// A tab in the indentation.
pub(super) fn tab(stumble: &Stumble<'_>) -> Option<Problem> {
    let tab = indenting_tab(&stumble.source.text, stumble.at)?;
    let location = Location::new(stumble.source, Span::new(tab, tab + 1));
    let problem = Problem::new(codes::TAB, location, "a tab is used for indentation");
    Some(problem.help("YAML indents with spaces only: replace the tab"))
}

/// `{ interface: ${env:IFACE} }`
pub(super) fn reference_in_brackets(stumble: &Stumble<'_>) -> Option<Problem> {
    let (text, at) = (&stumble.source.text, stumble.at);
    if !text[..at].ends_with('$') || !text[at..].starts_with('{') {
        return None;
    }
    let end = at + text[at..].find('}').map_or(1, |close| close + 1);
    let reference = text.get(at - 1..end).unwrap_or_default().lines().next().unwrap_or_default();
    let problem = stumble.problem(at - 1, end, "inside `{}` or `[]` a `${…}` needs quotes");
    // All of the value: a quote inside of one means nothing.
    let line = line_before(text, at - 1);
    let start = [": ", ", ", "{", "["].iter().filter_map(|sign| Some(line.rfind(sign)? + sign.len())).max();
    let before = line[start.unwrap_or(0)..].trim_start();
    if before.starts_with(['"', '\'']) {
        return Some(problem.help(format!("write `\"{reference}\"`")));
    }
    let behind = rest_of_value(text[end..].lines().next().unwrap_or_default());
    let (value, is_alone) = (format!("{before}{reference}{behind}"), before.is_empty() && behind.is_empty());
    let all = if is_alone { "" } else { "all of the value in quotes: " };
    Some(problem.help(format!("write {all}`{}`", in_quotes(&value))))
}

/// Up to the sign that ends a value between brackets; a reference does not.
fn rest_of_value(line: &str) -> &str {
    let mut depth = 0_usize;
    for (at, c) in line.char_indices() {
        match c {
            '{' if line[..at].ends_with('$') => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' | ']' if depth == 0 => return line[..at].trim_end(),
            '#' if depth == 0 && line[..at].ends_with(' ') => return line[..at].trim_end(),
            _other => {}
        }
    }
    line.trim_end()
}

/// A text without quotes between brackets with a bracket of its own: `{ head: arg1 as bytes[16] }`.
pub(super) fn bracket_in_text(stumble: &Stumble<'_>) -> Option<Problem> {
    let (source, at) = (stumble.source, stumble.at);
    let kinds = [("',' or '}'", "{}", "{"), ("',' or ']'", "[]", "[")];
    let (_, around, opening) = kinds.into_iter().find(|(part, ..)| stumble.info.contains(part))?;
    let bracket = source.text[at..].chars().next().filter(|c| matches!(c, '[' | '{'))?;
    let closing = if bracket == '[' { ']' } else { '}' };
    let line = line_before(&source.text, at);
    let start = [": ", ",", opening].iter().filter_map(|sign| Some(line.rfind(sign)? + sign.len())).max();
    let before = &line[start.unwrap_or(0)..].trim_start();
    // `{ capture { … } }` has no `:`, and one with its opening quote is not closed.
    let is_list = before.trim_end().ends_with(" in");
    if before.is_empty() || (before.ends_with(' ') && !is_list) || before.starts_with(['"', '\'']) {
        return None;
    }
    let behind = source.text[at..].lines().next()?;
    let closed = behind.find(closing)? + 1;
    let length = behind[closed..].find([',', ']', '}', '#']).map_or(behind.len(), |rest| closed + rest);
    let whole = Span::new(at - before.len(), at + behind[..length].trim_end().len());
    let text = &source.text[whole.start..whole.end];
    let message = format!("inside `{around}` a string with `{bracket}` in it needs quotes");
    Some(stumble.problem(whole.start, whole.end, message).help(format!("write `\"{text}\"`")))
}

/// `where: !has_any(flags, O_CREAT)`
pub(super) fn tag_first(stumble: &Stumble<'_>) -> Option<Problem> {
    let (text, at) = (&stumble.source.text, stumble.at);
    let value = text[at..].lines().next()?;
    let word =
        value.strip_prefix('!').filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '('))?;
    let problem = stumble.problem(at, at + value.trim_end().len(), "a value that begins with `!` is a tag to YAML");
    Some(problem.help(format!("in an expression write `not {}`, or put all of it in quotes", word.trim_end())))
}

/// A character that some editors and many copies leave in a text.
pub(super) fn nul(stumble: &Stumble<'_>) -> Option<Problem> {
    let ends = stumble.info.contains("unexpected end");
    let nul = stumble.source.text.find('\0').filter(|nul| *nul <= stumble.at || ends)?;
    let problem = stumble.problem(nul, nul + 1, "a character that YAML does not allow");
    Some(problem.help("remove it, or write it as `\\0` in double quotes"))
}

/// `"\ud83d\ude00"`: JSON writes some characters as two escapes, YAML all as one.
pub(super) fn half_a_character(stumble: &Stumble<'_>) -> Option<Problem> {
    if !stumble.info.contains("Unicode character escape") {
        return None;
    }
    let text = &stumble.source.text;
    let unit = |at: usize| {
        let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let escapes = text.get(stumble.at..)?.match_indices("\\u").map(|(from, _)| stumble.at + from);
    let at = escapes.into_iter().find(|at| unit(*at).is_some_and(|unit| (0xd800..0xe000).contains(&unit)))?;
    let pair = [unit(at)?, unit(at + 6).unwrap_or(0)];
    let problem = |end: usize| stumble.problem(at, end, "YAML has no escapes for halves of a character, as JSON has");
    Some(match char::decode_utf16(pair).next() {
        Some(Ok(whole)) => {
            problem(at + 12).help(format!("write the character itself, or `\\U{:08X}`", u32::from(whole)))
        }
        _half => problem(at + 6).help("write the character itself, or `\\U` with eight hexadecimal digits"),
    })
}

/// In a file of JSON: an entry that begins on a line of its own, with no `,` after the one above.
pub(super) fn missing_comma(stumble: &Stumble<'_>) -> Option<Problem> {
    let (text, at, open) = (&stumble.source.text, stumble.at, stumble.unclosed()?);
    let json = text.trim_start_matches('\u{feff}').trim_start();
    let line = at - line_before(text, at).len();
    let above = text[..line].trim_end();
    let begins = text[line..].trim_start().starts_with(['"', '{', '[']);
    if !json.starts_with(['{', '[']) || !begins || line <= open.start || above.ends_with([',', '{', '[', ':']) {
        return None;
    }
    let problem = stumble.problem(above.len(), above.len(), "a `,` is missing here");
    Some(problem.help("put `,` after every entry but the last"))
}

/// A bracket that is not closed.
pub(super) fn bracket_not_closed(stumble: &Stumble<'_>) -> Option<Problem> {
    let open = stumble.unclosed()?;
    let bracket = &stumble.source.text[open.start..=open.start];
    let closing = if bracket == "[" { "]" } else { "}" };
    let problem = stumble.problem(open.start, open.start + 1, format!("this `{bracket}` is not closed"));
    let problem = problem.related(stumble.place(), "reading it stopped here");
    Some(problem.help(format!("add the `{closing}`; a string with `{bracket}` or `{closing}` in it needs quotes")))
}

/// `-name: execs`
pub(super) fn dash_without_space(stumble: &Stumble<'_>) -> Option<Problem> {
    let above = line_above(too_deep(stumble)?, stumble.at);
    let name =
        above.trim_start().strip_prefix('-').filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()))?;
    let start = name.as_ptr() as usize - stumble.source.text.as_ptr() as usize;
    let problem = stumble.problem(start - 1, start, "a `-` that begins an entry needs a space after it");
    Some(problem.help(format!("write `- {}`", name.trim_end())))
}

/// A key in another column than those above it.
pub(super) fn indented_too_far(stumble: &Stumble<'_>) -> Option<Problem> {
    let word = line_before(too_deep(stumble)?, stumble.at).trim_start();
    let message = "this line is indented more than the mapping it belongs to";
    let problem = stumble.problem(stumble.at - word.len(), stumble.at, message);
    Some(problem.help("begin it in the same column as the key above it"))
}

/// The file, where the parser does not expect a key on this line.
fn too_deep<'s>(stumble: &'s Stumble<'_>) -> Option<&'s str> {
    let text = &*stumble.source.text;
    let complains = stumble.info.contains("mapping values are not allowed");
    (complains && !line_before(text, stumble.at).contains(": ")).then_some(text)
}

/// A `*` or `&` alone, which was probably meant as text: `kprobe: *`. The parser has gone on to where a name should be.
pub(super) fn nameless_anchor(stumble: &Stumble<'_>) -> Option<Problem> {
    let (source, at) = (stumble.source, stumble.at);
    let before = at.checked_sub(1).filter(|_| stumble.info.contains("scanning an anchor or alias"));
    let starts = |at: &usize| source.text.get(*at..).is_some_and(|rest| rest.starts_with(['*', '&']));
    let sign = before.filter(starts).or_else(|| Some(at).filter(|_| before.is_some()).filter(starts))?;
    let (start, sign) = (sign, &source.text[sign..=sign]);
    let problem = stumble.problem(start, start + 1, format!("a `{sign}` without the name of an anchor"));
    Some(problem.help(format!("a string that begins with `{sign}` needs quotes: `\"{sign}\"`")))
}

/// `@default-route` without quotes.
pub(super) fn sign_first(stumble: &Stumble<'_>) -> Option<Problem> {
    let complains = stumble.info.contains("unexpected character") || stumble.info.contains("directive");
    let sign = stumble.source.text[stumble.at..].chars().next().filter(|c| complains && "@`%".contains(*c))?;
    let problem =
        Problem::new(codes::SYNTAX, stumble.place(), format!("an unquoted string cannot begin with `{sign}`"));
    Some(problem.help("put it in quotes"))
}

/// `name:execs`
pub(super) fn colon_without_space(stumble: &Stumble<'_>) -> Option<Problem> {
    let (text, at) = (&*stumble.source.text, stumble.at);
    let written = [line_before(text, at), line_above(text, at)];
    let entry = |line: &&str| line.trim().trim_start_matches("- ").split_once(':').is_some();
    let line = written.into_iter().find(|line| stumble.info.contains("simple key expect") && entry(line))?;
    let (key, value) = line.trim().trim_start_matches("- ").split_once(':')?;
    if value.is_empty() || value.starts_with(' ') {
        return None;
    }
    let start = value.as_ptr() as usize - text.as_ptr() as usize;
    let problem = stumble.problem(start - 1, start, "a `:` after a key needs a space after it");
    Some(problem.help(format!("write `{key}: {value}`")))
}

/// A text in quotes that goes on to the next key.
pub(super) fn quote_not_closed(stumble: &Stumble<'_>) -> Option<Problem> {
    let begins = stumble.source.text[stumble.at..].starts_with(['\'', '"']);
    let message = "a quoted string is not closed before the lines below it";
    let problem =
        (begins && stumble.info.contains("indentation")).then(|| Problem::new(codes::SYNTAX, stumble.place(), message));
    Some(problem?.help("add the closing quote; a quoted text of several lines is indented more than its key"))
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

/// A tab before the first word of the line that holds `at`, of the line before it, or of the one after it: the parser may
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

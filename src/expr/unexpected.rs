// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is said about a token that has no place where it stands.

use super::casts::{called_here, type_words};
use super::cursor::Cursor;
use super::error::{ExprError, error};
use super::foreign;
use super::token::Tok;

/// What is missing where a value should be.
pub(super) const MISSING: &str = "a value is missing";

/// An expression of nothing, which ends at this byte.
pub(super) fn empty(end: usize) -> ExprError {
    let help = "write what to read, for example `arg0`, `retval` or `filename as user_string`";
    error(end..end, "the expression is empty", help)
}

/// A value should begin here, and does not.
pub(super) fn no_value(cursor: &Cursor<'_>) -> ExprError {
    let range = cursor.range();
    let found = cursor.found();
    if *cursor.tok() == Tok::End {
        return error(range, MISSING, "write a name, a number or a text");
    }
    let help = foreign::before(found).unwrap_or("begin with a name: `arg0`…, a parameter, a field, `retval`");
    let message = if cursor.end_before() == 0 {
        format!("an expression cannot begin with `{found}`")
    } else {
        format!("a value cannot begin with `{found}`")
    };
    error(range, message, help)
}

/// Something follows a complete value, and cannot.
pub(super) fn not_expected(cursor: &Cursor<'_>) -> ExprError {
    if let Some(error) = cursor.bad() {
        return error;
    }
    let found = cursor.found();
    let message = format!("`{found}` is not expected here");
    let help = match cursor.tok() {
        Tok::Word(word) => after_value(word, cursor.before()),
        Tok::Sign("!") if matches!(cursor.ahead(1), Tok::Word(word) if word == "in") => "write `not in`".to_owned(),
        Tok::Sign("!") if matches!(cursor.ahead(1), Tok::Sign("~")) => {
            "write `not NAME.glob(\"text*\")`; there are no regular expressions".to_owned()
        }
        Tok::Sign("::") if !is_hexadecimal(cursor.before()) => "members are `NAME->MEMBER` or `NAME.MEMBER`".to_owned(),
        Tok::Sign(sign) => foreign::sign(sign).unwrap_or(SHAPE).to_owned(),
        Tok::Other if found == "#" => "a comment of YAML begins with a space and `#`".to_owned(),
        Tok::Number(_) | Tok::Duration(_) | Tok::Text(_) | Tok::Other | Tok::Bad(_) | Tok::End => SHAPE.to_owned(),
    };
    error(cursor.range(), message, help)
}

const SHAPE: &str = "between two values stands an operator, such as `==` or `&&`";

/// `fd00` of `fd00::/8`
fn is_hexadecimal(tok: &Tok) -> bool {
    match tok {
        Tok::Word(word) => word.bytes().all(|byte| byte.is_ascii_hexdigit()),
        Tok::Number(_) => true,
        Tok::Duration(_) | Tok::Text(_) | Tok::Sign(_) | Tok::Other | Tok::Bad(_) | Tok::End => false,
    }
}

/// A word after a value.
fn after_value(word: &str, before: &Tok) -> String {
    if let (Tok::Number(number), "ns" | "us" | "ms" | "s" | "m" | "h" | "KiB" | "MiB" | "GiB") = (before, word) {
        return format!("write the unit without a space: `{number}{word}`");
    }
    if let Some(help) = foreign::between(word) {
        return help.to_owned();
    }
    match type_words().find(|known| *known == word) {
        Some(known) => format!("write `as {known}`"),
        None => format!("if `{word}` is a type, write `as {word}`"),
    }
}

/// Words with which a type of several words begins.
const TYPES_OF_C: &[&str] = &["struct", "union", "enum", "const", "unsigned", "signed", "long", "short", "volatile"];

/// `(u64)x`, `(struct sock *)x`, at the `(`.
pub(super) fn is_c_cast(cursor: &Cursor<'_>) -> Option<ExprError> {
    let (mut at, mut words, mut stars) = (1, 0, 0);
    loop {
        match cursor.ahead(at) {
            Tok::Word(_) if stars == 0 => words += 1,
            Tok::Sign("*") => stars += 1,
            Tok::Sign(")") if words > 0 => break,
            _other => return None,
        }
        at += 1;
    }
    let range = cursor.range().start..cursor.range_ahead(at).end;
    let value = match cursor.ahead(at + 1) {
        Tok::Word(word) if !["in", "not", "as"].contains(&word.as_str()) && foreign::between(word).is_none() => {
            Some(word.as_str())
        }
        Tok::Sign("(") => Some("x"),
        _other => None,
    };
    let is_type = matches!(cursor.ahead(1), Tok::Word(word) if TYPES_OF_C.contains(&word.as_str()));
    if (words > 1 && !is_type) || (words == 1 && value.is_none() && stars == 0) {
        return None;
    }
    let inside = cursor.text[range.start + 1..range.end - 1].trim();
    let shown = inside.trim_end_matches([' ', '*']);
    let ours = called_here(shown).filter(|_| stars == 0);
    let value = value.unwrap_or("x");
    let help = match ours {
        _ if matches!(shown, "char" | "const char") && stars == 1 => format!("write `{value} as string`"),
        Some(ours) => format!("put the type last: `{value} as {ours}`"),
        None if shown.starts_with("struct ") => format!("put the type last: `({value} as {shown})->MEMBER`"),
        None => format!("put the type last: `{value} as {shown}`"),
    };
    Some(error(range, "C casts are not supported", help))
}

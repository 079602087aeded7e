// SPDX-License-Identifier: MIT OR Apache-2.0
//! The words and signs of an expression: `retval < 0` is a name, a sign and a number.

use std::ops::Range;

use super::error::{ExprError, error};
use super::numbers::number;
use super::token::{Tok, Token};

/// Every sign, those before their own beginnings; with some of other languages, which the parser refuses by name.
const SIGNS: &[&str] = &[
    "===", "!==", "->", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "=~", "<>", "**", "::", "+", "-", "*", "/",
    "%", "&", "^", "|", "~", "!", "<", ">", "(", ")", "[", "]", ",", ".", "=", "?", ":", ";", "@", "$", "{", "}",
];

/// All tokens of a text, with an end after the last. The bytes of `opaque` came from the environment or a variable: outside of a
/// text each such part is one literal.
pub(super) fn lex(text: &str, opaque: &[Range<usize>]) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        if let Some(part) = opaque.iter().find(|part| part.start == at && !part.is_empty()) {
            tokens.push(Token { tok: literal(&text[part.clone()], part), range: part.clone() });
            at = part.end;
            continue;
        }
        let Some(first) = text[at..].chars().next() else { break };
        let (tok, end) = token(text, at, first, opaque);
        tokens.push(Token { tok, range: at..end });
        at = end;
    }
    tokens.push(Token { tok: Tok::End, range: text.len()..text.len() });
    tokens
}

/// The token that begins at `at`, and where it ends.
fn token(text: &str, at: usize, first: char, opaque: &[Range<usize>]) -> (Tok, usize) {
    let rest = &text[at..];
    if first.is_ascii_digit() {
        let (tok, length) = number(rest, at);
        return (tok, at + length);
    }
    if is_word(first) {
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        return (Tok::Word(rest[..length].to_owned()), at + length);
    }
    if first == '"' || first == '\'' {
        return quoted(text, at, first, opaque);
    }
    match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
        Some(sign) => (Tok::Sign(sign), at + sign.len()),
        None => (Tok::Other, at + first.len_utf8()),
    }
}

/// What a variable holds, as one literal: a number, a duration, `true`, `false`, `null`, else a text.
fn literal(value: &str, place: &Range<usize>) -> Tok {
    let (digits, is_negative) = match value.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (value, false),
    };
    if !is_negative && matches!(value, "true" | "false" | "null") {
        return Tok::Word(value.to_owned());
    }
    if digits.starts_with(|c: char| c.is_ascii_digit()) {
        let (tok, length) = number(digits, place.start);
        if let (Tok::Number(number), true, true) = (&tok, length == digits.len(), is_negative) {
            return Tok::Number(number.wrapping_neg());
        }
        if length == digits.len() && !is_negative {
            return tok;
        }
    }
    Tok::Text(value.to_owned())
}

/// A text in quotes. What comes from a variable ends no text and begins no escape.
fn quoted(text: &str, at: usize, quote: char, opaque: &[Range<usize>]) -> (Tok, usize) {
    let mut inner = String::new();
    let mut chars = text[at + 1..].char_indices().map(|(offset, c)| (at + 1 + offset, c));
    while let Some((here, c)) = chars.next() {
        let is_opaque = opaque.iter().any(|part| part.contains(&here));
        if c == quote && !is_opaque {
            return (Tok::Text(inner), here + 1);
        }
        if c != '\\' || is_opaque {
            inner.push(c);
            continue;
        }
        match escape(text, here) {
            Ok((c, length)) => {
                inner.push(c);
                // The characters of an escape are ASCII.
                chars.nth(length - 2);
            }
            Err(error) => return (Tok::Bad(error), text.len()),
        }
    }
    let help = format!("write `{quote}` at its end");
    (Tok::Bad(error(at..text.len(), "the text is not closed", help)), text.len())
}

/// The character of the escape at `at`, and the bytes that it takes.
fn escape(text: &str, at: usize) -> Result<(char, usize), ExprError> {
    let rest = &text[at + 1..];
    let simple = match rest.chars().next() {
        Some(same @ ('\\' | '"' | '\'')) => same,
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('0') => '\0',
        Some('x') => {
            let digits = rest.get(1..3).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
            let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(u8::is_ascii);
            return match byte {
                Some(byte) => Ok((char::from(byte), 4)),
                None => Err(error(at..at + 2, "`\\x` takes two digits, at most `7f`", "write the character itself")),
            };
        }
        other => {
            let length = 1 + other.map_or(0, char::len_utf8);
            let found = &text[at..at + length];
            let help = format!("for a backslash write two: `\\{found}`");
            return Err(error(at..at + length, format!("`{found}` stands for nothing"), help));
        }
    };
    Ok((simple, 2))
}

/// A character of a C identifier.
pub(super) fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

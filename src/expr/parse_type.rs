// SPDX-License-Identifier: MIT OR Apache-2.0
//! The type after `as`: `u32`, `string(64)`, `bytes(len=count)`, `struct tcp_sock`.

use std::ops::Range;

use super::casts::{NO_SIZE, TypeWord, meant, type_list, type_word};
use super::cursor::Cursor;
use super::error::{ExprError, error};
use super::token::Tok;
use crate::spec::{Cast, Expr, MAX_TEXT_BYTES, TextSize};

/// What reads the expression of a length.
pub(super) type ReadLength<'r, 't> = &'r mut dyn FnMut(&mut Cursor<'t>) -> Result<Expr, ExprError>;

/// Reads a type, of which a length may be an expression.
pub(super) fn parse_type<'t>(cursor: &mut Cursor<'t>, length: ReadLength<'_, 't>) -> Result<Cast, ExprError> {
    let Some((word, range)) = cursor.word() else {
        let missing = || error(cursor.range(), "a type is missing after `as`", type_list());
        return Err(cursor.bad().unwrap_or_else(missing));
    };
    let cast = match word.as_str() {
        "struct" | "union" => Cast::Struct(named(cursor, &word)?),
        "enum" => Cast::Enum(named(cursor, &word)?),
        _type => match type_word(&word) {
            Some(TypeWord::Plain(cast)) => cast,
            Some(TypeWord::Sized(make)) => return sized(cursor, &word, range, make, length),
            None => {
                if let Some(meant) = meant(&word) {
                    return Err(error(range, format!("`{word}` is not a type"), meant));
                }
                Cast::Enum(word.clone())
            }
        },
    };
    no_size(cursor, &word)?;
    if cursor.is("*") {
        let help = match cast {
            Cast::Struct(_) => "a pointer to it is meant anyway: remove the `*`",
            _other => "types have no `*`; for a string write `as string` or `as user_string`",
        };
        return Err(error(cursor.range(), "`*` is not expected here", help));
    }
    Ok(cast)
}

/// The name after `struct` or `enum`.
fn named(cursor: &mut Cursor<'_>, word: &str) -> Result<String, ExprError> {
    let missing = format!("a name is missing after `{word}`");
    match cursor.word() {
        Some((name, _)) => Ok(name),
        None => Err(cursor.bad().unwrap_or_else(|| error(cursor.range(), missing, format!("write `{word} NAME`")))),
    }
}

/// A type without a size has none.
fn no_size(cursor: &Cursor<'_>, word: &str) -> Result<(), ExprError> {
    if !cursor.is("[") && !cursor.is("(") {
        return Ok(());
    }
    let place = match cursor.ahead(1) {
        Tok::Number(_) => cursor.range_ahead(1),
        _other => cursor.range(),
    };
    let help = "only `string`, `user_string`, `bytes` and `path` do; an element of an array is chosen before `as`";
    Err(error(place, format!("`{word}` has no size"), help))
}

/// `string`, `string(64)`, `string[64]`, `bytes(len=count)`, `bytes(64, len=count)`.
fn sized<'t>(
    cursor: &mut Cursor<'t>,
    word: &str,
    range: Range<usize>,
    make: fn(TextSize) -> Cast,
    length: ReadLength<'_, 't>,
) -> Result<Cast, ExprError> {
    let is_bytes = word == "bytes";
    if cursor.eat("[") {
        let max = bytes(cursor, "[", "]")?;
        cursor.expect("]", format!("write `{word}({max})`"))?;
        return Ok(make(TextSize { max, length: None }));
    }
    if !cursor.eat("(") {
        let help = "write how many, for example `bytes(16)`, or `bytes(len=count)`";
        return if is_bytes { Err(error(range, "`bytes` needs a size", help)) } else { Ok(make(NO_SIZE)) };
    }
    let mut size = NO_SIZE;
    let counted = |cursor: &Cursor<'t>| cursor.is_word("len") && matches!(cursor.ahead(1), Tok::Sign("="));
    let mut has_length = counted(cursor);
    if !has_length {
        size.max = bytes(cursor, "(", ")")?;
        if cursor.eat(",") {
            has_length = counted(cursor);
            if !has_length {
                let missing =
                    || error(cursor.range(), "`len=` is missing", format!("write `{word}({}, len=count)`", size.max));
                return Err(cursor.bad().unwrap_or_else(missing));
            }
        }
    }
    if has_length {
        if word == "path" {
            return Err(error(
                cursor.range(),
                "a path has no `len`: it ends with its name",
                "write `path` or `path(N)`",
            ));
        }
        cursor.advance();
        cursor.advance();
        size.length = Some(Box::new(length(cursor)?));
    }
    cursor.expect(")", format!("write `{word}(N)`"))?;
    Ok(make(size))
}

/// The number of bytes of a size.
fn bytes(cursor: &mut Cursor<'_>, open: &str, close: &str) -> Result<u16, ExprError> {
    let range = cursor.range();
    let Tok::Number(bytes) = *cursor.tok() else {
        let message = format!("expected a number between `{open}` and `{close}`");
        let help = format!("write a size in bytes: `{open}64{close}`");
        return Err(cursor.bad().unwrap_or_else(|| error(range, message, help)));
    };
    cursor.advance();
    match u16::try_from(bytes) {
        Ok(size @ 1..=MAX_TEXT_BYTES) => Ok(size),
        Ok(_) | Err(_) => {
            let help = format!("a size must be from 1 to {MAX_TEXT_BYTES}");
            Err(error(range, format!("{bytes} bytes cannot be read"), help))
        }
    }
}

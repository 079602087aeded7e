// SPDX-License-Identifier: MIT OR Apache-2.0
//! `BASE(->NAME | .NAME | [N])* (as TYPE)?`
//!
//! ```text
//! filename as user_string[64]
//! sk->__sk_common.skc_dport as port
//! retval
//! ```

use std::ops::Range;

use crate::spec::{CaptureCast, CaptureExpr, CaptureStep, DEFAULT_TEXT_BYTES, MAX_TEXT_BYTES};

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExprError {
    /// The bytes of the text that are to blame; empty at its end where something is missing.
    pub range: Range<usize>,
    /// What was found.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// The words after `as`.
pub(super) const TYPES: &[&str] = &[
    "u8",
    "u16",
    "u32",
    "u64",
    "i8",
    "i16",
    "i32",
    "i64",
    "string",
    "user_string",
    "hex",
    "ipv4",
    "ipv6",
    "port",
    "bytes",
];

const TYPE_LIST: &str =
    "types: u8 u16 u32 u64 i8 i16 i32 i64 string string[N] user_string user_string[N] hex ipv4 ipv6 port bytes[N]";

/// Words from C, Rust and bpftrace and what they are called here.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("char", "i8"),
    ("short", "i16"),
    ("int", "i32"),
    ("long", "i64"),
    ("unsigned", "u32"),
    ("uint", "u32"),
    ("size_t", "u64"),
    ("uint8", "u8"),
    ("uint16", "u16"),
    ("uint32", "u32"),
    ("uint64", "u64"),
    ("int8", "i8"),
    ("int16", "i16"),
    ("int32", "i32"),
    ("int64", "i64"),
    ("uint8_t", "u8"),
    ("uint16_t", "u16"),
    ("uint32_t", "u32"),
    ("uint64_t", "u64"),
    ("bool", "u8"),
    ("str", "string"),
    ("ustr", "user_string"),
    ("text", "string"),
    ("pointer", "hex"),
    ("ptr", "hex"),
    ("ip", "ipv4"),
    ("buf", "bytes"),
];

/// Reads an expression.
pub fn parse(text: &str) -> Result<CaptureExpr, ExprError> {
    let mut reader = Reader { text, at: 0 };
    let (base, _) = reader.name().ok_or_else(|| reader.no_base())?;
    let mut steps = Vec::new();
    while let Some(step) = reader.step()? {
        steps.push(step);
    }
    let cast = reader.cast()?;
    reader.end(cast)?;
    Ok(CaptureExpr { base, steps, cast })
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&mut self) -> &str {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        &self.text[self.at..]
    }

    fn eat(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
        }
        found
    }

    /// A C identifier and its place.
    fn name(&mut self) -> Option<(String, Range<usize>)> {
        let rest = self.rest();
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return None;
        }
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = rest[..length].to_owned();
        let range = self.at..self.at + length;
        self.at += length;
        Some((name, range))
    }

    /// The word (or single sign) at this point, for messages.
    fn here(&mut self) -> Range<usize> {
        let rest = self.rest();
        let length = match rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            Some(0) => rest.chars().next().map_or(0, char::len_utf8),
            Some(length) => length,
            None => rest.len(),
        };
        self.at..self.at + length
    }

    fn no_base(&mut self) -> ExprError {
        let range = self.here();
        let help = match &self.text[range.clone()] {
            "" => {
                let message = "the expression is empty".to_owned();
                let help = "write what to read, for example `arg0`, `retval` or `filename as user_string`";
                return ExprError { range, message, help: Some(help.to_owned()) };
            }
            "*" => "to follow a pointer write `pointer[0]`, or `pointer->member`".to_owned(),
            "&" => "`&` is not supported; write `as hex` after a pointer to show the address".to_owned(),
            "(" => "C casts are not supported; put the type last: `arg0 as u64`".to_owned(),
            "$" => "names have no `$`: arguments are `arg0` to `arg5`, or named as in the function".to_owned(),
            _other => "begin with a name: `arg0`…, a parameter, a field, `retval`".to_owned(),
        };
        let message = format!("an expression cannot begin with `{}`", &self.text[range.clone()]);
        ExprError { range, message, help: Some(help) }
    }

    fn step(&mut self) -> Result<Option<CaptureStep>, ExprError> {
        if self.eat("->") {
            return self.member("->").map(|name| Some(CaptureStep::Arrow(name)));
        }
        if self.eat(".") {
            return self.member(".").map(|name| Some(CaptureStep::Dot(name)));
        }
        if self.eat("[") {
            let (index, range) = self.number("an index counts from 0: `[0]`")?;
            let index =
                u32::try_from(index).map_err(|_| error(range, "the index is too large", "at most 4294967295"))?;
            return Ok(Some(CaptureStep::Index(index)));
        }
        Ok(None)
    }

    fn member(&mut self, sign: &str) -> Result<String, ExprError> {
        match self.name() {
            Some((name, _)) => Ok(name),
            None => {
                let range = self.here();
                Err(error(range, format!("a member's name is missing after `{sign}`"), format!("write `{sign}NAME`")))
            }
        }
    }

    /// The rest of `[N]`.
    fn number(&mut self, help: &str) -> Result<(u64, Range<usize>), ExprError> {
        let range = self.here();
        let word = &self.text[range.clone()];
        let parsed = match word.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16),
            None => word.parse(),
        };
        let Ok(value) = parsed else {
            return Err(error(range, "expected a number between `[` and `]`", help));
        };
        self.at = range.end;
        if !self.eat("]") {
            let range = self.here();
            return Err(error(range, "`]` is missing", help));
        }
        Ok((value, range))
    }

    fn cast(&mut self) -> Result<Option<CaptureCast>, ExprError> {
        let before = self.at;
        match self.name() {
            Some((word, _)) if word == "as" => {}
            Some((word, range)) => {
                let help = format!("if `{word}` is a type, write `as {word}`");
                let help = match word.as_str() {
                    "AS" | "As" => "write `as` in small letters".to_owned(),
                    known if TYPES.contains(&known) => format!("write `as {known}`"),
                    _other => help,
                };
                return Err(error(range, format!("`{word}` is not expected here"), help));
            }
            None => {
                self.at = before;
                return Ok(None);
            }
        }
        let Some((word, range)) = self.name() else {
            let range = self.here();
            return Err(error(range, "a type is missing after `as`", TYPE_LIST));
        };
        let size = if self.eat("[") { Some(self.number("write a size in bytes: `[64]`")?) } else { None };
        cast(&word, range, size).map(Some)
    }

    /// Nothing may follow an expression, of which `cast` was the last part.
    fn end(&mut self, cast: Option<CaptureCast>) -> Result<(), ExprError> {
        if self.rest().is_empty() {
            return Ok(());
        }
        let range = self.here();
        let found = &self.text[range.clone()];
        let help = match found {
            "(" if cast.is_some() => "write the size between `[` and `]`: `string[64]`",
            "(" => "function calls are not supported; write `NAME as string` or `NAME as user_string`",
            "*" => "types have no `*`; for a string write `as string` or `as user_string`",
            "=" | "!" | "<" | ">" | "&" | "|" | "+" | "-" | "/" => {
                "an expression only reads a value; it does not calculate"
            }
            ":" => "members are `NAME->MEMBER` or `NAME.MEMBER`",
            _other => "an expression is a name, members (`->x`, `.x`, `[0]`), and `as TYPE`",
        };
        let message = format!("`{found}` is not expected here");
        Err(error(range, message, help))
    }
}

fn error(range: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> ExprError {
    ExprError { range, message: message.into(), help: Some(help.into()) }
}

fn cast(word: &str, range: Range<usize>, size: Option<(u64, Range<usize>)>) -> Result<CaptureCast, ExprError> {
    let bytes = match &size {
        Some((bytes, place)) => Some(checked_size(*bytes, place.clone())?),
        None => None,
    };
    let cast = match word {
        "string" => return Ok(CaptureCast::String { max: bytes.unwrap_or(DEFAULT_TEXT_BYTES) }),
        "user_string" => return Ok(CaptureCast::UserString { max: bytes.unwrap_or(DEFAULT_TEXT_BYTES) }),
        "bytes" => match bytes {
            Some(len) => return Ok(CaptureCast::Bytes { len }),
            None => return Err(error(range, "`bytes` needs a size", "write how many, for example `bytes[16]`")),
        },
        "u8" => CaptureCast::Unsigned { size: 1 },
        "u16" => CaptureCast::Unsigned { size: 2 },
        "u32" => CaptureCast::Unsigned { size: 4 },
        "u64" => CaptureCast::Unsigned { size: 8 },
        "i8" => CaptureCast::Signed { size: 1 },
        "i16" => CaptureCast::Signed { size: 2 },
        "i32" => CaptureCast::Signed { size: 4 },
        "i64" => CaptureCast::Signed { size: 8 },
        "hex" => CaptureCast::Hex,
        "ipv4" => CaptureCast::Ipv4,
        "ipv6" => CaptureCast::Ipv6,
        "port" => CaptureCast::Port,
        _unknown => return Err(unknown_type(word, range)),
    };
    match size {
        None => Ok(cast),
        Some((_, place)) => {
            let help = "only `string`, `user_string` and `bytes` do; an element of an array is chosen before `as`";
            Err(error(place, format!("`{word}` has no size"), help))
        }
    }
}

fn checked_size(bytes: u64, place: Range<usize>) -> Result<u16, ExprError> {
    match u16::try_from(bytes) {
        Ok(size @ 1..=MAX_TEXT_BYTES) => Ok(size),
        Ok(_) | Err(_) => {
            let help = format!("a size must be from 1 to {MAX_TEXT_BYTES}");
            Err(error(place, format!("{bytes} bytes cannot be read"), help))
        }
    }
}

fn unknown_type(word: &str, range: Range<usize>) -> ExprError {
    let other = OTHER_WORDS.iter().find(|(theirs, _)| *theirs == word).map(|(_, ours)| *ours);
    let nearest = other.or_else(|| crate::words::nearest(word, TYPES.iter().copied()));
    let help = match nearest {
        Some(nearest) => format!("did you mean `{nearest}`? {TYPE_LIST}"),
        None => TYPE_LIST.to_owned(),
    };
    error(range, format!("`{word}` is not a type"), help)
}

#[cfg(test)]
mod tests {
    use super::{parse, unknown_type};
    use crate::spec::{CaptureCast, CaptureExpr, CaptureStep};

    fn expr(base: &str, steps: &[CaptureStep], cast: Option<CaptureCast>) -> CaptureExpr {
        CaptureExpr { base: base.to_owned(), steps: steps.to_vec(), cast }
    }

    /// Expressions mean what they say, with or without spaces.
    #[test]
    fn good_expressions() {
        let arrow = |name: &str| CaptureStep::Arrow(name.to_owned());
        let dot = |name: &str| CaptureStep::Dot(name.to_owned());
        for (text, expected) in [
            ("retval", expr("retval", &[], None)),
            ("as", expr("as", &[], None)),
            (" arg0 as i8 ", expr("arg0", &[], Some(CaptureCast::Signed { size: 1 }))),
            ("filename as user_string", expr("filename", &[], Some(CaptureCast::UserString { max: 256 }))),
            ("name as string[4096]", expr("name", &[], Some(CaptureCast::String { max: 4096 }))),
            ("buf as bytes[ 1 ]", expr("buf", &[], Some(CaptureCast::Bytes { len: 1 }))),
            (
                "sk->__sk_common.skc_dport as port",
                expr("sk", &[arrow("__sk_common"), dot("skc_dport")], Some(CaptureCast::Port)),
            ),
            (
                "a [ 0x10 ] -> b[4294967295]",
                expr("a", &[CaptureStep::Index(16), arrow("b"), CaptureStep::Index(u32::MAX)], None),
            ),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    /// Sizes and indexes outside their range are refused at their digits.
    #[test]
    fn numbers_out_of_range() {
        for (text, at) in
            [("a as bytes[0]", 11..12), ("a as string[4097]", 12..16), ("a[4294967296]", 2..12), ("a[-1]", 2..3)]
        {
            assert_eq!(parse(text).unwrap_err().range, at, "{text}");
        }
    }

    /// Words of other languages lead to ours.
    #[test]
    fn other_words() {
        for (word, ours) in [("int", "`i32`"), ("str", "`string`"), ("strng", "`string`"), ("U64", "`u64`")] {
            let help = unknown_type(word, 0..0).help.unwrap();
            assert!(help.starts_with(&format!("did you mean {ours}?")), "{word}: {help}");
        }
    }
}

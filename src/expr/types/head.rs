// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the head of every record holds anyway: a capture of it is a second look at the same bytes.

use crate::expr::operand::{Operand, OperandSource};
use crate::spec::{Cast, Fetch, FetchCopy, FetchSource, FieldType};
use crate::words::Refusal;

/// Bytes of `comm`, with its NUL.
const COMM: u16 = 16;

/// A field of the head, in the form that is asked for. Both architectures are little-endian: its low bytes come first.
pub(super) fn of_head(name: &'static str, cast: Option<&Cast>, written: &str) -> Result<Operand, Refusal> {
    let is_text = name == "comm";
    let (kind, size) = match cast {
        None if is_text => (FieldType::Text { limit: None }, COMM),
        None if name == "uid" => (FieldType::Id, 4),
        None => (FieldType::Unsigned, 4),
        Some(Cast::String(size)) if is_text && size.length.is_none() => {
            let limit = (size.max + 1 < COMM).then_some(u32::from(size.max));
            (FieldType::Text { limit }, COMM)
        }
        Some(Cast::Bytes(size)) if size.length.is_none() && size.max <= if is_text { COMM } else { 4 } => {
            (FieldType::Bytes, size.max)
        }
        Some(Cast::Hex) if !is_text => (FieldType::Hex, 4),
        Some(Cast::Uid) if !is_text => (FieldType::Id, 4),
        Some(Cast::Unsigned { size }) if !is_text && *size <= 4 => (FieldType::Unsigned, u16::from(*size)),
        Some(Cast::Signed { size }) if !is_text && *size <= 4 => (FieldType::Signed, u16::from(*size)),
        Some(cast) => {
            let what = if is_text { "text" } else { "number" };
            let bytes = if is_text { COMM } else { 4 };
            let message = format!("`{written}` is the builtin `{name}`: it cannot be read as `{cast}`");
            return Err(Refusal::new(message).help(format!("it is a {what} of {bytes} bytes")));
        }
    };
    Ok(Operand {
        before: Vec::new(),
        source: OperandSource::Head { name, fetch: fetch(name) },
        part: 0,
        size,
        of_end: None,
        bits: None,
        kind,
    })
}

/// How it is read where there is no record.
fn fetch(name: &str) -> Fetch {
    let (source, copy, size) = match name {
        "comm" => (FetchSource::Comm, FetchCopy::Comm, COMM),
        "pid" => (FetchSource::Pid, FetchCopy::Value, 8),
        "tid" => (FetchSource::Tid, FetchCopy::Value, 8),
        "uid" => (FetchSource::Uid, FetchCopy::Value, 8),
        _cpu => (FetchSource::Cpu, FetchCopy::Value, 8),
    };
    Fetch {
        source,
        hops: Vec::new(),
        user_from: None,
        narrow: crate::spec::Narrow::Same,
        offset: 0,
        index: None,
        keep: None,
        length: None,
        copy,
        size,
        slot: size,
        out: 0,
    }
}

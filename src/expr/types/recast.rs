// SPDX-License-Identifier: MIT OR Apache-2.0
//! `as` after a value that has a type already: of a capture, or in the middle of an expression.

use super::number::is_number;
use crate::expr::operand::Operand;
use crate::spec::{Cast, FieldType};
use crate::words::Refusal;

/// The same number, shown in another way.
pub(in crate::expr) fn recast(operand: Operand, cast: &Cast, written: &str) -> Result<Operand, Refusal> {
    let own = operand.size;
    let refused = |help: String| {
        Err(Refusal::new(format!("`{written}` has a type already: it cannot be read as `{cast}`")).help(help))
    };
    if is_number(&operand.kind).is_none() {
        return refused("only numbers can be read in a second way; name what the capture reads itself".to_owned());
    }
    let (kind, size) = match cast {
        Cast::Unsigned { size } => (FieldType::Unsigned, u16::from(*size)),
        Cast::Signed { size } => (FieldType::Signed, u16::from(*size)),
        Cast::Hex => (FieldType::Hex, own),
        Cast::Bool => (FieldType::Bool, own),
        Cast::Duration => (FieldType::Duration, 8),
        Cast::Ktime => (FieldType::Ktime, 8),
        Cast::Ksym => (FieldType::Ksym, 8),
        Cast::Usym => (FieldType::Usym, 8),
        Cast::Cgroup => (FieldType::Cgroup, 8),
        Cast::Dev => (FieldType::Dev, 4),
        Cast::Uid => (FieldType::Id, 4),
        Cast::Named(table) => (FieldType::Named(*table), own),
        Cast::Timespec
        | Cast::String(_)
        | Cast::UserString(_)
        | Cast::Bytes(_)
        | Cast::Enum(_)
        | Cast::Struct(_)
        | Cast::Ipv4
        | Cast::Ipv6
        | Cast::Ip
        | Cast::Port
        | Cast::Mac
        | Cast::Sockaddr
        | Cast::Sock
        | Cast::Path { .. }
        | Cast::FdPath
        | Cast::Uuid
        | Cast::Packet => return refused("it is a number".to_owned()),
    };
    if size > own {
        return refused(format!("it has {own} byte{}", if own == 1 { "" } else { "s" }));
    }
    // Of a bit-field all of the integer that holds it stays.
    let size = if operand.bits.is_some() { own } else { size };
    Ok(Operand { kind, size, ..operand })
}

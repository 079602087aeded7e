// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers of 64 bits, which wrap.

use super::term::Number;
use crate::spec::Arithmetic;

/// The result, read as `signed` says; `None` for a division by 0.
pub(super) fn calculate(op: Arithmetic, signed: bool, left: Number, right: Number) -> Option<Number> {
    let (a, b) = (left.bits, right.bits);
    let bits = match op {
        Arithmetic::Multiply => a.wrapping_mul(b),
        Arithmetic::Add => a.wrapping_add(b),
        Arithmetic::Subtract => a.wrapping_sub(b),
        Arithmetic::BitAnd => a & b,
        Arithmetic::BitXor => a ^ b,
        Arithmetic::BitOr => a | b,
        Arithmetic::Divide | Arithmetic::Remainder if b == 0 => return None,
        Arithmetic::Divide if signed => a.cast_signed().wrapping_div(b.cast_signed()).cast_unsigned(),
        Arithmetic::Remainder if signed => a.cast_signed().wrapping_rem(b.cast_signed()).cast_unsigned(),
        Arithmetic::Divide => a / b,
        Arithmetic::Remainder => a % b,
        // The parser takes constants of 0 to 63.
        Arithmetic::ShiftLeft => a.checked_shl(u32::try_from(b).ok()?)?,
        Arithmetic::ShiftRight if signed => a.cast_signed().checked_shr(u32::try_from(b).ok()?)?.cast_unsigned(),
        Arithmetic::ShiftRight => a.checked_shr(u32::try_from(b).ok()?)?,
    };
    Some(Number { bits, signed })
}

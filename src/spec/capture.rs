// SPDX-License-Identifier: MIT OR Apache-2.0
//! A capture expression after parsing: `sk->__sk_common.skc_dport as port`.

use std::fmt;

/// `BASE STEP… [as CAST]`, for example `arg1 as user_string[64]` or `sk->__sk_common.skc_daddr as ipv4`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureExpr {
    /// The first name: `arg0`…, a parameter, a tracepoint field, `retval` or a builtin. What it means depends on
    /// the hook and is found out when the probe is loaded.
    pub base: String,
    /// The members that are followed from there.
    pub steps: Vec<Step>,
    /// How the bytes are to be read; `None` leaves it to the type.
    pub cast: Option<CaptureCast>,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// `->NAME`: follow the pointer, then take the member.
    Arrow(String),
    /// `.NAME`: take the member of a struct that is already there.
    Dot(String),
    /// `[N]`: take an element of an array, or of what a pointer points to. Counts from 0.
    Index(u32),
}

/// The type after `as`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureCast {
    /// `u8` `u16` `u32` `u64`: the low bytes as an unsigned integer; `size` in bytes.
    Unsigned {
        /// 1, 2, 4 or 8.
        size: u8,
    },
    /// `i8` `i16` `i32` `i64`: the low bytes as a signed integer; `size` in bytes.
    Signed {
        /// 1, 2, 4 or 8.
        size: u8,
    },
    /// `string` or `string[N]`: NUL-terminated text in kernel memory, at most `max` bytes.
    String {
        /// 1 to 4096.
        max: u16,
    },
    /// `user_string` or `user_string[N]`: NUL-terminated text in the process's memory, at most `max` bytes.
    UserString {
        /// 1 to 4096.
        max: u16,
    },
    /// `hex`: an integer written as `0x…`.
    Hex,
    /// `ipv4`: four bytes in network order.
    Ipv4,
    /// `ipv6`: sixteen bytes in network order.
    Ipv6,
    /// `port`: two bytes in network order.
    Port,
    /// `bytes[N]`: N raw bytes, written as hexadecimal digits.
    Bytes {
        /// 1 to 4096.
        len: u16,
    },
}

/// Longest text or byte string that a capture may ask for.
pub const MAX_TEXT_BYTES: u16 = 4096;

/// Longest text when the expression does not say.
pub const DEFAULT_TEXT_BYTES: u16 = 256;

impl fmt::Display for CaptureExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)?;
        for step in &self.steps {
            match step {
                Step::Arrow(name) => write!(f, "->{name}")?,
                Step::Dot(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        match self.cast {
            Some(cast) => write!(f, " as {cast}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for CaptureCast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned { size } => write!(f, "u{}", u32::from(*size) * 8),
            Self::Signed { size } => write!(f, "i{}", u32::from(*size) * 8),
            Self::String { max } => write!(f, "string[{max}]"),
            Self::UserString { max } => write!(f, "user_string[{max}]"),
            Self::Hex => f.write_str("hex"),
            Self::Ipv4 => f.write_str("ipv4"),
            Self::Ipv6 => f.write_str("ipv6"),
            Self::Port => f.write_str("port"),
            Self::Bytes { len } => write!(f, "bytes[{len}]"),
        }
    }
}

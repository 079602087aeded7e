// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's part of `where`: a forward graph of tests, which `bpf/include/where.h` carries out before a record is reserved.

use std::sync::Arc;

use super::fetch::Fetch;
use super::formula::SetName;

/// One test: an operand, what it is compared with, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The operand. Its `out` is not used: it goes to the stack, at most [`Step::MAX_BYTES`] of it.
    pub fetch: Fetch,
    /// Where in what was fetched the operand begins (a part of a `sock`: its address, its port).
    pub part: u16,
    /// The operand is a number of 2 or 4 bytes in network order (a port): its bytes are swapped before it is compared.
    pub swapped: bool,
    /// What is asked of it.
    pub test: StepTest,
    /// Where to go on if the answer is yes.
    pub yes: StepNext,
    /// Where to go on if it is no.
    pub no: StepNext,
    /// Where to go on if there is no value. The program remembers that something was unreadable, where it was.
    pub fault: StepNext,
}

impl Step {
    /// Bytes that the stack has for an operand.
    pub const MAX_BYTES: u16 = 128;
}

/// Where a test leads: only forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepNext {
    /// The step of this number.
    Step(u8),
    /// The event passes.
    Pass,
    /// It does not.
    Reject,
}

/// A question that the kernel can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepTest {
    /// `((value - low) & mask) <= span`: == < <= > >= of any width and sign.
    Range {
        /// Subtracted first.
        low: u64,
        /// The width.
        mask: u64,
        /// What may be left at most.
        span: u64,
    },
    /// `((value & mask) - low) <= span`: bits.
    Bits {
        /// The bits that count.
        mask: u64,
        /// Subtracted next.
        low: u64,
        /// What may be left at most.
        span: u64,
    },
    /// The bytes from `part` on are these, where the mask has ones; as long as the shorter of mask and operand. For equality the
    /// NUL is among them.
    Bytes {
        /// What is expected, already masked.
        bytes: Arc<[u8]>,
        /// The same length.
        mask: Arc<[u8]>,
    },
    /// The text ends with these bytes; at most 32.
    Suffix(Arc<[u8]>),
    /// The text has these bytes in it; at most 8.
    Contains(Arc<[u8]>),
    /// It is in this set, of numbers, texts (whole) or addresses.
    Set(SetName, Widening),
    /// There is a value: `yes` or `fault`.
    Exists,
}

/// How a number becomes one of 64 bits, as sets have them: `((value >> shift & mask) ^ sign) - sign`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Widening {
    /// Bits below those that count.
    pub shift: u32,
    /// Those that count.
    pub mask: u64,
    /// The one of the sign; 0: it has none.
    pub sign: u64,
}

impl Widening {
    /// All bits as they are.
    pub const NONE: Self = Self { shift: 0, mask: u64::MAX, sign: 0 };

    /// A number of so many bits, 1 to 64, that lie behind `shift` others.
    pub fn of(shift: u32, width: u32, signed: bool) -> Self {
        let mask = u64::MAX.checked_shr(64 - width).unwrap_or(0);
        Self { shift, mask, sign: if signed { mask ^ mask >> 1 } else { 0 } }
    }
}

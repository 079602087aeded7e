// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who decides a condition of `where`, for `plan`.

/// One condition of `where`, and who decides it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClausePlan {
    /// The clause that it is, or is a part of.
    pub clause: usize,
    /// As it is written in one form.
    pub text: String,
    /// Who decides.
    pub decided: Decided,
}

/// Who decides a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// The kernel, with so many tests, of which the costliest takes about so many nanoseconds.
    Kernel {
        /// How many.
        tests: usize,
        /// Of the costliest.
        nanoseconds: u32,
    },
    /// User space, over the record.
    UserSpace {
        /// To be read after "because".
        why: String,
    },
}

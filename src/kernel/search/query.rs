// SPDX-License-Identifier: MIT OR Apache-2.0
//! What to look for, and what is found.

use super::listed::Listed;
use super::pattern::Pattern;
use crate::kernel::hook::Signature;

/// What to look for.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    /// The names.
    pub pattern: Pattern<'a>,
    /// The kinds.
    pub kinds: Vec<Listed>,
    /// Whether arguments and fields are wanted.
    pub details: bool,
    /// Most targets of one kind.
    pub most: usize,
    /// The binary whose functions are listed, as the YAML names it.
    pub binary: Option<String>,
}

/// One thing that can be hooked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundHook {
    /// How.
    pub kind: Listed,
    /// What the YAML names: `tcp_v4_connect`, `sched:sched_switch`.
    pub target: String,
    /// Its arguments or fields; `None` where they were not asked for or are not known.
    pub signature: Option<Signature>,
    /// Why it may not work all the same; empty where nothing is known.
    pub remark: String,
}

/// What a search found.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// By kind, the exact name first, then by name.
    pub found: Vec<FoundHook>,
    /// How many more there are of a kind.
    pub more: Vec<(Listed, usize)>,
    /// What could not be looked at, and why.
    pub notes: Vec<String>,
    /// Where nothing was found: names that are close.
    pub nearest: Vec<String>,
}

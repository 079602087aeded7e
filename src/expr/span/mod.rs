// SPDX-License-Identifier: MIT OR Apache-2.0
//! Paths of a probe that has a start and an end: each is read at one of its hooks, and what is not read at the end is kept until then.
//!
//! ```text
//! start.bytes   ──▶ fetch of the start's program, into a slot beside the key
//!               ──▶ fetch of the end's program: Stored { at: 48, bit: 0 }
//! ```

mod key;
mod names;
mod resolve;
mod returned;
mod rewrite;
mod store;

pub use resolve::{ResolvedPoint, ResolvedSpan, SpanBlame, SpanWanted, resolve_span};
pub use rewrite::{read_at, without_start};

use super::machine::Machine;
use super::scope::Scope;
use crate::spec::{Expr, SpanRole};

/// One hook of a span, as paths see it.
pub struct SpanPoint<'s, 'a> {
    /// What it is to the spans.
    pub role: SpanRole,
    /// What it offers.
    pub scope: &'s Scope<'a>,
    /// The machine, as seen from there.
    pub machine: &'s Machine<'a>,
    /// By which spans are paired there.
    pub key: &'s [Expr],
    /// Without which it is no such hook.
    pub filter: &'s [Expr],
}

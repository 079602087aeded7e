// SPDX-License-Identifier: MIT OR Apache-2.0
//! What each program of a span was told of this machine.

use super::open::DiesWith;
use crate::catalog::{FetchContext, SetPlace};
use crate::expr::ResolvedPoint;
use crate::kernel::set_map::SetMap;
use crate::spec::{FetchCopy, FetchSource, Span, SpanEnds, SpanPart, SpanRole};

/// What the kernel adds to each element of a hash, and what each bucket takes.
const ELEMENT_BYTES: u64 = 48;
const BUCKET_BYTES: u64 = 16;

/// Bytes of an element that a program makes on its stack: NEAR_SPAN_WORDS of `bpf/include/span_start.h`.
const NEAR_BYTES: u32 = 80;

/// The programs of a span, and what they share.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedSpan {
    /// One for each hook; the first is the end that the probe itself hooks.
    pub parts: Vec<PreparedPart>,
    /// Numbers of a key.
    pub key_words: u32,
    /// Bytes of what is kept of one span.
    pub kept_bytes: u32,
    /// Bytes of the record of an event.
    pub record_bytes: u32,
    /// The bits of what hooks on the way leave.
    pub via_bits: u32,
    /// Somebody asks for user and name of the process that began it.
    pub keeps_process: bool,
    /// What the file says of it.
    pub span: Span,
}

/// What the program at one hook is told.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedPart {
    /// The hook.
    pub hook: SpanPart,
    /// What it is called with.
    pub context: FetchContext,
    /// What it reads, what it asks, and by which key it finds its spans.
    pub told: ResolvedPoint,
    /// The set of each of its steps.
    pub set_places: Vec<SetPlace>,
    /// The maps of these sets.
    pub sets: Vec<(SetPlace, SetMap)>,
}

impl PreparedSpan {
    /// Bytes of the kernel that the map of what has begun takes, with what is prepared for each CPU.
    pub fn open_bytes(&self) -> u64 {
        let cpus = libbpf_rs::num_possible_cpus().unwrap_or(1) as u64;
        let most = u64::from(self.span.max_open);
        let one = ELEMENT_BYTES + u64::from(self.key_words) * 8 + u64::from(self.kept_bytes).next_multiple_of(8);
        most.next_power_of_two() * BUCKET_BYTES + (most + cpus) * one
    }

    /// True where what begins leaves the same as for `other`, under the same keys: what is open goes on.
    pub(in crate::kernel) fn begins_like(&self, other: &Self) -> bool {
        let starts = |span: &Self| {
            let parts = span.parts.iter().filter(|part| part.hook.role != SpanRole::End);
            parts.map(|part| (part.hook.role, part.told.fetches.clone(), part.context)).collect::<Vec<_>>()
        };
        let keys = |span: &Self| span.parts.iter().map(|part| part.told.key.clone()).collect::<Vec<_>>();
        let sizes = |span: &Self| (span.key_words, span.kept_bytes, span.keeps_process, span.span.max_open);
        sizes(self) == sizes(other) && starts(self) == starts(other) && keys(self) == keys(other)
    }

    /// True where what is kept is little, and numbers at hand: it is made on the stack, where the kernel has no room for what else takes.
    pub(in crate::kernel) fn is_near(&self) -> bool {
        let before_the_end = self.parts.iter().filter(|part| part.hook.role != SpanRole::End);
        let mut fetches = before_the_end.flat_map(|part| &part.told.fetches);
        self.kept_bytes <= NEAR_BYTES && fetches.all(|fetch| fetch.copy == FetchCopy::Value && fetch.hops.is_empty())
    }

    /// Without whom a span never ends.
    pub fn dies_with(&self) -> DiesWith {
        if self.span.ends == SpanEnds::Thread {
            return DiesWith::Thread;
        }
        let has = |source| {
            let ends = self.parts.iter().filter(|part| part.hook.role == SpanRole::End);
            ends.flat_map(|part| &part.told.key).any(|word| word.fetch.source == source)
        };
        match (has(FetchSource::Tid) || has(FetchSource::PidTgid), has(FetchSource::Pid)) {
            (true, _) => DiesWith::Thread,
            (false, true) => DiesWith::Process,
            (false, false) => DiesWith::Nobody,
        }
    }
}

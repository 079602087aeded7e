// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tells a program in its `.rodata` what its hook is to spans: the constants of `bpf/include/span.h`.

use super::fetch_context::Lowered;
use super::fetch_entry::{FetchLimit, write_fetch};
use super::table::{Constants, Table, put};
use crate::spec::{Fetch, KeyWord, SpanRole};

/// What a hook is to spans.
#[derive(Debug, Clone, Copy)]
pub struct SpanHook<'h> {
    /// Its role.
    pub role: SpanRole,
    /// The key, in one number each.
    pub key: &'h [KeyWord],
    /// The first start of a key stays.
    pub keeps_first: bool,
    /// Nanoseconds after which what has begun is given up; 0: never.
    pub expire_ns: u64,
    /// What `where` refuses is no event.
    pub gated: bool,
    /// At an end: the first of the tests that are about the hook; those before it are about the event.
    pub gate: Option<usize>,
    /// The bit of each fetch, which says that it has no value.
    pub bits: &'h [u8],
    /// The bits of all that hooks on the way leave.
    pub via_bits: u32,
    /// Somebody asks for user and name of the process that began it.
    pub keeps_process: bool,
    /// What it keeps is little, and numbers at hand.
    pub is_near: bool,
    /// Another program runs after it at the same hook.
    pub has_behind: bool,
}

/// No test is about the hook.
const NO_GATE: u32 = 255;

/// Where these constants are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SpanTable {
    key: Table,
    role: u32,
    keeps_first: u32,
    expire: u32,
    gated: u32,
    gate: u32,
    via_bits: u32,
    keeps_process: u32,
    is_near: u32,
    has_behind: u32,
}

impl SpanTable {
    pub(super) fn find(constants: &Constants<'_>) -> Option<Self> {
        Some(Self {
            key: constants.table("span_key")?,
            role: constants.place("span_role")?,
            keeps_first: constants.place("span_keeps_first")?,
            expire: constants.place("span_expire")?,
            gated: constants.place("span_gated")?,
            gate: constants.place("span_gate")?,
            via_bits: constants.place("span_via_bits")?,
            keeps_process: constants.place("span_keeps_process")?,
            is_near: constants.place("span_is_near")?,
            has_behind: constants.place("has_behind")?,
        })
    }

    pub(super) fn write<'a>(
        &self,
        rodata: &mut [u8],
        hook: &SpanHook<'a>,
        max_hops: usize,
        lower: impl Fn(&'a Fetch) -> Lowered<'a>,
    ) -> Result<(), FetchLimit> {
        let role: u32 = match hook.role {
            SpanRole::End => 0,
            SpanRole::Start => 1,
            SpanRole::Via => 2,
            SpanRole::Cancel => 3,
        };
        put(rodata, self.role, &role.to_ne_bytes());
        put(rodata, self.keeps_first, &[u8::from(hook.keeps_first)]);
        put(rodata, self.expire, &hook.expire_ns.to_ne_bytes());
        put(rodata, self.gated, &[u8::from(hook.gated)]);
        put(rodata, self.gate, &hook.gate.map_or(NO_GATE, |gate| gate as u32).to_ne_bytes());
        let via_bits = u64::from(hook.via_bits);
        // What has not passed yet is absent; it may be unreadable when it passes.
        let via_bits = if hook.role == SpanRole::Via { via_bits | via_bits << 32 } else { via_bits };
        put(rodata, self.via_bits, &via_bits.to_ne_bytes());
        put(rodata, self.keeps_process, &[u8::from(hook.keeps_process)]);
        put(rodata, self.is_near, &[u8::from(hook.is_near)]);
        put(rodata, self.has_behind, &[u8::from(hook.has_behind)]);
        for (index, word) in hook.key.iter().enumerate().take(self.key.capacity as usize) {
            let lowered = lower(&word.fetch);
            if lowered.hops.len() > max_hops {
                return Err(FetchLimit::Hops(index, max_hops as u32));
            }
            let mut entry = self.key.entry(rodata, index);
            write_fetch(&mut entry, &lowered);
            entry.set("part", word.shift);
            entry.set("keep_shift", 64 - word.width.clamp(1, 64));
            entry.set("keep_signed", word.signed);
            entry.set("count", word.add);
        }
        Ok(())
    }
}

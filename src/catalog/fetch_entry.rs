// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes one entry of the work list of `trace`, or the operand of one of its tests: `struct fetch` of `bpf/include/fetch.h`.

use super::fetch_context::Lowered;
use super::table::Entry;
use crate::spec::{FetchCopy, Narrow};

/// What does not fit into the work list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchLimit {
    /// More captures than entries; how many fit.
    Entries(u32),
    /// More pointers to follow than one entry can; how many fit. The index of the fetch.
    Hops(usize, u32),
    /// More bytes than a slot can have; how many fit. The index of the fetch.
    Slot(usize, u32),
    /// More tests than the kernel does for one event; how many it does.
    Steps(u32),
    /// A test of what the kernel's part of `where` cannot have: its number.
    Step(usize),
}

/// Fills one `struct fetch`.
pub(super) fn write_fetch(entry: &mut Entry<'_>, fetch: &Lowered<'_>) {
    let of = fetch.of;
    entry.choose("source", fetch.source);
    entry.choose("copy", copy_name(fetch.copy));
    entry.set("out", of.out);
    entry.set("slot", of.slot);
    entry.set("size", fetch.size);
    entry.set("index", fetch.index);
    entry.set("constant", fetch.constant);
    entry.set("hops", fetch.hops.len() as u64);
    entry.set("user_from", fetch.user_from);
    entry.set("narrow", narrow(of.narrow));
    let offsets = fetch.hops.iter().chain([&fetch.offset]).flat_map(|offset| offset.to_ne_bytes());
    entry.fill("offset", &offsets.collect::<Vec<u8>>());
    if let Some(kept) = of.keep {
        entry.set("keep", kept.number + 1);
        entry.set("keep_shift", 64 - 8 * kept.size.clamp(1, 8));
        entry.set("keep_signed", kept.signed);
    }
    entry.set("length", of.length.map_or(0, |kept| kept + 1));
    if let Some(scaled) = fetch.scaled {
        entry.set("scaled", scaled.kept + 1);
        entry.set("scaled_hop", scaled.hop);
        entry.set("scale", scaled.scale);
        entry.set("count", scaled.count);
    }
    if let FetchCopy::Packet { part, layer } = of.copy {
        entry.set("part", part);
        entry.set("layer", layer as u8);
    }
    if let FetchCopy::SumOfCpus { offsets, cpus } = of.copy {
        entry.set("constant", offsets);
        entry.set("count", cpus);
    }
}

/// NARROW_… of `bpf/include/fetch.h`.
fn narrow(narrow: Narrow) -> u8 {
    match narrow {
        Narrow::Same => 0,
        Narrow::Otherwise => 1,
        Narrow::Timespec => 2,
    }
}

fn copy_name(copy: FetchCopy) -> &'static str {
    match copy {
        FetchCopy::Value => "COPY_VALUE",
        FetchCopy::Kernel => "COPY_KERNEL",
        FetchCopy::User => "COPY_USER",
        FetchCopy::KernelText => "COPY_STRING",
        FetchCopy::UserText => "COPY_USER_STRING",
        FetchCopy::Comm => "COPY_COMM",
        FetchCopy::Sock => "COPY_SOCK",
        FetchCopy::Sockaddr => "COPY_SOCKADDR",
        FetchCopy::FilePath => "COPY_FILE_PATH",
        FetchCopy::Path => "COPY_PATH",
        FetchCopy::DentryPath => "COPY_DENTRY_PATH",
        FetchCopy::FdPath => "COPY_FD_PATH",
        FetchCopy::Packet { .. } => "COPY_PACKET",
        FetchCopy::KernelStack => "COPY_KERNEL_STACK",
        FetchCopy::UserStack => "COPY_USER_STACK",
        FetchCopy::SumOfCpus { .. } => "COPY_SUM_OF_CPUS",
    }
}

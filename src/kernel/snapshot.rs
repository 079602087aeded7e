// SPDX-License-Identifier: MIT OR Apache-2.0
//! Snapshots: an iterator of BPF that is read to its end. Each time the program runs once for each item that the kernel has, while we
//! read: `trace_iter` of `bpf/trace.bpf.c`.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::os::fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd};

use super::hook::create_link;
use super::info;
use super::loaded::Loaded;
use super::prepared::Prepared;
use crate::spec::{FetchCopy, HookKind};

/// Most items of one reading: others wait while the kernel goes over them.
const MOST: usize = 4096;

/// A program that a snapshot can be taken with.
pub struct Snapshots {
    program: OwnedFd,
}

/// One that is being taken.
pub struct Snapshot {
    iterator: File,
    // The iterator keeps the program; the link is what it was made from.
    _link: OwnedFd,
}

/// Has the kernel count the runs of programs and their time, as `kernel.bpf_stats_enabled` does, as long as it lives (Linux 5.8).
pub struct RunStats {
    _held: OwnedFd,
}

impl RunStats {
    /// Begins, where a probe asks for such counts and the kernel does not count yet.
    pub fn for_probe(prepared: &Prepared) -> io::Result<Option<Self>> {
        let counted = prepared.counting.iter().flat_map(|counting| counting.all_fetches());
        let fetches = prepared.fetches.iter().chain(prepared.steps.iter().map(|step| &step.fetch)).chain(counted);
        if info::counts_runs() || !fetches.into_iter().any(|fetch| matches!(fetch.copy, FetchCopy::SumOfCpus { .. })) {
            return Ok(None);
        }
        // SAFETY: takes a number, returns a new descriptor or an error.
        let fd = unsafe { libbpf_sys::bpf_enable_stats(libbpf_sys::BPF_STATS_RUN_TIME) };
        if fd < 0 {
            return Err(io::Error::from_raw_os_error(-fd));
        }
        // SAFETY: the descriptor is new and nobody else owns it.
        Ok(Some(Self { _held: unsafe { OwnedFd::from_raw_fd(fd) } }))
    }
}

impl Loaded {
    /// How snapshots are taken, where the program is one for that.
    pub fn snapshots(&self) -> io::Result<Option<Snapshots>> {
        let Some(function) = self.functions.iter().find(|function| function.hook.kind == HookKind::Iter) else {
            return Ok(None);
        };
        let program = self.object.progs().find(|program| program.name() == function.function.as_str());
        let program = program.map(|program| program.as_fd().try_clone_to_owned()).transpose()?;
        Ok(program.map(|program| Snapshots { program }))
    }
}

impl Snapshots {
    /// Begins one.
    pub fn begin(&self) -> io::Result<Snapshot> {
        let link = create_link(self.program.as_raw_fd(), 0, libbpf_sys::BPF_TRACE_ITER, 0);
        let link = link.map_err(io::Error::from_raw_os_error)?;
        // SAFETY: takes the number of a descriptor that is open, returns a new one or an error.
        let fd = unsafe { libbpf_sys::bpf_iter_create(link.as_raw_fd()) };
        if fd < 0 {
            return Err(io::Error::from_raw_os_error(-fd));
        }
        // SAFETY: the descriptor is new and nobody else owns it.
        let iterator = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
        Ok(Snapshot { iterator, _link: link })
    }
}

impl Snapshot {
    /// Runs the program for the next items, `most` at the most: it writes a byte for each. False when there are no more.
    pub fn advance(&mut self, most: usize) -> io::Result<bool> {
        let mut bytes = [0; MOST];
        let most = most.clamp(1, MOST);
        match self.iterator.read(&mut bytes[..most]) {
            Ok(items) => Ok(items > 0),
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

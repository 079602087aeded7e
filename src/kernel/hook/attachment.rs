// SPDX-License-Identifier: MIT OR Apache-2.0
//! How one function was attached, and what keeps it so.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::ptr::NonNull;

use libbpf_rs::Link;

use super::tc_filter::Filter;
use crate::kernel::layer::Seats;
use crate::kernel::site::binary::{Held, Instruction};
use crate::spec::{FileIdentity, Hook};

/// What keeps a program attached; dropping it detaches.
pub(in crate::kernel) enum Hold {
    Libbpf(Link),
    Fd(OwnedFd),
    /// At several places.
    Several(Vec<Hold>),
    /// A filter of an interface, which the kernel would keep.
    Filter(Filter),
    /// In programs that others share.
    Seats(Seats),
    /// On each of these CPUs.
    OnCpus(Vec<(u32, Hold)>),
}

impl Hold {
    /// The descriptor of the link, or of the perf event where the kernel has no links of those; of a filter, that of the socket which
    /// says whose it is.
    pub(in crate::kernel) fn descriptor(&self) -> i32 {
        match self {
            Self::Libbpf(link) => link.as_fd().as_raw_fd(),
            Self::Fd(link) => link.as_raw_fd(),
            Self::Filter(filter) => filter.descriptor(),
            Self::Several(all) => all.first().map_or(-1, Self::descriptor),
            Self::Seats(seats) => seats.links().next().unwrap_or(-1),
            Self::OnCpus(all) => all.first().map_or(-1, |(_, hold)| hold.descriptor()),
        }
    }

    /// The descriptors of all.
    pub(in crate::kernel) fn descriptors(&self) -> Vec<i32> {
        match self {
            Self::Libbpf(_) | Self::Fd(_) | Self::Filter(_) => vec![self.descriptor()],
            Self::Several(all) => all.iter().flat_map(Self::descriptors).collect(),
            Self::Seats(seats) => seats.links().collect(),
            Self::OnCpus(all) => all.iter().flat_map(|(_, hold)| hold.descriptors()).collect(),
        }
    }

    /// The descriptors that nobody else has: closing them detaches it.
    pub(in crate::kernel) fn own_descriptors(&self) -> Vec<i32> {
        match self {
            Self::Libbpf(_) | Self::Fd(_) | Self::Filter(_) | Self::Several(_) | Self::OnCpus(_) => self.descriptors(),
            Self::Seats(_) => Vec::new(),
        }
    }
}

/// Where in which file a uprobe is.
#[derive(Debug, Clone)]
pub(in crate::kernel) struct Landed {
    pub(in crate::kernel) file: FileIdentity,
    pub(in crate::kernel) held: Held,
    /// Bytes into the file.
    pub(in crate::kernel) offset: u64,
    pub(in crate::kernel) code: Instruction,
}

/// How one function was attached.
pub(in crate::kernel) struct Attachment {
    pub(in crate::kernel) hold: Hold,
    /// The hook, with what was left open until now: the mode that an interface took.
    pub(in crate::kernel) hook: Hook,
    /// The same in words: `xdp on eth0 (native)`.
    pub(in crate::kernel) mechanism: String,
    /// What a person should know: a fallback under `mode: auto`.
    pub(in crate::kernel) remark: Option<String>,
    /// Where it is in a file; `None` for hooks that are in none.
    pub(in crate::kernel) landed: Option<Landed>,
}

impl Attachment {
    /// A program that is attached as the hook says.
    pub(in crate::kernel) fn new(hold: Hold, hook: Hook) -> Self {
        Self { hold, mechanism: hook.to_string(), hook, remark: None, landed: None }
    }
}

/// Takes over what a `bpf_program__attach_…` function returned; the error is an errno, which libbpf sets.
///
/// # Safety
/// `link` is the result of such a function, called just before, and nobody else owns it.
pub(super) unsafe fn take_link(link: *mut libbpf_sys::bpf_link) -> Result<Hold, i32> {
    match NonNull::new(link) {
        // SAFETY: the caller's promise.
        Some(link) => Ok(Hold::Libbpf(unsafe { Link::from_ptr(link) })),
        None => Err(io::Error::last_os_error().raw_os_error().unwrap_or(0)),
    }
}

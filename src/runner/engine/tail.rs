// SPDX-License-Identifier: MIT OR Apache-2.0
//! One who looks on.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::Arc;

use crate::format::{Encoder, Look};
use crate::plan::UnitId;
use crate::runner::source::output::Output;
use crate::sink::{Delivery, Sink};
use crate::spec::{Format, Layout, ProbeSpec};

/// One who looks on.
pub(in crate::runner) struct Tail {
    pub(in crate::runner) sink: Arc<Sink>,
    pub(in crate::runner) delivery: Arc<Delivery>,
    /// Of this probe alone.
    pub(in crate::runner) probe: Option<String>,
    /// What it was told that it lost.
    pub(in crate::runner) reported: u64,
    /// To see that it hung up, also where there is nothing to write.
    pub(in crate::runner) stream: OwnedFd,
}

impl Tail {
    pub(in crate::runner) fn has_gone(&self) -> bool {
        let mut poll = libc::pollfd { fd: self.stream.as_raw_fd(), events: 0, revents: 0 };
        // SAFETY: one entry, which lives across the call; does not wait.
        let code = unsafe { libc::poll(&mut poll, 1, 0) };
        self.sink.is_closed() || code > 0 && poll.revents & libc::POLLHUP != 0
    }

    pub(in crate::runner) fn wants(&self, id: &UnitId) -> bool {
        self.probe.as_ref().is_none_or(|probe| *probe == id.probe.name)
    }

    pub(in crate::runner) fn copy(&self, spec: &ProbeSpec, layout: &Layout, look: &Look) -> Output {
        let encoder = Encoder::new(Format::Jsonl, &spec.id.name, &spec.labels, layout, look);
        Output::copy(Arc::clone(&self.sink), Arc::clone(&self.delivery), encoder)
    }
}

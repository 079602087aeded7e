// SPDX-License-Identifier: MIT OR Apache-2.0
//! Standard output and standard error, and connections: anyone who reads them was there before us.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use super::descriptor::Descriptor;
use super::kind::{Output, OutputKind};
use crate::sink::batch::Lines;
use crate::sink::queue::Stop;
use crate::sink::unwritable::Unwritable;
use crate::spec::{DestinationKind, Format};

/// Standard output.
pub(super) const STDOUT: OutputKind = OutputKind {
    kind: DestinationKind::Stdout,
    open: |_| Ok(Stream::boxed(io::stdout().as_fd().try_clone_to_owned()?)),
    examine: |_| Ok(()),
    may_hang: false,
};

/// Standard error.
pub(super) const STDERR: OutputKind = OutputKind {
    kind: DestinationKind::Stderr,
    open: |_| Ok(Stream::boxed(io::stderr().as_fd().try_clone_to_owned()?)),
    examine: |_| Ok(()),
    may_hang: false,
};

/// A copy of a stream that somebody else opened.
pub(in crate::sink) struct Stream(Descriptor);

impl Stream {
    /// Of a descriptor that may be shared with others, whose flags stay as they are.
    pub(in crate::sink) fn boxed(stream: OwnedFd) -> Box<dyn Output> {
        Box::new(Self(Descriptor::shared(stream)))
    }

    /// Of one that is not opened again where it could be.
    #[cfg(test)]
    pub(in crate::sink) fn as_it_is(stream: std::fs::File) -> Box<dyn Output> {
        Box::new(Self(Descriptor::new(stream)))
    }
}

impl Output for Stream {
    fn is_terminal(&self) -> bool {
        self.0.is_terminal()
    }

    fn ends_with_its_reader(&self) -> bool {
        true
    }

    fn expect(&mut self, format: Format) {
        self.0.expect_shared(format);
    }

    fn follow(&mut self) -> Result<bool, Unwritable> {
        Ok(false)
    }

    fn prepare(&mut self) -> io::Result<()> {
        self.0.prepare()
    }

    fn can_go_on(&self) -> bool {
        self.0.can_go_on()
    }

    fn has_room(&self) -> bool {
        self.0.has_room()
    }

    fn write_lines(&mut self, lines: &Lines, stop: &Stop) -> (usize, io::Result<()>) {
        self.0.write_lines(lines.bytes(), stop)
    }

    fn write_rest(&mut self, bytes: &[u8], stop: &Stop) -> (usize, io::Result<()>) {
        self.0.write_rest(bytes, stop)
    }
}

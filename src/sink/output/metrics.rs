// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is counted goes into the meters of its sink, and no line is ever written.

use std::io;

use super::kind::{Output, OutputKind};
use crate::sink::batch::Lines;
use crate::sink::queue::Stop;
use crate::sink::unwritable::Unwritable;
use crate::spec::{DestinationKind, Format};

/// The metrics.
pub(super) const METRICS: OutputKind = OutputKind {
    kind: DestinationKind::Metrics,
    open: |_| Ok(Box::new(Nowhere)),
    examine: |_| Ok(()),
    may_hang: false,
};

/// Takes every line and forgets it.
struct Nowhere;

impl Output for Nowhere {
    fn is_terminal(&self) -> bool {
        false
    }

    fn ends_with_its_reader(&self) -> bool {
        false
    }

    fn expect(&mut self, _: Format) {}

    fn follow(&mut self) -> Result<bool, Unwritable> {
        Ok(false)
    }

    fn prepare(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn can_go_on(&self) -> bool {
        true
    }

    fn has_room(&self) -> bool {
        true
    }

    fn write_lines(&mut self, lines: &Lines, _: &Stop) -> (usize, io::Result<()>) {
        (lines.bytes().len(), Ok(()))
    }

    fn write_rest(&mut self, bytes: &[u8], _: &Stop) -> (usize, io::Result<()>) {
        (bytes.len(), Ok(()))
    }
}

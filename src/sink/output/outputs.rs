// SPDX-License-Identifier: MIT OR Apache-2.0
//! All kinds of destinations.

use super::file::FILE;
use super::kind::OutputKind;
use super::metrics::METRICS;
use super::stream::{STDERR, STDOUT};
use crate::spec::{Destination, DestinationKind};

/// Every kind of destination, in the order in which they are declared.
const OUTPUTS: &[&OutputKind] = &[&STDOUT, &STDERR, &FILE, &METRICS];

/// Each kind is opened by its own entry.
const _: () = {
    assert!(OUTPUTS.len() == DestinationKind::COUNT, "a destination that nothing opens");
    let mut at = 0;
    while at < OUTPUTS.len() {
        assert!(OUTPUTS[at].kind as usize == at, "destinations and outputs in the same order");
        at += 1;
    }
};

impl OutputKind {
    /// What opens this destination.
    pub(in crate::sink) fn of(destination: &Destination) -> &'static Self {
        OUTPUTS[destination.kind() as usize]
    }
}

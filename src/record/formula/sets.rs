// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is in a set while the probe runs.

use core::net::Ipv6Addr;
use std::fmt;
use std::sync::Arc;

use crate::spec::SetName;

/// The content of a set. It may change between two questions, and is asked without a lock.
pub trait SetContent: fmt::Debug + Send + Sync {
    /// Whether it has this number (a process, for a set of processes).
    fn has_number(&self, number: i128) -> bool;

    /// Whether one of its networks has this address; IPv4 as `::ffff:a.b.c.d`.
    fn has_address(&self, address: Ipv6Addr) -> bool;

    /// Whether it has this whole text.
    fn has_text(&self, text: &[u8]) -> bool;

    /// Whether `fits` is true of one of its texts.
    fn any_text(&self, fits: &mut dyn FnMut(&[u8]) -> bool) -> bool;
}

/// Where the sets of a run are found.
pub trait Sets {
    /// The one of this name; `None`: nothing is in it.
    fn set(&self, name: &SetName) -> Option<Arc<dyn SetContent>>;
}

/// There are none.
#[derive(Debug, Clone, Copy)]
pub struct NoSets;

impl Sets for NoSets {
    fn set(&self, _name: &SetName) -> Option<Arc<dyn SetContent>> {
        None
    }
}

/// One with nothing in it.
#[derive(Debug)]
pub(super) struct EmptySet;

impl SetContent for EmptySet {
    fn has_number(&self, _number: i128) -> bool {
        false
    }

    fn has_address(&self, _address: Ipv6Addr) -> bool {
        false
    }

    fn has_text(&self, _text: &[u8]) -> bool {
        false
    }

    fn any_text(&self, _fits: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        false
    }
}

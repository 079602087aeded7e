// SPDX-License-Identifier: MIT OR Apache-2.0
//! A program that the kernel has verified.

use std::io;
use std::os::fd::AsFd as _;

use libbpf_rs::{MapCore as _, MapHandle, Object};

use super::counters::CounterReader;
use super::error::{KernelError, describe};
use super::ring::Ring;
use crate::catalog::{Counters, FunctionAt};
use crate::spec::Place;

/// A program that the kernel has verified; not attached yet.
pub struct Loaded {
    pub(super) object: Object,
    /// The functions to attach, with the hook kind and target of each.
    pub(super) functions: Vec<FunctionAt>,
}

impl Loaded {
    /// Reads its counters.
    pub fn counter_reader(&self, counters: &Counters) -> libbpf_rs::Result<CounterReader> {
        let map = self.object.maps().find(|map| map.name() == counters.map.as_str());
        let map = map.ok_or_else(|| libbpf_rs::Error::from(io::Error::other("the counters' map is missing")))?;
        Ok(CounterReader::new(MapHandle::try_from(&map)?, counters.clone()))
    }

    /// The ring buffer of its events.
    pub fn ring(&self) -> Result<Ring, KernelError> {
        let map = self.object.maps().find(|map| map.name() == "events");
        let ring = map.ok_or_else(|| io::Error::other("it has no map `events`"));
        let ring = ring.and_then(|map| Ring::map(map.as_fd()));
        ring.map_err(|error| {
            let no_memory = error.raw_os_error() == Some(libc::ENOMEM);
            let help = "set a smaller `buffer` for this probe, or give the process more memory (`ulimit -v`)";
            let reason = error.raw_os_error().map_or_else(|| error.to_string(), describe);
            KernelError::at(Place::Probe, format!("failed to map its ring buffer: {reason}"))
                .maybe_help(no_memory.then(|| help.to_owned()))
        })
    }
}

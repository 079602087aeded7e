// SPDX-License-Identifier: MIT OR Apache-2.0
//! One version of a probe's program, loaded: what a swap exchanges.

use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::os::raw::c_int;

use libbpf_rs::{MapCore as _, MapHandle, Object};

use super::super::counters::CounterReader;
use super::super::counts::Counts;
use super::super::load::Loaded;
use crate::catalog::{Counters, HookDecl};
use crate::spec::{ParamValue, ProbeSpec};

/// A loaded program with its maps. After a swap its last events are in its ring once [`super::settle`] has returned.
pub struct Generation {
    // Dropped in this order: what points into the object's memory, then the object.
    counts: Option<Counts>,
    object: Object,
    functions: Vec<HookDecl>,
    program: String,
    params: Vec<(String, ParamValue)>,
}

impl Generation {
    pub(super) fn new(loaded: Loaded, spec: &ProbeSpec) -> Self {
        let counts = loaded.counts();
        let Loaded { object, functions } = loaded;
        Self { counts, object, functions, program: spec.program.clone(), params: spec.params.clone() }
    }

    /// What the program counts about its events; `None` if it emits none.
    pub fn counts(&self) -> Option<&Counts> {
        self.counts.as_ref()
    }

    pub(super) fn functions(&self) -> &[HookDecl] {
        &self.functions
    }

    /// Reads its counters.
    pub(super) fn counter_reader(&self, counters: &Counters) -> libbpf_rs::Result<CounterReader> {
        let map = self.object.maps().find(|map| map.name() == counters.map.as_str());
        let map = map.ok_or_else(|| libbpf_rs::Error::from(std::io::Error::other("the counters' map is missing")))?;
        Ok(CounterReader::new(MapHandle::try_from(&map)?, counters.clone()))
    }

    /// The loaded program of one of its functions.
    pub(super) fn program(&self, function: &str) -> Option<BorrowedFd<'_>> {
        let wanted = self.object.progs().find(|program| program.name() == function)?;
        // SAFETY: the descriptor belongs to the object, which lives as long as `self` is borrowed.
        Some(unsafe { BorrowedFd::borrow_raw(wanted.as_fd().as_raw_fd()) })
    }

    /// The descriptors of its programs.
    pub(super) fn programs(&self) -> impl Iterator<Item = c_int> {
        self.functions.iter().filter_map(|function| Some(self.program(&function.function)?.as_raw_fd()))
    }

    /// The descriptors of its maps.
    pub(super) fn maps(&self) -> Vec<c_int> {
        self.object.maps().map(|map| map.as_fd().as_raw_fd()).collect()
    }

    /// The maps that a program for `spec` takes over: what this one counts where nothing about that changes, and its state
    /// (which threads it has seen). Not the ring: both versions write into one of their own.
    pub(in crate::kernel) fn kept_map(
        &self,
        name: &str,
        spec: &ProbeSpec,
        counters: Option<&Counters>,
    ) -> Option<BorrowedFd<'_>> {
        let is_counters = counters.is_some_and(|counters| counters.map == name);
        let same = self.program == spec.program && (!is_counters || self.params == spec.params);
        if !same || name == "events" || name.contains('.') {
            return None;
        }
        let map = self.object.maps().find(|map| map.name() == name)?;
        // SAFETY: as above.
        Some(unsafe { BorrowedFd::borrow_raw(map.as_fd().as_raw_fd()) })
    }
}

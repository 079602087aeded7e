// SPDX-License-Identifier: MIT OR Apache-2.0
//! One version of a probe's program, loaded: what a swap exchanges.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::raw::c_int;

use libbpf_rs::{MapCore as _, MapHandle};

use super::super::counters::CounterReader;
use super::super::counts::Counts;
use super::super::load::Loaded;
use super::info::memory_bytes;
use crate::catalog::{Counters, HookDecl};
use crate::spec::{ParamValue, ProbeSpec};

/// A loaded program with its maps: descriptors, and nothing that libbpf needed to load them, which is a third of a megabyte. After a swap its last events are in its ring once [`super::settle`] has returned.
pub struct Generation {
    counts: Option<Counts>,
    /// By the names of their functions.
    programs: Vec<(String, OwnedFd)>,
    /// Those that user space reads, or a next version takes over.
    maps: Vec<MapHandle>,
    memory_bytes: u64,
    functions: Vec<HookDecl>,
    program: String,
    params: Vec<(String, ParamValue)>,
}

impl Generation {
    pub(super) fn new(loaded: Loaded, spec: &ProbeSpec) -> io::Result<Self> {
        let Loaded { object, functions } = loaded;
        let (mut programs, mut maps, mut bytes) = (Vec::new(), Vec::new(), 0);
        for program in object.progs().filter(|program| program.autoload()) {
            let name = program.name().to_string_lossy().into_owned();
            programs.push((name, program.as_fd().try_clone_to_owned()?));
            bytes += memory_bytes(program.as_fd().as_raw_fd());
        }
        for map in object.maps().filter(|map| map.autocreate()) {
            bytes += memory_bytes(map.as_fd().as_raw_fd());
            let name = map.name().to_string_lossy();
            if name != "events" && !name.contains('.') {
                maps.push(MapHandle::try_from(&map).map_err(io::Error::other)?);
            }
        }
        let (program, params) = (spec.program.clone(), spec.params.clone());
        Ok(Self { counts: Counts::of(&object)?, programs, maps, memory_bytes: bytes, functions, program, params })
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
        let map = self.map(&counters.map);
        let map = map.ok_or_else(|| libbpf_rs::Error::from(io::Error::other("the counters' map is missing")))?;
        Ok(CounterReader::new(MapHandle::try_from(map)?, counters.clone()))
    }

    /// The loaded program of one of its functions.
    pub(super) fn program(&self, function: &str) -> Option<BorrowedFd<'_>> {
        self.programs.iter().find(|(name, _)| name == function).map(|(_, program)| program.as_fd())
    }

    /// The descriptors of its programs.
    pub(super) fn programs(&self) -> impl Iterator<Item = c_int> {
        self.functions.iter().filter_map(|function| Some(self.program(&function.function)?.as_raw_fd()))
    }

    /// Bytes of kernel memory that its programs and maps took when they were loaded.
    pub(super) fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    fn map(&self, name: &str) -> Option<&MapHandle> {
        self.maps.iter().find(|map| map.name() == name)
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
        if same { self.map(name).map(|map| map.as_fd()) } else { None }
    }
}

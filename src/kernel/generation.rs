// SPDX-License-Identifier: MIT OR Apache-2.0
//! One version of a probe's program, loaded: what a swap exchanges.

use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::raw::c_int;

use libbpf_rs::{MapCore as _, MapHandle, Object};

use super::counts::Counts;
use super::error::KernelError;
use super::host::descriptors;
use super::loaded::Loaded;
use super::rates;
use super::span::{self, PreparedSpan};
use super::tables::{FIRST_TABLE, is_of_tables};
use crate::catalog::{Counters, FunctionAt};
use crate::spec::{Limits, ParamValue, Place, ProbeSpec};

/// A loaded program with its maps. After a swap its last events are in its ring once [`settle`](super::settle) has returned.
///
/// Descriptors only: libbpf's object holds some 300 KiB of memory, which a daemon with hundreds of probes would feel.
pub struct Generation {
    counts: Option<Counts>,
    /// With the function that each program is, in the order of the mounts.
    programs: Vec<(FunctionAt, OwnedFd)>,
    maps: Vec<(String, MapHandle)>,
    program: String,
    params: Vec<(String, ParamValue)>,
    limits: Limits,
    /// How it pairs what begins and what ends.
    span: Option<PreparedSpan>,
    /// Its probe, where the program has a window of the rate for each target.
    rated: Option<Box<ProbeSpec>>,
}

impl Generation {
    pub(super) fn new(loaded: &Loaded, spec: &ProbeSpec) -> Result<Self, KernelError> {
        Self::keep(loaded, spec).map_err(|error| {
            // Nothing else happens here than that descriptors are copied.
            KernelError::new(Place::Probe, format!("failed to keep the program: {error:#}"), descriptors::HELP)
        })
    }

    fn keep(loaded: &Loaded, spec: &ProbeSpec) -> libbpf_rs::Result<Self> {
        let mut programs = Vec::new();
        for (function, object) in loaded.all_functions() {
            if let Some(program) = object.progs().find(|program| program.name() == function.function.as_str()) {
                programs.push((function.clone(), program.as_fd().try_clone_to_owned()?));
            }
        }
        let (mut maps, mut counts) = (Vec::new(), None);
        for map in loaded.objects().flat_map(Object::maps).filter(|map| map.as_fd().as_raw_fd() >= 0) {
            let name = map.name().to_string_lossy().into_owned();
            if name.ends_with(".bss") {
                let more = Counts::map(map.as_fd(), map.value_size())?;
                counts = Some(Counts::of_all(counts, more));
            }
            maps.push((name, MapHandle::try_from(&map)?));
        }
        // Every program has the variable; without events nothing counts there, and nobody looks whether it should end.
        let emits_events = maps.iter().any(|(name, _)| name == "events" || name == FIRST_TABLE);
        Ok(Self {
            counts: counts.filter(|_| emits_events).map(|counts| counts.with_spans(loaded.open_spans())),
            programs,
            maps,
            program: spec.program.clone(),
            params: spec.params.clone(),
            limits: spec.limits,
            span: loaded.span.clone(),
            rated: rates::windows(spec).map(|_| Box::new(spec.clone())),
        })
    }

    /// What the program counts about its events; `None` if it emits none.
    pub fn counts(&self) -> Option<&Counts> {
        self.counts.as_ref()
    }

    /// Lets no more events pass in the current window of a rate than if there had been one program all the time.
    pub(super) fn continue_limits(&self, before: &Self) {
        if let (Some(now), Some(then)) = (&self.limits.rate, &before.limits.rate)
            && now.per == then.per
            && let (Some(now), Some(then)) = (&self.counts, &before.counts)
        {
            now.continue_window(then);
        }
    }

    pub(super) fn functions(&self) -> impl Iterator<Item = &FunctionAt> {
        self.programs.iter().map(|(function, _)| function)
    }

    /// The program of its `index`-th function.
    pub(super) fn program(&self, index: usize) -> Option<BorrowedFd<'_>> {
        self.programs.get(index).map(|(_, program)| program.as_fd())
    }

    /// The descriptors of its programs.
    pub(super) fn programs(&self) -> impl Iterator<Item = c_int> {
        self.programs.iter().map(|(_, program)| program.as_raw_fd())
    }

    /// The descriptors of its maps.
    pub(super) fn maps(&self) -> impl Iterator<Item = c_int> {
        self.maps.iter().map(|(_, map)| map.as_fd().as_raw_fd())
    }

    /// The maps that a program for `spec` takes over: what this one counts where nothing about that changes, and its state
    /// (which threads it has seen). Not the ring: both versions write into one of their own.
    pub(super) fn kept_map(&self, name: &str, spec: &ProbeSpec, counters: Option<&Counters>) -> Option<BorrowedFd<'_>> {
        let is_counters = counters.is_some_and(|counters| counters.map == name);
        let same = self.program == spec.program && (!is_counters || self.params == spec.params);
        if name == rates::MAP && !self.rated.as_ref().is_some_and(|before| rates::are_same(before, spec)) {
            return None;
        }
        // What has begun goes on where the starts allow it; what runs behind a program belongs to its version.
        let of_span = name == span::OPEN || name == span::BEHIND;
        if !same || of_span || name == "events" || is_of_tables(name) || name.contains('.') {
            return None;
        }
        self.map(name).map(MapHandle::as_fd)
    }

    /// True where what this one began goes on in `next`.
    pub fn spans_go_on(&self, next: &Self) -> bool {
        next.span.as_ref().is_some_and(|next| self.span.as_ref().is_some_and(|span| span.begins_like(next)))
    }

    /// What has begun, for a program whose starts leave the same under the same keys.
    pub(super) fn open_spans(&self, next: &PreparedSpan) -> Option<BorrowedFd<'_>> {
        let is_same = self.span.as_ref().is_some_and(|span| span.begins_like(next));
        self.map(span::OPEN).filter(|_| is_same).map(MapHandle::as_fd)
    }

    /// The map of this name.
    pub(super) fn map(&self, name: &str) -> Option<&MapHandle> {
        self.maps.iter().find(|(known, _)| known == name).map(|(_, map)| map)
    }
}

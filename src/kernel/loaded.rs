// SPDX-License-Identifier: MIT OR Apache-2.0
//! A program that the kernel has verified.

use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;

use libbpf_rs::{MapCore as _, MapHandle, Object};

use super::counters::CounterReader;
use super::error::{KernelError, describe};
use super::ring::Ring;
use super::span::{OPEN, OpenSpans, Others, PreparedSpan};
use crate::catalog::{Counters, FunctionAt};
use crate::spec::Place;

/// A program that the kernel has verified; not attached yet.
pub struct Loaded {
    pub(super) object: Object,
    /// The functions to attach, with the hook kind and target of each.
    pub(super) functions: Vec<FunctionAt>,
    /// The programs at the other hooks of its spans.
    pub(super) others: Others,
    pub(super) span: Option<PreparedSpan>,
    pub(super) open: Option<Arc<OpenSpans>>,
}

impl Loaded {
    /// All functions that are attached, in the order in which they are, each with its object.
    pub(super) fn all_functions(&self) -> Vec<(&FunctionAt, &Object)> {
        let own = self.functions.iter().map(|function| (function, &self.object));
        let others = self
            .others
            .functions
            .iter()
            .filter_map(|(function, index)| Some((function, self.others.objects.get(*index)?)));
        own.chain(others).collect()
    }

    /// The functions with the numbers of their objects: 0 is the first.
    pub(super) fn functions_by_object(&self) -> Vec<(FunctionAt, usize)> {
        let own = self.functions.iter().map(|function| (function.clone(), 0));
        own.chain(self.others.functions.iter().map(|(function, index)| (function.clone(), index + 1))).collect()
    }

    /// The object of a number.
    pub(super) fn object_mut(&mut self, number: usize) -> Option<&mut Object> {
        match number.checked_sub(1) {
            None => Some(&mut self.object),
            Some(index) => self.others.objects.get_mut(index),
        }
    }

    /// All objects.
    pub(super) fn objects(&self) -> impl Iterator<Item = &Object> {
        std::iter::once(&self.object).chain(&self.others.objects)
    }

    /// What of its spans has begun; `None` for a probe without spans.
    pub fn open_spans(&self) -> Option<Arc<OpenSpans>> {
        self.open.clone()
    }

    /// The same, when it has just been loaded.
    pub(super) fn find_open_spans(&self) -> Option<OpenSpans> {
        let span = self.span.as_ref()?;
        let map = self.object.maps().find(|map| map.name() == OPEN)?;
        Some(OpenSpans::new(MapHandle::try_from(&map).ok()?, span.span.expire, span.dies_with()))
    }

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

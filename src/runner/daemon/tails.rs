// SPDX-License-Identifier: MIT OR Apache-2.0
//! Those who look on: copies of events to a connection of the control socket.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::execute::Units;
use super::tell::News;
use crate::format::{Notice, notice};
use crate::plan::UnitId;
use crate::runner::engine::tail::Tail;
use crate::runner::source::clock::now_unix_ns;
use crate::runner::source::output::Output;
use crate::sink::{Batch, Delivery, Sink};
use crate::spec::{Format, Layout, LossCause, ProbeSpec};

/// Connections that may look on at the same time.
const MOST: usize = 16;

impl Units<'_> {
    /// Refuses one more than there may be.
    pub(super) fn room_for_tail(&mut self) -> Result<(), String> {
        self.sweep_tails();
        let has_room = self.tails.len() < MOST;
        has_room.then_some(()).ok_or_else(|| format!("{MOST} connections look on already: end one of them first"))
    }

    /// From now on a copy of what this probe reports, or all of them, goes to a connection.
    pub(super) fn add_tail(&mut self, stream: OwnedFd, probe: Option<String>) -> Result<(), String> {
        let failed = |error| format!("failed to start a copy: {error}");
        let seen = stream.try_clone().map_err(failed)?;
        let sink = Sink::connection("tail", stream).map_err(failed)?;
        let tail = Tail { sink: Arc::new(sink), delivery: Arc::default(), probe, reported: 0, stream: seen };
        for (id, entry) in &mut self.entries {
            let Some(running) = entry.running.as_mut().filter(|_| tail.wants(id)) else { continue };
            if let Some(layout) = &running.layout {
                let (key, copy) = (running.key, tail.copy(&running.content.spec, layout, &self.look));
                self.reader.with(move |intakes| {
                    if let Some(intake) = intakes.iter_mut().find(|intake| intake.key == key) {
                        intake.add_copy(copy);
                    }
                });
            }
            let counters =
                self.catalog.get(&running.content.spec.program).and_then(|program| program.counters.as_ref());
            if let (Some(sampler), Some(counters)) = (&mut running.unit.sampler, counters) {
                sampler.add_copy(tail.copy(&running.content.spec, &counters.row, &self.look));
            }
        }
        self.tails.push(tail);
        Ok(())
    }

    /// The copies that a unit which starts now sends.
    pub(super) fn copies(&self, id: &UnitId, spec: &ProbeSpec, layout: &Layout) -> Vec<Output> {
        self.tails.iter().filter(|tail| tail.wants(id)).map(|tail| tail.copy(spec, layout, &self.look)).collect()
    }

    /// Ends the copies whose reader has gone, and tells the others what they lost.
    pub(super) fn sweep_tails(&mut self) {
        let (gone, kept) = std::mem::take(&mut self.tails).into_iter().partition(Tail::has_gone);
        self.tails = kept;
        let gone: Vec<Tail> = gone;
        for tail in gone {
            let sink = Arc::clone(&tail.sink);
            self.reader.with(move |intakes| intakes.iter_mut().for_each(|intake| intake.remove_copies(&sink)));
            for entry in self.entries.values_mut() {
                if let Some(sampler) = entry.running.as_mut().and_then(|running| running.unit.sampler.as_mut()) {
                    sampler.remove_copies(&tail.sink);
                }
            }
            tail.sink.flush_and_close(Duration::ZERO);
        }
        for tail in &mut self.tails {
            let lost = tail.delivery.lost(LossCause::QueueFull);
            if lost > tail.reported && tail.sink.has_room() {
                let count = Some(lost - tail.reported);
                let fields = [("cause", "copy_too_slow")];
                let line = Notice { probe: None, kind: "lost", fields: &fields, count };
                let bytes = notice(Format::Jsonl, &line, now_unix_ns(), &self.look);
                let batch = Batch { bytes, events: 0, delivery: Arc::new(Delivery::default()) };
                if tail.sink.send(batch).is_ok() {
                    tail.reported = lost;
                }
            }
        }
    }

    /// What happened to probes and files goes to those who look on at all, or at this probe.
    pub(super) fn copy_news(&self, news: &mut News) {
        for (probe, bytes) in news.drain(..) {
            for tail in self.tails.iter().filter(|tail| tail.probe.is_none() || tail.probe == probe) {
                let batch = Batch { bytes: bytes.clone(), events: 0, delivery: Arc::clone(&tail.delivery) };
                if tail.sink.send(batch).is_err() {
                    tail.delivery.add_lost(LossCause::QueueFull, 1);
                }
            }
        }
    }

    /// The end.
    pub(super) fn close_tails(&mut self, deadline: Instant) {
        self.tails.iter().for_each(|tail| tail.sink.close_by(deadline));
    }
}

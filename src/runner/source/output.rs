// SPDX-License-Identifier: MIT OR Apache-2.0
//! One probe's way to one sink: its encoder, the batch that is being filled, its count.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use crate::format::{Encoder, Look};
use crate::meter::MeterOf;
use crate::record::{FullRecord, Rows};
use crate::runner::watcher::{Seen, Watcher};
use crate::sink::{BATCH_BYTES, Batch, Delivery, Lines, MeterHandle, Sink};
use crate::spec::{Hook, Layout, LossCause, ProbeSpec};

/// A sink and what it got from one unit.
pub(in crate::runner) type Route = (Arc<Sink>, Arc<Delivery>);

/// One output for each sink.
pub(in crate::runner) fn outputs(routes: &[Route], spec: &ProbeSpec, layout: &Layout, look: &Look) -> Vec<Output> {
    let elsewhere = look.without_terminal();
    let output = |(sink, delivery): &Route| {
        let look = if sink.is_terminal() { look } else { &elsewhere };
        let encoder = Encoder::new(sink.format(), &spec.id.name, &spec.labels, layout, look);
        let meters = sink.meters().filter(|_| layout.sample.is_some());
        let meter = meters.map(|meters| meters.take(meter_of(spec), layout));
        Output { meter, ..Output::new(Arc::clone(sink), Arc::clone(delivery), encoder) }
    };
    routes.iter().map(output).collect()
}

/// What the series of a probe are of.
fn meter_of(spec: &ProbeSpec) -> MeterOf {
    MeterOf {
        probe: spec.id.name.clone(),
        target: target_of(spec).map(|(word, name)| (word.to_owned(), name)),
        labels: spec.labels.clone(),
        description: spec.description.clone(),
    }
}

/// What the probe is attached to, where that is one thing: tables are those of all its targets.
fn target_of(spec: &ProbeSpec) -> Option<(&'static str, String)> {
    if !spec.aggregates.is_empty() {
        return None;
    }
    spec.hook.as_ref().filter(|hook| !hook.is_at_several()).and_then(Hook::target)
}

/// Somebody who looks at samples, and what they are of.
struct Watch {
    watcher: Watcher,
    probe: String,
    target: String,
    layout: Layout,
}

/// The way of one source to one sink.
pub(in crate::runner) struct Output {
    pub(in crate::runner) sink: Arc<Sink>,
    pub(in crate::runner) delivery: Arc<Delivery>,
    /// For somebody who looks on: losing it is not losing an event.
    pub(in crate::runner) is_copy: bool,
    /// Where rows are added up instead of being written.
    meter: Option<MeterHandle>,
    watch: Option<Watch>,
    encoder: Encoder,
    header: Option<Arc<[u8]>>,
    lines: Lines,
}

impl Output {
    pub(in crate::runner) fn new(sink: Arc<Sink>, delivery: Arc<Delivery>, encoder: Encoder) -> Self {
        let header = encoder.header();
        Self { sink, delivery, is_copy: false, meter: None, watch: None, encoder, header, lines: Lines::default() }
    }

    /// One that neither keeps events waiting nor is waited for.
    pub(in crate::runner) fn copy(sink: Arc<Sink>, delivery: Arc<Delivery>, encoder: Encoder) -> Self {
        Self { is_copy: true, ..Self::new(sink, delivery, encoder) }
    }

    /// Somebody looks at the samples that come this way.
    pub(in crate::runner) fn watch(&mut self, watcher: &Watcher, spec: &ProbeSpec, layout: &Layout) {
        let target = target_of(spec).map_or(String::new(), |(_, name)| name);
        let probe = spec.id.name.clone();
        self.watch = Some(Watch { watcher: watcher.clone(), probe, target, layout: layout.clone() });
    }

    /// True when nothing waits to be handed over.
    pub(in crate::runner) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// True if an event can be taken now; sends a full batch first.
    #[inline]
    pub(in crate::runner) fn has_room(&mut self) -> bool {
        self.lines.bytes().len() < BATCH_BYTES || self.flush()
    }

    #[inline]
    pub(in crate::runner) fn event(&mut self, record: FullRecord<'_>, unix_ns: u64) {
        self.lines.push_event(|bytes| self.encoder.event(record, unix_ns, bytes));
    }

    /// An interval's counters, at once; `rows` lines, each of which counts as one event.
    pub(in crate::runner) fn sample(&mut self, rows: &Rows, interval: Duration, unix_ns: u64) {
        if let Some(Watch { watcher, probe, target, layout }) = &self.watch {
            watcher.see(&Seen { probe, target, layout, rows, interval });
        }
        if let Some(meter) = &self.meter {
            meter.add(rows);
            self.delivery.add_delivered(rows.rows.len() as u64);
            return;
        }
        if !self.has_room() {
            self.delivery.add_lost(LossCause::QueueFull, rows.rows.len() as u64);
            return;
        }
        self.lines.push_several(rows.rows.len() as u64, |bytes| self.encoder.sample(rows, interval, unix_ns, bytes));
        self.flush();
    }

    /// Says on the stream that events were lost; false if there is no room for it now.
    pub(in crate::runner) fn lost(&mut self, cause: LossCause, count: u64, unix_ns: u64) -> bool {
        if !self.has_room() {
            return false;
        }
        self.lines.push_several(0, |bytes| self.encoder.lost(cause, count, unix_ns, bytes));
        self.flush();
        true
    }

    /// Puts a line that is no event on the stream; false if there is no room for it now.
    pub(in crate::runner) fn say(&mut self, line: &[u8]) -> bool {
        if !self.has_room() {
            return false;
        }
        self.lines.push_several(0, |bytes| bytes.extend_from_slice(line));
        self.flush();
        true
    }

    /// Hands over what is there; false if the sink has no room, then it is kept.
    pub(in crate::runner) fn flush(&mut self) -> bool {
        if self.lines.is_empty() {
            return true;
        }
        if !self.sink.has_room() {
            return false;
        }
        let batch = Batch {
            lines: mem::take(&mut self.lines),
            header: self.header.clone(),
            delivery: Arc::clone(&self.delivery),
        };
        match self.sink.send(batch) {
            Ok(()) => {
                self.lines = self.sink.take_lines();
                true
            }
            Err(batch) => {
                self.lines = batch.lines;
                false
            }
        }
    }

    /// The end: what cannot be handed over in time is lost, and counted.
    pub(in crate::runner) fn finish(&mut self, patience: Duration) {
        if !self.flush() && (!self.sink.wait_for_room(patience) || !self.flush()) {
            self.delivery.add_lost(LossCause::QueueFull, self.lines.events());
            self.lines.clear();
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Those who look on: copies of events to a connection of the control socket.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::readers::Readers;
use super::unit::Unit;
use crate::format::{Encoder, Look, Notice, notice};
use crate::runner::source::{Output, now_unix_ns};
use crate::sink::{Batch, Delivery, Sink};
use crate::spec::{Format, Layout, LossCause, ProbeSpec};

/// Connections that may look on at the same time.
const MOST: usize = 16;

/// JSON lines for those who look on, each with the probe that it is about, where it is about one.
pub(in crate::runner) type News = Vec<(Option<String>, Vec<u8>)>;

/// One who looks on.
struct Tail {
    sink: Arc<Sink>,
    delivery: Arc<Delivery>,
    /// Of this probe alone.
    probe: Option<String>,
    /// What it was told that it lost.
    reported: u64,
    /// To see that it hung up, also where there is nothing to write.
    stream: OwnedFd,
}

impl Tail {
    fn has_gone(&self) -> bool {
        let mut stream = [PollFd::new(&self.stream, PollFlags::empty())];
        let hung_up = poll(&mut stream, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))
            .is_ok_and(|_| stream[0].revents().contains(PollFlags::HUP));
        self.sink.is_closed() || hung_up
    }

    fn wants(&self, probe: &str) -> bool {
        self.probe.as_ref().is_none_or(|wanted| wanted == probe)
    }

    fn copy(&self, spec: &ProbeSpec, layout: &Layout, look: &Look) -> Output {
        let encoder = Encoder::new(Format::Jsonl, &spec.id.name, &spec.labels, layout, look);
        Output::copy(Arc::clone(&self.sink), Arc::clone(&self.delivery), encoder)
    }

    /// Tells it how many lines it was too slow for.
    fn tell_loss(&mut self, look: &Look) {
        let lost = self.delivery.lost(LossCause::QueueFull);
        if lost <= self.reported || !self.sink.has_room() {
            return;
        }
        let count = Some(lost - self.reported);
        let line = Notice { probe: None, kind: "lost", fields: &[("cause", "copy_too_slow")], count };
        let bytes = notice(Format::Jsonl, &line, now_unix_ns(), look);
        if self.sink.send(Batch::of_no_events(bytes)).is_ok() {
            self.reported = lost;
        }
    }
}

/// All who look on.
#[derive(Default)]
pub(in crate::runner) struct Tails(Vec<Tail>);

impl Tails {
    /// Refuses one more than there may be.
    pub(in crate::runner) fn room(&self) -> Result<(), String> {
        let has_room = self.0.len() < MOST;
        has_room.then_some(()).ok_or_else(|| format!("{MOST} connections look on already: end one of them first"))
    }

    pub(super) fn add<'u>(
        &mut self,
        stream: OwnedFd,
        probe: Option<String>,
        units: impl Iterator<Item = &'u Unit>,
        readers: &Readers,
        look: &Look,
    ) -> Result<(), String> {
        let failed = |error| format!("failed to start a copy: {error}");
        let seen = stream.try_clone().map_err(failed)?;
        let sink = Sink::connection("tail", stream).map_err(failed)?;
        let tail = Tail { sink: Arc::new(sink), delivery: Arc::default(), probe, reported: 0, stream: seen };
        for unit in units.filter(|unit| tail.wants(&unit.content.spec.id.name)) {
            for reading in &unit.readings {
                let copy = tail.copy(&unit.content.spec, &reading.layout, look);
                readers.with(reading.by, reading.id, move |source| source.outputs().add_copy(copy));
            }
        }
        self.0.push(tail);
        Ok(())
    }

    /// The copies that a source which starts now sends.
    pub(super) fn copies(&self, spec: &ProbeSpec, layout: &Layout, look: &Look) -> impl Iterator<Item = Output> {
        self.0.iter().filter(|tail| tail.wants(&spec.id.name)).map(|tail| tail.copy(spec, layout, look))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Ends the copies whose reader has gone, and tells the others what they lost.
    pub(super) fn sweep(&mut self, readers: &Readers, look: &Look) {
        let (gone, kept): (Vec<Tail>, Vec<Tail>) = std::mem::take(&mut self.0).into_iter().partition(Tail::has_gone);
        self.0 = kept;
        for tail in gone {
            let sink = Arc::clone(&tail.sink);
            readers.each(move |source| source.outputs().remove_copies(&sink));
            tail.sink.flush_and_close(Duration::ZERO);
        }
        self.0.iter_mut().for_each(|tail| tail.tell_loss(look));
    }

    /// What happened to probes and files goes to those who look on at all, or at this probe.
    pub(in crate::runner) fn copy_news(&self, news: &mut News) {
        for (probe, bytes) in news.drain(..) {
            for tail in self.0.iter().filter(|tail| tail.probe.is_none() || tail.probe == probe) {
                let batch = Batch::of_no_events(bytes.clone());
                if tail.sink.send(batch).is_err() {
                    tail.delivery.add_lost(LossCause::QueueFull, 1);
                }
            }
        }
    }

    /// The end.
    pub(super) fn close_by(&mut self, deadline: Instant) {
        self.0.iter().for_each(|tail| tail.sink.close_by(deadline));
    }
}

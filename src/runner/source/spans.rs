// SPDX-License-Identifier: MIT OR Apache-2.0
//! What has begun and will never end: looked for now and then, given up and counted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::outputs::Outputs;
use super::{Making, Round, Source, SourceId};
use crate::kernel::{KernelError, OpenSpans};
use crate::spec::Layout;

/// The open spans of one unit. It has no events.
struct SpanSource {
    id: SourceId,
    open: Arc<OpenSpans>,
    layout: Layout,
    outputs: Outputs,
    every: Duration,
    next: Instant,
    ended: bool,
}

/// The open spans of a program with spans, where some may have to be given up.
pub(super) fn make(
    making: &Making<'_>,
    next: &mut dyn FnMut() -> SourceId,
) -> Result<Vec<Box<dyn Source>>, KernelError> {
    let Some(open) = making.loaded.open_spans() else { return Ok(Vec::new()) };
    let Some(every) = open.look_every() else { return Ok(Vec::new()) };
    Ok(vec![Box::new(SpanSource {
        id: next(),
        open,
        layout: Layout::default(),
        outputs: Outputs::new(Vec::new()),
        every,
        next: Instant::now() + every,
        ended: false,
    })])
}

impl Source for SpanSource {
    fn id(&self) -> SourceId {
        self.id
    }

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn outputs(&mut self) -> &mut Outputs {
        &mut self.outputs
    }

    fn due(&self) -> Option<Instant> {
        Some(self.next)
    }

    fn poll(&mut self, round: &Round) -> usize {
        if !self.ended && round.now >= self.next {
            self.open.expire();
            self.next = round.now + self.every;
        }
        0
    }

    fn retire(&mut self, _written: u64) {
        self.ended = true;
    }

    fn is_done(&mut self) -> bool {
        self.ended
    }

    fn finish(&mut self, _round: &Round, _deadline: Instant) {
        self.ended = true;
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the events of one source go: to its unit's sinks, and to those who look on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::output::Output;
use crate::sink::Sink;
use crate::spec::LossCause;

/// All outputs of one source.
pub(in crate::runner) struct Outputs {
    now: Vec<Output>,
    /// Of an earlier route; they still hold lines.
    leaving: Vec<Output>,
}

impl Outputs {
    pub(super) fn new(now: Vec<Output>) -> Self {
        Self { now, leaving: Vec::new() }
    }

    /// From now on events go there; what the outputs before hold is still delivered. Who looks on goes on doing so.
    pub(in crate::runner) fn route(&mut self, outputs: Vec<Output>) {
        let before = std::mem::replace(&mut self.now, outputs);
        let (copies, own): (Vec<Output>, Vec<Output>) = before.into_iter().partition(|output| output.is_copy);
        self.now.extend(copies);
        self.leaving.extend(own);
    }

    /// A copy for somebody who looks on: it neither keeps events waiting nor is waited for.
    pub(in crate::runner) fn add_copy(&mut self, output: Output) {
        self.now.push(output);
    }

    /// Ends the copies that go to this sink.
    pub(in crate::runner) fn remove_copies(&mut self, sink: &Arc<Sink>) {
        self.now.retain(|output| !(output.is_copy && Arc::ptr_eq(&output.sink, sink)));
    }

    /// True where lines wait for a slow reader who looks on.
    pub(in crate::runner) fn has_unsent_copies(&self) -> bool {
        self.now.iter().any(|output| output.is_copy && !output.is_empty())
    }

    /// Hands over what is ready; true if that was everything, copies aside.
    pub(in crate::runner) fn flush(&mut self) -> bool {
        let mut all = true;
        for output in self.now.iter_mut().chain(&mut self.leaving) {
            all &= output.flush() || output.is_copy;
        }
        self.leaving.retain(|output| !output.is_empty());
        all
    }

    /// True if nothing waits to be handed over, copies aside.
    pub(super) fn is_empty(&self) -> bool {
        self.now.iter().chain(&self.leaving).all(|output| output.is_copy || output.is_empty())
    }

    /// Those that events go to now.
    #[inline]
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Output> {
        self.now.iter_mut()
    }

    /// True if one of the unit's sinks can take an event now.
    #[inline]
    pub(super) fn has_room(&mut self) -> bool {
        self.now.iter_mut().any(|output| !output.is_copy && output.has_room())
    }

    /// One of the unit's sinks that has no room.
    pub(super) fn blocked(&self) -> Option<&Sink> {
        self.now.iter().find(|output| !output.is_copy && !output.sink.has_room()).map(|output| &*output.sink)
    }

    /// Events that never became lines are lost to each of the unit's sinks.
    pub(super) fn add_lost(&self, cause: LossCause, events: u64) {
        for output in self.now.iter().filter(|output| !output.is_copy) {
            output.delivery.add_lost(cause, events);
        }
    }

    /// The end: what cannot be handed over until `deadline` is lost, and counted.
    pub(super) fn finish(&mut self, deadline: Instant) {
        for output in self.now.iter_mut().chain(&mut self.leaving) {
            output.finish(deadline.saturating_duration_since(Instant::now()));
        }
    }

    /// The same, at once.
    pub(super) fn give_up(&mut self) {
        self.now.iter_mut().chain(&mut self.leaving).for_each(|output| output.finish(Duration::ZERO));
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::format::{Encoder, Look};
    use crate::record::FullRecord;
    use crate::spec::{Format, Layout};

    /// An output, and where its lines arrive.
    fn output(probe: &str, make: fn(Arc<Sink>, Encoder) -> Output) -> (Output, BufReader<UnixStream>) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        theirs.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let sink = Arc::new(Sink::connection(probe, ours.into()).unwrap());
        let encoder = Encoder::new(Format::Jsonl, probe, &[], &Layout::default(), &Look::default());
        (make(sink, encoder), BufReader::new(theirs))
    }

    fn says(reader: &mut BufReader<UnixStream>, probe: &str) -> bool {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        line.contains(&format!("\"{probe}\""))
    }

    /// What an earlier route holds is delivered although events go elsewhere now; who looks on goes on doing so, until that ends.
    #[test]
    fn an_earlier_route_is_delivered() {
        let own = |sink, encoder| Output::new(sink, Arc::default(), encoder);
        let (mut before, mut at_before) = output("before", own);
        let (now, mut at_now) = output("now", own);
        let (copy, mut at_copy) = output("copy", |sink, encoder| Output::copy(sink, Arc::default(), encoder));
        // Open until the end.
        let [_before, _now, looks_on] = [&before, &now, &copy].map(|output| Arc::clone(&output.sink));
        before.event(FullRecord::from(&[]), 1);
        let mut outputs = Outputs::new(vec![before, copy]);
        outputs.route(vec![now]);
        outputs.iter_mut().for_each(|output| output.event(FullRecord::from(&[]), 2));
        assert!(!outputs.is_empty() && outputs.flush() && outputs.is_empty());
        assert!(says(&mut at_before, "before") && says(&mut at_now, "now") && says(&mut at_copy, "copy"));
        assert_eq!((outputs.now.len(), outputs.leaving.len()), (2, 0));
        outputs.remove_copies(&looks_on);
        assert_eq!(outputs.now.len(), 1);
    }
}

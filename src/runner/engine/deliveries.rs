// SPDX-License-Identifier: MIT OR Apache-2.0
//! What sinks got from a unit, also those that it does not write to any more.

use std::sync::Arc;

use crate::format::SinkTotals;
use crate::runner::source::Route;
use crate::sink::Delivery;
use crate::spec::LossCause;

/// What sinks got that a unit has left, by their names.
#[derive(Default)]
pub(super) struct Deliveries(Vec<(String, Arc<Delivery>)>);

impl Deliveries {
    /// Keeps those of `before` that are not among the routes `now`. What is final and bears the same name is added up: a file that
    /// changes for years must not eat the memory.
    pub(super) fn take(&mut self, before: Vec<Route>, now: &[Route]) {
        let is_left = |(_, delivery): &Route| !now.iter().any(|(_, kept)| Arc::ptr_eq(kept, delivery));
        let left = before.into_iter().filter(is_left).map(|(sink, delivery)| (sink.name().to_owned(), delivery));
        let all: Vec<(String, Arc<Delivery>)> = self.0.drain(..).chain(left).collect();
        for (name, delivery) in all {
            match self.0.iter().find(|(known, _)| *known == name) {
                Some((_, sum)) if Arc::strong_count(&delivery) == 1 => {
                    sum.add_delivered(delivery.delivered());
                    LossCause::ALL.into_iter().for_each(|cause| sum.add_lost(cause, delivery.lost(cause)));
                }
                Some(_) | None => self.0.push((name, delivery)),
            }
        }
    }

    /// What each sink got, those of `now` first.
    pub(super) fn totals(&self, now: &[Route]) -> Vec<SinkTotals> {
        let mut sinks: Vec<SinkTotals> = Vec::new();
        let former = self.0.iter().map(|(name, delivery)| totals(name, false, delivery));
        let now = now.iter().map(|(sink, delivery)| totals(sink.name(), sink.is_closed(), delivery));
        for totals in now.chain(former) {
            match sinks.iter_mut().find(|known| known.name == totals.name) {
                Some(known) => {
                    known.delivered += totals.delivered;
                    known.lost.extend(totals.lost);
                }
                None => sinks.push(totals),
            }
        }
        sinks
    }
}

/// What one sink got.
fn totals(name: &str, closed: bool, delivery: &Delivery) -> SinkTotals {
    let lost = LossCause::ALL.into_iter().map(|cause| (cause, delivery.lost(cause))).collect();
    SinkTotals { name: name.to_owned(), delivered: delivery.delivered(), lost, closed }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::sink::Sink;

    /// What sinks of one name got is one sum, however often they were left; what is still on its way counts as well.
    #[test]
    fn one_sum_for_each_name() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let sink = Arc::new(Sink::connection("a", ours.into()).unwrap());
        let mut former = Deliveries::default();
        let on_its_way = Arc::new(Delivery::default());
        for delivery in [Arc::default(), Arc::default(), Arc::clone(&on_its_way), Arc::default()] {
            delivery.add_delivered(2);
            delivery.add_lost(LossCause::QueueFull, 1);
            former.take(vec![(Arc::clone(&sink), delivery)], &[]);
        }
        assert_eq!(former.0.len(), 2);
        on_its_way.add_delivered(1);
        let totals = former.totals(&[]);
        let lost: u64 =
            totals[0].lost.iter().filter(|(cause, _)| *cause == LossCause::QueueFull).map(|(_, count)| count).sum();
        assert_eq!((totals.len(), totals[0].delivered, lost), (1, 9, 4));
    }
}

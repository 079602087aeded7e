// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many events a second.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::plan::UnitId;

/// A rate over less time than this says nothing.
const SHORTEST: Duration = Duration::from_millis(200);

/// What units had reported when they were last asked.
#[derive(Default)]
pub(super) struct Rates(BTreeMap<UnitId, (Instant, u64, f64)>);

impl Rates {
    /// Events a second since the last time; two that ask at the same time get the same answer.
    pub(super) fn rate(&mut self, id: &UnitId, events: u64) -> f64 {
        let now = Instant::now();
        let (then, before, rate) = self.0.get(id).copied().unwrap_or((now, events, 0.0));
        let elapsed = now.saturating_duration_since(then);
        if elapsed < SHORTEST && elapsed != Duration::ZERO {
            return rate;
        }
        let rate = if elapsed.is_zero() { 0.0 } else { events.saturating_sub(before) as f64 / elapsed.as_secs_f64() };
        self.0.insert(id.clone(), (now, events, rate));
        rate
    }

    /// Forgets units that are there no more.
    pub(super) fn keep(&mut self, wanted: impl Fn(&UnitId) -> bool) {
        self.0.retain(|id, _| wanted(id));
    }
}

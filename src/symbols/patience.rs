// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much time may go into questions to the machine.

use std::time::{Duration, Instant};

/// So much of each second.
const OF_A_SECOND: Duration = Duration::from_millis(250);

/// Time that was spent in the current second.
#[derive(Debug)]
pub(super) struct Patience {
    since: Instant,
    spent: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { since: Instant::now(), spent: Duration::ZERO }
    }
}

impl Patience {
    /// Asks, unless too much time was spent already: then there is no answer, and nobody may remember that.
    pub(super) fn ask<T>(&mut self, question: impl FnOnce() -> T) -> Option<T> {
        let begin = Instant::now();
        if begin.saturating_duration_since(self.since) >= Duration::from_secs(1) {
            (self.since, self.spent) = (begin, Duration::ZERO);
        }
        if self.spent >= OF_A_SECOND {
            return None;
        }
        let answer = question();
        self.spent += begin.elapsed();
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who has spent a second's part is not asked again before the next one.
    #[test]
    fn time_is_bounded() {
        let mut patience = Patience::default();
        assert_eq!(patience.ask(|| 1), Some(1));
        patience.spent = OF_A_SECOND;
        assert_eq!(patience.ask(|| 1), None);
        patience.since -= Duration::from_secs(1);
        assert_eq!(patience.ask(|| 1), Some(1));
    }
}

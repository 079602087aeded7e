// SPDX-License-Identifier: MIT OR Apache-2.0
//! The lines that tell a unit's sinks what was lost.

use super::tally::Tally;
use crate::format::Look;
use crate::runner::source::{Output, Route, now_unix_ns, outputs};
use crate::spec::{Layout, ProbeSpec};

/// What each sink was told so far.
pub(super) struct Notices(Vec<Notice>);

struct Notice {
    output: Output,
    /// By cause.
    reported: [u64; 4],
}

impl Notices {
    /// To these sinks.
    pub(super) fn new(routes: &[Route], spec: &ProbeSpec, look: &Look) -> Self {
        let outputs = outputs(routes, spec, &Layout::default(), look);
        Self(outputs.into_iter().map(|output| Notice { output, reported: [0; 4] }).collect())
    }

    /// What was lost so far was said before.
    pub(super) fn skip(&mut self, counted: &Tally) {
        let reported = counted.lost().map(|(_, count)| count);
        self.0.iter_mut().for_each(|notice| notice.reported = reported);
    }

    /// Says on the streams what was lost since the last time.
    pub(super) fn report(&mut self, counted: &Tally) {
        // Each sink by itself: one without room must not make the others say it twice.
        for Notice { output, reported } in &mut self.0 {
            for ((cause, total), reported) in counted.lost().into_iter().zip(reported) {
                let new = total.saturating_sub(*reported);
                if new > 0 && cause.is_news() && output.lost(cause, new, now_unix_ns()) {
                    *reported = total;
                }
            }
        }
    }
}

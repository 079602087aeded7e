// SPDX-License-Identifier: MIT OR Apache-2.0
//! The lines that tell a unit's sinks what was lost, and how much could not be decided.

use super::tally::Tally;
use crate::format::{self, Look};
use crate::runner::source::{Output, Route, now_unix_ns, outputs};
use crate::spec::{Layout, ProbeSpec};

/// What each sink was told so far.
pub(super) struct Notices {
    notices: Vec<Notice>,
    probe: String,
    look: Look,
}

struct Notice {
    output: Output,
    /// By cause.
    reported: [u64; 7],
    /// How many events could not be decided.
    undecided: u64,
    /// What there was no room for, and what was given up, of spans.
    unpaired: [u64; 2],
}

impl Notices {
    /// To these sinks.
    pub(super) fn new(routes: &[Route], spec: &ProbeSpec, look: &Look) -> Self {
        let outputs = outputs(routes, spec, &Layout::default(), look);
        let notices = outputs
            .into_iter()
            .map(|output| Notice { output, reported: [0; 7], undecided: 0, unpaired: [0; 2] })
            .collect();
        Self { notices, probe: spec.id.name.clone(), look: look.clone() }
    }

    /// What was lost so far was said before.
    pub(super) fn skip(&mut self, counted: &Tally) {
        let reported = counted.lost().map(|(_, count)| count);
        for notice in &mut self.notices {
            (notice.reported, notice.undecided) = (reported, counted.undecided);
            notice.unpaired = unpaired(counted).map(|(_, count)| count);
        }
    }

    /// Says on the streams what was lost since the last time.
    pub(super) fn report(&mut self, counted: &Tally) {
        // Each sink by itself: one without room must not make the others say it twice.
        for Notice { output, reported, undecided, unpaired: told } in &mut self.notices {
            for ((cause, total), reported) in counted.lost().into_iter().zip(reported) {
                let new = total.saturating_sub(*reported);
                if new > 0 && cause.is_news() && output.lost(cause, new, now_unix_ns()) {
                    *reported = total;
                }
            }
            for ((kind, total), told) in unpaired(counted).into_iter().zip(told) {
                let new = total.saturating_sub(*told);
                let line = format::Notice { probe: Some(&self.probe), kind, fields: &[], count: Some(new) };
                let line = format::notice(output.sink.format(), &line, now_unix_ns(), &self.look);
                if new > 0 && output.say(&line) {
                    *told = total;
                }
            }
            let new = counted.undecided.saturating_sub(*undecided);
            if new > 0 {
                let line =
                    format::Notice { probe: Some(&self.probe), kind: "undecided", fields: &[], count: Some(new) };
                let line = format::notice(output.sink.format(), &line, now_unix_ns(), &self.look);
                if output.say(&line) {
                    *undecided = counted.undecided;
                }
            }
        }
    }
}

/// What began and will be no event, by what the notices call it.
fn unpaired(counted: &Tally) -> [(&'static str, u64); 2] {
    let spans = counted.spans.unwrap_or_default();
    [("spans_full", spans.full), ("spans_expired", spans.expired)]
}

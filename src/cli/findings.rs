// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel says about a probe, as a problem of its file.

use crate::config::{CheckedProbe, Problem, codes};
use crate::kernel::{Finding, KernelError};
use crate::spec::Place;

/// An error, or a warning where it takes privileges to find out.
pub(super) fn problem(probe: &CheckedProbe, finding: &Finding) -> Problem {
    let (Finding::Wrong(error) | Finding::Unknown(error)) = finding;
    let KernelError { place, message, help, notes } = error;
    let (code, location) = (code(place), probe.locate(place));
    let problem = match finding {
        Finding::Wrong(_) => Problem::new(code, location, message.clone()),
        Finding::Unknown(_) => Problem::warning(codes::NOT_VERIFIED, location, message.clone()),
    };
    let problem = problem.maybe_help(Some(help.clone()).filter(|help| !help.is_empty()));
    notes.iter().fold(problem, |problem, note| problem.note(note.clone()))
}

fn code(place: &Place) -> &'static str {
    match place {
        Place::Probe | Place::Program | Place::Param(_) => codes::KERNEL_REFUSED,
        Place::Hook | Place::Target | Place::Entry(_) | Place::Mode => codes::KERNEL_TARGET,
        Place::Capture(_) => codes::KERNEL_CAPTURE,
        Place::Sink(_) => codes::SINK_FAILED,
    }
}

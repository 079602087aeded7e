// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel or a sink refused, as a problem with a place in the file.

use crate::config::{CheckedProbe, Problem, codes};
use crate::kernel::KernelError;
use crate::spec::Place;

/// The problem that a refusal of a probe is.
pub fn refusal(probe: &CheckedProbe, error: &KernelError) -> Problem {
    let by_place = match error.place.whole() {
        Place::Probe | Place::Program | Place::Param(_) => codes::KERNEL_REFUSED,
        Place::Hook
        | Place::Target
        | Place::Entry(_)
        | Place::Mode
        | Place::Binary
        | Place::Process
        | Place::BuildId => codes::KERNEL_TARGET,
        Place::SpanHook(_, _, of) if matches!(of.whole(), Place::Key(_) | Place::Clause(_)) => codes::KERNEL_CAPTURE,
        Place::SpanHook(..) => codes::KERNEL_TARGET,
        Place::Capture(_) | Place::Clause(_) | Place::Key(_) | Place::Aggregate(..) => codes::KERNEL_CAPTURE,
        Place::Sink(_) => codes::SINK_FAILED,
        // What `whole` gives is no part.
        Place::Part { .. } => codes::KERNEL_REFUSED,
    };
    let code = error.code.unwrap_or(by_place);
    let problem = Problem::new(code, probe.locate(&error.place), error.message.clone()).maybe_help(error.help.clone());
    probe.discreet(error.notes.iter().fold(problem, |problem, note| problem.note(note.clone())))
}

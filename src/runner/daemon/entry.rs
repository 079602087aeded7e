// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a daemon knows of one unit.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::{CheckedProbe, Problem};
use crate::plan::{self, Action, Content, Plan, UnitId};
use crate::runner::engine::Unit;

/// One unit: what runs, what failed, and since when.
pub(super) struct Entry {
    /// Where it stands in its file.
    pub(super) checked: CheckedProbe,
    pub(super) running: Option<Unit>,
    pub(super) failure: Option<Failure>,
    /// When its state last changed, nanoseconds since 1970.
    pub(super) since_unix_ns: u64,
    /// How many versions of it have run.
    pub(super) versions: u32,
}

/// A version that could not be brought to run.
pub(super) struct Failure {
    pub(super) content: Content,
    /// How often in a row.
    pub(super) times: u32,
    /// On the clock of the daemon.
    pub(super) retry_at: Duration,
    /// What it attaches to is not there yet.
    pub(super) waiting: bool,
    /// All that is wrong, in one line.
    pub(super) message: String,
}

impl Failure {
    /// `content` failed `times` times in a row, this time for these reasons.
    pub(super) fn new(content: &Content, problems: &[Problem], times: u32, retry_at: Duration, waiting: bool) -> Self {
        let messages: Vec<&str> = problems.iter().map(|problem| &*problem.message).collect();
        Self { content: content.clone(), times, retry_at, waiting, message: messages.join("; ") }
    }
}

impl Entry {
    /// A unit that was never tried.
    pub(super) fn new(checked: CheckedProbe, now_unix_ns: u64) -> Self {
        Self { checked, running: None, failure: None, since_unix_ns: now_unix_ns, versions: 0 }
    }

    /// As the plan sees it.
    pub(super) fn as_planned(&self) -> plan::Unit {
        let failure =
            |failure: &Failure| plan::Failure { content: failure.content.clone(), retry_at: failure.retry_at };
        plan::Unit {
            running: self.running.as_ref().map(|unit| unit.content.clone()),
            failure: self.failure.as_ref().map(failure),
        }
    }
}

/// What goes on under another name gets it.
pub(super) fn rename(entries: &mut BTreeMap<UnitId, Entry>, plan: &Plan) {
    for action in &plan.actions {
        let Action::Rename(from, to) = action else { continue };
        let Some(mut entry) = entries.remove(from) else { continue };
        if let Some(unit) = &mut entry.running {
            unit.title = to.to_string();
        }
        entries.insert(to.clone(), entry);
    }
}

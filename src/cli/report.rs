// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a run and `--watch` report alike: problems of files, and what each probe did.

use std::process::ExitCode;
use std::time::Duration;

use super::exit::FAILED;
use super::terminal::{stderr_color, tell, tell_lines};
use crate::config::{Problem, render};
use crate::format::{SummaryRow, summary};
use crate::kernel::{Attached, Detaching};
use crate::runner::Ended;

/// How long the kernel may take to detach before that is said.
const CLOSING: Duration = Duration::from_millis(50);
/// So many hooks are closed before anybody has read that they are: 40 ms for each, more on a busy machine.
const FEW: usize = 10;
const CLOSING_FEW: Duration = Duration::from_millis(500);

/// Writes problems to standard error, each with the lines of its file.
pub(super) fn tell_problems(problems: &[Problem]) {
    let color = stderr_color();
    for problem in problems {
        tell_lines(&format!("{}\n", render(problem, color)));
    }
}

/// What each probe did, at once; then what the kernel still has to do, and waits for that. A second Ctrl-C does not wait.
pub(super) fn tell_end(ended: Ended) -> ExitCode {
    let code = tell_summary(&ended.rows);
    close(ended.silent);
    code
}

/// Waits until nothing is attached any more; says so where that takes its time.
fn close(silent: Vec<Attached>) {
    let mut detaching = Detaching::begin(silent);
    let all = detaching.hooks();
    let left = detaching.wait_for(if all > FEW { CLOSING } else { CLOSING_FEW });
    if left > 0 {
        // The first process of a container ends when all others there have.
        let way_out = if std::process::id() == 1 { "" } else { " (Ctrl-C does not wait for it)" };
        tell(&format!("note: no more events; the kernel is still detaching {left} of {all} hooks{way_out}"));
    }
    detaching.wait();
}

/// What each probe did. A sink that refused events, or events that could not be read, are a failure.
fn tell_summary(rows: &[SummaryRow]) -> ExitCode {
    if !rows.is_empty() {
        tell_lines(summary(rows, stderr_color()).trim_end());
    }
    let failed = rows.iter().any(SummaryRow::failed);
    if failed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS }
}

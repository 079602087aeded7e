// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a daemon says, as entries of systemd's journal: `journalctl -u ebpf-run PROBE=opens`, or `CODE=E0401 -o json`.
//!
//! ```text
//! MESSAGE=error[E0401]: …   PRIORITY=3   PROBE=opens   FILE=/etc/ebpf-run/probes.d/web.yaml   LINE=4   CODE=E0401
//! ```

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;

use tracing_journald::{Layer, Priority, PriorityMappings};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Problem, render};
use crate::plan::UnitId;
use crate::runner::Said;
use crate::words::shown;

/// What the daemon says bears this target, so that it is said whatever `RUST_LOG` filters.
const TARGET: &str = "daemon";

/// True where the lines that we write to standard error end in the journal (`JOURNAL_STREAM`, systemd.exec(5)): the variable
/// alone does not say so, as standard error may lead elsewhere by now.
pub(super) fn has_stderr() -> bool {
    let own = || {
        let stderr = File::from(io::stderr().as_fd().try_clone_to_owned().ok()?);
        let metadata = stderr.metadata().ok()?;
        Some(format!("{}:{}", metadata.dev(), metadata.ino()))
    };
    std::env::var("JOURNAL_STREAM").is_ok_and(|stream| Some(stream) == own())
}

/// Sends the log to the journal from here on, what `filter` lets pass. False where nobody listens.
pub(super) fn start_log(filter: EnvFilter) -> bool {
    let Ok(layer) = Layer::new() else { return false };
    let Ok(always) = format!("{TARGET}=info").parse() else { return false };
    let priorities = PriorityMappings { info: Priority::Informational, ..PriorityMappings::new() };
    let layer = layer.with_field_prefix(None).with_priority_mappings(priorities);
    let layer = layer.with_syslog_identifier("ebpf-run".to_owned());
    tracing_subscriber::registry().with(filter.add_directive(always)).with(layer).try_init().is_ok()
}

/// What is said, with what it is about in fields of its own.
pub(super) fn say(said: &Said<'_>) {
    match *said {
        Said::Info(text) => tracing::info!(target: TARGET, "{}", shown(text)),
        Said::Warning(text) => tracing::warn!(target: TARGET, "{}", shown(text)),
        Said::Unit(id, text) => tracing::info!(target: TARGET, probe = name(id), on = on(id), "{}", shown(text)),
        Said::UnitWarning(id, text) => tracing::warn!(target: TARGET, probe = name(id), on = on(id), "{}", shown(text)),
        Said::Problem(problem) => say_problem(None, problem),
        Said::Refused(id, problem) => say_problem(Some(id), problem),
        Said::Waiting(id, problem) => {
            let (file, line) = place(problem);
            let text = format!("`{id}` is waiting: {}", problem.message);
            let (probe, text) = (name(id), shown(&text));
            tracing::warn!(target: TARGET, probe, on = on(id), file, line, code = problem.code, "{text}");
        }
        Said::Ready => tracing::info!(target: TARGET, "ready"),
    }
}

fn say_problem(id: Option<&UnitId>, problem: &Problem) {
    let (probe, on) = (id.map(name), id.and_then(on));
    let ((file, line), code, text) = (place(problem), problem.code, render(problem, false));
    if problem.is_error() {
        tracing::error!(target: TARGET, probe, on, file, line, code, "{text}");
    } else {
        tracing::warn!(target: TARGET, probe, on, file, line, code, "{text}");
    }
}

fn name(id: &UnitId) -> String {
    shown(&id.probe.name).into_owned()
}

fn on(id: &UnitId) -> Option<String> {
    id.target.as_deref().map(|target| shown(target).into_owned())
}

fn place(problem: &Problem) -> (String, Option<u64>) {
    let line = (!problem.is_about_file()).then(|| problem.primary.line_column().0 as u64);
    (problem.primary.source.shown(), line)
}

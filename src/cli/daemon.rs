// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run daemon` and `ebpf-run --watch PATH…`: what runs follows the files.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::args::{MetricsArgs, RunArgs, duration};
use super::exit::{BAD_CONFIGURATION, FAILED};
use super::report::{tell_end, tell_problems};
use super::terminal::{Log, stdout_color, stdout_width, tell, utc_offset_s};
use super::{aside, journal};
use crate::catalog::Catalog;
use crate::config::{Environment, Severity, SourceFile, check};
use crate::files::Trust;
use crate::format::Look;
use crate::kernel::{Detaching, quiet_libbpf};
use crate::runner::{self, DaemonOptions, Ended, Said};

/// Columns for the names of probes: which ones there will be, nobody knows.
const PROBE_WIDTH: usize = 16;
/// The debounce of `--watch`.
const WATCH_DEBOUNCE: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
pub(super) struct DaemonArgs {
    /// A directory of YAML files (*.yaml, *.yml); may be repeated
    #[arg(long, value_name = "DIR", default_value = "/etc/ebpf-run/probes.d")]
    config_dir: Vec<PathBuf>,
    /// The socket for commands such as `ebpf-run status`
    #[arg(long, value_name = "PATH", default_value = crate::control::DEFAULT_SOCKET)]
    socket: PathBuf,
    /// Also read files and directories that other users can change
    ///
    /// Without it, the daemon refuses a file unless only root or its own user can write to it and to every directory and link
    /// on its path, because anyone who can change a file controls what runs as root. Kubernetes volumes need this option: their
    /// directories have mode 0777, and inside a pod nobody else can write to them.
    #[arg(long)]
    allow_untrusted_config: bool,
    /// How long the files must be unchanged before they are read again
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "100ms")]
    debounce: Duration,
    #[command(flatten)]
    metrics: MetricsArgs,
}

/// `ebpf-run daemon`.
pub(super) fn daemon(args: DaemonArgs, catalog: &Catalog, log: Log) -> ExitCode {
    let DaemonArgs {
        config_dir: roots,
        socket,
        allow_untrusted_config,
        debounce,
        metrics: MetricsArgs { metrics, metrics_host: metrics_hosts },
    } = args;
    let trust = if allow_untrusted_config { Trust::Warned } else { Trust::Required };
    let (socket, look) = (Some(socket), look());
    let options = DaemonOptions { roots, socket, metrics, metrics_hosts, trust, debounce, look, guarded: true };
    let code = follow(&options, &[], catalog, log).map_or_else(
        |failed| failed,
        |ended| {
            Detaching::begin(ended.silent).wait();
            ExitCode::SUCCESS
        },
    );
    aside::finish();
    code
}

/// `ebpf-run --watch PATH…`: like a daemon, and at the end it adds up as one shot does.
pub(super) fn watch(args: RunArgs, catalog: &Catalog, log: Log) -> ExitCode {
    if args.paths.iter().any(|path| path.as_os_str() == "-") {
        tell(
            "error: `--watch` follows files, and standard input is none\nhelp: leave out `--watch`, or name a file (`./-` is one that is called `-`)",
        );
        return ExitCode::from(BAD_CONFIGURATION);
    }
    let (roots, settings, debounce) = (args.paths, args.settings, WATCH_DEBOUNCE);
    let MetricsArgs { metrics, metrics_host: metrics_hosts } = args.metrics;
    let options = DaemonOptions {
        roots,
        socket: None,
        metrics,
        metrics_hosts,
        // As for one run: anyone who names the files at a terminal has seen them.
        trust: Trust::Warned,
        debounce,
        look: look(),
        guarded: false,
    };
    let code = follow(&options, &settings.set, catalog, log).map_or_else(|failed| failed, tell_end);
    aside::finish();
    code
}

fn look() -> Look {
    Look { color: stdout_color(), utc_offset_s: utc_offset_s(), probe_width: PROBE_WIDTH, width: stdout_width() }
}

/// Follows directories and files until a signal ends it. Returns what each probe did.
fn follow(
    options: &DaemonOptions,
    settings: &[(String, String)],
    catalog: &Catalog,
    log: Log,
) -> Result<Ended, ExitCode> {
    quiet_libbpf();
    let environment = |name: &str| std::env::var_os(name);
    // A file that has the variable may come later.
    let environment = Environment::new(&environment).set(settings, Severity::Warning);
    let check = |files: &[SourceFile]| check(files, catalog, &environment);
    let mut say: fn(&Said<'_>) = match log {
        Log::Journal => journal::say,
        Log::Stderr => {
            aside::start();
            say
        }
    };
    runner::daemon(options, &check, &mut say).map_err(|error| {
        tell(&format!("error: {error}"));
        ExitCode::from(FAILED)
    })
}

fn say(said: &Said<'_>) {
    match *said {
        Said::Info(text) | Said::Unit(_, text) => tell(text),
        Said::Warning(text) | Said::UnitWarning(_, text) => tell(&format!("warning: {text}")),
        Said::Problem(problem) | Said::Refused(_, problem) => tell_problems(std::slice::from_ref(problem)),
        Said::Waiting(id, problem) => {
            tell(&format!("`{id}` is waiting: {} ({})", problem.message, problem.primary));
        }
        Said::Ready => tell("ready"),
    }
}

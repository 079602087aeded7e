// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run daemon` and `ebpf-run --watch PATH…`: what runs follows the files.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::args::{RunArgs, duration};
use super::exit::FAILED;
use super::report::{tell_end, tell_problems};
use super::terminal::{Log, stdout_color, tell, utc_offset_s};
use super::{aside, journal};
use crate::catalog::Catalog;
use crate::config::{Environment, SourceFile, check};
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
    /// A directory of YAML files (*.yaml, *.yml); may be given several times
    #[arg(long, value_name = "DIR", default_value = "/etc/ebpf-run/probes.d")]
    config_dir: Vec<PathBuf>,
    /// Where commands such as `ebpf-run status` reach it
    #[arg(long, value_name = "PATH", default_value = crate::control::DEFAULT_SOCKET)]
    socket: PathBuf,
    /// Also read files and directories that users other than root could change
    ///
    /// Without it a file is refused unless it, and every directory and link on the way to it, belongs to root or to the daemon's
    /// own user and nobody else can write there: whoever can change it decides what runs as root. A Kubernetes volume needs it,
    /// as its directory has the mode 0777; in a pod nobody else is there to write.
    #[arg(long)]
    allow_untrusted_config: bool,
    /// How long nothing may change before the files are read again
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "100ms")]
    debounce: Duration,
    /// Serve metrics to Prometheus at http://ADDRESS/metrics; without an address at 127.0.0.1:9435
    ///
    /// Whoever reaches the address may read them: no password, no encryption. An address that is not this machine's own is
    /// taken only when it is named, and the log says so.
    #[arg(long, value_name = "ADDRESS", value_parser = address, num_args = 0..=1)]
    #[arg(default_missing_value = crate::metrics::DEFAULT_ADDRESS)]
    metrics: Option<SocketAddr>,
    /// Serve metrics to those also who ask for this host, as behind a proxy or a name of a service; may be given several times
    ///
    /// Without it a request has to name an IP address, localhost or this machine: a page in somebody's browser can make a name
    /// of its own lead here (DNS rebinding).
    #[arg(long, value_name = "NAME", requires = "metrics")]
    metrics_host: Vec<String>,
}

/// `127.0.0.1:9435`, `[::1]:9435`, or a port of 127.0.0.1.
fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.parse().map(|port: u16| SocketAddr::from(([127, 0, 0, 1], port)));
    let address = port.or_else(|_| text.parse().map_err(drop));
    address.map_err(|()| "expected an IP address and a port, such as 127.0.0.1:9435 or [::1]:9435".to_owned())
}

/// `ebpf-run daemon`.
pub(super) fn daemon(args: DaemonArgs, catalog: &Catalog, log: Log) -> ExitCode {
    let DaemonArgs {
        config_dir: roots,
        socket,
        allow_untrusted_config,
        debounce,
        metrics,
        metrics_host: metrics_hosts,
    } = args;
    let trust = if allow_untrusted_config { Trust::Warned } else { Trust::Required };
    let (socket, look) = (Some(socket), look());
    let options = DaemonOptions { roots, socket, metrics, metrics_hosts, trust, debounce, look, guarded: true };
    let code = follow(&options, catalog, log).map_or_else(
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
    let (roots, debounce) = (args.paths, WATCH_DEBOUNCE);
    let options = DaemonOptions {
        roots,
        socket: None,
        metrics: None,
        metrics_hosts: Vec::new(),
        // As for one run: whoever names the files at a terminal has seen them.
        trust: Trust::Warned,
        debounce,
        look: look(),
        guarded: false,
    };
    let code = follow(&options, catalog, log).map_or_else(|failed| failed, tell_end);
    aside::finish();
    code
}

fn look() -> Look {
    Look { color: stdout_color(), utc_offset_s: utc_offset_s(), probe_width: PROBE_WIDTH }
}

/// Follows directories and files until a signal ends it. Returns what each probe did.
fn follow(options: &DaemonOptions, catalog: &Catalog, log: Log) -> Result<Ended, ExitCode> {
    quiet_libbpf();
    let environment = |name: &str| std::env::var_os(name);
    let check = |files: &[SourceFile]| check(files, catalog, &Environment::new(&environment));
    let mut say: fn(&Said<'_>) = match log {
        Log::Journal => journal::say,
        Log::Stderr => {
            aside::start();
            say
        }
    };
    runner::daemon(options, catalog, &check, &mut say).map_err(|error| {
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
            tell(&format!("`{id}` waits: {} ({})", problem.message, problem.primary));
        }
        Said::Ready => tell("ready"),
    }
}

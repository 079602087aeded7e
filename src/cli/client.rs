// SPDX-License-Identifier: MIT OR Apache-2.0
//! Commands that talk to a daemon: status, reload, stop, start, tail.

use std::io::{self, BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Args;

use super::args::{Listing, duration};
use super::exit::{BAD_CONFIGURATION, FAILED};
use super::screen::fitted;
use super::terminal::{harmless, print, print_json, stdout_color, tell, tell_lines, window};
use crate::control::{self, ClientError, DEFAULT_SOCKET, Reply, Request};
use crate::status::{ProbeState, Status, table};
use crate::words::shown;

/// Where the daemon is.
#[derive(Debug, Args)]
pub(super) struct SocketArgs {
    /// The daemon's socket
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SOCKET)]
    socket: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Update until Ctrl-C, with probes that need attention first
    #[arg(long, conflicts_with_all = ["check", "format"])]
    watch: bool,
    /// How often --watch updates
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1s", requires = "watch")]
    interval: Duration,
    /// Print nothing; exit with 1 unless every directory and file could be read and is valid, every probe runs as configured
    /// or was stopped by hand, and every sink can write
    #[arg(long)]
    check: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = Listing::Text)]
    format: Listing,
    #[command(flatten)]
    socket: SocketArgs,
}

pub(super) fn status(args: &StatusArgs) -> ExitCode {
    let socket = &args.socket.socket;
    if args.watch {
        return watch(socket, args.interval);
    }
    match snapshot(socket, &Request::Status) {
        Ok(status) if args.check => good(&status),
        Ok(status) => match args.format {
            Listing::Text => print(&table(&status, stdout_color())),
            Listing::Json => print_json(&json(&status)),
        },
        Err(error) => failed(&error),
    }
}

/// Until Ctrl-C. On a terminal what does not fit is left out, and what was on it before is scrolled away; elsewhere one
/// table follows the other.
fn watch(socket: &Path, interval: Duration) -> ExitCode {
    let mut first = true;
    loop {
        let text = match snapshot(socket, &Request::Status) {
            Ok(mut status) => {
                // What needs somebody is not among what has no room.
                status.probes.sort_by_key(|probe| probe.state == ProbeState::Running);
                harmless(&table(&status, stdout_color()), stdout_color()).into_owned()
            }
            Err(error) => return failed(&error),
        };
        let shown = match window() {
            // To the top left corner, and what is left of the screen before goes line by line: nothing flickers.
            Some((rows, columns)) => {
                let room = if first { "\n".repeat(rows) } else { String::new() };
                format!("{room}\x1b[H{}\x1b[J", fitted(&text, rows, columns).replace('\n', "\x1b[K\n"))
            }
            None if first => text,
            None => format!("\n{text}"),
        };
        first = false;
        if write!(io::stdout(), "{shown}").and_then(|()| io::stdout().flush()).is_err() {
            return ExitCode::SUCCESS;
        }
        thread::sleep(interval);
    }
}

pub(super) fn reload(socket: &SocketArgs) -> ExitCode {
    match snapshot(&socket.socket, &Request::Reload) {
        Ok(status) => {
            let bad = !status.is_good();
            if bad {
                tell_lines(table(&status, false).trim_end());
            }
            good(&status)
        }
        Err(error) => failed(&error),
    }
}

pub(super) fn stop(probe: String, socket: &SocketArgs) -> ExitCode {
    done(control::ask(&socket.socket, &Request::Stop { probe }))
}

pub(super) fn start(probe: String, socket: &SocketArgs) -> ExitCode {
    done(control::ask(&socket.socket, &Request::Start { probe }))
}

/// Until one of the two hangs up.
pub(super) fn tail(probe: Option<String>, socket: &SocketArgs) -> ExitCode {
    let mut events = match control::tail(&socket.socket, probe) {
        Ok(events) => events,
        Err(error) => return failed(&error),
    };
    let mut output = io::stdout().lock();
    loop {
        let copied = match events.fill_buf() {
            Ok([]) => return ExitCode::SUCCESS,
            Ok(bytes) => output.write_all(bytes).and_then(|()| output.flush()).map(|()| bytes.len()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return failed(&ClientError::Io(socket.socket.clone(), error)),
        };
        match copied {
            Ok(count) => events.consume(count),
            // Anyone who read it has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
            Err(error) => {
                tell(&format!("error: failed to write to standard output: {error}"));
                return ExitCode::from(FAILED);
            }
        }
    }
}

fn snapshot(socket: &Path, request: &Request) -> Result<Status, ClientError> {
    match control::ask(socket, request)? {
        Reply::Status { status } => Ok(*status),
        Reply::Metrics { .. } | Reply::Done { .. } | Reply::Tail | Reply::Error { .. } | Reply::Denied { .. } => {
            Err(ClientError::Refused("unexpected answer from the daemon".to_owned()))
        }
    }
}

fn json(status: &Status) -> String {
    // Plain data: it cannot fail.
    serde_json::to_string_pretty(status).unwrap_or_default() + "\n"
}

fn good(status: &Status) -> ExitCode {
    if status.is_good() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}

fn done(reply: Result<Reply, ClientError>) -> ExitCode {
    match reply {
        Ok(Reply::Done { message }) => print(&format!("{}\n", shown(&message))),
        Ok(Reply::Status { .. } | Reply::Metrics { .. } | Reply::Tail | Reply::Error { .. } | Reply::Denied { .. }) => {
            ExitCode::SUCCESS
        }
        Err(error) => failed(&error),
    }
}

fn failed(error: &ClientError) -> ExitCode {
    tell(&format!("error: {error}"));
    match error {
        ClientError::Refused(_) => ExitCode::from(BAD_CONFIGURATION),
        ClientError::NoDaemon(_) | ClientError::Denied(..) | ClientError::Silent(_) | ClientError::Io(..) => {
            ExitCode::from(FAILED)
        }
    }
}

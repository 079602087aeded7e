// SPDX-License-Identifier: MIT OR Apache-2.0
//! Standard output and standard error.

use std::io::{self, IsTerminal, Write};
use std::mem::MaybeUninit;
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use super::{FAILED, aside, journal};

/// Prints to standard output. A closed pipe is no failure: whoever read it has seen enough.
pub(super) fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("error: failed to write to standard output: {error}"));
            ExitCode::from(FAILED)
        }
    }
}

/// Writes a line to standard error. If that fails there is nobody left to tell.
pub(super) fn tell(line: &str) {
    drop(aside::write(format!("{line}\n").as_bytes()));
}

/// True where standard error shows colours: a terminal, and NO_COLOR (no-color.org) not set.
pub(super) fn stderr_color() -> bool {
    io::stderr().is_terminal() && colors_wanted()
}

/// True where standard output shows colours.
pub(super) fn stdout_color() -> bool {
    io::stdout().is_terminal() && colors_wanted()
}

fn colors_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Rows and columns of the window where standard output is a terminal; `None` elsewhere, or where nobody knows.
pub(super) fn window() -> Option<(usize, usize)> {
    let mut size = MaybeUninit::<libc::winsize>::zeroed();
    // SAFETY: the kernel writes a `winsize` into a local of that type, or nothing.
    let code = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, size.as_mut_ptr()) };
    // SAFETY: plain data, zeroed and then filled.
    let size = unsafe { size.assume_init() };
    (code == 0 && size.ws_row > 0 && size.ws_col > 0).then_some((size.ws_row.into(), size.ws_col.into()))
}

/// Local time minus UTC, in seconds, now.
pub(super) fn utc_offset_s() -> i32 {
    let mut local = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers are valid; `time` accepts NULL. No other thread runs yet that could change TZ.
    unsafe {
        let now = libc::time(std::ptr::null_mut());
        libc::localtime_r(&now, local.as_mut_ptr());
    }
    // SAFETY: plain data, zeroed and then filled.
    i32::try_from(unsafe { local.assume_init() }.tm_gmtoff).unwrap_or(0)
}

/// Where the log goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Log {
    Journal,
    Stderr,
}

/// The log of the runner itself: in the journal where standard error leads there, else on standard error. `RUST_LOG=debug`
/// shows what libbpf says. Tells where it goes.
pub(super) fn start_log() -> Log {
    let filter = || EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    if journal::has_stderr() && journal::start_log(filter()) {
        return Log::Journal;
    }
    let log =
        tracing_subscriber::fmt().with_env_filter(filter()).with_writer(|| aside::Lines).with_ansi(stderr_color());
    log.without_time().with_target(false).init();
    Log::Stderr
}

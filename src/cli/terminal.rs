// SPDX-License-Identifier: MIT OR Apache-2.0
//! Standard output and standard error: everything that commands print goes through here, and nothing that acts on a terminal
//! but our own colours.
//!
//! Anyone who makes a text writes out the words of strangers in it ([`shown`]): only there is it known which line ends and
//! colours are our own. What was forgotten stops here.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::mem::MaybeUninit;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use tracing_subscriber::EnvFilter;

use super::exit::FAILED;
use super::{aside, journal};
use crate::format::Width;
use crate::words::{json_text, shown, shown_lines, write_out};

/// Prints to standard output. A closed pipe is no failure: anyone who read it has seen enough.
pub(super) fn print(text: &str) -> ExitCode {
    write(&harmless(text, stdout_color()))
}

/// Prints YAML: as it is, but on a terminal with what acts on one written out.
pub(super) fn print_yaml(yaml: &str) -> ExitCode {
    if io::stdout().is_terminal() { print(yaml) } else { write(yaml) }
}

/// Prints JSON, also without a terminal: it may be shown on one later.
pub(super) fn print_json(json: &str) -> ExitCode {
    write(&json_text(json))
}

fn write(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("error: failed to write to standard output: {error}"));
            ExitCode::from(FAILED)
        }
    }
}

/// Writes one line to standard error, whatever it quotes. If that fails there is nobody left to tell.
pub(super) fn tell(line: &str) {
    drop(aside::write(format!("{}\n", shown(line)).as_bytes()));
}

/// Writes lines of our own to standard error, which may have colours.
pub(super) fn tell_lines(lines: &str) {
    drop(aside::write(format!("{}\n", harmless(lines, stderr_color())).as_bytes()));
}

/// Text of several lines in which nothing acts but, where there are to be colours, colours (`ESC [ 1 ; 31 m`).
pub(super) fn harmless(text: &str, color: bool) -> Cow<'_, str> {
    if !color || !text.contains('\x1b') {
        return shown_lines(text);
    }
    let mut parts = text.split('\x1b');
    let mut out = shown_lines(parts.next().unwrap_or_default()).into_owned();
    for part in parts {
        let sequence = part.find('m').filter(|end| is_color(&part[..*end])).map_or(0, |end| end + 1);
        if sequence == 0 {
            write_out('\x1b', &mut out);
        } else {
            out.extend(["\x1b", &part[..sequence]]);
        }
        out.push_str(&shown_lines(&part[sequence..]));
    }
    Cow::Owned(out)
}

/// `[1;31` of `ESC [ 1 ; 31 m`.
fn is_color(parameters: &str) -> bool {
    parameters
        .strip_prefix('[')
        .is_some_and(|numbers| numbers.bytes().all(|byte| byte.is_ascii_digit() || byte == b';'))
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
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_row > 0 && size.ws_col > 0).then_some((size.ws_row.into(), size.ws_col.into()))
}

/// Tells how wide the window is where standard output is a terminal.
pub(super) fn stdout_width() -> Width {
    Width::new(|| window().map(|(_, columns)| columns))
}

/// Local time minus UTC, in seconds, now.
pub(super) fn utc_offset_s() -> i32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = libc::time_t::try_from(now.as_secs()).unwrap_or_default();
    let mut local = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers are to locals. No other thread runs yet that could change TZ.
    unsafe { libc::localtime_r(&now, local.as_mut_ptr()) };
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
    let log = tracing_subscriber::fmt().with_env_filter(filter()).with_writer(|| Lines).with_ansi(stderr_color());
    log.without_time().with_target(false).init();
    Log::Stderr
}

/// Standard error for the log: what is written at once is one line.
struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let line = harmless(text.trim_end_matches('\n'), stderr_color()).replace('\n', "\\n");
        aside::write(format!("{line}\n").as_bytes()).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::harmless;

    /// Colours pass where there are colours, and nothing else that acts.
    #[test]
    fn only_colours_pass() {
        let text = "\x1b[1;31mred\x1b[0m\n\x1b[2J\x1b]0;title\x07\u{9b}1m\u{202e}\x1b";
        let rest = r"\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}1m\u{202e}\u{1b}";
        assert_eq!(harmless(text, true), format!("\x1b[1;31mred\x1b[0m\n{rest}"));
        assert_eq!(harmless(text, false), format!("\\u{{1b}}[1;31mred\\u{{1b}}[0m\n{rest}"));
    }
}

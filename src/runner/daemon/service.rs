// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the service manager hears (`sd_notify(3)`). Without one nothing is said.
//!
//! ```text
//! start   … first look … ── READY=1 STATUS=…
//! SIGHUP  ── RELOADING=1 MONOTONIC_USEC=… … look … ── READY=1 STATUS=…
//! each half of WATCHDOG_USEC, from the loop ── WATCHDOG=1
//! stop    ── STOPPING=1
//! ```

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use crate::status::ProbeState;

/// How long a manager may take that does not read what it is sent: nothing else happens meanwhile.
const PATIENCE: Duration = Duration::from_secs(1);

/// The connection to the service manager.
pub(super) struct Service {
    manager: Option<SocketAddr>,
    /// How often to say that the loop turns: twice as often as must be.
    interval: Option<Duration>,
    next_sign: Option<Instant>,
    said: String,
}

impl Service {
    /// What the environment says: `NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`.
    pub(super) fn from_environment() -> Self {
        let manager = std::env::var_os("NOTIFY_SOCKET").and_then(|name| {
            let found = address(&name);
            if found.is_none() {
                tracing::warn!(
                    "NOTIFY_SOCKET is neither a path nor an abstract socket: the service manager is not notified"
                );
            }
            found
        });
        let interval = sd_notify::watchdog_enabled().filter(|_| manager.is_some()).map(|watchdog| watchdog / 2);
        Self { manager, interval, next_sign: None, said: String::new() }
    }

    /// Whether anybody hears it.
    pub(super) fn listens(&self) -> bool {
        self.manager.is_some()
    }

    /// Everything that can run does, after a start or a reload.
    pub(super) fn ready(&mut self, headline: String) {
        self.next_sign = self.interval.map(|interval| Instant::now() + interval);
        self.notify(&[NotifyState::Ready, NotifyState::Status(&headline)]);
        self.said = headline;
    }

    /// The files are being looked at because somebody asked for it.
    pub(super) fn reloading(&self) {
        // Version 253 takes the two together only, and wants to know that they are no older than its signal.
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.notify(&[NotifyState::Reloading, now]),
            Err(error) => tracing::warn!("failed to read the monotonic clock: {error}"),
        }
    }

    /// The end begins.
    pub(super) fn stopping(&self) {
        self.notify(&[NotifyState::Stopping]);
    }

    /// When to say again that the loop turns.
    pub(super) fn next_sign(&self) -> Option<Instant> {
        self.next_sign
    }

    /// The loop has turned once: says so when it is due, and what runs when that has changed.
    pub(super) fn turned(&mut self, now: Instant, headline: String) {
        if self.next_sign.is_some_and(|at| now >= at) {
            self.next_sign = self.interval.map(|interval| now + interval);
            self.notify(&[NotifyState::Watchdog]);
        }
        if headline != self.said {
            self.notify(&[NotifyState::Status(&headline)]);
            self.said = headline;
        }
    }

    fn notify(&self, states: &[NotifyState<'_>]) {
        let Some(manager) = &self.manager else { return };
        let lines: String = states.iter().map(|state| format!("{state}\n")).collect();
        if let Err(error) = send(&lines, manager) {
            // Once the manager is gone there is nobody to obey.
            tracing::debug!("failed to tell the service manager: {error}");
        }
    }
}

/// The socket of `/run/systemd/notify` or, in the abstract namespace of unix(7), of `@name`. `None` for other forms: `vsock:…` is for
/// virtual machines.
fn address(name: &OsStr) -> Option<SocketAddr> {
    match name.as_bytes() {
        [b'/', ..] => SocketAddr::from_pathname(name).ok(),
        [b'@', rest @ ..] if !rest.is_empty() => SocketAddr::from_abstract_name(rest).ok(),
        _ => None,
    }
}

/// One datagram. The crate knows paths only (0.5).
fn send(lines: &str, manager: &SocketAddr) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.send_to_addr(lines.as_bytes(), manager).map(drop)
}

/// What runs, in one line: `12 probes running, 1 waiting; 1 file has a mistake`.
pub(super) fn headline(states: impl Iterator<Item = ProbeState>, bad_files: usize) -> String {
    let mut counts = [0_usize; ProbeState::ALL.len()];
    for state in states {
        for (count, known) in counts.iter_mut().zip(ProbeState::ALL) {
            *count += usize::from(known == state);
        }
    }
    let [running, others @ ..] = counts;
    let probes = if running == 1 { "probe" } else { "probes" };
    let mut text = format!("{running} {probes} running");
    let [_, names @ ..] = ProbeState::ALL;
    for (count, state) in others.into_iter().zip(names).filter(|(count, _)| *count > 0) {
        text += &format!(", {count} {}", state.name());
    }
    match bad_files {
        0 => text,
        1 => text + "; 1 file has a mistake",
        _ => format!("{text}; {bad_files} files have a mistake"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Managers are reached by paths and in the abstract namespace, and by nothing else.
    #[test]
    fn addresses() {
        let found = |name: &str| address(OsStr::new(name));
        assert_eq!(found("/run/notify").unwrap().as_pathname(), Some("/run/notify".as_ref()));
        assert_eq!(found("@/org/x\n").unwrap().as_abstract_name(), Some(&b"/org/x\n"[..]));
        for odd in ["", "@", "vsock:2:1234", "notify"] {
            assert!(found(odd).is_none(), "{odd}");
        }
    }

    /// Each state that occurs is named, in the order of the table.
    #[test]
    fn headlines() {
        use ProbeState::{Failed, Running, Waiting};
        assert_eq!(headline([].into_iter(), 0), "0 probes running");
        assert_eq!(headline([Running].into_iter(), 1), "1 probe running; 1 file has a mistake");
        let states = [Failed, Running, Waiting, Running, Failed];
        assert_eq!(headline(states.into_iter(), 2), "2 probes running, 1 waiting, 2 failed; 2 files have a mistake");
    }
}

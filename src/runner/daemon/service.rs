// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the service manager hears (`sd_notify(3)`). Without one nothing is said.
//!
//! ```text
//! start   … first look … ── READY=1 STATUS=…
//! SIGHUP  ── RELOADING=1 MONOTONIC_USEC=… … look … ── READY=1 STATUS=…
//! each half of WATCHDOG_USEC, from the loop ── WATCHDOG=1
//! stop    ── STOPPING=1
//! ```

use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use crate::status::ProbeState;

/// The connection to the service manager.
pub(super) struct Service {
    listens: bool,
    /// How often to say that the loop turns: twice as often as must be.
    interval: Option<Duration>,
    next_sign: Option<Instant>,
    said: String,
}

impl Service {
    /// What the environment says: `NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`.
    pub(super) fn from_environment() -> Self {
        let listens = std::env::var_os("NOTIFY_SOCKET").is_some();
        let interval = sd_notify::watchdog_enabled().filter(|_| listens).map(|watchdog| watchdog / 2);
        Self { listens, interval, next_sign: None, said: String::new() }
    }

    /// Whether anybody hears it.
    pub(super) fn listens(&self) -> bool {
        self.listens
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
        if let Err(error) = sd_notify::notify(states) {
            // Once the manager is gone there is nobody to obey.
            tracing::debug!("failed to tell the service manager: {error}");
        }
    }
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

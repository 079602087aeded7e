// SPDX-License-Identifier: MIT OR Apache-2.0
//! The main thread while a run goes on: signals, the end of the time, counters at their intervals, losses on the stream.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::start::Live;
use crate::runner::source::budget::End;

/// How often losses are reported on the stream, at most.
const LOSS_INTERVAL: Duration = Duration::from_secs(1);
/// How often to see whether anybody still reads the output.
const CLOSED_INTERVAL: Duration = Duration::from_millis(250);

/// From here on SIGINT and SIGTERM end the process at once: for whoever does not want to wait for a good end.
pub(super) fn let_signals_end_it() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the default action needs no handler, and tokio's handler, which it replaces, is not needed any more.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// Signals are caught from its creation on.
pub(super) struct Control {
    runtime: Runtime,
    signals: [Signal; 2],
    /// The terminal has gone; `None` where it does not matter (nohup).
    hangup: Option<Signal>,
    end: Arc<End>,
}

impl Control {
    pub(super) fn new() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (signals, hangup) = {
            let _inside = runtime.enter();
            let hangup = if is_ignored(libc::SIGHUP) { None } else { Some(signal(SignalKind::hangup())?) };
            ([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?], hangup)
        };
        Ok(Self { runtime, signals, hangup, end: Arc::default() })
    }

    pub(super) fn end(&self) -> Arc<End> {
        Arc::clone(&self.end)
    }

    /// Returns when the run is to end; after `duration` at the latest.
    pub(super) fn run(&mut self, live: &mut Live, duration: Option<Duration>) {
        let Self { runtime, signals: [interrupt, terminate], hangup, end } = self;
        let finish = duration.and_then(|duration| Instant::now().checked_add(duration));
        let mut losses = Instant::now() + LOSS_INTERVAL;
        runtime.block_on(async {
            loop {
                let next =
                    live.next_sample().into_iter().chain(finish).fold(Instant::now() + CLOSED_INTERVAL, Instant::min);
                tokio::select! {
                    biased;
                    _ = interrupt.recv() => return,
                    _ = terminate.recv() => return,
                    Some(()) = async { hangup.as_mut()?.recv().await } => return,
                    () = end.requested() => return,
                    () = tokio::time::sleep_until(next.into()) => {}
                }
                let now = Instant::now();
                if finish.is_some_and(|finish| now >= finish) {
                    return;
                }
                live.sample(now);
                if now >= losses {
                    live.report_losses();
                    losses = now + LOSS_INTERVAL;
                }
                if live.budget.is_spent() || live.nobody_reads() {
                    return;
                }
            }
        });
    }
}

/// True where whoever started us wants this signal ignored.
fn is_ignored(signal: libc::c_int) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: with a null action nothing changes; the old one is written to valid memory.
    unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: plain data, zeroed and then filled.
    unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! The loop of a daemon: waits for a reason, then looks, tries again, answers.

use std::io;
use std::time::{Duration, Instant};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc};

use super::state::Daemon;
use crate::control::Asked;
use crate::kernel::InterfaceWatch;

/// How often to look without a reason: for file systems that report no changes, such as NFS.
pub(super) const RESCAN: Duration = Duration::from_secs(30);
/// How often losses are said, at most.
const LOSS_INTERVAL: Duration = Duration::from_secs(1);
/// How long until a file that is being written is looked at again.
const UNSETTLED: Duration = Duration::from_millis(100);
/// How long interfaces may settle: one that appears is announced several times.
const INTERFACES: Duration = Duration::from_millis(50);

/// The signals that a daemon obeys.
pub(super) struct Signals {
    pub(super) interrupt: Signal,
    pub(super) terminate: Signal,
    pub(super) hangup: Signal,
}

impl Signals {
    /// They are caught from now on.
    pub(super) fn new(runtime: &Runtime) -> io::Result<Self> {
        let _inside = runtime.enter();
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

/// What the loop does when the time comes.
struct Due {
    /// A look without a reason.
    rescan: Instant,
    /// What was lost is said.
    losses: Option<Instant>,
}

impl Daemon<'_> {
    /// Until a signal ends it.
    pub(super) async fn run(
        &mut self,
        mut signals: Signals,
        interfaces: InterfaceWatch,
        changed: &Notify,
        asked: &mut mpsc::Receiver<Asked>,
    ) -> io::Result<()> {
        // SAFETY: the socket belongs to the `InterfaceWatch`, which keeps it open and is dropped with this one.
        let interfaces = unsafe { AsyncFd::register_with_interest(interfaces, Interest::READABLE) };
        let mut interfaces = interfaces?;
        let binaries = self.binaries.changed();
        let former = self.units.looking.done();
        let mut due = Due { rescan: Instant::now() + RESCAN, losses: None };
        loop {
            interfaces.get_mut().follow_routes(self.followed.follows_routes());
            let wake = self.wake_at(&due);
            tokio::select! {
                biased;
                _ = signals.interrupt.recv() => return Ok(()),
                _ = signals.terminate.recv() => return Ok(()),
                _ = signals.hangup.recv() => {
                    self.service.reloading();
                    self.units.hurry(false);
                    self.look();
                    self.tell_ready();
                }
                () = changed.notified() => self.look(),
                () = binaries.notified() => {
                    // A cgroup may be gone, and what was attached to it with it.
                    self.units.lose_gone(&mut self.tell);
                    self.units.hurry(true);
                    self.act();
                }
                () = former.notified() => self.units.looking.leave_unused(&mut self.units.entries),
                Some(asked) = asked.recv() => self.answer(asked).await,
                ready = interfaces.readable_mut() => {
                    let mut ready = ready?;
                    let news = ready.get_inner_mut().drain();
                    ready.clear_ready();
                    if news {
                        tokio::time::sleep(INTERFACES).await;
                        self.units.lose_gone(&mut self.tell);
                        self.units.hurry(true);
                        self.act();
                    }
                }
                () = self.units.engine.readers.activity(), if due.losses.is_none() => {
                    due.losses = Some(Instant::now() + LOSS_INTERVAL);
                }
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            self.after_turn(&mut due);
        }
    }

    /// What is due, whatever the reason was.
    fn after_turn(&mut self, due: &mut Due) {
        let now = Instant::now();
        if due.losses.take_if(|losses| now >= *losses).is_some() {
            self.units.report_losses();
            self.units.engine.sets.say_what_is_lacking();
        }
        if now >= due.rescan || self.unsettled || self.roots.has_answer() {
            if now >= due.rescan {
                // What nobody is told about: a cgroup of a hierarchy that is mounted nowhere.
                self.units.lose_gone(&mut self.tell);
            }
            due.rescan = now + RESCAN;
            self.look();
        } else if self.next_retry.is_some_and(|at| self.units.now() >= at) {
            self.act();
        }
        if self.service.listens() {
            let headline = self.headline();
            self.service.turned(Instant::now(), headline);
        }
    }

    /// When there is something to do without anybody saying so.
    fn wake_at(&mut self, due: &Due) -> Instant {
        let retry = self.next_retry.map(|at| Instant::now() + at.saturating_sub(self.units.now()));
        let unsettled = self.unsettled.then(|| Instant::now() + UNSETTLED);
        let sweep = self.units.engine.sweep().then(|| Instant::now() + LOSS_INTERVAL);
        let next = [retry, unsettled, self.roots.ask_at(), sweep, due.losses, self.service.next_sign()];
        next.into_iter().flatten().fold(due.rescan, Instant::min)
    }
}

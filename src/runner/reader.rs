// SPDX-License-Identifier: MIT OR Apache-2.0
//! The reader: one thread that takes records out of the rings, has them encoded, and hands batches to the sinks.
//!
//! While a probe's sinks have no room its ring fills up, where the kernel counts what it drops; other probes go on. After
//! a round that found something it rests for a moment, so that a busy probe costs a thousand wake-ups a second and not
//! one for each event; after an empty round it sleeps until the kernel has something.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::clock::Clock;
use super::control::{Budget, End};
use super::intake::Intake;
use crate::kernel::{Waker, wait};

/// How long records gather after a round that found some.
const REST: Duration = Duration::from_millis(1);
/// How long to wait for a sink that has no room before looking again.
const BLOCKED: Duration = Duration::from_millis(1);
/// How long the end waits for sinks without room.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a ring has to be quiet before its memory is given back.
const QUIET: Duration = Duration::from_secs(10);

/// Something to be done between two rounds.
type Job = Box<dyn FnOnce(&mut Vec<Intake>) + Send>;

/// What the thread shares with its owner.
struct Shared {
    waker: Waker,
    stop: AtomicBool,
    jobs: Mutex<Vec<Job>>,
    /// The owner wants to hear of the next round that found something.
    asked: AtomicBool,
    activity: Notify,
}

/// The running thread.
pub(super) struct Reader {
    shared: Arc<Shared>,
    thread: JoinHandle<Vec<Intake>>,
}

impl Reader {
    /// Reads these rings; `end` is told when the budget is spent.
    pub(super) fn spawn(intakes: Vec<Intake>, budget: Arc<Budget>, end: Arc<End>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            waker: Waker::new()?,
            stop: AtomicBool::new(false),
            jobs: Mutex::default(),
            asked: AtomicBool::new(false),
            activity: Notify::new(),
        });
        let body = {
            let shared = Arc::clone(&shared);
            move || read(intakes, &shared, &budget, &end)
        };
        let thread = thread::Builder::new().name("reader".to_owned()).spawn(body)?;
        Ok(Self { shared, thread })
    }

    /// Has the thread do something to its rings between two rounds, and waits for it: some milliseconds at most. `None` if the
    /// thread has died.
    pub(super) fn with<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Vec<Intake>) -> T + Send + 'static,
    ) -> Option<T> {
        let (done, result) = mpsc::sync_channel(1);
        // Nobody can have gone away: the receiver waits below.
        let job: Job = Box::new(move |intakes| drop(done.send(job(intakes))));
        self.shared.jobs.lock().unwrap_or_else(PoisonError::into_inner).push(job);
        self.shared.waker.wake();
        result.recv().ok()
    }

    /// Returns after the next round that found a record or a sink without room.
    pub(super) async fn activity(&self) {
        self.shared.asked.store(true, Ordering::Release);
        self.shared.activity.notified().await;
    }

    /// To be called when every program is detached: reads what is left and ends.
    pub(super) fn finish(self) -> Vec<Intake> {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.waker.wake();
        self.thread.join().unwrap_or_default()
    }
}

fn read(mut intakes: Vec<Intake>, shared: &Shared, budget: &Budget, end: &End) -> Vec<Intake> {
    let mut clock = Clock::new();
    let mut quiet_since: Option<Instant> = None;
    while !shared.stop.load(Ordering::Acquire) {
        for job in std::mem::take(&mut *shared.jobs.lock().unwrap_or_else(PoisonError::into_inner)) {
            job(&mut intakes);
        }
        clock.refresh();
        let count: usize = intakes.iter_mut().map(|intake| intake.drain(&clock, budget)).sum();
        let mut flushed = true;
        for intake in &mut intakes {
            flushed &= intake.flush();
        }
        intakes.retain_mut(|intake| !intake.is_done());
        if budget.is_spent() {
            end.request();
        }
        if (count > 0 || !flushed) && shared.asked.swap(false, Ordering::AcqRel) {
            shared.activity.notify_one();
        }
        if !flushed {
            wait([].into_iter(), &shared.waker, Some(BLOCKED));
        } else if count == 0 {
            let patience = rest(&mut intakes, &mut quiet_since);
            wait(intakes.iter().map(|intake| &intake.ring), &shared.waker, patience);
        } else {
            quiet_since = None;
            if intakes.iter().all(|intake| intake.ring.pending_bytes() < intake.ring.size_bytes() / 4) {
                wait([].into_iter(), &shared.waker, Some(REST));
            }
        }
    }
    let deadline = Instant::now() + PATIENCE;
    for intake in &mut intakes {
        intake.finish(&clock, budget, deadline);
    }
    intakes
}

/// Nothing to read: how long to wait until the memory of the rings is to be given back; `None` once that is done.
fn rest(intakes: &mut [Intake], quiet_since: &mut Option<Instant>) -> Option<Duration> {
    if !intakes.iter().any(|intake| intake.ring.is_mapped()) {
        return None;
    }
    let since = *quiet_since.get_or_insert_with(Instant::now);
    let left = QUIET.checked_sub(since.elapsed()).filter(|left| !left.is_zero());
    if left.is_none() {
        intakes.iter_mut().for_each(|intake| intake.ring.relax());
        *quiet_since = None;
    }
    left
}

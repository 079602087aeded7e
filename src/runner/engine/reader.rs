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

use crate::kernel::{Waker, wait};
use crate::runner::source::budget::{Budget, End};
use crate::runner::source::clock::Clock;
use crate::runner::source::ring::Intake;

/// How long records gather after a round that found some.
const REST: Duration = Duration::from_millis(1);
/// How long to wait for a sink that has no room before looking again.
const BLOCKED: Duration = Duration::from_millis(1);
/// How long the end waits for sinks without room.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a ring has to be quiet before its memory is given back.
const QUIET: Duration = Duration::from_secs(10);

/// How long until a copy whose reader is slow is offered again.
const COPIES: Duration = Duration::from_millis(50);

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
pub(in crate::runner) struct Reader {
    shared: Arc<Shared>,
    thread: JoinHandle<Vec<Intake>>,
}

impl Reader {
    /// Reads these rings; `end` is told when the budget is spent.
    pub(in crate::runner) fn spawn(intakes: Vec<Intake>, budget: Arc<Budget>, end: Arc<End>) -> io::Result<Self> {
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
    pub(in crate::runner) fn with<T: Send + 'static>(
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
    pub(in crate::runner) async fn activity(&self) {
        self.shared.asked.store(true, Ordering::Release);
        self.shared.activity.notified().await;
    }

    /// To be called when every program is detached: reads what is left and ends.
    pub(in crate::runner) fn finish(self) -> Vec<Intake> {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.waker.wake();
        self.thread.join().unwrap_or_default()
    }
}

fn read(mut intakes: Vec<Intake>, shared: &Shared, budget: &Budget, end: &End) -> Vec<Intake> {
    let mut clock = Clock::new();
    let mut idle = Idle::new();
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
        idle.sweep(&mut intakes);
        if budget.is_spent() {
            end.request();
        }
        if (count > 0 || !flushed) && shared.asked.swap(false, Ordering::AcqRel) {
            shared.activity.notify_one();
        }
        if !flushed {
            wait([].into_iter(), &shared.waker, Some(BLOCKED));
        } else if count == 0 {
            let patience = idle.patience(&intakes);
            wait(intakes.iter().map(|intake| &intake.ring), &shared.waker, patience);
        } else {
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

/// Gives back the memory of rings that nothing came from for a while.
struct Idle {
    look_at: Instant,
}

impl Idle {
    fn new() -> Self {
        Self { look_at: Instant::now() + QUIET }
    }

    fn sweep(&mut self, intakes: &mut [Intake]) {
        let now = Instant::now();
        if now >= self.look_at {
            intakes.iter_mut().for_each(Intake::relax);
            self.look_at = now + QUIET;
        }
    }

    /// Nothing to read: how long to wait at most. `None` once there is nothing to give back.
    fn patience(&self, intakes: &[Intake]) -> Option<Duration> {
        if intakes.iter().any(Intake::has_unsent_copies) {
            return Some(COPIES);
        }
        let mapped = intakes.iter().any(|intake| intake.ring.is_mapped());
        mapped.then(|| self.look_at.saturating_duration_since(Instant::now()))
    }
}

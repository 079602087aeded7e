// SPDX-License-Identifier: MIT OR Apache-2.0
//! A reader: one thread that polls sources, has what they give encoded, and hands batches to the sinks.
//!
//! While a probe's sinks have no room its ring fills up, where the kernel counts what it drops; other probes go on. After
//! a round that found something it rests for a moment, so that a busy probe costs a thousand wake-ups a second and not
//! one for each event; after an empty round it sleeps until the kernel has something, or a source is due.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::kernel::{Ring, Waker, wait};
use crate::runner::source::{Budget, End, Round, Source};

/// How long records gather after a round that found some.
const REST: Duration = Duration::from_millis(1);
/// How long to wait for a sink that has no room before looking again.
const BLOCKED: Duration = Duration::from_millis(1);
/// How long a ring has to be quiet before its memory is given back.
const QUIET: Duration = Duration::from_secs(10);
/// How long until a copy whose reader is slow is offered again.
const COPIES: Duration = Duration::from_millis(50);

/// The sources of a thread.
pub(in crate::runner) type Sources = Vec<Box<dyn Source>>;

/// Something to be done between two rounds.
type Job = Box<dyn FnOnce(&mut Sources) + Send>;

/// What the thread shares with its owner.
struct Shared {
    waker: Waker,
    /// Until when sinks without room are waited for; set when it is to end.
    stop: OnceLock<Instant>,
    jobs: Mutex<Vec<Job>>,
    /// The owner wants to hear of the next round that found something.
    asked: AtomicBool,
    activity: Notify,
}

/// The running thread.
pub(in crate::runner) struct Reader {
    shared: Arc<Shared>,
    thread: JoinHandle<Sources>,
}

impl Reader {
    /// A thread of this name without sources; `end` is told when the budget is spent, and when nothing will come any more.
    pub(in crate::runner) fn spawn(name: &str, budget: Arc<Budget>, end: Arc<End>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            waker: Waker::new()?,
            stop: OnceLock::new(),
            jobs: Mutex::default(),
            asked: AtomicBool::new(false),
            activity: Notify::new(),
        });
        let body = {
            let shared = Arc::clone(&shared);
            move || read(&shared, Round::new(budget), &end)
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(body)?;
        Ok(Self { shared, thread })
    }

    /// Polls these from the next round on.
    pub(in crate::runner) fn add(&self, mut new: Sources) {
        self.ask(Box::new(move |sources| sources.append(&mut new)));
    }

    /// Has the thread do something to its sources between two rounds, and waits for it: some milliseconds at most. `None` if the
    /// thread has died.
    pub(in crate::runner) fn with<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Sources) -> T + Send + 'static,
    ) -> Option<T> {
        let (done, result) = mpsc::sync_channel(1);
        // This cannot fail: the receiver waits below.
        self.ask(Box::new(move |sources| drop(done.send(job(sources)))));
        result.recv().ok()
    }

    fn ask(&self, job: Job) {
        self.shared.jobs.lock().unwrap_or_else(PoisonError::into_inner).push(job);
        self.shared.waker.wake();
    }

    /// Returns after the next round that found a record or a sink without room.
    pub(in crate::runner) async fn activity(&self) {
        self.shared.asked.store(true, Ordering::Release);
        self.shared.activity.notified().await;
    }

    /// To be called when every program is silent: has the thread take what is left until `deadline`, and end.
    pub(in crate::runner) fn stop(&self, deadline: Instant) {
        // A second call does not move the deadline.
        let _ = self.shared.stop.set(deadline);
        self.shared.waker.wake();
    }

    /// Waits for a stopped thread. Returns its sources, all read to the end.
    pub(in crate::runner) fn join(self) -> Sources {
        self.thread.join().unwrap_or_default()
    }
}

fn read(shared: &Shared, mut round: Round, end: &End) -> Sources {
    let mut sources = Sources::new();
    let mut idle = Idle::new();
    let mut was_over = false;
    let deadline = loop {
        if let Some(deadline) = shared.stop.get() {
            break *deadline;
        }
        for job in std::mem::take(&mut *shared.jobs.lock().unwrap_or_else(PoisonError::into_inner)) {
            job(&mut sources);
        }
        round.next();
        let count: usize = sources.iter_mut().map(|source| source.poll(&round)).sum();
        let flushed = flush(&mut sources);
        sources.retain_mut(|source| !source.is_done());
        idle.sweep(&mut sources);
        let are_over = !sources.is_empty() && sources.iter().all(|source| source.is_over());
        if round.budget.is_spent() || are_over && !was_over {
            end.request();
        }
        was_over = are_over;
        if (count > 0 || !flushed) && shared.asked.swap(false, Ordering::AcqRel) {
            shared.activity.notify_one();
        }
        if !flushed {
            wait([].into_iter(), &shared.waker, Some(BLOCKED));
        } else if count == 0 {
            let patience = idle.patience(&mut sources);
            wait(rings(&sources), &shared.waker, patience);
        } else if rings(&sources).all(|ring| ring.pending_bytes() < ring.size_bytes() / 4) {
            wait([].into_iter(), &shared.waker, Some(REST));
        }
    };
    // A source may have come with the last words of its owner.
    for job in std::mem::take(&mut *shared.jobs.lock().unwrap_or_else(PoisonError::into_inner)) {
        job(&mut sources);
    }
    sources.iter_mut().for_each(|source| source.finish(&round, deadline));
    sources
}

fn rings(sources: &Sources) -> impl Iterator<Item = &Ring> {
    sources.iter().filter_map(|source| source.ring())
}

/// Hands over what is ready. False if that is to be tried again soon: samples have time until the next one.
fn flush(sources: &mut Sources) -> bool {
    let mut all = true;
    for source in sources {
        all &= source.outputs().flush() || source.ring().is_none();
    }
    all
}

/// What is to be done when nothing comes.
struct Idle {
    look_at: Instant,
}

impl Idle {
    fn new() -> Self {
        Self { look_at: Instant::now() + QUIET }
    }

    /// Frees the memory of sources that were quiet for a while.
    fn sweep(&mut self, sources: &mut Sources) {
        let now = Instant::now();
        if now >= self.look_at {
            sources.iter_mut().for_each(|source| source.relax());
            self.look_at = now + QUIET;
        }
    }

    /// How long to wait at most. `None` while no source is due and there is no memory to give back.
    fn patience(&self, sources: &mut Sources) -> Option<Duration> {
        if sources.iter_mut().any(|source| source.outputs().has_unsent_copies()) {
            return Some(COPIES);
        }
        let mapped = rings(sources).any(Ring::is_mapped).then_some(self.look_at);
        let next = sources.iter().filter_map(|source| source.due()).chain(mapped).min();
        next.map(|next| next.saturating_duration_since(Instant::now()))
    }
}

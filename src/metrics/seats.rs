// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many are served at the same time, and who goes when one more comes: the oldest of those that have not asked anything
//! yet, so that nobody keeps a scrape waiting by holding connections open.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinHandle};

/// Connections that are served at the same time.
const MAX_CONNECTIONS: usize = 64;

/// What is known of the connections.
#[derive(Default)]
pub(super) struct Seats {
    /// The oldest first.
    taken: Vec<Taken>,
    /// They have been told to go.
    leaving: Vec<AbortHandle>,
}

struct Taken {
    /// Closed once the connection has asked.
    leave: oneshot::Sender<()>,
    answered: Arc<AtomicBool>,
    task: AbortHandle,
}

/// A connection's own end.
pub(super) struct Seat {
    leave: Option<oneshot::Receiver<()>>,
    answered: Arc<AtomicBool>,
}

impl Seats {
    /// Makes room where there is none, and starts a connection.
    pub(super) fn take(&mut self, start: impl FnOnce(Seat) -> JoinHandle<()>) {
        self.taken.retain(|taken| !taken.task.is_finished());
        if self.taken.len() >= MAX_CONNECTIONS {
            self.make_room();
        }
        let (leave, left) = oneshot::channel();
        let answered = Arc::new(AtomicBool::new(false));
        let task = start(Seat { leave: Some(left), answered: Arc::clone(&answered) }).abort_handle();
        self.taken.push(Taken { leave, answered, task });
    }

    /// True while as many are leaving as may sit: they come faster than they go, and each has a descriptor until it has gone.
    pub(super) fn is_crowded(&mut self) -> bool {
        self.leaving.retain(|task| !task.is_finished());
        self.leaving.len() >= MAX_CONNECTIONS
    }

    fn make_room(&mut self) {
        let idle = self.taken.iter().position(|taken| !taken.leave.is_closed());
        let at = idle.or_else(|| self.taken.iter().position(|taken| taken.answered.load(Ordering::Relaxed)));
        let gone = self.taken.remove(at.unwrap_or(0));
        if gone.leave.send(()).is_err() {
            gone.task.abort();
        }
        self.leaving.push(gone.task);
    }
}

impl Seat {
    /// When somebody else wants to sit here.
    pub(super) async fn wanted(&mut self) {
        if let Some(leave) = &mut self.leave {
            drop(leave.await);
        }
    }

    /// It has asked: it is not the first any more that has to go.
    pub(super) fn is_busy(&mut self) {
        self.leave = None;
    }

    /// Nothing is left but to say goodbye.
    pub(super) fn is_answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However fast connections come, no more are open than may sit and may be leaving.
    #[test]
    fn a_crowd_waits() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (mut seats, open) = (Seats::default(), Arc::new(()));
            for _ in 0..10_000 {
                while seats.is_crowded() {
                    tokio::task::yield_now().await;
                }
                let mine = Arc::clone(&open);
                seats.take(|mut seat| {
                    tokio::spawn(async move {
                        seat.wanted().await;
                        drop(mine);
                    })
                });
                assert!(Arc::strong_count(&open) <= 1 + 2 * MAX_CONNECTIONS);
            }
        });
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether the file system behind a path answers: stat(2) of a dead NFS server's file waits for ever, and the daemon's loop
//! must not.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long it may take: a server that is slower than that is as good as dead.
const PATIENCE: Duration = Duration::from_secs(2);
/// The same while another path has no answer: most likely it is on the same file system.
const LESS_PATIENCE: Duration = Duration::from_millis(100);
/// For so long an answer counts: many hooks are in one file, and looked at one after the other.
const RECENT: Duration = Duration::from_millis(10);
/// Answers that are kept.
const MOST_RECENT: usize = 64;

#[derive(Default)]
struct Known {
    answered: Vec<(PathBuf, Instant)>,
    /// Threads that do not come back.
    stuck: Vec<(PathBuf, JoinHandle<()>)>,
}

static KNOWN: Mutex<Known> = Mutex::new(Known { answered: Vec::new(), stuck: Vec::new() });

/// False where it does not, for longer than anybody wants to wait; what it says does not matter. Asked on a thread of its own, which is left behind then;
/// until that one comes back, the same path is not tried again.
pub(in crate::kernel) fn answers(path: &Path) -> bool {
    let now = Instant::now();
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.stuck.retain(|(_, thread)| !thread.is_finished());
    known.answered.retain(|(_, when)| now.saturating_duration_since(*when) < RECENT);
    if known.stuck.iter().any(|(stuck, _)| stuck == path) {
        return false;
    }
    if known.answered.iter().any(|(answered, _)| answered == path) {
        return true;
    }
    let (sender, result) = channel();
    let own = path.to_owned();
    let work = move || {
        // Nobody may wait for it any more.
        let _ = sender.send(fs::metadata(own).is_ok());
    };
    let Ok(thread) = thread::Builder::new().name("stat".to_owned()).spawn(work) else { return true };
    let patience = if known.stuck.is_empty() { PATIENCE } else { LESS_PATIENCE };
    if matches!(result.recv_timeout(patience), Err(RecvTimeoutError::Timeout)) {
        known.stuck.push((path.to_owned(), thread));
        return false;
    }
    if known.answered.len() < MOST_RECENT {
        known.answered.push((path.to_owned(), now));
    }
    true
}

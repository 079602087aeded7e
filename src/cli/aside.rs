// SPDX-License-Identifier: MIT OR Apache-2.0
//! Standard error of a daemon. Anyone who reads it may have stopped (a pager, a terminal after Ctrl-S, a full pipe): the daemon
//! goes on, leaves out what finds no room, and says how much that was.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::sink::{Batch, Sink};
use crate::spec::{Destination, Rights, SinkSpec};

/// How long the first line waits that finds no room: a burst is no reader who has stopped.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long the end waits for a reader.
const LAST_WORDS: Duration = Duration::from_millis(200);

static ASIDE: OnceLock<Aside> = OnceLock::new();

struct Aside {
    sink: Sink,
    left_out: AtomicU64,
}

/// From here on nobody waits for the reader of standard error, until [`finish`].
pub(super) fn start() {
    let name = "standard error".to_owned();
    let spec = SinkSpec { name, destination: Destination::Stderr, format: None, rights: Rights::default() };
    // Without a thread to be had it stays as it was.
    if let Ok(sink) = Sink::open(&spec) {
        drop(ASIDE.set(Aside { sink, left_out: AtomicU64::new(0) }));
    }
}

/// What is said while something else is drawn on the terminal; `None`: it is written at once.
static HELD: Mutex<Option<Held>> = Mutex::new(None);

/// Bytes that are kept at most: the first ones.
const MOST_HELD: usize = 64 << 10;

#[derive(Default)]
struct Held {
    bytes: Vec<u8>,
    /// How many of them [`held`] has given.
    given: usize,
}

/// From here on nothing is written, until [`release`].
pub(super) fn hold() {
    *HELD.lock().unwrap_or_else(PoisonError::into_inner) = Some(Held::default());
}

/// The lines that were said since the last time.
pub(super) fn held() -> Vec<String> {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(Held { bytes, given }) = held.as_mut() else { return Vec::new() };
    let text = String::from_utf8_lossy(bytes.get(*given..).unwrap_or_default()).into_owned();
    *given = bytes.len();
    text.lines().map(str::to_owned).collect()
}

/// Writes what was held.
pub(super) fn release() {
    let held = HELD.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(Held { bytes, .. }) = held {
        drop(write(&bytes));
    }
}

/// Writes what waits, for a moment. Nothing may be said after that.
pub(super) fn finish() {
    if let Some(aside) = ASIDE.get() {
        aside.sink.flush_and_close(LAST_WORDS);
    }
}

/// Standard error: directly, or since [`start`] without waiting. Each call writes whole lines.
pub(super) fn write(lines: &[u8]) -> io::Result<()> {
    if let Some(held) = HELD.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        let room = MOST_HELD.saturating_sub(held.bytes.len());
        held.bytes.extend_from_slice(lines.get(..room).unwrap_or(lines));
        return Ok(());
    }
    match ASIDE.get() {
        Some(aside) => {
            aside.send(lines);
            Ok(())
        }
        None => io::stderr().write_all(lines),
    }
}

impl Aside {
    fn send(&self, lines: &[u8]) {
        let left_out = self.left_out.load(Ordering::Relaxed);
        let patience = if left_out == 0 { PATIENCE } else { Duration::ZERO };
        let has_room = self.sink.has_room() || self.sink.wait_for_room(patience);
        let mut bytes = Vec::new();
        if left_out > 0 {
            bytes = format!("warning: {left_out} messages were dropped: standard error was not read\n").into_bytes();
        }
        bytes.extend_from_slice(lines);
        let batch = Batch::of_no_events(bytes);
        if has_room && self.sink.send(batch).is_ok() {
            self.left_out.fetch_sub(left_out, Ordering::Relaxed);
        } else {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}

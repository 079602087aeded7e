// SPDX-License-Identifier: MIT OR Apache-2.0
//! Destinations: each sink has one thread that writes whole batches of lines to one file descriptor.
//!
//! ```text
//! Sink::open ──> take_lines ───> (lines) ──> send ──> queue ──> write(2) ──> flush_and_close
//!                     ^                                 │           │
//!                     └──────── emptied lines ──────────┘           ├─ all written     delivered
//!                                                                   ├─ disk full …     whole lines lost, goes on trying
//!                                                                   └─ reader gone     closed: all lost from here on
//! ```
//!
//! What never happens here: `send` never blocks, so a slow sink never slows another; no line is torn in the middle of
//! a file, and what could not be written whole is taken back; a file that is moved away, as logs are rotated, is followed by
//! a new one; nothing is written through links, or into files, that others control; no event disappears: each is counted in
//! its [`Delivery`], as delivered after the bytes were taken, or as lost.

mod batch;
mod delivery;
mod error;
mod judge;
mod make;
mod meters;
mod opener;
mod output;
mod owner;
mod queue;
mod regular;
mod tail;
#[cfg(test)]
mod tests;
mod unwritable;
mod writer;

pub use batch::{Batch, Lines};
pub use delivery::Delivery;
pub use error::SinkOpenError;
pub use meters::{MeterHandle, Meters};
pub use opener::Opener;
pub use queue::{MAX_QUEUED_BATCHES, MAX_QUEUED_BYTES};

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use self::output::{Output, OutputKind, Stream};
use self::unwritable::Unwritable;
use crate::spec::{Destination, Format, Rights, SinkSpec};
use crate::words::shown;

/// How many bytes to put into a batch before sending it, where there is no reason to send it earlier. Lines of
/// [`Sink::take_lines`] have room for a line more.
pub const BATCH_BYTES: usize = 60 << 10;

/// How much longer than the deadline a system call may take before its bytes are given up.
const GRACE: Duration = Duration::from_millis(500);

/// One open destination and its thread. Shared between threads behind an `Arc`.
pub struct Sink {
    name: String,
    format: Format,
    is_terminal: bool,
    meters: Option<Meters>,
    queue: Arc<queue::Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Sink {
    /// Opens the destination now, creating a file where there is none, and starts the thread. Never waits for the
    /// reader of a FIFO.
    pub fn open(spec: &SinkSpec) -> Result<Self, SinkOpenError> {
        let failed = |why: &Unwritable| SinkOpenError::new(&spec.destination, why);
        let output = (OutputKind::of(&spec.destination).open)(spec).map_err(|why| failed(&why))?;
        Self::start(spec, output).map_err(|error| failed(&error.into()))
    }

    /// A connection that is ours, as JSON lines. When its reader has gone it is closed.
    pub fn connection(name: &str, stream: OwnedFd) -> io::Result<Self> {
        let (destination, format) = (Destination::Stdout, Some(Format::Jsonl));
        let spec = SinkSpec { name: name.to_owned(), destination, format, rights: Rights::default() };
        Self::start(&spec, Stream::boxed(stream))
    }

    fn start(spec: &SinkSpec, output: Box<dyn Output>) -> io::Result<Self> {
        let is_terminal = output.is_terminal();
        let usual = if is_terminal { Format::Pretty } else { Format::Jsonl };
        let format = spec.format.unwrap_or(usual);
        let meters = (spec.destination == Destination::Metrics).then(Meters::default);
        ignore_size_signal();
        let (queue, stop) = queue::Queue::new()?;
        let queue = Arc::new(queue);
        let writer = writer::Writer::new(spec.name.clone(), output, format, Arc::clone(&queue), stop);
        let thread = thread::Builder::new().name("sink".to_owned()).spawn(move || writer.run())?;
        Ok(Self { name: spec.name.clone(), format, is_terminal, meters, queue, thread: Mutex::new(Some(thread)) })
    }

    /// How messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The format that it wants: the one of its spec, else `pretty` on a terminal and `jsonl` elsewhere.
    pub fn format(&self) -> Format {
        self.format
    }

    /// True where it leads to a terminal.
    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// What is counted there, where that is all it takes.
    pub fn meters(&self) -> Option<&Meters> {
        self.meters.as_ref()
    }

    /// Whether [`Sink::send`] would take a batch now. A closed sink always does.
    pub fn has_room(&self) -> bool {
        self.queue.has_room()
    }

    /// Waits until [`Sink::has_room`] or the end of `patience`; says which.
    pub fn wait_for_room(&self, patience: Duration) -> bool {
        self.queue.wait_for_room(patience)
    }

    /// No lines, with room for 64 KiB, which was used before where that is to be had.
    pub fn take_lines(&self) -> Lines {
        self.queue.take_lines()
    }

    /// Queues a batch; never blocks. Gives it back when the queue is full: then the caller waits for room or counts
    /// its events as [`crate::spec::LossCause::QueueFull`]. A closed sink takes it and counts it as lost.
    pub fn send(&self, batch: Batch) -> Result<(), Batch> {
        self.queue.send(batch)
    }

    /// True once nobody reads the standard stream after it any more: nothing will be written from here on.
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Why the destination takes nothing now, as far as is known; `None` where it does.
    pub fn trouble(&self) -> Option<String> {
        if self.is_closed() { Some("its reader has closed it".to_owned()) } else { self.queue.trouble() }
    }

    /// Bytes that the destination has taken.
    pub fn written_bytes(&self) -> u64 {
        self.queue.written_bytes()
    }

    /// Writes that failed: a full disk, a reader that has gone, one that was too slow at the end.
    pub fn failed_writes(&self) -> u64 {
        self.queue.failed_writes()
    }

    /// No more batches: from here on it has until `deadline` to write what is queued. Does not wait; the first call counts.
    pub fn close_by(&self, deadline: Instant) {
        self.queue.close(deadline);
    }

    /// True when everything is written, or given up, after [`Sink::close_by`].
    pub fn is_done(&self) -> bool {
        self.queue.wait_until_done(Instant::now())
    }

    /// Writes what is queued for at most `patience` and ends the thread. What is not written by then, and what is sent
    /// later, is counted as [`crate::spec::LossCause::SinkError`]. Calling it again does nothing.
    pub fn flush_and_close(&self, patience: Duration) {
        let now = Instant::now();
        let deadline = now.checked_add(patience).unwrap_or(now + Duration::from_secs(86_400));
        self.queue.close(deadline);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            if self.queue.wait_until_done(deadline + GRACE) {
                // A writer that panicked has said so itself.
                drop(thread.join());
            } else {
                // A system call that does not return, such as a write to a dead network file system: leave the thread behind.
                self.queue.abandon();
                tracing::warn!(sink = %shown(&self.name), "failed to close in time: what was being written is counted as lost");
            }
        }
    }
}

/// What can be known of a sink without opening it or making anything: that its owner exists, and that what has its path
/// already, or the directory where it would be made, is good. What this user may not look at is not judged.
pub fn examine(spec: &SinkSpec) -> Result<(), SinkOpenError> {
    (OutputKind::of(&spec.destination).examine)(spec).map_err(|why| SinkOpenError::new(&spec.destination, &why))
}

/// A file at the limit of RLIMIT_FSIZE is an error of write(2) like others, and not the end of the process (setrlimit(2)).
fn ignore_size_signal() {
    static ONCE: Once = Once::new();
    // rustix leaves signal handlers to libc.
    // SAFETY: ignoring a signal runs no code in a handler.
    ONCE.call_once(|| unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    });
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.flush_and_close(Duration::ZERO);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a process says and writes, line by line, while it runs.

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::BOUND;

/// Lines of a stream, gathered by a thread.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<(Mutex<Gathered>, Condvar)>);

#[derive(Default)]
struct Gathered {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    pub(super) fn gather(stream: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let to = lines.clone();
        thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n') {
                let Ok(line) = line else { break };
                let line = String::from_utf8(line).expect("the output is UTF-8");
                to.0.0.lock().unwrap().lines.push(line);
                to.0.1.notify_all();
            }
            to.0.0.lock().unwrap().ended = true;
            to.0.1.notify_all();
        });
        lines
    }

    /// The first line after `from` that `wanted` picks, and the number after it; `None` at the end of the stream or of
    /// the time.
    pub(super) fn find<T>(
        &self,
        from: usize,
        patience: Duration,
        mut wanted: impl FnMut(&str) -> Option<T>,
    ) -> (usize, Option<T>) {
        let deadline = Instant::now() + patience;
        let mut at = from;
        let mut gathered = self.0.0.lock().unwrap();
        loop {
            while let Some(line) = gathered.lines.get(at) {
                at += 1;
                if let Some(found) = wanted(line) {
                    return (at, Some(found));
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if gathered.ended || left.is_zero() {
                return (at, None);
            }
            gathered = self.0.1.wait_timeout(gathered, left).unwrap().0;
        }
    }

    pub(super) fn wait_for_end(&self) -> Vec<String> {
        let gathered = self.0.0.lock().unwrap();
        let (gathered, timeout) = self.0.1.wait_timeout_while(gathered, BOUND, |gathered| !gathered.ended).unwrap();
        assert!(!timeout.timed_out(), "the stream does not end");
        gathered.lines.clone()
    }

    /// For a stream that may not have been gathered at all.
    pub(super) fn wait_for_end_or_nothing(&self) -> Vec<String> {
        if Arc::strong_count(&self.0) == 1 && !self.0.0.lock().unwrap().ended {
            return Vec::new();
        }
        self.wait_for_end()
    }

    /// What there is by now.
    pub(super) fn now(&self) -> Vec<String> {
        self.0.0.lock().unwrap().lines.clone()
    }
}

/// A file that grows: what is new in it is read once.
pub(crate) struct Follow {
    file: fs::File,
    line: Vec<u8>,
}

impl Follow {
    /// From the beginning of a file, which must be there.
    pub(crate) fn open(path: &Path) -> Self {
        Self { file: fs::File::open(path).unwrap(), line: Vec::new() }
    }

    /// True if a whole line with this text has come since the last call that found one.
    pub(crate) fn finds(&mut self, text: &str) -> bool {
        let mut new = Vec::new();
        self.file.read_to_end(&mut new).unwrap();
        self.line.append(&mut new);
        let Some(end) = self.line.iter().rposition(|byte| *byte == b'\n') else { return false };
        let rest = self.line.split_off(end + 1);
        let lines = std::mem::replace(&mut self.line, rest);
        String::from_utf8(lines).unwrap().contains(text)
    }
}

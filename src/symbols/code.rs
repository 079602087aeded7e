// SPDX-License-Identifier: MIT OR Apache-2.0
//! What one reader knows of functions, and what it has asked.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use super::processes::FRESH;
use super::worker::{Answer, Question, ask};
use crate::record::{CodeOf, StackFrame};

/// Addresses that are remembered.
const MOST_ADDRESSES: usize = 256 << 10;
/// How long one answer is waited for.
const PATIENCE: Duration = Duration::from_millis(100);

/// Functions by address.
#[derive(Debug)]
pub(super) struct Code {
    known: HashMap<CodeOf, Known>,
    addresses: usize,
    sender: Sender<Answer>,
    answers: Receiver<Answer>,
}

#[derive(Debug)]
struct Known {
    /// When it was asked last whether the process is still the same.
    asked: Instant,
    /// `None`: it was asked, and there is no answer yet.
    frames: HashMap<u64, Option<Arc<[StackFrame]>>>,
}

impl Default for Code {
    fn default() -> Self {
        let (sender, answers) = channel();
        Self { known: HashMap::new(), addresses: 0, sender, answers }
    }
}

impl Code {
    /// True if all of these are known; else they are asked for.
    pub(super) fn knows(&mut self, of: CodeOf, addresses: &mut dyn Iterator<Item = u64>) -> bool {
        let Self { known, addresses: count, sender, .. } = self;
        let now = Instant::now();
        let known = known.entry(of).or_insert_with(|| Known { asked: now, frames: HashMap::new() });
        let (mut all, mut missing) = (true, Vec::new());
        for address in addresses {
            match known.frames.get(&address) {
                Some(frames) => all &= frames.is_some(),
                None => {
                    all = false;
                    if !missing.contains(&address) {
                        missing.push(address);
                    }
                }
            }
        }
        let is_old = of != CodeOf::Kernel && now.saturating_duration_since(known.asked) >= FRESH;
        if (is_old || !missing.is_empty()) && ask(Question { of, addresses: missing.clone(), answers: sender.clone() })
        {
            known.asked = now;
            *count += missing.len();
            known.frames.extend(missing.into_iter().map(|address| (address, None)));
        }
        all
    }

    /// What is known; `None`: nothing yet.
    pub(super) fn get(&self, of: CodeOf, address: u64) -> Option<&[StackFrame]> {
        self.known.get(&of)?.frames.get(&address)?.as_deref()
    }

    /// Takes the answers that have come.
    pub(super) fn refresh(&mut self) {
        while let Ok(answer) = self.answers.try_recv() {
            self.take(answer);
        }
        if self.addresses >= MOST_ADDRESSES {
            self.known.clear();
            self.addresses = 0;
        }
    }

    /// Asks, and waits for the answer.
    pub(super) fn wait(&mut self, of: CodeOf, address: u64) {
        let until = Instant::now() + PATIENCE;
        while !self.knows(of, &mut [address].into_iter()) {
            let Some(left) = until.checked_duration_since(Instant::now()) else { return };
            match self.answers.recv_timeout(left.min(Duration::from_millis(1))) {
                Ok(answer) => self.take(answer),
                // Too many questions wait, or this one takes long.
                Err(_) if Instant::now() >= until => return,
                Err(_) => {}
            }
        }
    }

    fn take(&mut self, answer: Answer) {
        match answer {
            Answer::Forget(of) => {
                if let Some(known) = self.known.get_mut(&of) {
                    // What was asked after that is still to come.
                    known.frames.retain(|_, frames| frames.is_none());
                }
            }
            Answer::Found(of, address, frames) => {
                // What was forgotten meanwhile is asked again when it is needed.
                if let Some(known) = self.known.get_mut(&of) {
                    known.frames.insert(address, Some(frames));
                }
            }
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! The thread that finds out what addresses in code are called. There is one, from the first question on: readers ask, go on reading, and
//! find the answers later.
//!
//! ```text
//! reader ──Question──▶ queue ──▶ mappings of new processes, first of all ──▶ names ──Answer──▶ reader
//! ```

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;

use super::kallsyms::KernelSymbols;
use super::processes::Processes;
use super::programs::Programs;
use crate::record::{CodeOf, StackFrame};

/// Questions that wait.
const MOST_QUESTIONS: usize = 4096;

/// What is at these addresses.
pub(super) struct Question {
    pub(super) of: CodeOf,
    /// None: whether the process is still the same.
    pub(super) addresses: Vec<u64>,
    pub(super) answers: Sender<Answer>,
}

/// What was found out.
pub(super) enum Answer {
    /// All that was known of it is old: the process is another one, or has mapped something else.
    Forget(CodeOf),
    /// What is at an address.
    Found(CodeOf, u64, Arc<[StackFrame]>),
}

/// False if too many wait, or there is no thread: nobody answers then.
pub(super) fn ask(question: Question) -> bool {
    static WORKER: OnceLock<Option<SyncSender<Question>>> = OnceLock::new();
    match WORKER.get_or_init(start).as_ref().map(|worker| worker.try_send(question)) {
        Some(Ok(())) => true,
        Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => false,
    }
}

fn start() -> Option<SyncSender<Question>> {
    let (sender, questions) = sync_channel(MOST_QUESTIONS);
    let thread = thread::Builder::new().name("symbols".to_owned()).spawn(move || Worker::default().work(&questions));
    if let Err(error) = &thread {
        tracing::warn!("failed to start the thread that names functions: {error}; addresses alone are shown");
    }
    thread.ok().map(|_| sender)
}

#[derive(Default)]
struct Worker {
    kernel: KernelSymbols,
    processes: Processes,
    programs: Programs,
    waiting: VecDeque<Question>,
}

impl Worker {
    fn work(mut self, questions: &Receiver<Question>) {
        while let Ok(first) = questions.recv() {
            self.take(first);
            loop {
                // A process may be gone soon, so what it has mapped is read before anything else is found out.
                while let Some(next) = questions.try_recv().ok().filter(|_| self.waiting.len() < MOST_QUESTIONS) {
                    self.take(next);
                }
                let Some(question) = self.waiting.pop_front() else { break };
                self.answer(&question);
            }
        }
    }

    fn take(&mut self, question: Question) {
        if let CodeOf::Process { pid, space } = question.of
            && self.processes.look(pid, space, &mut self.programs)
        {
            // One that does not listen any more needs no answer.
            let _ = question.answers.send(Answer::Forget(question.of));
        }
        if question.addresses.is_empty() {
            return;
        }
        // The kernel's are quickly found, and no file of a process, however large, shall keep them.
        match question.of {
            CodeOf::Kernel => self.waiting.push_front(question),
            CodeOf::Process { .. } => self.waiting.push_back(question),
        }
    }

    fn answer(&mut self, question: &Question) {
        for address in &question.addresses {
            let frames = match question.of {
                CodeOf::Kernel => [self.kernel.frame(*address)].into(),
                CodeOf::Process { pid, space } => self.processes.frames(pid, space, *address, &mut self.programs),
            };
            if question.answers.send(Answer::Found(question.of, *address, frames)).is_err() {
                return;
            }
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many events a program wanted to write and how many of them it did not: `counts` of `bpf/include/program.h`.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::mm::ProtFlags;

use super::mapping::Mapping;
use super::span::OpenSpans;
use crate::spec::SpanCounts;

/// `produced`, `ring_full`, `sampled_out`, `rate_limited`, `rate` and `ended`, which are no counts, `of_itself`, `filtered`,
/// `undecided`, five counts of spans, `uncounted`, `table_full` of four tables, `stacks_full`, `crowded`, one more count of spans and a
/// zero, to pairs of cache lines.
const WORDS_PER_CPU: usize = 32;
/// The word in the last entry that has the window of the rate.
const RATE_WORD: usize = 4;
/// The word of each CPU that is not zero when there are to be no more events.
const ENDED_WORD: usize = 5;
/// The word that counts what was left out before it was an event.
const OF_ITSELF_WORD: usize = 6;
/// The words that count what `where` did not let pass. The program does not count these events as produced a second time.
const FILTERED_WORD: usize = 7;
const UNDECIDED_WORD: usize = 8;
/// The first of those that count spans: started, paired, repeated, cancelled, full.
const STARTED_WORD: usize = 9;
/// The word that counts events which one of the tables had no room for.
const UNCOUNTED_WORD: usize = 14;
/// The first of those that count them by table, and how many there are.
const TABLE_FULL_WORD: usize = 15;
const TABLES: usize = 4;
/// Those that one of them had no room for a stack of, and those for whose key no memory was free.
const STACKS_FULL_WORD: usize = 19;
const CROWDED_WORD: usize = 20;
/// The word that counts spans which were too old to end.
const EXPIRED_WORD: usize = 21;

/// The counts of one loaded program, in memory shared with it. What is read later is not older: an event that one count has is
/// in those that are read after it.
pub struct Counts {
    words: Vec<Mapping>,
    /// What has begun, of a program with spans.
    open: Option<Arc<OpenSpans>>,
}

impl Counts {
    /// Maps `.bss`, a map of one value of `bytes` bytes.
    pub(super) fn map(bss: BorrowedFd<'_>, bytes: u32) -> io::Result<Self> {
        Ok(Self { words: vec![Mapping::new(bss, bytes as usize, ProtFlags::READ | ProtFlags::WRITE, 0)?], open: None })
    }

    /// Those of several programs of one probe as one.
    pub(super) fn of_all(before: Option<Self>, more: Self) -> Self {
        let words = before.into_iter().flat_map(|before| before.words).chain(more.words);
        Self { words: words.collect(), open: None }
    }

    /// What became of the spans that began; `None` for a program without spans.
    pub fn spans(&self) -> Option<SpanCounts> {
        let open = self.open.as_ref()?;
        // What became of one is counted after its start, and so read before.
        let word = |behind: usize| self.sum(STARTED_WORD + behind);
        let expired = open.expired() + self.sum(EXPIRED_WORD);
        let [paired, repeated, cancelled, full] = [1, 2, 3, 4].map(word);
        Some(SpanCounts { started: word(0), paired, repeated, cancelled, expired, full })
    }

    /// What has begun and not ended, as the map has it.
    pub fn open_spans(&self) -> Option<&OpenSpans> {
        self.open.as_deref()
    }

    /// With what has begun.
    pub(super) fn with_spans(self, open: Option<Arc<OpenSpans>>) -> Self {
        Self { open, ..self }
    }

    /// Events so far, whatever became of them.
    pub fn produced(&self) -> u64 {
        self.sum(0) + self.filtered() + self.undecided()
    }

    /// Those of them that `where` did not let pass, as far as the kernel decides it.
    pub fn filtered(&self) -> u64 {
        self.sum(FILTERED_WORD)
    }

    /// Those of them that `where` did not let pass, where something that it asked for could not be read.
    pub fn undecided(&self) -> u64 {
        self.sum(UNDECIDED_WORD)
    }

    /// Those of them that found the ring buffer full.
    pub fn ring_full(&self) -> u64 {
        self.sum(1)
    }

    /// Those of them that the sample left out.
    pub fn sampled_out(&self) -> u64 {
        self.sum(2)
    }

    /// Those of them that were more than the rate allows.
    pub fn rate_limited(&self) -> u64 {
        self.sum(3)
    }

    /// Those of them that a table had no room for.
    pub fn uncounted(&self) -> u64 {
        self.sum(UNCOUNTED_WORD)
    }

    /// Those of them that a table had no room for a call stack of.
    pub fn stacks_full(&self) -> u64 {
        self.sum(STACKS_FULL_WORD)
    }

    /// Those of them for whose key no memory was free.
    pub fn crowded(&self) -> u64 {
        self.sum(CROWDED_WORD)
    }

    /// Those of them that the table of this number had no room for.
    pub fn table_full(&self, number: usize) -> u64 {
        if number < TABLES { self.sum(TABLE_FULL_WORD + number) } else { 0 }
    }

    /// Events of this process itself, which were left out; not among those that were produced.
    pub fn of_itself(&self) -> u64 {
        self.sum(OF_ITSELF_WORD)
    }

    /// All of them that were not written, for whatever reason: lost, or refused by `where`.
    pub fn unwritten(&self) -> u64 {
        self.ring_full() + self.sampled_out() + self.rate_limited() + self.filtered() + self.undecided()
    }

    /// The events that passed in the current window of `before` count in this one too: for a program that does not run yet, and
    /// has windows of the same length.
    pub(super) fn continue_window(&self, before: &Self) {
        let word = |words: &[AtomicU64]| words.len().checked_sub(WORDS_PER_CPU - RATE_WORD);
        // The first is of the program that writes events.
        if let (Some(these), Some(those)) = (self.words().next(), before.words().next())
            && let (Some(now), Some(then)) = (word(these), word(those))
        {
            these[now].store(those[then].load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// From now on the program does nothing, however long the kernel takes to detach it. [`settle`](super::settle) waits until no
    /// CPU is in the middle of it: then the counts are final.
    pub(super) fn end(&self) {
        self.words().for_each(|words| {
            words.iter().skip(ENDED_WORD).step_by(WORDS_PER_CPU).for_each(|ended| ended.store(1, Ordering::Release));
        });
    }

    fn words(&self) -> impl Iterator<Item = &[AtomicU64]> {
        self.words.iter().map(|mapping| {
            let len = mapping.len() / size_of::<AtomicU64>();
            // SAFETY: the mapping has `len` words, page-aligned, and lives as long as `self`; the program only adds to them
            // atomically.
            unsafe { std::slice::from_raw_parts(mapping.start().cast::<AtomicU64>().as_ptr(), len) }
        })
    }

    fn sum(&self, word: usize) -> u64 {
        let of_one = |words: &[AtomicU64]| -> u64 {
            words.iter().skip(word).step_by(WORDS_PER_CPU).map(|count| count.load(Ordering::Acquire)).sum()
        };
        self.words().map(of_one).sum()
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many events a program wanted to write and how many of them it did not: `counts` of `bpf/include/program.h`.

use std::io;
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicU64, Ordering};

use libbpf_rs::{MapCore, Object};

use super::ring::{Mapping, page_bytes};

/// `produced`, `ring_full`, `sampled_out`, `rate_limited`, then what is no count, to a cache line.
const WORDS_PER_CPU: usize = 8;

/// The counts of one loaded program, in memory shared with it.
pub struct Counts {
    memory: Mapping,
    len: usize,
}

impl Counts {
    /// `None` for a program that counts no events.
    pub(super) fn of(object: &Object) -> io::Result<Option<Self>> {
        let Some(map) = object.maps().find(|map| map.name().to_string_lossy().ends_with(".bss")) else {
            return Ok(None);
        };
        let bytes = map.value_size() as usize;
        let memory = Mapping::new(map.as_fd(), bytes.next_multiple_of(page_bytes()), libc::PROT_READ, 0)?;
        Ok(Some(Self { memory, len: bytes / size_of::<AtomicU64>() }))
    }

    /// Events that the program wanted to write so far.
    pub fn produced(&self) -> u64 {
        self.sum(0)
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

    /// All of them that were not written, for whatever reason.
    pub fn dropped(&self) -> u64 {
        self.ring_full() + self.sampled_out() + self.rate_limited()
    }

    fn sum(&self, word: usize) -> u64 {
        // SAFETY: `len` words are mapped there, page-aligned, as long as `self` lives; the program only adds to them
        // atomically.
        let words = unsafe { std::slice::from_raw_parts(self.memory.start().as_ptr().cast::<AtomicU64>(), self.len) };
        words.iter().skip(word).step_by(WORDS_PER_CPU).map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

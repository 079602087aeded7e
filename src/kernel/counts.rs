// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many events a program wanted to write and how many of them it did not: `counts` of `bpf/include/program.h`.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use libbpf_rs::{AsRawLibbpf, MapCore, Object};

/// `produced`, `ring_full`, `sampled_out`, `rate_limited`, then what is no count, to a cache line.
const WORDS_PER_CPU: usize = 8;

/// The counts of one loaded program, in memory shared with it. It must not outlive the object: `Attached` owns both and
/// drops this one first.
pub struct Counts {
    words: NonNull<AtomicU64>,
    len: usize,
}

// SAFETY: the memory is only read, and only through atomics.
unsafe impl Send for Counts {}

impl Counts {
    pub(super) fn of(object: &Object) -> Option<Self> {
        let map = object.maps().find(|map| map.name().to_string_lossy().ends_with(".bss"))?;
        let mut bytes: libbpf_sys::size_t = 0;
        // SAFETY: the map belongs to a loaded object; libbpf returns the address where it has mapped the map's memory.
        let start = unsafe { libbpf_sys::bpf_map__initial_value(map.as_libbpf_object().as_ptr(), &mut bytes) };
        let words = NonNull::new(start.cast::<AtomicU64>())?;
        Some(Self { words, len: bytes as usize / size_of::<AtomicU64>() })
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
        // SAFETY: libbpf mapped `len` words at `words`, page-aligned, for as long as the object lives; the program only
        // adds to them atomically.
        let words = unsafe { std::slice::from_raw_parts(self.words.as_ptr(), self.len) };
        words.iter().skip(word).step_by(WORDS_PER_CPU).map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes the kernel's part of `where` into `.rodata`: `struct step` of `bpf/include/where.h`.

use super::fetch_context::Lowered;
use super::fetch_entry::{FetchLimit, write_fetch};
use super::table::{Constants, Entry, Table};
use crate::spec::{EndpointSlot, Fetch, FetchCopy, SetKind, SockSlot, Step, StepNext, StepTest};

/// The words that stand for `StepNext::Pass` and `StepNext::Reject`.
const PASS: u8 = 255;
const REJECT: u8 = 254;
/// Longest text at the end, and in the middle.
const MAX_SUFFIX: usize = 32;
const MAX_CONTAINS: usize = 8;

/// Sources of which a value is at hand, as fetch_near() of `bpf/include/fetch.h` has them, and how many words of a context it has.
const NEAR_SOURCES: [&str; 6] =
    ["FETCH_CALL_ARGUMENT", "FETCH_PID", "FETCH_TID", "FETCH_UID", "FETCH_CPU", "FETCH_TASK"];
const NEAR_WORDS: u8 = 16;
/// Longest text that is compared near, with one byte to tell a longer one.
const NEAR_TEXT: u16 = 32;

/// What the map of a set has in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetMapKind {
    /// Numbers and pids, of eight bytes.
    Numbers,
    /// Texts, with zeros up to 128 bytes.
    Texts,
    /// Networks: the bits of the prefix in four bytes, then an address of sixteen, IPv4 as `::ffff:a.b.c.d`.
    Networks,
}

/// A set in the kernel: the map of a program that stands for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetPlace {
    /// What is in it.
    pub kind: SetMapKind,
    /// `numbers0`, `numbers1` …
    pub number: u8,
}

impl SetMapKind {
    /// What the map of a set of this kind has in it.
    pub fn of(kind: SetKind) -> Self {
        match kind {
            SetKind::Number | SetKind::Pid => Self::Numbers,
            SetKind::Text => Self::Texts,
            SetKind::Ip => Self::Networks,
        }
    }

    /// How many maps of this kind a program has.
    pub fn room(self) -> u8 {
        match self {
            Self::Numbers | Self::Texts => 4,
            Self::Networks => 2,
        }
    }

    /// Its maps are called so, and by their number.
    pub fn map(self) -> &'static str {
        match self {
            Self::Numbers => "numbers",
            Self::Texts => "texts",
            Self::Networks => "networks",
        }
    }
}

impl SetPlace {
    /// The set that a map of a program stands for: `numbers0`; `None` for other maps.
    pub fn of_map(name: &str) -> Option<Self> {
        let kinds = [SetMapKind::Numbers, SetMapKind::Texts, SetMapKind::Networks];
        kinds.into_iter().find_map(|kind| {
            let number = name.strip_prefix(kind.map())?.parse().ok()?;
            (number < kind.room()).then_some(Self { kind, number })
        })
    }
}

/// Where the fields of a test are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepTable {
    table: Table,
    texts: Table,
}

impl StepTable {
    pub(super) fn find(constants: &Constants<'_>) -> Option<Self> {
        Some(Self { table: constants.table("steps")?, texts: constants.table("step_texts")? })
    }

    /// How many tests there can be.
    pub fn capacity(&self) -> usize {
        self.table.capacity as usize
    }

    /// `sets` has a place for each step whose test is of a set, by the number of the step.
    pub(super) fn write<'a>(
        &self,
        rodata: &mut [u8],
        steps: &'a [Step],
        sets: &[SetPlace],
        max_hops: usize,
        lower: impl Fn(&'a Fetch) -> Lowered<'a>,
    ) -> Result<(), FetchLimit> {
        if steps.len() > self.capacity() {
            return Err(FetchLimit::Steps(self.table.capacity));
        }
        for (index, step) in steps.iter().enumerate() {
            let lowered = lower(&step.fetch);
            if !is_possible(step) || lowered.hops.len() > max_hops {
                return Err(FetchLimit::Step(index));
            }
            let mut entry = self.table.entry(rodata, index);
            write_fetch(&mut entry.inner("fetch."), &lowered);
            entry.set("yes", next(step.yes));
            entry.set("no", next(step.no));
            entry.set("fault", next(step.fault));
            entry.set("swapped", step.swapped);
            write_part(&mut entry, step, lowered.size);
            let bits = if is_at_hand(&lowered) && lowered.size < 8 { (1 << (8 * lowered.size)) - 1 } else { u64::MAX };
            entry.choose("near", near(step, &lowered));
            entry.set("shift", 8 * lowered.offset.clamp(0, 7).cast_unsigned());
            self.write_test(rodata, index, step, sets.get(index).copied(), bits);
        }
        Ok(())
    }

    /// `bits` of the value are the operand's.
    fn write_test(&self, rodata: &mut [u8], index: usize, step: &Step, set: Option<SetPlace>, bits: u64) {
        let mut numbers = |test: &str, values: &[(&str, u64)]| {
            let mut entry = self.table.entry(rodata, index);
            entry.choose("test", test);
            values.iter().for_each(|(name, value)| entry.set(name, *value));
        };
        match &step.test {
            StepTest::Range { low, mask, span } => {
                numbers("TEST_RANGE", &[("bits", bits), ("low", *low), ("mask", *mask), ("span", *span)]);
            }
            StepTest::Bits { mask, low, span } => {
                numbers("TEST_RANGE", &[("bits", bits & mask), ("low", *low), ("mask", u64::MAX), ("span", *span)]);
            }
            StepTest::Exists => numbers("TEST_EXISTS", &[]),
            StepTest::Bytes { bytes, mask } => {
                let words = bytes.len().min(Step::MAX_BYTES.into()).div_ceil(8) as u64;
                numbers("TEST_BYTES", &[("words", words), ("length", bytes.len() as u64)]);
                let mut text = self.texts.entry(rodata, index);
                text.fill("bytes", bytes);
                text.fill("mask", mask);
            }
            StepTest::Suffix(bytes) => {
                numbers("TEST_SUFFIX", &[("length", bytes.len() as u64)]);
                let mut text = self.texts.entry(rodata, index);
                text.fill("bytes", bytes);
                text.fill("mask", &vec![0xff; bytes.len()]);
            }
            StepTest::Contains(bytes) => {
                let low = bytes.iter().fold(0, |word: u64, byte| word << 8 | u64::from(*byte));
                let mask = if bytes.len() >= 8 { u64::MAX } else { (1 << (8 * bytes.len())) - 1 };
                numbers("TEST_CONTAINS", &[("length", bytes.len() as u64), ("low", low), ("mask", mask)]);
            }
            StepTest::Set(_, wide) => {
                let Some(set) = set else { return };
                let test = match set.kind {
                    SetMapKind::Numbers => "TEST_NUMBERS",
                    SetMapKind::Texts => "TEST_TEXTS",
                    SetMapKind::Networks => "TEST_NETWORKS",
                };
                let widened = [("low", wide.sign), ("mask", wide.mask), ("span", wide.shift.into())];
                numbers(test, &widened);
                numbers(test, &[("set", set.number.into())]);
            }
        }
    }
}

fn next(next: StepNext) -> u8 {
    match next {
        StepNext::Step(number) => number,
        StepNext::Pass => PASS,
        StepNext::Reject => REJECT,
    }
}

/// True for an operand that is a number in a register: all of it, or a part.
fn is_at_hand(fetch: &Lowered<'_>) -> bool {
    fetch.copy == FetchCopy::Value && fetch.hops.is_empty() && fetch.of.keep.is_none() && fetch.scaled.is_none()
}

/// `enum step_near`: whether the test can be done where the hook's function is.
fn near(step: &Step, fetch: &Lowered<'_>) -> &'static str {
    let is_near = match fetch.source {
        "FETCH_WORD" => fetch.index < NEAR_WORDS,
        source => NEAR_SOURCES.contains(&source),
    };
    let is_address = fetch.hops.is_empty() && fetch.offset == 0 && fetch.of.keep.is_none() && fetch.scaled.is_none();
    let bytes = if let StepTest::Bytes { bytes, .. } = &step.test { bytes.len() } else { 0 };
    match (&step.test, fetch.copy) {
        (StepTest::Range { .. } | StepTest::Bits { .. }, FetchCopy::Value)
            if is_near && is_at_hand(fetch) && !step.swapped =>
        {
            "NEAR_NUMBER"
        }
        (StepTest::Bytes { .. }, FetchCopy::Comm) if step.part == 0 => "NEAR_COMM",
        (StepTest::Bytes { .. }, FetchCopy::UserText)
            if is_near && is_address && step.part == 0 && bytes < fetch.size.into() && fetch.size <= NEAR_TEXT =>
        {
            "NEAR_TEXT"
        }
        (_, _) => "NEAR_NOT",
    }
}

/// False for an operand that the stack cannot have, and for a text that is too long.
fn is_possible(step: &Step) -> bool {
    let operand = match step.fetch.copy {
        FetchCopy::Value | FetchCopy::Comm | FetchCopy::Sock | FetchCopy::Sockaddr | FetchCopy::SumOfCpus { .. } => {
            true
        }
        FetchCopy::Kernel
        | FetchCopy::User
        | FetchCopy::KernelText
        | FetchCopy::UserText
        | FetchCopy::Packet { .. } => step.fetch.size <= Step::MAX_BYTES,
        FetchCopy::FilePath
        | FetchCopy::Path
        | FetchCopy::DentryPath
        | FetchCopy::FdPath
        | FetchCopy::KernelStack
        | FetchCopy::UserStack => false,
    };
    let test = match &step.test {
        StepTest::Bytes { bytes, mask } => bytes.len() == mask.len() && bytes.len() <= Step::MAX_BYTES.into(),
        StepTest::Suffix(bytes) => (1..=MAX_SUFFIX).contains(&bytes.len()),
        StepTest::Contains(bytes) => (1..=MAX_CONTAINS).contains(&bytes.len()),
        StepTest::Range { .. } | StepTest::Bits { .. } | StepTest::Set(..) | StepTest::Exists => true,
    };
    operand && test && step.fetch.length.is_none()
}

/// Which part of the operand is asked, and how many bytes a number in it has.
fn write_part(entry: &mut Entry<'_>, step: &Step, size: u16) {
    let second = EndpointSlot::LONG;
    let (end, part): (u8, u16) = match step.fetch.copy {
        FetchCopy::Sock if step.part >= 2 * second => (2, step.part - 2 * second),
        FetchCopy::Sock if step.part >= second => (1, step.part - second),
        FetchCopy::Value
        | FetchCopy::Kernel
        | FetchCopy::User
        | FetchCopy::KernelText
        | FetchCopy::UserText
        | FetchCopy::Comm
        | FetchCopy::Sock
        | FetchCopy::Sockaddr
        | FetchCopy::FilePath
        | FetchCopy::Path
        | FetchCopy::DentryPath
        | FetchCopy::FdPath
        | FetchCopy::KernelStack
        | FetchCopy::UserStack
        | FetchCopy::Packet { .. }
        | FetchCopy::SumOfCpus { .. } => (0, step.part),
    };
    let is_end = matches!(step.fetch.copy, FetchCopy::Sock | FetchCopy::Sockaddr);
    let is_path = is_end && end < 2 && part >= EndpointSlot::SHORT;
    entry.set("end", end);
    entry.set("is_path", is_path);
    entry.set("part", if is_path { 0 } else { part });
    // Of an end, the numbers have two bytes, and the address begins at 8.
    let bytes = if !is_end {
        size
    } else if end < 2 && part == 8 {
        16
    } else {
        2
    };
    entry.set("bytes", bytes);
    debug_assert!(u32::from(part) < u32::from(SockSlot::SIZE), "a part of a slot");
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the sources of values are in the context of a program: an argument is a word of registers here, a word of its own there.
//!
//! ```text
//! Context, hops [24], UserText        the record of a system call's tracepoint, 64 bytes
//! -> FETCH_WORD 3, hops [], UserText  the word is loaded from the context, by no helper
//! ```

use super::table::Constants;
use crate::spec::{Fetch, FetchCopy, FetchIndex, FetchSource};

/// What a program is called with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FetchContext {
    /// `struct pt_regs`: kprobe, uprobe and their returns.
    #[default]
    Registers,
    /// Arguments, a word each: raw tracepoint.
    Words,
    /// The same where the verifier gives them types: fentry, fexit, lsm.
    Trampoline,
    /// The record of a tracepoint; its bytes up to the end of its last field.
    Record(u32),
    /// `struct syscall_call` of `bpf/include/syscall.h`: six arguments, the result, the number, whether the arguments are gone.
    Syscall,
    /// A packet: xdp, tc, cgroup. Which process runs is chance.
    Packet,
    /// A call of a process that concerns a socket: cgroup.
    SocketCall,
    /// The registers of what was interrupted, of which nothing is read: profile, perf.
    Sample,
    /// The same, where it is chance what was interrupted: timer.
    Timer,
    /// An item of a snapshot: arguments as at a trampoline. Whose it is has nothing to do with the process that runs: iter.
    Item,
}

impl FetchContext {
    /// True where there is a packet or a socket at hand.
    pub fn is_network(self) -> bool {
        match self {
            Self::Packet | Self::SocketCall => true,
            Self::Registers
            | Self::Words
            | Self::Trampoline
            | Self::Record(_)
            | Self::Syscall
            | Self::Sample
            | Self::Timer
            | Self::Item => false,
        }
    }

    /// True where the process that runs has nothing to do with the event.
    pub(super) fn is_without_process(self) -> bool {
        match self {
            Self::Packet | Self::Timer | Self::Item => true,
            Self::Registers
            | Self::Words
            | Self::Trampoline
            | Self::Record(_)
            | Self::Syscall
            | Self::SocketCall
            | Self::Sample => false,
        }
    }
}

/// Words of the context that can be loaded, one by one: WORD of `bpf/include/fetch.h`.
const WORDS: u32 = 32;
/// Words of `struct syscall_call`.
const CALL_RESULT: u8 = 6;
const CALL_NUMBER: u8 = 7;
/// Stands for a word that there is none of.
const NO_WORD: u8 = 255;

/// Where the variables are that tell in which words of `struct pt_regs` arguments and result are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Registers {
    arguments: u32,
    result: u32,
    stack: u32,
}

/// Words of `struct pt_regs`.
pub(super) struct RegisterWords {
    arguments: [u8; 8],
    result: u8,
    stack: u8,
}

impl Registers {
    pub(super) fn find(constants: &Constants<'_>) -> Option<Self> {
        Some(Self {
            arguments: constants.place("argument_words")?,
            result: constants.place("result_word")?,
            stack: constants.place("stack_word")?,
        })
    }

    pub(super) fn read(&self, rodata: &[u8]) -> RegisterWords {
        let byte = |at: u32| rodata.get(at as usize).copied().unwrap_or(NO_WORD);
        RegisterWords {
            arguments: std::array::from_fn(|index| byte(self.arguments + index as u32)),
            result: byte(self.result),
            stack: byte(self.stack),
        }
    }
}

/// A fetch as the program carries it out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lowered<'a> {
    pub(super) of: &'a Fetch,
    /// `FETCH_WORD`
    pub(super) source: &'static str,
    pub(super) index: u8,
    pub(super) constant: u64,
    pub(super) hops: Vec<i32>,
    pub(super) offset: i32,
    pub(super) user_from: u8,
    pub(super) copy: FetchCopy,
    pub(super) size: u16,
    pub(super) scaled: Option<FetchIndex>,
}

impl<'a> Lowered<'a> {
    pub(super) fn new(fetch: &'a Fetch, context: FetchContext, registers: &RegisterWords) -> Self {
        let mut lowered = Self {
            of: fetch,
            source: "FETCH_NONE",
            index: 0,
            constant: 0,
            hops: fetch.hops.clone(),
            offset: fetch.offset,
            user_from: fetch.user_from.unwrap_or(u8::MAX),
            copy: fetch.copy,
            size: fetch.size,
            scaled: fetch.index,
        };
        let word = |list: &[u8], index: u8| list.get(usize::from(index)).copied().unwrap_or(NO_WORD);
        let (source, index) = match fetch.source {
            FetchSource::Argument(index) => match context {
                FetchContext::Registers => ("FETCH_WORD", word(&registers.arguments, index)),
                FetchContext::Trampoline | FetchContext::Item => ("FETCH_TRAMPOLINE", index),
                FetchContext::Syscall => ("FETCH_CALL_ARGUMENT", index),
                FetchContext::Words
                | FetchContext::Record(_)
                | FetchContext::Packet
                | FetchContext::SocketCall
                | FetchContext::Sample
                | FetchContext::Timer => ("FETCH_WORD", index),
            },
            FetchSource::Return => match context {
                FetchContext::Syscall => ("FETCH_WORD", CALL_RESULT),
                FetchContext::Registers
                | FetchContext::Words
                | FetchContext::Trampoline
                | FetchContext::Record(_)
                | FetchContext::Packet
                | FetchContext::SocketCall
                | FetchContext::Sample
                | FetchContext::Timer
                | FetchContext::Item => ("FETCH_WORD", registers.result),
            },
            FetchSource::Calculated(first) => ("FETCH_CALCULATED", first),
            FetchSource::SyscallNumber => ("FETCH_WORD", CALL_NUMBER),
            FetchSource::Context => lowered.in_record(context),
            FetchSource::DataLoc(index) => ("FETCH_DATA_LOC", index),
            FetchSource::RelLoc(index) => ("FETCH_REL_LOC", index),
            FetchSource::Gid => ("FETCH_GID", 0),
            FetchSource::Cpu => ("FETCH_CPU", 0),
            FetchSource::Pid => ("FETCH_PID", 0),
            FetchSource::Tid => ("FETCH_TID", 0),
            FetchSource::Uid => ("FETCH_UID", 0),
            FetchSource::Comm => ("FETCH_COMM", 0),
            FetchSource::Task => ("FETCH_TASK", 0),
            FetchSource::Ktime => ("FETCH_KTIME", 0),
            FetchSource::Random => ("FETCH_RANDOM", 0),
            FetchSource::CgroupId => ("FETCH_CGROUP_ID", 0),
            FetchSource::CgroupAncestor(level) => match context {
                FetchContext::Packet => ("FETCH_PACKET_ANCESTOR", level),
                FetchContext::Registers
                | FetchContext::Words
                | FetchContext::Trampoline
                | FetchContext::Record(_)
                | FetchContext::Syscall
                | FetchContext::SocketCall
                | FetchContext::Sample
                | FetchContext::Timer
                | FetchContext::Item => ("FETCH_CGROUP_ANCESTOR", level),
            },
            FetchSource::Constant(value) => {
                lowered.constant = value;
                ("FETCH_CONSTANT", 0)
            }
            FetchSource::Target => ("FETCH_TARGET", 0),
            FetchSource::Usdt(index) => ("FETCH_USDT", index),
            FetchSource::Packet => ("FETCH_PACKET", 0),
            FetchSource::Stored { at, bit } => {
                lowered.constant = at.into();
                ("FETCH_STORED", bit)
            }
            FetchSource::Duration => ("FETCH_DURATION", 0),
            FetchSource::PidTgid => ("FETCH_PID_TGID", 0),
            FetchSource::StackPointer => ("FETCH_WORD", registers.stack),
            FetchSource::Frame => ("FETCH_FRAME", 0),
            FetchSource::Stack => ("FETCH_STACK", 0),
        };
        (lowered.source, lowered.index) = (source, index);
        lowered
    }

    /// A field of a tracepoint's record: loaded where a load can have it, else its address.
    fn in_record(&mut self, context: FetchContext) -> (&'static str, u8) {
        let address = ("FETCH_CONTEXT", 0);
        let FetchContext::Record(bytes) = context else { return address };
        if let Some((at, rest)) = self.hops.split_first() {
            let Some((source, index, 0)) = load(*at, 8, bytes) else { return address };
            if self.scaled.is_some_and(|index| index.hop == 0) {
                return address;
            }
            self.hops = rest.to_vec();
            // The record itself is never the process's.
            self.user_from = if self.user_from == u8::MAX { u8::MAX } else { self.user_from.saturating_sub(1) };
            self.scaled = self.scaled.map(|index| FetchIndex { hop: index.hop - 1, ..index });
            return (source, index);
        }
        if self.copy != FetchCopy::Kernel || self.scaled.is_some() || self.of.length.is_some() {
            return address;
        }
        let Some((source, index, inside)) = load(self.offset, self.size, bytes) else { return address };
        (self.copy, self.offset) = (FetchCopy::Value, inside);
        (source, index)
    }
}

/// The load that has these bytes of a context of `bytes` bytes: its source and index, and where in it they begin.
fn load(at: i32, size: u16, bytes: u32) -> Option<(&'static str, u8, i32)> {
    let (at, size) = (u32::try_from(at).ok()?, u32::from(size));
    let fits = |unit: u32| at % unit + size <= unit;
    if fits(8) && at / 8 < WORDS && at - at % 8 + 8 <= bytes {
        return Some(("FETCH_WORD", (at / 8) as u8, (at % 8) as i32));
    }
    // The last four bytes of a record that has not whole words.
    let is_last = at % 8 < 4 && at / 8 < WORDS && at - at % 4 + 4 <= bytes && at >= 8;
    (fits(4) && is_last).then_some(("FETCH_HALF", (at / 4) as u8, (at % 4) as i32))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fields are loaded where whole words, or the half word at the end, have them.
    #[test]
    fn loads() {
        assert_eq!(load(16, 8, 64), Some(("FETCH_WORD", 2, 0)));
        assert_eq!(load(28, 4, 64), Some(("FETCH_WORD", 3, 4)));
        assert_eq!(load(56, 4, 60), Some(("FETCH_HALF", 14, 0)));
        assert_eq!(load(58, 2, 60), Some(("FETCH_HALF", 14, 2)));
        for (at, size, bytes) in [(60, 4, 60), (56, 8, 60), (28, 8, 64), (256, 4, 300), (-4, 4, 64), (6, 4, 64)] {
            assert_eq!(load(at, size, bytes), None, "{at} {size} {bytes}");
        }
    }

    fn fetch(source: FetchSource, hops: &[i32], copy: FetchCopy) -> Fetch {
        Fetch {
            source,
            hops: hops.to_vec(),
            user_from: Some(hops.len() as u8),
            narrow: crate::spec::Narrow::Same,
            offset: 0,
            index: None,
            keep: None,
            length: None,
            copy,
            size: 8,
            slot: 8,
            out: 48,
        }
    }

    /// A pointer in a record costs no read, and an argument is a word.
    #[test]
    fn what_becomes_of_hops() {
        let registers = RegisterWords { arguments: [14, 13, 12, 11, 9, 8, NO_WORD, NO_WORD], result: 10, stack: 19 };
        let of = |fetch: &Fetch, context| {
            let lowered = Lowered::new(fetch, context, &registers);
            (lowered.source, lowered.index, lowered.hops, lowered.offset, lowered.user_from, lowered.copy)
        };
        let name = fetch(FetchSource::Context, &[24], FetchCopy::UserText);
        let expected = ("FETCH_WORD", 3, vec![], 0, 0, FetchCopy::UserText);
        assert_eq!(of(&name, FetchContext::Record(48)), expected);
        let flags = fetch(FetchSource::Argument(2), &[], FetchCopy::Value);
        assert_eq!(of(&flags, FetchContext::Registers).1, 12);
        assert_eq!(of(&flags, FetchContext::Words).1, 2);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! The places where programs can be attached.

use std::fmt;
use std::time::Duration;

use super::hook_kind::HookKind;
use super::machine_point::{Items, PerfEvent};
use super::network_point::{CgroupPoint, Direction, XdpMode};
use super::user_point::{UserPoint, write_several};

/// A place where programs can be attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Site {
    /// A network interface.
    Interface {
        /// Its name.
        name: String,
        /// How its driver runs an XDP program.
        mode: XdpMode,
    },
    /// The traffic of a network interface in one direction.
    Traffic {
        /// The interface's name.
        interface: String,
        /// Which way.
        direction: Direction,
    },
    /// A cgroup and those below it.
    Cgroup {
        /// Its path from the cgroup2 mount: `/system.slice`; `/` is all.
        path: String,
        /// What of it.
        point: CgroupPoint,
    },
    /// A function of the kernel, or an instruction inside it.
    Function {
        /// The function's name.
        symbol: String,
        /// Bytes after its start.
        offset: u64,
        /// Further functions that the same program is attached to; after the first, and in order.
        more: Vec<String>,
    },
    /// A tracepoint, with its category.
    Event(TracepointName),
    /// A tracepoint by its name alone, before its fields are made.
    RawEvent(String),
    /// A hook of the Linux security modules.
    SecurityHook(String),
    /// A point in a program or library.
    Binary(UserPoint),
    /// A function of the kernel, by whatever mechanism: what `function` asks for.
    Call {
        /// Its name.
        symbol: String,
        /// Which end of a call.
        end: CallEnd,
    },
    /// System calls.
    Syscall(SyscallSite),
    /// One CPU, at intervals.
    Timer(Duration),
    /// Each CPU, so often a second.
    Profile(u32),
    /// Each CPU, whenever so many of an event were counted there.
    Perf {
        /// The event.
        event: PerfEvent,
        /// How many; of a clock, nanoseconds.
        every: u64,
    },
    /// All objects of a kind that there are.
    Items(Items),
}

/// The end of a call that a hook is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallEnd {
    /// Before it does anything.
    Entry,
    /// When it is done.
    Return,
}

/// System calls at one of their ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyscallSite {
    /// Their names, as unistd.h has them; all are reported by one program. Sorted, never empty.
    pub calls: Vec<String>,
    /// At which end.
    pub end: CallEnd,
    /// True for what stands in for a tracepoint of the category `syscalls`: it does not see 32-bit processes, and captures name
    /// the fields of its record.
    pub as_tracepoint: bool,
}

impl fmt::Display for SyscallSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.calls.as_slice() {
            [one] => f.write_str(one)?,
            [one, two] => write!(f, "{one}, {two}")?,
            [one, ..] => write!(f, "{one} and {} more", self.calls.len() - 1)?,
            [] => {}
        }
        match self.end {
            CallEnd::Entry => f.write_str(" (entry)"),
            CallEnd::Return => Ok(()),
        }
    }
}

impl Site {
    /// What follows the slash in the name of a section: `sched/sched_switch` of `SEC("tp/sched/sched_switch")`. `None` where a
    /// program of this kind cannot name its own place.
    pub fn of_section(kind: HookKind, target: &str) -> Option<Self> {
        match kind {
            HookKind::Kprobe | HookKind::Kretprobe | HookKind::Fentry | HookKind::Fexit => {
                Some(Self::Function { symbol: target.to_owned(), offset: 0, more: Vec::new() })
            }
            HookKind::Tracepoint => {
                let (category, name) = target.split_once('/')?;
                Some(Self::Event(TracepointName { category: category.to_owned(), name: name.to_owned() }))
            }
            HookKind::RawTracepoint => Some(Self::RawEvent(target.to_owned())),
            HookKind::Lsm => Some(Self::SecurityHook(target.to_owned())),
            HookKind::Xdp
            | HookKind::Uprobe
            | HookKind::Uretprobe
            | HookKind::Usdt
            | HookKind::Tc
            | HookKind::Cgroup
            | HookKind::Function
            | HookKind::Syscall
            | HookKind::Timer
            | HookKind::Profile
            | HookKind::Perf
            | HookKind::Iter => None,
        }
    }
}

/// `eth0 (auto)`, `tcp_sendmsg+0x8`, `sched:sched_switch`, `bash:readline`
impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface { name, mode } => write!(f, "{name} ({})", mode.name()),
            Self::Traffic { interface, direction } => write!(f, "{interface} ({})", direction.word()),
            Self::Cgroup { path, point } => write!(f, "{path} ({})", point.word()),
            Self::Function { symbol, offset: 0, more } => write_several(f, symbol, more),
            Self::Function { symbol, offset, .. } => write!(f, "{symbol}+{offset:#x}"),
            Self::Event(name) => name.fmt(f),
            Self::RawEvent(name) | Self::SecurityHook(name) => f.write_str(name),
            Self::Binary(point) => point.fmt(f),
            Self::Call { symbol, end: CallEnd::Entry } => f.write_str(symbol),
            Self::Call { symbol, end: CallEnd::Return } => write!(f, "{symbol} (return)"),
            Self::Syscall(site) => site.fmt(f),
            // `1s`, `250ms`
            Self::Timer(every) => write!(f, "{every:?}"),
            Self::Profile(frequency) => write!(f, "{frequency} Hz"),
            Self::Perf { event, every: 1 } => f.write_str(event.word()),
            Self::Perf { event, every } => write!(f, "{} (every {every})", event.word()),
            Self::Items(items) => f.write_str(items.word()),
        }
    }
}

/// `category:name` of a tracepoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracepointName {
    /// The subsystem: `sched`.
    pub category: String,
    /// The event: `sched_switch`.
    pub name: String,
}

impl TracepointName {
    /// `sched:sched_switch`; `None` without a colon.
    pub fn parse(text: &str) -> Option<Self> {
        let (category, name) = text.split_once(':')?;
        Some(Self { category: category.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for TracepointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.category, self.name)
    }
}

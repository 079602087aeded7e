// SPDX-License-Identifier: MIT OR Apache-2.0
//! Call stacks: the bytes of [`StackSlot`], and what is known of each function.

use std::io::Write as _;
use std::sync::Arc;

use crate::spec::StackSlot;

/// A function that led to an event. One that was inlined has the address of what it was inlined into, and stands before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackFrame {
    /// Where in it: the address that the call returns to, or of the instruction itself.
    pub address: u64,
    /// What it is called; `None` where nobody knows.
    pub symbol: Option<Arc<str>>,
    /// How far into it; `None` where the symbol or its beginning is unknown.
    pub offset: Option<u64>,
    /// The program or library, by the last name of its path; the module of the kernel; `None` for the kernel itself.
    pub module: Option<Arc<str>>,
}

impl StackFrame {
    /// One of which nothing is known.
    pub fn unknown(address: u64) -> Self {
        Self { address, symbol: None, offset: None, module: None }
    }
}

/// Whose code an address is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodeOf {
    /// The kernel's.
    Kernel,
    /// A process's.
    Process {
        /// Its number in the first PID namespace.
        pid: u32,
        /// Another one after each execve; 0: unknown.
        space: u32,
    },
}

/// The stack in a slot; `None` for an empty one.
pub(super) struct Stack<'a> {
    words: &'a [[u8; 8]],
    space: u32,
    pid: u32,
}

impl<'a> Stack<'a> {
    pub(super) fn of(slot: &'a [u8]) -> Option<Self> {
        let (head, words) = slot.split_at_checked(StackSlot::HEAD.into())?;
        let [frames, space, pid, _zero] = head.as_chunks().0 else { return None };
        let words = words.as_chunks().0;
        let words = &words[..words.len().min(u32::from_ne_bytes(*frames) as usize)];
        (!words.is_empty()).then(|| Self { words, space: u32::from_ne_bytes(*space), pid: u32::from_ne_bytes(*pid) })
    }

    /// Whose functions these are.
    pub(super) fn whose(&self, user: bool) -> CodeOf {
        if user { CodeOf::Process { pid: self.pid, space: self.space } } else { CodeOf::Kernel }
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = u64> {
        self.words.iter().map(|word| u64::from_ne_bytes(*word))
    }
}

/// Leaves of the frames from `start` on those that are shown: at most `shown` addresses. A stack of the kernel may begin with the program
/// that collected it, and what called that.
pub(super) fn show(frames: &mut Vec<StackFrame>, start: usize, user: bool, shown: usize) {
    if !user {
        let top = frames.iter().skip(start).take(StackSlot::OWN.into());
        let own = top.enumerate().filter(|(_, frame)| is_own(frame)).map(|(at, _)| at + 1).next_back().unwrap_or(0);
        frames.drain(start..start + own);
    }
    // What is inlined has the same address, and is no frame of its own.
    let mut seen = (0, None);
    let end = frames.iter().skip(start).position(|frame| {
        if seen.1 != Some(frame.address) {
            seen = (seen.0 + 1, Some(frame.address));
        }
        seen.0 > shown
    });
    if let Some(end) = end {
        frames.truncate(start + end);
    }
}

/// True for programs of BPF, and for what the kernel calls to run one at a tracepoint.
fn is_own(frame: &StackFrame) -> bool {
    let symbol = frame.symbol.as_deref().unwrap_or_default();
    frame.module.as_deref() == Some(BPF) || OWN.iter().any(|begin| symbol.starts_with(begin))
}

/// What the kernel calls the module that all programs and trampolines belong to.
const BPF: &str = "bpf";
const OWN: [&str; 3] = ["bpf_trace_run", "__bpf_trace_", "__traceiter_"];

/// Appends `function+0x8`; `library+0x1234`, counted in its file, where nobody knows the function; false where nobody knows either.
pub(super) fn append(frame: &StackFrame, out: &mut Vec<u8>) -> bool {
    let Some(name) = frame.symbol.as_ref().or(frame.module.as_ref()) else { return false };
    out.extend_from_slice(name.as_bytes());
    match frame.offset {
        Some(offset) if offset > 0 || frame.symbol.is_none() => {
            // Writing to a Vec cannot fail.
            let _ = write!(out, "+{offset:#x}");
        }
        Some(_) | None => {}
    }
    true
}

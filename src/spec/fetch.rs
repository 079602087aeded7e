// SPDX-License-Identifier: MIT OR Apache-2.0
//! One entry of the work list that specialises the `trace` program: a capture, resolved against the kernel's types.

/// What to read and where to put it in the record. `bpf/include/fetch.h` is what executes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// Where the value comes from.
    pub source: FetchSource,
    /// For each pointer that is followed in kernel memory: what is added to the address before it is read.
    pub hops: Vec<u32>,
    /// What is added to the address before the copy.
    pub offset: u32,
    /// How it reaches the record.
    pub copy: FetchCopy,
    /// Bytes to copy.
    pub size: u16,
    /// Bytes that the record has for it: a multiple of 8, at least `size`.
    pub slot: u16,
    /// Where its slot begins in the record: a multiple of 8.
    pub out: u32,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchSource {
    /// This argument of the function or raw tracepoint, from 0.
    Argument(u8),
    /// What the function returned.
    Return,
    /// The address of the tracepoint's record.
    Context,
    /// The address of a dynamic array; its `__data_loc` is this many bytes into the record.
    DataLoc(u8),
    /// The same for `__rel_loc` (Linux 5.16).
    RelLoc(u8),
    /// The real group id of the thread.
    Gid,
    /// The CPU.
    Cpu,
}

/// How a value reaches the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchCopy {
    /// The value itself, eight bytes; `offset` bytes into it for a member of a struct that was passed by value.
    Value,
    /// Bytes of kernel memory at the address.
    Kernel,
    /// Bytes of the process's memory at the address.
    User,
    /// NUL-terminated text in kernel memory.
    KernelText,
    /// NUL-terminated text in the process's memory.
    UserText,
}

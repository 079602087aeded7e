// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one field table: how a record's bytes become named values. Every format is driven by it.

use std::sync::Arc;

use super::expr::NameTable;
use super::formula::Formula;
use super::of_end::OfEnd;
use super::sample::{Buckets, Sample};

/// How the bytes of one kind of record are read. Made from a program's BTF, or from a probe's `capture`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Layout {
    /// Bytes of a record.
    pub size: u32,
    /// Offset of a `u64` of nanoseconds of CLOCK_BOOTTIME; `None` where the record has no time of its own.
    pub time: Option<u32>,
    /// Offset of a `u64` mask: bit `n` set says that the field whose [`Field::absent_bit`] is `n` has no value, bit `n + 32` that
    /// it could not be read.
    pub absent: Option<u32>,
    /// Those of `pid tid uid comm` that the record holds, in that order.
    pub process: Vec<Field>,
    /// The other fields, in the order of the output.
    pub fields: Vec<Field>,
    /// Values that are not shown, for [`FieldType::Computed`] and [`Layout::filter`]: they may lie in the same bytes as a field.
    pub operands: Vec<Field>,
    /// The part of `where` that the kernel did not decide: only records of which it is true are delivered.
    pub filter: Option<Arc<Formula>>,
    /// How rows of counters are made of the fields; `None` for events.
    pub sample: Option<Sample>,
}

impl Layout {
    /// The name of the table that these are rows of; `None` where nothing has to tell it from others.
    pub fn table(&self) -> Option<&str> {
        self.sample.as_ref()?.table.as_deref()
    }
}

/// One named value of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The name in the output.
    pub name: String,
    /// Offset in the record, in bytes.
    pub offset: u32,
    /// Bytes that it occupies.
    pub size: u32,
    /// How the bytes are read.
    pub kind: FieldType,
    /// Its bit in the record's mask of absent values; `None`: always there. 32 bits higher is the one that says that there was
    /// something to read, and it could not be read.
    pub absent_bit: Option<u8>,
    /// The end or socket that it is a part of, which says whether there is one; `offset` is in the record.
    pub of_end: Option<OfEnd>,
    /// The bits of the integer that count, for a bit-field.
    pub bits: Option<BitRange>,
    /// `ns`, `bytes` …; empty where there is none.
    pub unit: String,
    /// One sentence for people; empty where there is none.
    pub doc: String,
}

/// Some bits of an integer: a bit-field of C.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BitRange {
    /// The lowest of them.
    pub shift: u8,
    /// How many there are: 1 to 64.
    pub width: u8,
}

/// How the bytes of a field are read. Integers are in the byte order of the machine unless said otherwise.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldType {
    /// An unsigned integer of 1, 2, 4 or 8 bytes. A number in JSON.
    Unsigned,
    /// A signed integer of 1, 2, 4 or 8 bytes. A number in JSON.
    Signed,
    /// A user or group id of 4 bytes. A number in JSON; all ones, -1 for the kernel, say that none is set: it is absent then.
    Id,
    /// One byte, zero or not. `true` or `false`.
    Bool,
    /// One byte, zero or not: `true`, or left out altogether. For rare conditions such as `path_truncated`.
    Flag,
    /// An unsigned integer of 1, 2, 4 or 8 bytes, written `0x1f`. A string in JSON.
    Hex,
    /// Text up to the first NUL or the end of the slot. With `Some(limit)`, text longer than `limit` bytes is cut there,
    /// and a sibling `NAME_truncated: true` says so (the slot is larger than the limit, so that a cut can be told).
    Text {
        /// Most bytes that are shown.
        limit: Option<u32>,
    },
    /// A command line: four bytes that say how many follow, then its words, each with its NUL but the last of one that was cut.
    /// Written as a shell would need them quoted. A string in JSON.
    Argv,
    /// A path, as `bpf/include/names.h` collects it: two bytes of length, one that is 1 where its beginning is missing, one that is
    /// 1 where the file is deleted, then its names, the last one first, each with its NUL. Written `/usr/bin/ls`, or
    /// `…/bin/ls` with a sibling `NAME_truncated: true`, and ` (deleted)` after it, as the kernel does. A string in JSON.
    Path,
    /// Raw bytes, written as lower-case hexadecimal digits. A string in JSON.
    Bytes,
    /// Four bytes in network order. A string in JSON.
    Ipv4,
    /// Sixteen bytes in network order. A string in JSON.
    Ipv6,
    /// Two bytes in network order. A number in JSON.
    Port,
    /// The number of an error of the kernel, of 4 bytes. A string in JSON: its name, `ENOENT`, or the number where it has none.
    Errno,
    /// A signed integer of 1, 2, 4 or 8 bytes that has names. A string in JSON: the name, or the decimal number where
    /// it has none.
    Enum(Arc<[(i64, String)]>),
    /// A number of 1, 2, 4 or 8 bytes that a built-in table names. A string in JSON; of flags their names joined by `|`, what is
    /// left of them in hexadecimal. `errno`: of −4095 to −1, else absent; `signal`: 0 is absent.
    Named(NameTable),
    /// Eight bytes of nanoseconds, signed. A number in JSON.
    Duration,
    /// A `struct timespec` of 16 bytes: a duration.
    Timespec,
    /// Eight bytes of nanoseconds of CLOCK_MONOTONIC. A time of day as `ts` has it; a string in JSON.
    Ktime,
    /// Sixteen bytes in network order, IPv4 as `::ffff:a.b.c.d`. A string in JSON, IPv4 as `a.b.c.d`; all zero is `::`.
    Ip,
    /// Six bytes: `52:54:00:12:34:56`.
    Mac,
    /// Sixteen bytes: `6ba7b810-9dad-11d1-80b4-00c04fd430c8`.
    Uuid,
    /// One end of a connection, as [`super::EndpointSlot`] lies in memory: `10.0.0.1:443`, `[::1]:53`, `unix:/run/x`; of another
    /// family absent. A string in JSON.
    Endpoint,
    /// Both ends, as [`super::SockSlot`]. An object in JSON: `family`, `protocol`, `source`, `destination`.
    Sock,
    /// A packet, as [`super::PacketSlot`]. An object in JSON: `length`, `protocol`, `source`, `destination`.
    Packet,
    /// Text (`text`) or raw bytes with a length of their own: four bytes that say how many follow the first eight, four that say how
    /// many there were, then they.
    Counted {
        /// Text that ends before the first NUL; else bytes, written as hexadecimal digits.
        text: bool,
    },
    /// A `dev_t` of 4 bytes, as the kernel has it: the disk's name, `8:16` where nobody knows one. A string in JSON.
    Dev,
    /// Eight bytes: an address in the kernel's code. `tcp_sendmsg+0x8` in JSON, the address where nobody knows it.
    Ksym,
    /// Eight bytes: an address in the code of the event's process.
    Usym,
    /// Eight bytes: the id of a cgroup. Its path from the root of the cgroup2 mount in JSON; absent where nobody knows it.
    Cgroup,
    /// Eight bytes: the id of a cgroup. The container that its path tells; absent where it is none.
    Container,
    /// A histogram: eight bytes for each bucket, how many fell into it. `[[low, high, count], …]` in JSON, without empty ones.
    Histogram(Arc<Buckets>),
    /// A call stack, as [`super::StackSlot`]. A list of objects in JSON: `addr`, `symbol`, `offset`, `module`.
    Stack {
        /// Of the process; else of the kernel.
        user: bool,
    },
    /// It takes no bytes: calculated from [`Layout::operands`]. Shown as the formula's type says.
    Computed(Arc<Formula>, ComputedType),
}

impl FieldType {
    /// What has to be found out before a value of this type can be shown.
    pub fn found_out(&self) -> FoundOut {
        match self {
            Self::Ktime => FoundOut::Time,
            Self::Dev => FoundOut::Disk,
            Self::Ksym => FoundOut::KernelSymbol,
            Self::Usym => FoundOut::UserSymbol,
            Self::Cgroup => FoundOut::Cgroup,
            Self::Container => FoundOut::Container,
            Self::Histogram(_) => FoundOut::Histogram,
            Self::Stack { .. } => FoundOut::Stack,
            Self::Computed(..) => FoundOut::Result,
            Self::Unsigned
            | Self::Signed
            | Self::Id
            | Self::Bool
            | Self::Flag
            | Self::Hex
            | Self::Text { .. }
            | Self::Argv
            | Self::Path
            | Self::Bytes
            | Self::Ipv4
            | Self::Ipv6
            | Self::Port
            | Self::Errno
            | Self::Enum(_)
            | Self::Named(_)
            | Self::Duration
            | Self::Timespec
            | Self::Ip
            | Self::Mac
            | Self::Uuid
            | Self::Endpoint
            | Self::Sock
            | Self::Packet
            | Self::Counted { .. } => FoundOut::Nothing,
        }
    }
}

/// What the bytes of a value do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundOut {
    /// They say all.
    Nothing,
    /// The time of day at a time of CLOCK_MONOTONIC.
    Time,
    /// The name of a disk.
    Disk,
    /// The function at an address of the kernel.
    KernelSymbol,
    /// The function at an address of the process.
    UserSymbol,
    /// The path of a cgroup.
    Cgroup,
    /// The container of a cgroup.
    Container,
    /// The functions of a stack.
    Stack,
    /// What a formula comes to.
    Result,
    /// Its buckets.
    Histogram,
}

/// What a formula gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComputedType {
    /// A number with a sign.
    Signed,
    /// A number without.
    Unsigned,
    /// True, false, or undecided: null.
    Bool,
    /// Nanoseconds.
    Duration,
    /// A number as `0x1f`.
    Hex,
    /// A number that the table names.
    Named(NameTable),
    /// A number that has these names.
    Enum(Arc<[(i64, String)]>),
    /// Nanoseconds of CLOCK_MONOTONIC.
    Ktime,
}

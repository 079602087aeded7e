// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one field table: how a record's bytes become named values. Every format is driven by it.

use std::sync::Arc;

/// How the bytes of one kind of record are read. Made from a program's BTF, or from a probe's `capture`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Layout {
    /// Bytes of a record.
    pub size: u32,
    /// Offset of a `u64` of nanoseconds of CLOCK_BOOTTIME; `None` where the record has no time of its own.
    pub time: Option<u32>,
    /// Offset of a `u32` mask: bit `n` set says that the field whose [`Field::absent_bit`] is `n` has no value.
    pub absent: Option<u32>,
    /// Those of `pid tid uid comm` that the record holds, in that order.
    pub process: Vec<Field>,
    /// The other fields, in the order of the output.
    pub fields: Vec<Field>,
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
    /// Its bit in the record's mask of absent values; `None`: always there.
    pub absent_bit: Option<u8>,
    /// `ns`, `bytes` …; empty where there is none.
    pub unit: String,
    /// One sentence for people; empty where there is none.
    pub doc: String,
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
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! The built-in tables of names: what a number of a [`NameTable`] is called.

use super::errnos::ERRNOS;
use super::expr::NameTable;

/// The names of a table.
#[derive(Debug, Clone, Copy)]
pub enum NameSet {
    /// A name for each number, sorted by number.
    Numbers(&'static [(i64, &'static str)]),
    /// A name for each bit, or for what some bits hold; in the order in which they are written.
    Flags(&'static [FlagName]),
}

/// A flag: it is set where the bits of `mask` are those of `value`. `O_RDONLY` is 0 of the mask 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlagName {
    /// The bits that it is about.
    pub mask: u64,
    /// What they hold.
    pub value: u64,
    /// What that is called.
    pub name: &'static str,
}

/// RFC 9293, 3.1, and RFC 8311, 4.3.
const TCP_FLAGS: [FlagName; 9] = {
    const fn bit(value: u64, name: &'static str) -> FlagName {
        FlagName { mask: value, value, name }
    }
    [
        bit(1 << 0, "FIN"),
        bit(1 << 1, "SYN"),
        bit(1 << 2, "RST"),
        bit(1 << 3, "PSH"),
        bit(1 << 4, "ACK"),
        bit(1 << 5, "URG"),
        bit(1 << 6, "ECE"),
        bit(1 << 7, "CWR"),
        bit(1 << 8, "NS"),
    ]
};

/// The names of this table. Errors stand by their positive numbers.
pub fn of(table: NameTable) -> NameSet {
    match table {
        NameTable::Errno => NameSet::Numbers(ERRNOS),
        NameTable::TcpFlags => NameSet::Flags(&TCP_FLAGS),
        // TODO(10): the other tables.
        NameTable::Signal
        | NameTable::Syscall
        | NameTable::Cap
        | NameTable::SocketFamily
        | NameTable::SocketType
        | NameTable::IpProtocol
        | NameTable::TcpState
        | NameTable::Softirq => NameSet::Numbers(&[]),
        NameTable::OpenFlags
        | NameTable::FileMode
        | NameTable::Access
        | NameTable::Prot
        | NameTable::MapFlags
        | NameTable::CloneFlags
        | NameTable::MountFlags
        | NameTable::Caps => NameSet::Flags(&[]),
    }
}

/// What `number` is called, in a table of numbers; errors by their positive numbers.
pub fn name(table: NameTable, number: i64) -> Option<&'static str> {
    match of(table) {
        NameSet::Numbers(names) => {
            names.binary_search_by_key(&number, |&(known, _)| known).ok().map(|index| names[index].1)
        }
        NameSet::Flags(_) => None,
    }
}

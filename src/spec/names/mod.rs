// SPDX-License-Identifier: MIT OR Apache-2.0
//! The built-in tables of names: `EACCES`, `O_CREAT|O_CLOEXEC`, `openat`. `scripts/generate-names` makes most of them from the
//! kernel's headers; `internal` has what those lack.

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod common;
mod find;
mod internal;
mod syscall;
mod syscalls_aarch64;
mod syscalls_arm;
mod syscalls_i386;
mod syscalls_x86_64;
mod table;
mod write;
#[cfg(not(target_arch = "aarch64"))]
mod x86_64;

pub use syscall::SyscallAbi;
pub use table::{FlagName, NameSet};

use std::fmt::{self, Write};

use self::find::find;
use self::table::Table;
use self::write::write_flags;
use super::expr::NameTable;

impl NameTable {
    /// One phrase for the documentation.
    pub fn doc(self) -> &'static str {
        self.table().doc
    }

    /// The table of a word after `as`.
    ///
    /// ```
    /// use ebpf_run::spec::NameTable;
    /// assert_eq!(NameTable::of_word("open_flags"), Some(NameTable::OpenFlags));
    /// assert_eq!(NameTable::of_word("open_flag"), None);
    /// ```
    pub fn of_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, table)| *table)
    }

    /// Whether its numbers are sets of bits.
    pub fn is_flags(self) -> bool {
        match self.table().set {
            NameSet::Numbers(_) => false,
            NameSet::Flags(_) => true,
        }
    }

    /// The names that the table has for numbers, with their numbers: of errors 13 for `EACCES`, as the headers say. A number may
    /// have several names, the usual one first; masks (`O_ACCMODE`, `S_IFMT`) are among them.
    pub fn names(self) -> impl Iterator<Item = (&'static str, i64)> {
        let Table { set, also, .. } = self.table();
        let (numbers, flags): (&[_], &[FlagName]) = match set {
            NameSet::Numbers(names) => (names, &[]),
            NameSet::Flags(names) => (&[], names),
        };
        let numbers = numbers.iter().chain(also).map(|(number, name)| (*name, *number));
        numbers.chain(flags.iter().map(|flag| (flag.name, flag.value.cast_signed())))
    }

    /// The number of a name as the headers have it: 13 for `EACCES`.
    ///
    /// ```
    /// use ebpf_run::spec::NameTable;
    /// assert_eq!(NameTable::Errno.number("EWOULDBLOCK"), Some(11));
    /// assert_eq!(NameTable::Caps.number("CAP_SYS_ADMIN"), Some(1 << 21));
    /// assert_eq!(NameTable::OpenFlags.number("O_ACCMODE"), Some(3));
    /// ```
    pub fn number(self, name: &str) -> Option<i64> {
        self.names().find(|(known, _)| *known == name).map(|(_, number)| number)
    }

    /// What a value of this type holds where the name is meant: −13 for `EACCES`, else as [`NameTable::number`].
    pub fn held(self, name: &str) -> Option<i64> {
        let number = self.number(name)?;
        Some(if self == Self::Errno { -number } else { number })
    }

    /// Every table that has this name, and the number in it: `CAP_SYS_ADMIN` is 21 of `cap` and a bit of `caps`, a signal is also
    /// one of `clone_flags`. The first is the one that the name is from.
    pub fn of_name(name: &str) -> impl Iterator<Item = (Self, i64)> {
        Self::WORDS.iter().filter_map(move |(_, table)| Some((*table, table.number(name)?)))
    }

    /// Whether a value says that there is none: an error outside of −4095 to −1, signal 0.
    pub fn is_null(self, held: i64) -> bool {
        match self {
            Self::Errno => !(-4095..0).contains(&held),
            Self::Signal => held == 0,
            Self::Syscall
            | Self::OpenFlags
            | Self::FileMode
            | Self::Access
            | Self::Prot
            | Self::MapFlags
            | Self::CloneFlags
            | Self::MountFlags
            | Self::Cap
            | Self::Caps
            | Self::SocketFamily
            | Self::SocketType
            | Self::IpProtocol
            | Self::TcpState
            | Self::TcpFlags
            | Self::Softirq => false,
        }
    }

    /// The name of one number, where the table is of single values and has one: of errors −13 is `EACCES`.
    ///
    /// ```
    /// use ebpf_run::spec::NameTable;
    /// assert_eq!(NameTable::Errno.name(-13), Some("EACCES"));
    /// assert_eq!(NameTable::Signal.name(9), Some("SIGKILL"));
    /// assert_eq!(NameTable::Signal.name(99), None);
    /// ```
    pub fn name(self, held: i64) -> Option<&'static str> {
        let number = if self == Self::Errno { held.checked_neg()? } else { held };
        match self.table().set {
            NameSet::Numbers(names) => find(names, number),
            NameSet::Flags(_) => None,
        }
    }

    /// Writes what a value is called: its name, or the decimal number; of flags their names joined by `|`, what is left of them in
    /// hexadecimal, permissions in octal. Flags come without a sign, from as many bytes as the value has. Allocates nothing.
    ///
    /// ```
    /// use ebpf_run::spec::NameTable;
    /// let shown = |table: NameTable, held| {
    ///     let mut text = String::new();
    ///     table.write(held, &mut text).map(|()| text).unwrap_or_default()
    /// };
    /// assert_eq!(shown(NameTable::OpenFlags, 0o101), "O_WRONLY|O_CREAT");
    /// assert_eq!(shown(NameTable::OpenFlags, 0), "O_RDONLY");
    /// assert_eq!(shown(NameTable::FileMode, 0o104755), "S_IFREG|S_ISUID|0755");
    /// assert_eq!(shown(NameTable::Access, 4 | 1 << 20), "MAY_READ|0x100000");
    /// assert_eq!(shown(NameTable::MountFlags, 0), "0");
    /// assert_eq!(shown(NameTable::TcpState, 77), "77");
    /// ```
    pub fn write(self, held: i64, out: &mut impl Write) -> fmt::Result {
        let Table { set, octal, .. } = self.table();
        match set {
            NameSet::Numbers(_) => match self.name(held) {
                Some(name) => out.write_str(name),
                None => write!(out, "{held}"),
            },
            NameSet::Flags(names) => write_flags(names, octal, held.cast_unsigned(), out),
        }
    }
}

/// The names of this table. Errors stand by their positive numbers.
pub fn of(table: NameTable) -> NameSet {
    table.table().set
}

/// What `number` is called, in a table of numbers; errors by their positive numbers.
pub fn name(table: NameTable, number: i64) -> Option<&'static str> {
    match of(table) {
        NameSet::Numbers(names) => find(names, number),
        NameSet::Flags(_) => None,
    }
}

#[cfg(test)]
mod tests;

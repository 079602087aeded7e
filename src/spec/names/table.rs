// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the names of each table are, and what it is for.

use super::super::expr::NameTable;
#[cfg(target_arch = "aarch64")]
use super::aarch64 as own;
use super::syscall::shown;
#[cfg(not(target_arch = "aarch64"))]
use super::x86_64 as own;
use super::{common, internal};

/// The names of a table.
#[derive(Debug, Clone, Copy)]
pub enum NameSet {
    /// Names of numbers, sorted by number; of several names of one number the usual one comes first.
    Numbers(&'static [(i64, &'static str)]),
    /// A name for each bit, or for what some bits hold; in the order in which they are written. What has been named by one is not
    /// named again by the next.
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

/// Numbers with their names.
type Names = &'static [(i64, &'static str)];

/// One built-in table.
pub(super) struct Table {
    pub(super) doc: &'static str,
    pub(super) set: NameSet,
    /// Names for expressions that are never shown.
    pub(super) also: Names,
    /// Of flags without a name those that are written in octal.
    pub(super) octal: u64,
}

/// A table of single values.
const fn numbers(doc: &'static str, names: Names) -> Table {
    Table { doc, set: NameSet::Numbers(names), also: &[], octal: 0 }
}

/// A table of flags.
const fn flags(doc: &'static str, names: &'static [FlagName], also: Names) -> Table {
    Table { doc, set: NameSet::Flags(names), also, octal: 0 }
}

/// Where flags come from: what these bits hold, or with `EACH` each for itself.
type Part = (u64, Names);
const EACH: u64 = 0;

const fn count(parts: &[Part]) -> usize {
    let (mut total, mut part) = (0, 0);
    while part < parts.len() {
        total += parts[part].1.len();
        part += 1;
    }
    total
}

const fn join<const N: usize>(parts: &[Part]) -> [FlagName; N] {
    let mut all = [FlagName { mask: 0, value: 0, name: "" }; N];
    let (mut next, mut part) = (0, 0);
    while part < parts.len() {
        let (mask, names) = parts[part];
        let mut at = 0;
        while at < names.len() {
            let value = names[at].0.cast_unsigned();
            all[next] = FlagName { mask: if mask == EACH { value } else { mask }, value, name: names[at].1 };
            next += 1;
            at += 1;
        }
        part += 1;
    }
    all
}

/// The bits of numbers.
const fn shifted<const N: usize>(names: Names) -> [(i64, &'static str); N] {
    let mut all = [(0, ""); N];
    let mut at = 0;
    while at < N {
        all[at] = (1 << names[at].0, names[at].1);
        at += 1;
    }
    all
}

/// Two lists after one another.
const fn after<const N: usize>(first: Names, second: Names) -> [(i64, &'static str); N] {
    let mut all = [(0, ""); N];
    let mut at = 0;
    while at < N {
        all[at] = if at < first.len() { first[at] } else { second[at - first.len()] };
        at += 1;
    }
    all
}

const ERRORS: Names = &after::<{ common::ERRNO.len() + internal::ERRNO.len() }>(common::ERRNO, internal::ERRNO);
const CAP_BITS: Names = &shifted::<{ common::CAP.len() }>(common::CAP);

const OPEN: &[Part] = &[(3, own::OPEN_ACCESS), (EACH, own::OPEN_FLAGS)];
const MODE: &[Part] = &[(0o170_000, common::FILE_TYPE), (EACH, common::FILE_MODE_FLAGS)];
const ACCESS: &[Part] = &[(EACH, internal::ACCESS)];
const PROT: &[Part] = &[(u64::MAX, &[(0, "PROT_NONE")]), (EACH, own::PROT)];
const MAP: &[Part] = &[(0xf, own::MAP_TYPES), (EACH, own::MAP_FLAGS), (0x3f << 26, own::MAP_HUGE)];
/// The lowest seven bits are the signal that the parent gets, bit 7 is `CLONE_NEWTIME`: no signal has it.
const CLONE: &[Part] = &[(EACH, common::CLONE_FLAGS), (0x7f, common::SIGNAL)];
const MOUNT: &[Part] = &[(EACH, common::MOUNT_FLAGS)];
const CAPS: &[Part] = &[(EACH, CAP_BITS)];
const SOCKET: &[Part] = &[(0xf, internal::SOCKET_TYPES), (EACH, internal::SOCKET_FLAGS)];
const TCP: &[Part] = &[(EACH, internal::TCP_FLAGS)];

const OPEN_FLAGS: &[FlagName] = &join::<{ count(OPEN) }>(OPEN);
const FILE_MODE: &[FlagName] = &join::<{ count(MODE) }>(MODE);
const ACCESS_FLAGS: &[FlagName] = &join::<{ count(ACCESS) }>(ACCESS);
const PROT_FLAGS: &[FlagName] = &join::<{ count(PROT) }>(PROT);
const MAP_FLAGS: &[FlagName] = &join::<{ count(MAP) }>(MAP);
const CLONE_FLAGS: &[FlagName] = &join::<{ count(CLONE) }>(CLONE);
const MOUNT_FLAGS: &[FlagName] = &join::<{ count(MOUNT) }>(MOUNT);
const CAPS_FLAGS: &[FlagName] = &join::<{ count(CAPS) }>(CAPS);
const SOCKET_TYPE: &[FlagName] = &join::<{ count(SOCKET) }>(SOCKET);
const TCP_FLAGS: &[FlagName] = &join::<{ count(TCP) }>(TCP);

const FAMILY_ALSO: Names = &[(1, "AF_LOCAL"), (16, "AF_ROUTE")];
const MAP_ALSO: Names = &[(0, "MAP_FILE"), (0xf, "MAP_TYPE")];

impl NameTable {
    pub(super) fn table(self) -> Table {
        match self {
            Self::Errno => numbers("an error, of −4095 to −1; null for other numbers", ERRORS),
            Self::Signal => numbers("a signal; 0 is null", common::SIGNAL),
            Self::Syscall => numbers("the number of a system call", shown()),
            Self::OpenFlags => flags("`O_…`, as open(2) takes them", OPEN_FLAGS, &[(3, "O_ACCMODE")]),
            Self::FileMode => {
                Table { octal: 0o777, ..flags("type and permissions of a file", FILE_MODE, common::FILE_PERMISSIONS) }
            }
            Self::Access => flags("`MAY_…`: what an access is for", ACCESS_FLAGS, &[]),
            Self::Prot => flags("`PROT_…`: what memory allows", PROT_FLAGS, &[]),
            Self::MapFlags => flags("`MAP_…`, as mmap(2) takes them", MAP_FLAGS, MAP_ALSO),
            Self::CloneFlags => {
                flags("`CLONE_…`, as clone(2), unshare(2) and setns(2) take them", CLONE_FLAGS, &[(0xff, "CSIGNAL")])
            }
            Self::MountFlags => flags("`MS_…`, as mount(2) takes them", MOUNT_FLAGS, &[]),
            Self::Cap => numbers("a capability", common::CAP),
            Self::Caps => flags("a set of capabilities", CAPS_FLAGS, &[]),
            Self::SocketFamily => Table { also: FAMILY_ALSO, ..numbers("`AF_…`", common::SOCKET_FAMILY) },
            Self::SocketType => flags("`SOCK_…`, as socket(2) takes them", SOCKET_TYPE, &[(0xf, "SOCK_TYPE_MASK")]),
            Self::IpProtocol => numbers("`IPPROTO_…`", common::IP_PROTOCOL),
            Self::TcpState => numbers("the state of a TCP connection", internal::TCP_STATE),
            Self::TcpFlags => flags("the bits of a TCP header: `SYN`, `ACK` …", TCP_FLAGS, &[]),
            Self::Softirq => numbers("the number of a softirq", internal::SOFTIRQ),
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::BTreeSet;

use super::{NameSet, SyscallAbi};
use crate::spec::NameTable;

fn shown(table: NameTable, held: i64) -> String {
    let mut text = String::new();
    table.write(held, &mut text).unwrap();
    text
}

/// Every table has a word that leads back to it; those of single values are sorted, so that names are found by halving.
#[test]
fn tables() {
    for (word, table) in NameTable::WORDS {
        assert_eq!((NameTable::of_word(word), table.word()), (Some(*table), *word));
        assert!(!table.doc().is_empty());
        match super::of(*table) {
            NameSet::Numbers(names) => assert!(names.is_sorted_by_key(|(number, _)| *number), "{table:?}"),
            NameSet::Flags(_) => {}
        }
    }
    assert!(SyscallAbi::Compat.all().is_sorted_by_key(|(number, _)| *number));
}

/// Each name has one number in its table, and the number of a single value is shown by a name that has it.
#[test]
fn there_and_back() {
    for (_, table) in NameTable::WORDS {
        let mut seen = BTreeSet::new();
        for (name, number) in table.names() {
            assert!(seen.insert(name), "{table:?}: {name}");
            assert_eq!(table.number(name), Some(number));
            if !table.is_flags() {
                let back = table.name(table.held(name).unwrap()).unwrap();
                assert_eq!(table.number(back), Some(number), "{name} {back}");
            }
        }
    }
}

/// Of several names of one number the usual one is shown; the others are understood.
#[test]
fn usual_names() {
    for (table, other, usual) in [
        (NameTable::Errno, "EWOULDBLOCK", "EAGAIN"),
        (NameTable::Errno, "EDEADLOCK", "EDEADLK"),
        (NameTable::Signal, "SIGPOLL", "SIGIO"),
        (NameTable::Signal, "SIGIOT", "SIGABRT"),
        (NameTable::SocketFamily, "AF_LOCAL", "AF_UNIX"),
        (NameTable::OpenFlags, "O_NDELAY", "O_RDONLY|O_NONBLOCK"),
        (NameTable::IpProtocol, "IPPROTO_HOPOPTS", "IPPROTO_IP"),
    ] {
        assert_eq!(shown(table, table.held(other).unwrap()), usual);
    }
}

/// Flags are written with all that they say: access modes, types within flags, bits in pairs, leftovers.
#[test]
fn flags() {
    let open =
        |names: &[&str]| names.iter().map(|name| NameTable::OpenFlags.number(name).unwrap()).fold(0, |a, b| a | b);
    assert_eq!(shown(NameTable::OpenFlags, open(&["O_RDWR", "O_SYNC"])), "O_RDWR|O_SYNC");
    assert_eq!(shown(NameTable::OpenFlags, open(&["O_RDWR", "O_DSYNC"])), "O_RDWR|O_DSYNC");
    assert_eq!(shown(NameTable::OpenFlags, open(&["O_TMPFILE", "O_CLOEXEC"])), "O_RDONLY|O_TMPFILE|O_CLOEXEC");
    assert_eq!(shown(NameTable::OpenFlags, open(&["O_DIRECTORY"])), "O_RDONLY|O_DIRECTORY");
    assert_eq!(shown(NameTable::OpenFlags, 3 | 1 << 40), "0x10000000003");
    assert_eq!(shown(NameTable::FileMode, 0o644), "0644");
    assert_eq!(shown(NameTable::FileMode, 0o7), "0007");
    assert_eq!(shown(NameTable::FileMode, 0o40_000), "S_IFDIR");
    assert_eq!(shown(NameTable::FileMode, 0), "0");
    assert_eq!(shown(NameTable::Prot, 0), "PROT_NONE");
    assert_eq!(shown(NameTable::Prot, 5), "PROT_READ|PROT_EXEC");
    assert_eq!(shown(NameTable::MapFlags, 0x22), "MAP_PRIVATE|MAP_ANONYMOUS");
    assert_eq!(shown(NameTable::MapFlags, 3), "MAP_SHARED_VALIDATE");
    assert_eq!(
        shown(NameTable::MapFlags, 0x22 | 1 << 18 | 21 << 26),
        "MAP_PRIVATE|MAP_ANONYMOUS|MAP_HUGETLB|MAP_HUGE_2MB"
    );
    assert_eq!(shown(NameTable::CloneFlags, 0x0120_0011), "CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD");
    assert_eq!(shown(NameTable::CloneFlags, 0x4000_0080), "CLONE_NEWTIME|CLONE_NEWNET");
    assert_eq!(shown(NameTable::SocketType, 0x8_0001), "SOCK_STREAM|SOCK_CLOEXEC");
    assert_eq!(shown(NameTable::Caps, 1 << 21 | 1), "CAP_CHOWN|CAP_SYS_ADMIN");
    assert_eq!(shown(NameTable::Caps, 0), "0");
    assert_eq!(shown(NameTable::Caps, i64::MIN), "0x8000000000000000");
}

/// A success has no error, and no signal is no name.
#[test]
fn null() {
    assert!(NameTable::Errno.is_null(0) && NameTable::Errno.is_null(3) && NameTable::Errno.is_null(-4096));
    assert!(!NameTable::Errno.is_null(-4095) && !NameTable::Errno.is_null(-1));
    assert_eq!(NameTable::Errno.name(i64::MIN), None);
    assert_eq!(shown(NameTable::Errno, -512), "ERESTARTSYS");
    assert_eq!(shown(NameTable::Errno, -4000), "-4000");
    assert!(NameTable::Signal.is_null(0) && !NameTable::Signal.is_null(9));
}

/// Names that one architecture has and another does not are known.
#[test]
fn of_every_architecture() {
    for name in ["open", "openat", "socketcall", "mmap2", "arm_fadvise64_64", "io_uring_setup", "exit_group"] {
        assert!(SyscallAbi::is_known(name), "{name}");
    }
    assert_eq!(SyscallAbi::Compat.name(5), Some("open"));
    // A number of the 32-bit table has a bit more.
    let compat = |name| 1 << 31 | SyscallAbi::Compat.number(name).unwrap();
    for name in ["setuid32", "clock_nanosleep_time64", "_llseek"] {
        assert_eq!(shown(NameTable::Syscall, compat(name)), name);
        assert_eq!(NameTable::Syscall.held(name), Some(compat(name)));
    }
    assert_eq!(NameTable::of_name("SIGKILL").next(), Some((NameTable::Signal, 9)));
}

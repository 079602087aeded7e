// SPDX-License-Identifier: MIT OR Apache-2.0
//! Interfaces that come and go, as the daemon notices them.

use std::os::fd::AsRawFd as _;

use ebpf_run::kernel::InterfaceWatch;

use crate::lab::{in_namespace, sh};

/// True if the watch can be read now.
fn is_readable(watch: &InterfaceWatch) -> bool {
    let mut socket = libc::pollfd { fd: watch.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one descriptor, which lives across the call; it waits for nothing.
    unsafe { libc::poll(&raw mut socket, 1, 0) == 1 }
}

/// Holds that this is noticed, once. The kernel tells before `ip` ends.
#[track_caller]
fn notices(watch: &mut InterfaceWatch, command: &str) {
    sh(command);
    assert!(is_readable(watch), "{command}");
    assert!(watch.drain(), "{command}");
    assert!(!is_readable(watch) && !watch.drain(), "{command}: said twice");
}

/// An interface that appears, is renamed, goes down and goes is noticed; nothing else is, and no other namespace.
#[test]
fn interfaces_that_come_and_go() {
    in_namespace(|| {
        let mut watch = InterfaceWatch::new().unwrap();
        assert!(!is_readable(&watch) && !watch.drain(), "nothing has happened");
        notices(&mut watch, "ip link add one type veth peer name two");
        notices(&mut watch, "ip link set one name uno");
        notices(&mut watch, "ip link set lo down");
        notices(&mut watch, "ip link del uno");
        sh("unshare -n ip link set lo up");
        sh("ip link show");
        assert!(!is_readable(&watch) && !watch.drain(), "other namespaces and questions are no change");
    });
}

/// So many changes at once that the kernel drops messages: that is noticed as a change, and later ones are.
#[test]
fn more_changes_than_fit() {
    in_namespace(|| {
        let mut watch = InterfaceWatch::new().unwrap();
        let least: libc::c_int = 1;
        // SAFETY: the value lives across the call and has the length that is passed.
        let done = unsafe {
            let value = (&raw const least).cast();
            libc::setsockopt(watch.as_raw_fd(), libc::SOL_SOCKET, libc::SO_RCVBUF, value, size_of_val(&least) as u32)
        };
        assert_eq!(done, 0);
        notices(&mut watch, "for n in 1 2 3 4 5 6 7 8 9; do ip link set left alias $n; done");
        notices(&mut watch, "ip link set left alias last");
    });
}

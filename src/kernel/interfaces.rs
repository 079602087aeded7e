// SPDX-License-Identifier: MIT OR Apache-2.0
//! Network interfaces that come and go: a NETLINK_ROUTE socket in the group of links (rtnetlink(7)).

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// `include/uapi/linux/rtnetlink.h`
const RTMGRP_LINK: u32 = 1;

/// Readable when an interface appeared, changed or went, in the network namespace where it was made.
pub struct InterfaceWatch {
    socket: OwnedFd,
}

impl InterfaceWatch {
    /// From now on. The socket does not block.
    pub fn new() -> io::Result<Self> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: takes numbers, returns a new descriptor or -1.
        let fd = unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_ROUTE) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and nobody else owns it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: plain integers, for which zero is a value.
        let mut address: libc::sockaddr_nl = unsafe { mem::zeroed() };
        address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
        address.nl_groups = RTMGRP_LINK;
        let len = mem::size_of_val(&address) as libc::socklen_t;
        // SAFETY: the address lives across the call and has the length that is passed.
        if unsafe { libc::bind(socket.as_raw_fd(), std::ptr::from_ref(&address).cast(), len) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { socket })
    }

    /// Takes all messages. True if there was one, or if some did not fit (ENOBUFS): look what is there now.
    pub fn drain(&mut self) -> bool {
        let mut changed = false;
        let mut buffer = [0u8; 4096];
        loop {
            // SAFETY: writes at most the length of the buffer into it. A longer message is cut, and is not looked at anyway.
            let got = unsafe { libc::recv(self.socket.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) };
            if got >= 0 {
                changed = true;
                continue;
            }
            match io::Error::last_os_error().raw_os_error() {
                Some(libc::ENOBUFS) => changed = true,
                Some(libc::EINTR) => {}
                Some(_) | None => return changed,
            }
        }
    }
}

impl AsRawFd for InterfaceWatch {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Network interfaces that come and go: a NETLINK_ROUTE socket in the group of links (rtnetlink(7)).

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// `include/uapi/linux/rtnetlink.h`
const RTMGRP_LINK: u32 = 1;

/// RTNLGRP_IPV4_ROUTE and RTNLGRP_IPV6_ROUTE
const ROUTE_GROUPS: [libc::c_int; 2] = [7, 11];

/// Readable when an interface appeared, changed or went, in the network namespace where it was made; if asked for, also when
/// a route did.
pub struct InterfaceWatch {
    socket: OwnedFd,
    follows_routes: bool,
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
        Ok(Self { socket, follows_routes: false })
    }

    /// Whether routes are of interest. A router changes thousands of them, so nobody is told who does not ask.
    pub fn follow_routes(&mut self, follow: bool) {
        if follow == self.follows_routes {
            return;
        }
        self.follows_routes = follow;
        let option = if follow { libc::NETLINK_ADD_MEMBERSHIP } else { libc::NETLINK_DROP_MEMBERSHIP };
        for group in &ROUTE_GROUPS {
            let len = mem::size_of_val(group) as libc::socklen_t;
            // SAFETY: the number lives across the call and has the length that is passed. A kernel without this protocol has no
            // such routes either.
            unsafe {
                let group = std::ptr::from_ref(group).cast();
                libc::setsockopt(self.socket.as_raw_fd(), libc::SOL_NETLINK, option, group, len);
            }
        }
    }

    /// Takes all messages. True if there was one about an interface or a default route, or if some did not fit (ENOBUFS):
    /// look what is there now.
    pub fn drain(&mut self) -> bool {
        let mut changed = false;
        let mut buffer = [0u8; 4096];
        loop {
            // SAFETY: writes at most the length of the buffer into it. A longer message is cut, and is not looked at anyway.
            let got = unsafe { libc::recv(self.socket.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) };
            if let Ok(len) = usize::try_from(got) {
                changed |= matters(&buffer[..len]);
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

/// False for a route to somewhere. A multicast message is alone in its datagram: `struct nlmsghdr`, 16 bytes with the type at 4,
/// then `struct rtmsg` with the length of the destination's prefix at 1; it is 0 for a default route.
fn matters(datagram: &[u8]) -> bool {
    let kind = datagram.get(4..6).map(|kind| u16::from_ne_bytes([kind[0], kind[1]]));
    let is_route = matches!(kind, Some(libc::RTM_NEWROUTE | libc::RTM_DELROUTE));
    !is_route || datagram.get(17).is_none_or(|prefix| *prefix == 0)
}

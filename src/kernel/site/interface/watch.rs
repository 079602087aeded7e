// SPDX-License-Identifier: MIT OR Apache-2.0
//! Network interfaces that come and go: a NETLINK_ROUTE socket in the group of links (rtnetlink(7)).

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{RecvFlags, SocketFlags, bind, recv};

use super::netlink::open;

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
        let socket = open(SocketFlags::NONBLOCK)?;
        // 0: the kernel chooses our number.
        bind(&socket, &SocketAddrNetlink::new(0, RTMGRP_LINK))?;
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
            // SAFETY: the number lives across the call and has the length that is passed (rustix has no such option). A kernel
            // without this protocol has no such routes either.
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
            // A longer message is cut, and is not looked at anyway.
            match recv(&self.socket, &mut buffer, RecvFlags::empty()) {
                Ok((len, _)) => changed |= matters(&buffer[..len]),
                Err(Errno::NOBUFS) => changed = true,
                Err(Errno::INTR) => {}
                Err(_) => return changed,
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

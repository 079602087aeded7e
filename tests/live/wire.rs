// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frames between the two ends of a cable.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use crate::lab::wait_for;

/// A raw socket on one end of the cable.
pub(crate) struct Wire(OwnedFd);

impl Wire {
    pub(crate) fn open(interface: &str) -> Self {
        let name = CString::new(interface).unwrap();
        let every = (libc::ETH_P_ALL as u16).to_be();
        // SAFETY: returns a new descriptor or -1.
        let fd = unsafe {
            libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, every.into())
        };
        assert!(fd >= 0, "{}", io::Error::last_os_error());
        // SAFETY: the descriptor is new and nobody else owns it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        let address = libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as u16,
            sll_protocol: every,
            // SAFETY: the name is NUL-terminated.
            sll_ifindex: unsafe { libc::if_nametoindex(name.as_ptr()) } as i32,
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        };
        // SAFETY: the address is of the length that is passed.
        let code = unsafe { libc::bind(fd, (&raw const address).cast(), size_of_val(&address) as u32) };
        assert_eq!(code, 0, "{}", io::Error::last_os_error());
        Self(socket)
    }

    pub(crate) fn send(&self, frame: &[u8]) {
        // SAFETY: the frame lives across the call.
        let sent = unsafe { libc::send(self.0.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) };
        assert_eq!(sent, frame.len() as isize, "{}", io::Error::last_os_error());
    }

    /// Waits until this many frames have come, which is after XDP has seen them.
    pub(crate) fn receive(&self, count: usize) {
        let mut buffer = [0u8; 2048];
        let mut left = count;
        wait_for("the frames", || {
            // SAFETY: the buffer is of the length that is passed; the socket does not block.
            while left > 0 && unsafe { libc::recv(self.0.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) } > 0
            {
                left -= 1;
            }
            left == 0
        });
    }
}

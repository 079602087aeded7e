// SPDX-License-Identifier: MIT OR Apache-2.0
//! A network of our own to try XDP in: a namespace that ends with its thread, and a veth pair in it.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// The name of the device that is made.
pub(super) const DEVICE: &str = "doctor0";

/// `include/uapi/linux/if_link.h`
const IFLA_IFNAME: u16 = 3;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
/// Bytes of `struct nlmsghdr`.
const HEADER_BYTES: usize = 16;

/// Moves this thread, and no other, into a new network namespace.
pub(super) fn enter_namespace() -> io::Result<()> {
    // SAFETY: takes flags; changes the calling thread only.
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Makes a veth pair in the namespace of this thread; [`DEVICE`] is one end.
pub(super) fn make_veth() -> io::Result<()> {
    // SAFETY: takes numbers, returns a new descriptor or -1.
    let fd = unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_ROUTE) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new and nobody else owns it.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    let request = new_link("veth", DEVICE);
    // SAFETY: the buffer lives across the call and has the length that is passed.
    if unsafe { libc::send(socket.as_raw_fd(), request.as_ptr().cast(), request.len(), 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    let mut answer = [0u8; 512];
    // SAFETY: the buffer is writable and has the length that is passed.
    let length = unsafe { libc::recv(socket.as_raw_fd(), answer.as_mut_ptr().cast(), answer.len(), 0) };
    if length < HEADER_BYTES as isize + 4 {
        return Err(io::Error::last_os_error());
    }
    // `struct nlmsgerr` follows the header and begins with a negative errno, or 0.
    match i32::from_ne_bytes([answer[16], answer[17], answer[18], answer[19]]) {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(-code)),
    }
}

/// An RTM_NEWLINK message: header, `struct ifinfomsg` (all zero), name, kind.
fn new_link(kind: &str, name: &str) -> Vec<u8> {
    let flags = libc::NLM_F_REQUEST | libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_EXCL;
    let mut message = vec![0u8; HEADER_BYTES + 16];
    message[4..6].copy_from_slice(&libc::RTM_NEWLINK.to_ne_bytes());
    message[6..8].copy_from_slice(&(flags as u16).to_ne_bytes());
    attribute(&mut message, IFLA_IFNAME, &[name.as_bytes(), b"\0"].concat());
    let mut info = Vec::new();
    attribute(&mut info, IFLA_INFO_KIND, kind.as_bytes());
    attribute(&mut message, IFLA_LINKINFO, &info);
    let length = message.len() as u32;
    message[0..4].copy_from_slice(&length.to_ne_bytes());
    message
}

/// Appends length, type and value, filled up to a multiple of four bytes.
fn attribute(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend((value.len() as u16 + 4).to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of the request are those that netlink(7) describes.
    #[test]
    fn request() {
        let message = new_link("veth", "x");
        assert_eq!(message.len(), 16 + 16 + 8 + 4 + 8);
        assert_eq!(u32::from_ne_bytes([message[0], message[1], message[2], message[3]]) as usize, message.len());
        assert_eq!(message[32..40], [6u16.to_ne_bytes(), 3u16.to_ne_bytes(), [b'x', 0], [0, 0]].concat());
        assert_eq!(message[48..], *b"veth");
    }
}

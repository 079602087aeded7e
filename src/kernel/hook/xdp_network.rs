// SPDX-License-Identifier: MIT OR Apache-2.0
//! A network of our own to try XDP in: a namespace that ends with its thread, and a veth pair in it.

use std::io;

use rustix::thread::{UnshareFlags, unshare_unsafe};

use crate::kernel::site::interface::{LinkRequest, attribute};

/// The name of the device that is made.
pub(super) const DEVICE: &str = "doctor0";

/// `include/uapi/linux/if_link.h`
const IFLA_IFNAME: u16 = 3;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;

/// Moves this thread, and no other, into a new network namespace.
pub(super) fn enter_namespace() -> io::Result<()> {
    // SAFETY: the table of descriptors stays shared.
    Ok(unsafe { unshare_unsafe(UnshareFlags::NEWNET) }?)
}

/// Makes a veth pair in the namespace of this thread; [`DEVICE`] is one end.
pub(super) fn make_veth() -> io::Result<()> {
    new_link("veth", DEVICE).ask().map(drop)
}

/// A message that makes a link of this kind and name.
fn new_link(kind: &str, name: &str) -> LinkRequest {
    let flags = libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_EXCL;
    let mut info = Vec::new();
    attribute(&mut info, IFLA_INFO_KIND, kind.as_bytes());
    LinkRequest::new(libc::RTM_NEWLINK, flags, 0)
        .with(IFLA_IFNAME, &[name.as_bytes(), b"\0"].concat())
        .with(IFLA_LINKINFO, &info)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of the request are those that netlink(7) describes.
    #[test]
    fn request() {
        let request = new_link("veth", "x");
        let message = request.bytes();
        assert_eq!(message.len(), 16 + 16 + 8 + 4 + 8);
        assert_eq!(message[32..40], [6u16.to_ne_bytes(), 3u16.to_ne_bytes(), [b'x', 0], [0, 0]].concat());
        assert_eq!(message[48..], *b"veth");
    }
}

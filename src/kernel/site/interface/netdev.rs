// SPDX-License-Identifier: MIT OR Apache-2.0
//! Network interfaces as the kernel tells them: all their names, and what decides whether a driver runs XDP itself.

use std::ffi::CString;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::netlink::{LinkAnswer, LinkRequest, attributes, text};

/// `include/uapi/linux/if_link.h`
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINK: u16 = 5;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_LINK_NETNSID: u16 = 37;
const IFLA_TARGET_NETNSID: u16 = 46;
const IFLA_PROP_LIST: u16 = 52;
const IFLA_ALT_IFNAME: u16 = 53;

/// IFNAMSIZ of `include/uapi/linux/if.h`, without the NUL: longer names are further names.
const MAX_NAME_BYTES: usize = 15;

/// `include/uapi/linux/ethtool.h`
const ETHTOOL_GDRVINFO: u32 = 3;
const SIOCETHTOOL: u32 = 0x8946;
/// Bytes of `struct ethtool_drvinfo`, and of the driver's name in it, which follows the command.
const DRVINFO_BYTES: usize = 196;
const DRVINFO_DRIVER: std::ops::Range<usize> = 4..36;

/// One interface of this network namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::kernel) struct Netdev {
    /// Its number.
    pub(in crate::kernel) index: u32,
    /// The name that the kernel uses.
    pub(in crate::kernel) name: String,
    /// Further names (`ip link property add … altname`, Linux 5.5): up to 127 bytes each.
    pub(in crate::kernel) altnames: Vec<String>,
    /// Bytes of the largest packet; 0 where the kernel does not tell.
    pub(in crate::kernel) mtu: u32,
    /// The kind of a virtual interface: `veth`.
    pub(in crate::kernel) kind: Option<String>,
    /// The interface (a bond, a bridge) that this one is a part of.
    pub(in crate::kernel) master: Option<u32>,
    /// The number of the other end of a pair.
    pub(in crate::kernel) peer: Option<u32>,
    /// The namespace of the other end, as this one numbers it; `None`: it is in this one.
    peer_namespace: Option<u32>,
}

impl Netdev {
    /// The interface of this name, whichever of its names that is.
    pub(in crate::kernel) fn named(name: &str) -> Option<Self> {
        let kind = if name.len() > MAX_NAME_BYTES { IFLA_ALT_IFNAME } else { IFLA_IFNAME };
        let bytes = CString::new(name).ok()?.into_bytes_with_nul();
        let by = |kind| ask(LinkRequest::new(libc::RTM_GETLINK, 0, 0).with(kind, &bytes));
        // A short name may be a further one as well; the kernel compares each attribute with its own kind of names only
        // in some versions.
        by(kind).or_else(|| by(IFLA_ALT_IFNAME)).filter(|found| found.has_name(name))
    }

    /// The interface of this number.
    pub(in crate::kernel) fn numbered(index: u32) -> Option<Self> {
        ask(LinkRequest::new(libc::RTM_GETLINK, 0, index))
    }

    /// All of them, sorted by name.
    pub(in crate::kernel) fn all() -> Vec<Self> {
        let answers = LinkRequest::new(libc::RTM_GETLINK, libc::NLM_F_DUMP, 0).ask().unwrap_or_default();
        let mut all: Vec<Self> = answers.iter().filter_map(Self::read).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Its name and its further names.
    pub(in crate::kernel) fn names(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.name).chain(&self.altnames)
    }

    fn has_name(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// The other end of a pair; `None` where there is none or where this process may not look into its namespace.
    pub(in crate::kernel) fn other_end(&self) -> Option<Self> {
        let request = LinkRequest::new(libc::RTM_GETLINK, 0, self.peer?);
        ask(match self.peer_namespace {
            Some(id) => request.with(IFLA_TARGET_NETNSID, &id.to_ne_bytes()),
            None => request,
        })
    }

    /// What its driver is called (ethtool(8), `-i`).
    pub(in crate::kernel) fn driver(&self) -> Option<String> {
        let mut info = [0u8; DRVINFO_BYTES];
        info[..4].copy_from_slice(&ETHTOOL_GDRVINFO.to_ne_bytes());
        // SAFETY: plain integers and pointers, for which zero is a value.
        let mut request: libc::ifreq = unsafe { mem::zeroed() };
        let room = &mut request.ifr_name[..MAX_NAME_BYTES];
        room.iter_mut().zip(self.name.bytes()).for_each(|(to, from)| *to = from as libc::c_char);
        request.ifr_ifru.ifru_data = info.as_mut_ptr().cast();
        let socket = datagram_socket().ok()?;
        // SAFETY: name and data live across the call; the kernel writes at most the structure that the command is for (rustix
        // does not have this one).
        let code = unsafe { libc::ioctl(socket.as_raw_fd(), libc::Ioctl::from(SIOCETHTOOL as u16), &raw mut request) };
        Some(text(&info[DRVINFO_DRIVER])).filter(|name| code == 0 && !name.is_empty())
    }

    fn read(answer: &LinkAnswer) -> Option<Self> {
        let kind = || attributes(answer.get(IFLA_LINKINFO)?).find(|(kind, _)| *kind == IFLA_INFO_KIND);
        let properties = attributes(answer.get(IFLA_PROP_LIST).unwrap_or_default());
        Some(Self {
            index: answer.index,
            name: answer.text(IFLA_IFNAME)?,
            altnames: properties.filter(|(kind, _)| *kind == IFLA_ALT_IFNAME).map(|(_, name)| text(name)).collect(),
            mtu: answer.number(IFLA_MTU).unwrap_or(0),
            kind: kind().map(|(_, name)| text(name)),
            master: answer.number(IFLA_MASTER),
            peer: answer.number(IFLA_LINK).filter(|index| *index != 0),
            peer_namespace: answer.number(IFLA_LINK_NETNSID),
        })
    }
}

/// The one interface that a request is about.
fn ask(request: LinkRequest) -> Option<Netdev> {
    Netdev::read(request.ask().ok()?.first()?)
}

/// A socket through which interfaces are asked about.
pub(in crate::kernel) fn datagram_socket() -> io::Result<OwnedFd> {
    Ok(socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?)
}

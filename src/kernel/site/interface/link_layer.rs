// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the packets of an interface begin with: asked of the kernel (RTM_GETLINK, rtnetlink(7)) before a program reads them.

use std::io;

use super::netlink::{LinkAnswer, LinkRequest, attributes, text};
use crate::kernel::error::KernelError;
use crate::kernel::host::Host;
use crate::spec::Place;

/// What the packets of an interface begin with when XDP sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinkLayer {
    /// An Ethernet header.
    #[default]
    Ethernet,
    /// An IP header, and nothing before it.
    Ip,
}

/// `include/uapi/linux/if_arp.h`
const ARPHRD_ETHER: u16 = 1;
const ARPHRD_PPP: u16 = 512;
const ARPHRD_TUNNEL: u16 = 768;
const ARPHRD_TUNNEL6: u16 = 769;
const ARPHRD_LOOPBACK: u16 = 772;
const ARPHRD_SIT: u16 = 776;
const ARPHRD_IPGRE: u16 = 778;
const ARPHRD_IP6GRE: u16 = 823;
const ARPHRD_NONE: u16 = 0xfffe;

/// Of other devices, what people call them.
const NAMES: [(u16, &str); 9] = [
    (24, "FireWire"),
    (32, "InfiniBand"),
    (280, "CAN"),
    (519, "raw IP"),
    (801, "802.11"),
    (803, "802.11 with radiotap headers"),
    (804, "802.15.4"),
    (824, "netlink monitor"),
    (826, "vsock monitor"),
];

/// `include/uapi/linux/if_link.h`
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;

/// What is known of an interface.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Device {
    /// ARPHRD_…
    hardware: u16,
    /// IFF_…
    flags: u32,
    /// `wireguard`; empty where no driver says.
    kind: String,
}

/// What packets of this interface begin with; an error where that is not known.
pub(in crate::kernel) fn link_layer(interface: &str, host: &Host) -> Result<LinkLayer, KernelError> {
    // One that is not there is found out where it is attached to.
    let Some(index) = host.interface_index(interface) else { return Ok(LinkLayer::Ethernet) };
    let device = ask(index).map_err(|error| {
        let message = format!("failed to read the type of interface `{interface}`: {error}");
        KernelError::at(Place::Target, message)
    })?;
    judge(&device, host.version()).map_err(|reason| {
        let message = format!("the packets of `{interface}` cannot be read: {reason}");
        let help = "packets are read on Ethernet, and on tun, WireGuard, PPP, ipip, sit and gre devices, whose packets begin with IP";
        KernelError::new(Place::Target, message, help)
    })
}

/// The error is why not.
fn judge(device: &Device, version: (u32, u32)) -> Result<LinkLayer, String> {
    let tunnel = || match version >= (5, 14) {
        true => Ok(LinkLayer::Ip),
        // Since "net: reset MAC header consistently across L3 virtual devices".
        false => Err(format!("before Linux 5.14, XDP on {} devices sees the outer headers of the tunnel", device.kind)),
    };
    match (device.hardware, device.kind.as_str()) {
        (ARPHRD_ETHER | ARPHRD_LOOPBACK, _) => Ok(LinkLayer::Ethernet),
        (ARPHRD_NONE, "tun" | "wireguard") | (ARPHRD_PPP, _) => Ok(LinkLayer::Ip),
        // Such a device keeps the headers outside the tunnel in front, to tell whom a packet is from (ipgre_header_ops).
        (ARPHRD_IPGRE, "gre") if !is_point_to_point(device) => {
            Err("on a gre device without a fixed remote end, XDP sees the outer headers of the tunnel".to_owned())
        }
        (ARPHRD_TUNNEL, "ipip")
        | (ARPHRD_TUNNEL6, "ip6tnl")
        | (ARPHRD_SIT, "sit")
        | (ARPHRD_IPGRE, "gre")
        | (ARPHRD_IP6GRE, "ip6gre") => tunnel(),
        (hardware, kind) => {
            let name = NAMES.iter().find(|(number, _)| *number == hardware).map(|(_, name)| *name);
            let name = name.or(Some(kind).filter(|kind| !kind.is_empty()));
            Err(match name {
                Some(name) => format!("it is not an Ethernet device but {name} (type {hardware})"),
                None => format!("it is not an Ethernet device (type {hardware})"),
            })
        }
    }
}

fn is_point_to_point(device: &Device) -> bool {
    device.flags & (libc::IFF_POINTOPOINT | libc::IFF_BROADCAST) as u32 == libc::IFF_POINTOPOINT as u32
}

/// Asks the kernel for one interface of this network namespace.
fn ask(index: u32) -> io::Result<Device> {
    let answers = LinkRequest::new(libc::RTM_GETLINK, 0, index).ask()?;
    let cut = || io::Error::new(io::ErrorKind::InvalidData, "the kernel's answer is truncated");
    answers.first().map(Device::of).ok_or_else(cut)
}

impl Device {
    fn of(answer: &LinkAnswer) -> Self {
        let info = answer.get(IFLA_LINKINFO).unwrap_or_default();
        let kind = attributes(info).find(|(kind, _)| *kind == IFLA_INFO_KIND);
        let kind = kind.map_or_else(String::new, |(_, name)| text(name));
        Self { hardware: answer.hardware, flags: answer.flags, kind }
    }
}

#[cfg(test)]
mod tests {
    use super::super::netlink::read_datagram;
    use super::*;

    fn device(hardware: u16, kind: &str, flags: i32) -> Device {
        Device { hardware, kind: kind.to_owned(), flags: flags as u32 }
    }

    /// Devices with Ethernet headers, devices without, and those that nobody knows.
    #[test]
    fn devices() {
        let point = libc::IFF_POINTOPOINT;
        for (device, version, layer) in [
            (device(1, "", 0), (5, 8), Some(LinkLayer::Ethernet)),
            (device(1, "veth", 0), (5, 10), Some(LinkLayer::Ethernet)),
            (device(772, "", 0), (6, 1), Some(LinkLayer::Ethernet)),
            (device(0xfffe, "tun", point), (5, 10), Some(LinkLayer::Ip)),
            (device(0xfffe, "wireguard", 0), (5, 10), Some(LinkLayer::Ip)),
            (device(0xfffe, "xfrm", 0), (6, 12), None),
            (device(0xfffe, "", 0), (6, 12), None),
            (device(512, "ppp", point), (5, 10), Some(LinkLayer::Ip)),
            (device(768, "ipip", point), (5, 14), Some(LinkLayer::Ip)),
            (device(768, "ipip", point), (5, 13), None),
            (device(768, "vti", point), (6, 12), None),
            (device(776, "sit", point), (6, 1), Some(LinkLayer::Ip)),
            (device(778, "gre", point), (6, 1), Some(LinkLayer::Ip)),
            (device(778, "gre", 0), (6, 1), None),
            (device(778, "gre", point | libc::IFF_BROADCAST), (6, 1), None),
            (device(280, "can", 0), (6, 12), None),
        ] {
            assert_eq!(judge(&device, version).ok(), layer, "{device:?}");
        }
        assert_eq!(
            judge(&device(280, "vcan", 0), (6, 1)).unwrap_err(),
            "it is not an Ethernet device but CAN (type 280)"
        );
        assert_eq!(
            judge(&device(0xfffe, "xfrm", 0), (6, 1)).unwrap_err(),
            "it is not an Ethernet device but xfrm (type 65534)"
        );
        assert_eq!(judge(&device(999, "", 0), (6, 1)).unwrap_err(), "it is not an Ethernet device (type 999)");
    }

    /// An answer is read as far as it goes, and a refusal is its errno.
    #[test]
    fn answers() {
        let mut answer = vec![0u8; 32];
        answer[4] = libc::RTM_NEWLINK as u8;
        answer[18..20].copy_from_slice(&ARPHRD_NONE.to_ne_bytes());
        answer[24] = 0x10;
        answer.extend([6, 0, 3, 0, b'x', 0, 0, 0]);
        answer.extend([14, 0, 18, 0x80, 8, 0, 1, 0, b't', b'u', b'n', 0, 0, 0, 0, 0]);
        let parse = |message: &[u8]| {
            let mut answers = Vec::new();
            read_datagram(message, &mut answers).map(|_| answers.first().map(Device::of))
        };
        let sized = |answer: &[u8]| [&(answer.len() as u32).to_ne_bytes(), &answer[4..]].concat();
        assert_eq!(parse(&sized(&answer)).unwrap(), Some(device(ARPHRD_NONE, "tun", 0x10)));
        assert_eq!(parse(&sized(&answer[..44])).unwrap().unwrap().kind, "");
        assert_eq!(parse(&sized(&answer[..20])).unwrap(), None);
        let mut refusal = vec![0u8; 36];
        refusal[4] = libc::NLMSG_ERROR as u8;
        refusal[16..20].copy_from_slice(&(-libc::ENODEV).to_ne_bytes());
        assert_eq!(parse(&sized(&refusal)).unwrap_err().raw_os_error(), Some(libc::ENODEV));
        let circle = [0u8, 0, 1, 0];
        assert_eq!(attributes(&circle).count(), 0);
    }
}

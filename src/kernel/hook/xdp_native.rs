// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether a driver will run an XDP program itself, before anything is attached: attaching for a moment would stop the traffic of
//! some cards. What is known of a driver's rules is computed, the rest is called unknown.

use libbpf_rs::num_possible_cpus;

use super::xdp_query::{NETDEV_XDP_ACT_BASIC, query};
use crate::catalog::Named;
use crate::kernel::host::Host;
use crate::kernel::mapping::page_bytes;
use crate::kernel::site::interface::Netdev;

/// What native mode will come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Native {
    /// The driver takes it.
    Yes,
    /// It refuses: why, as the end of a sentence.
    No(String),
    /// Only attaching tells: what is known, as the beginning of a sentence; empty where that is nothing.
    Unknown(String),
}

/// `XDP_PACKET_HEADROOM` of `include/uapi/linux/bpf.h`; `NET_IP_ALIGN` is 0 on x86-64 and arm64.
const HEADROOM_BYTES: u32 = 256;
/// Bytes of an Ethernet header.
const ETHERNET_BYTES: u32 = 14;
/// `struct skb_shared_info` with 17 fragments, which nearly every kernel has.
const USUAL_SHARED_INFO: u32 = 320;
/// The largest packet of an ordinary network.
const USUAL_MTU: u32 = 1500;

/// What the driver of an interface does with a program that needs each packet in one page, as all of ours do.
pub(super) fn forecast(device: &Netdev, host: &Host) -> Native {
    // Linux 6.3: before, no driver says what it can.
    let features = query(device.index).filter(|_| host.version() >= (6, 3)).map(|query| query.feature_flags);
    if features.is_some_and(|features| features & NETDEV_XDP_ACT_BASIC == 0) {
        return Native::No(format!("`{}` has no native XDP", device.name));
    }
    let driver = device.driver();
    match device.kind.as_deref().or(driver.as_deref()) {
        Some("veth") => veth(device, features.is_some(), host),
        // tun_xdp_set() of drivers/net/tun.c takes everything.
        Some("tun") if features.is_some() => Native::Yes,
        // virtnet_xdp_set() of drivers/net/virtio_net.c; what else it asks for is between it and the hypervisor.
        Some("virtio_net") if device.mtu > largest_mtu(host) => Native::No(too_large("its MTU is", device, host)),
        // Without the driver's word for it, there is nothing to go by.
        driver => Native::Unknown(match driver {
            Some(driver) if device.mtu > USUAL_MTU => {
                format!("many drivers refuse native mode at an MTU of {}, perhaps `{driver}` too", device.mtu)
            }
            Some(_) | None => String::new(),
        }),
    }
}

/// `veth_xdp_set()` of drivers/net/veth.c: what the other end sends must fit into a page, and it may not have more queues to send
/// than this one has to receive, which the features tell (Linux 6.3).
fn veth(device: &Netdev, tells_queues: bool, host: &Host) -> Native {
    match device.other_end() {
        Some(other) if other.mtu > largest_mtu(host) => {
            Native::No(too_large("the MTU of its other end is", &other, host))
        }
        Some(_) if tells_queues || num_possible_cpus().is_ok_and(|cpus| cpus == 1) => Native::Yes,
        Some(_) | None => Native::Unknown(String::new()),
    }
}

fn too_large(whose: &str, device: &Netdev, host: &Host) -> String {
    format!("{whose} {}, and native XDP takes {} at most here", device.mtu, largest_mtu(host))
}

/// The largest packet, without its Ethernet header, that fits into a page beside what the kernel keeps there.
fn largest_mtu(host: &Host) -> u32 {
    let page = page_bytes() as u32;
    let shared = host.btf().and_then(|btf| btf.size_of(btf.find(Named::Composite, "skb_shared_info")?));
    let shared = shared.unwrap_or(USUAL_SHARED_INFO).next_multiple_of(CACHE_LINE);
    page.saturating_sub(HEADROOM_BYTES + shared + ETHERNET_BYTES)
}

/// `SMP_CACHE_BYTES`, to a multiple of which the kernel fills up.
const CACHE_LINE: u32 = 64;

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Packets by hand, and the protocol that each must count for.

pub(crate) fn ethernet(types: &[u16], payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2];
    let (last, tags) = types.split_last().unwrap();
    for tag in tags {
        frame.extend(tag.to_be_bytes());
        frame.extend(5u16.to_be_bytes());
    }
    frame.extend(last.to_be_bytes());
    frame.extend(payload);
    frame
}

pub(crate) fn ipv4(protocol: u8, payload: usize) -> Vec<u8> {
    let mut header = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 9, 8, 1, 10, 9, 8, 2];
    header[2..4].copy_from_slice(&(20 + payload as u16).to_be_bytes());
    header.resize(20 + payload, 0);
    header
}

/// The same with options of 4 bytes, in the fragment that begins so many times 8 bytes behind the first.
fn ipv4_fragment(protocol: u8, offset: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = ipv4(protocol, 0);
    packet.splice(20.., [1, 1, 1, 1].into_iter().chain(payload.iter().copied()));
    packet[0] = 0x46;
    let length = packet.len() as u16;
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    // More fragments follow.
    packet[6..8].copy_from_slice(&(0x2000 | offset).to_be_bytes());
    packet
}

/// An IPv6 header, extension headers (number and length in 8 bytes) and the protocol after them.
pub(crate) fn ipv6(extensions: &[(u8, u8)], protocol: u8, payload: usize) -> Vec<u8> {
    let mut numbers: Vec<u8> = extensions.iter().map(|extension| extension.0).collect();
    numbers.push(protocol);
    let mut packet = vec![0x60, 0, 0, 0, 0, 0, numbers[0], 64];
    packet.extend([0xfd; 32]);
    for ((number, words), next) in extensions.iter().zip(&numbers[1..]) {
        let mut extension = vec![0; *words as usize * 8];
        extension[0] = *next;
        extension[1] = match number {
            // The fragment header has no length: its second byte is reserved, and may be anything.
            44 => 0xff,
            // In units of 4 bytes, less 2.
            51 => words * 2 - 2,
            _ => words - 1,
        };
        packet.extend(extension);
    }
    packet.resize(packet.len() + payload, 0);
    packet
}

/// A later fragment: what follows its fragment header is data, which looks like a header of another kind.
fn ipv6_fragment(before: &[(u8, u8)], next: u8) -> Vec<u8> {
    let mut packet = ipv6(&[before, &[(44, 1)]].concat(), next, 0);
    let fragment = packet.len() - 8;
    packet[fragment + 2..fragment + 4].copy_from_slice(&(185u16 << 3 | 1).to_be_bytes());
    packet.extend([17; 32]);
    packet
}

/// IP packets, and the protocol that each must count for, with or without an Ethernet header.
pub(crate) fn packets() -> Vec<(&'static str, Vec<u8>)> {
    let later = [6, 0, 0, 0, 0, 0, 0, 0];
    let mut packets = vec![
        ("other_ipv4", ipv4(99, 10)),
        ("other_ipv4", vec![0x45]),
        ("udp", ipv4(17, 1400)),
        ("udp", ipv4_fragment(17, 0, &[0; 64])),
        ("udp", ipv4_fragment(17, 8, &[0; 64])),
        // An authentication header (RFC 4302), behind options; in a later fragment, and cut off.
        ("tcp", ipv4_fragment(51, 0, &[&[6, 4][..], &[0; 42]].concat())),
        ("other_ipv4", ipv4_fragment(51, 8, &[&later[..], &[0; 40]].concat())),
        ("other_ipv4", ipv4(51, 1)),
        // IP in IP.
        ("other_ipv4", ipv4(4, 40)),
        ("other_ipv4", ipv4(41, 60)),
        ("udp", ipv6(&[], 17, 100)),
        ("icmpv6", ipv6(&[(0, 1)], 58, 8)),
        ("tcp", ipv6(&[(0, 1), (43, 3), (44, 1), (60, 2)], 6, 20)),
        // The order of RFC 8200, 4.1: hop-by-hop, destination, routing, fragment, authentication, destination.
        ("tcp", ipv6(&[(0, 1), (60, 1), (43, 3), (44, 1), (51, 3), (60, 1)], 6, 20)),
        // Mobility, HIP and shim6.
        ("udp", ipv6(&[(135, 2), (139, 5), (140, 1)], 17, 8)),
        ("udp", ipv6(&[(60, 1); 8], 17, 8)),
        ("other_ipv6", ipv6(&[(60, 1); 9], 17, 8)),
        // The longest.
        ("tcp", ipv6(&[(0, 150)], 6, 20)),
        ("esp", ipv6(&[(0, 1)], 50, 60)),
        // No next header; what follows is to be ignored.
        ("other_ipv6", ipv6(&[], 59, 0)),
        ("other_ipv6", ipv6(&[(60, 1)], 59, 40)),
        ("other_ipv6", vec![0x60; 20]),
        ("other_ipv6", ipv6(&[], 0, 1)),
        ("other_ipv6", ipv6(&[(0, 1)], 43, 1)),
        // Fragments: the first has the headers above, the later ones have data. All name the protocol.
        ("udp", ipv6(&[(44, 1)], 17, 1200)),
        ("udp", ipv6_fragment(&[], 17)),
        ("tcp", ipv6_fragment(&[(0, 1)], 6)),
        // What is fragmented begins with one more extension header, which only the first one has.
        ("other_ipv6", ipv6_fragment(&[], 60)),
        ("other_ipv6", ipv6_fragment(&[], 51)),
        ("icmpv6", ipv6(&[(44, 1), (60, 1)], 58, 30)),
    ];
    for (number, name) in [(1, "icmp"), (2, "igmp"), (6, "tcp"), (17, "udp"), (47, "gre"), (50, "esp"), (132, "sctp")] {
        packets.push((name, ipv4(number, number as usize)));
    }
    packets
}

/// Ethernet frames, and the protocol that each must count for.
pub(crate) fn frames() -> Vec<(&'static str, Vec<u8>)> {
    let (v4, v6, vlan, qinq) = (0x0800, 0x86dd, 0x8100, 0x88a8);
    let mut frames = vec![
        ("arp", ethernet(&[0x0806], &[0; 28])),
        ("other", ethernet(&[0x88cc], &[0; 50])),
        ("other", ethernet(&[0x0042], &[0; 60])),
        ("udp", ethernet(&[vlan, v4], &ipv4(17, 30))),
        ("tcp", ethernet(&[qinq, vlan, v4], &ipv4(6, 40))),
        ("arp", ethernet(&[vlan, 0x0806], &[0; 28])),
        ("tcp", ethernet(&[qinq, vlan, vlan, v4], &ipv4(6, 40))),
        ("icmpv6", ethernet(&[vlan, vlan, vlan, vlan, v6], &ipv6(&[(0, 1)], 58, 8))),
        ("other", ethernet(&[vlan, vlan, vlan, vlan, vlan, v4], &ipv4(6, 40))),
        ("other", ethernet(&[vlan], &[0])),
        // PPPoE and MPLS.
        ("other", ethernet(&[0x8864], &[0x11, 0, 0, 1, 0, 42, 0, 0x21])),
        ("other", ethernet(&[0x8847], &ipv4(6, 40))),
    ];
    for (protocol, packet) in packets() {
        let version = if protocol.ends_with('6') || packet[0] >> 4 == 6 { v6 } else { v4 };
        frames.push((protocol, ethernet(&[version], &packet)));
    }
    frames
}

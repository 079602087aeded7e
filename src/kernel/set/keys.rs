// SPDX-License-Identifier: MIT OR Apache-2.0
//! Entries of sets as the keys of maps: `bpf/include/where.h`.

use core::net::Ipv6Addr;

use crate::spec::SetEntry;

/// Bytes of a text in a map: what the kernel compares, NUL and all.
const TEXT_BYTES: usize = 128;
/// Where IPv4 addresses lie among those of IPv6.
const MAPPED: u128 = 0xffff_0000_0000;
/// The bits of the prefix of all of them.
const MAPPED_BITS: u8 = 96;

/// The keys that an entry is: several for a network of IPv6 around all of IPv4, which is no part of it.
pub fn set_keys(entry: &SetEntry) -> Vec<Vec<u8>> {
    match entry {
        SetEntry::Number(number) => vec![(*number as u64).to_ne_bytes().to_vec()],
        SetEntry::Text(text) => {
            let mut key = vec![0; TEXT_BYTES];
            let length = text.len().min(TEXT_BYTES - 1);
            key[..length].copy_from_slice(&text[..length]);
            vec![key]
        }
        SetEntry::Network(ip, prefix) => {
            exact_networks(*ip, *prefix).into_iter().map(|(ip, prefix)| network_key(ip, prefix)).collect()
        }
    }
}

fn network_key(ip: Ipv6Addr, prefix: u8) -> Vec<u8> {
    let mut key = u32::from(prefix).to_ne_bytes().to_vec();
    key.extend(ip.octets());
    key
}

/// The networks that a network comes to: of IPv6 around `::ffff:0:0/96` all of it but that.
///
/// ```
/// use ebpf_run::kernel::exact_networks;
/// assert_eq!(exact_networks("fd00::".parse().unwrap(), 8), [("fd00::".parse().unwrap(), 8)]);
/// let all = exact_networks("::".parse().unwrap(), 0);
/// assert_eq!((all.len(), all[0]), (96, ("8000::".parse().unwrap(), 1)));
/// ```
pub fn exact_networks(ip: Ipv6Addr, prefix: u8) -> Vec<(Ipv6Addr, u8)> {
    let above = |bits: u128| bits.checked_shr(128 - u32::from(prefix)).unwrap_or(0);
    let inside = prefix < MAPPED_BITS && above(MAPPED) == above(ip.to_bits());
    if !inside {
        return vec![(ip, prefix)];
    }
    // The other half of each network on the way down.
    let halves = (prefix + 1..=MAPPED_BITS).map(|bits| {
        let shift = 128 - u32::from(bits);
        (Ipv6Addr::from(((MAPPED >> shift) ^ 1) << shift), bits)
    });
    halves.collect()
}

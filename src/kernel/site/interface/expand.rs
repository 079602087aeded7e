// SPDX-License-Identifier: MIT OR Apache-2.0
//! Interfaces that names, globs and `@default-route` stand for.

use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;

use super::missing::missing_interface;
use super::netdev::Netdev;
use crate::kernel::error::KernelError;
use crate::kernel::site::targets::{Named, Names};
use crate::spec::{Place, Targets};
use crate::words::{list, matches_glob, nearest_glob};

/// Interfaces by all their names: one that has two of those that are wanted is one.
pub(in crate::kernel) fn named(patterns: &[String]) -> Named {
    let there = Netdev::all();
    let all: Vec<String> = there.iter().flat_map(Netdev::names).cloned().collect();
    let (mut names, mut errors) = (Names::new(), Vec::new());
    let mut add = |name: &String, entry: &String| {
        names.entry(name.clone()).or_insert_with(|| entry.clone());
    };
    for pattern in patterns {
        let here = || Place::Entry(pattern.clone());
        let found = match pattern.as_str() {
            Targets::DEFAULT_ROUTE => {
                let routes = default_route_interfaces();
                routes.iter().for_each(|name| add(name, name));
                !routes.is_empty()
            }
            name if !Targets::is_pattern(name) => {
                match there.iter().find(|one| one.names().any(|known| known == name)) {
                    Some(one) => add(&one.name, pattern),
                    None => errors.push(missing_interface(here(), name, &all)),
                }
                continue;
            }
            glob => {
                let fits = |one: &Netdev| one.names().find(|name| matches_glob(glob, name)).cloned();
                let fitting: Vec<_> = there.iter().filter_map(|one| Some((&one.name, fits(one)?))).collect();
                fitting.iter().for_each(|(name, entry)| add(name, entry));
                !fitting.is_empty()
            }
        };
        if !found && pattern == Targets::DEFAULT_ROUTE {
            let help = "`ip route` shows the routes; name the interface if this machine has no default route";
            errors.push(KernelError::new(here(), "this machine has no default route", help));
        } else if !found {
            let near = nearest_glob(pattern, all.iter().map(String::as_str));
            let help = near.map_or_else(
                || format!("the interfaces are {}", list(all.iter().map(String::as_str), 16)),
                |near| format!("did you mean `{near}`?"),
            );
            errors.push(KernelError::new(here(), format!("no network interface matches `{pattern}`"), help));
        }
    }
    (names, errors)
}

/// The interfaces of the routes to 0.0.0.0/0 and ::/0, from procfs (proc_net(5)).
fn default_route_interfaces() -> BTreeSet<String> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    parse_ipv4_routes(&read("/proc/net/route")).chain(parse_ipv6_routes(&read("/proc/net/ipv6_route"))).collect()
}

/// `Iface Destination Gateway Flags RefCnt Use Metric Mask …`, addresses as hexadecimal numbers.
fn parse_ipv4_routes(text: &str) -> impl Iterator<Item = String> {
    let unspecified = format!("{:08X}", u32::from(Ipv4Addr::UNSPECIFIED));
    text.lines().skip(1).filter_map(move |line| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let default = *words.get(1)? == unspecified && *words.get(7)? == unspecified;
        default.then(|| words[0].to_owned())
    })
}

/// `destination length source length next-hop metric refcnt use flags interface`. The kernel's own catch-all that rejects
/// (`RTF_REJECT`, 0x200) is on `lo`.
fn parse_ipv6_routes(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let flags = u32::from_str_radix(words.get(8)?, 16).ok()?;
        let default = words[0].bytes().all(|digit| digit == b'0') && words[1] == "00" && flags & 0x200 == 0;
        default.then(|| words.get(9).map(|name| (*name).to_owned()))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Default routes are told from other routes, and from the kernel's reject route.
    #[test]
    fn default_routes() {
        let ipv4 = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
            eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
            eth1\t0002A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n";
        assert_eq!(parse_ipv4_routes(ipv4).collect::<Vec<_>>(), ["eth0"]);
        let zero = "0".repeat(32);
        let ipv6 = format!(
            "{zero} 00 {zero} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n\
             fe80{} 40 {zero} 00 {zero} 00000100 00000001 00000000 00000001     eth1\n\
             {zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200       lo\n",
            "0".repeat(28)
        );
        assert_eq!(parse_ipv6_routes(&ipv6).collect::<Vec<_>>(), ["eth0"]);
    }
}

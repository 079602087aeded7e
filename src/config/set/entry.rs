// SPDX-License-Identifier: MIT OR Apache-2.0
//! One entry of a set, from text: as it stands in a configuration, and on a line of a file of a set.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::spec::{SetEntry, SetKind};
use crate::words::Refusal;

/// Bits of a prefix that an IPv4 address has in front of it.
const MAPPED: u8 = 96;
/// The largest process id that Linux gives.
const MAX_PID: i128 = 1 << 22;

/// Reads an entry of a set of this kind; the error says what is wrong and what to write.
///
/// ```
/// use ebpf_run::config::set_entry;
/// use ebpf_run::spec::SetKind;
/// assert_eq!(set_entry(SetKind::Ip, "10.0.0.0/8").unwrap().to_string(), "10.0.0.0/8");
/// assert_eq!(set_entry(SetKind::Ip, "10.0.0.5/8").unwrap_err().help.unwrap(), "write `10.0.0.0/8` for the network, or `10.0.0.5` for the address");
/// assert!(set_entry(SetKind::Number, "0x1f").is_ok());
/// ```
pub fn set_entry(kind: SetKind, text: &str) -> Result<SetEntry, Refusal> {
    match kind {
        SetKind::Ip => network(text),
        SetKind::Text => text_entry(text),
        SetKind::Number => number_of(text)
            .map(SetEntry::Number)
            .ok_or_else(|| Refusal::new(format!("`{text}` is not a whole number of 64 bits"))),
        SetKind::Pid => match number_of(text) {
            Some(number) => pid(number),
            None => Err(Refusal::new(format!("`{text}` is not the id of a process"))),
        },
    }
}

/// The same of an integer.
pub(crate) fn number_entry(kind: SetKind, number: i128) -> Result<SetEntry, Refusal> {
    match kind {
        SetKind::Number => Ok(SetEntry::Number(number)),
        SetKind::Pid => pid(number),
        SetKind::Ip => Err(Refusal::new(format!("`{number}` is not an address"))),
        SetKind::Text => Err(Refusal::new(format!("`{number}` is a number")).help("put it in quotes, if it is a text")),
    }
}

fn pid(number: i128) -> Result<SetEntry, Refusal> {
    if (1..=MAX_PID).contains(&number) {
        Ok(SetEntry::Number(number))
    } else {
        Err(Refusal::new(format!("`{number}` is not the id of a process: 1 to {MAX_PID}")))
    }
}

fn text_entry(text: &str) -> Result<SetEntry, Refusal> {
    if text.is_empty() {
        return Err(Refusal::new("a text of a set cannot be empty"));
    }
    if text.contains('\0') {
        return Err(Refusal::new("a text cannot contain NUL"));
    }
    if text.len() > SetEntry::MAX_TEXT {
        let message = format!("a text of {} bytes; at most {} can be compared", text.len(), SetEntry::MAX_TEXT);
        return Err(Refusal::new(message).help("write a shorter one; `startsWith` and `under` need only the beginning"));
    }
    Ok(SetEntry::Text(text.as_bytes().into()))
}

/// Decimal, hexadecimal or octal, as in YAML.
fn number_of(text: &str) -> Option<i128> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (digits, radix) = match (digits.strip_prefix("0x"), digits.strip_prefix("0o")) {
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) => (digits, 8),
        (None, None) => (digits, 10),
    };
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    let number = i128::from_str_radix(digits, radix).ok()?;
    let number = if text.starts_with('-') { -number } else { number };
    (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&number).then_some(number)
}

/// `10.0.0.0/8`, `::1`, `fd00::/8`
fn network(text: &str) -> Result<SetEntry, Refusal> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let Ok(ip) = address.parse::<IpAddr>() else {
        let message = format!("`{text}` is not an address or a network");
        return Err(Refusal::new(message).maybe_help(near_network(address)));
    };
    let (longest, above) = match ip {
        IpAddr::V4(_) => (32, MAPPED),
        IpAddr::V6(_) => (128, 0),
    };
    let prefix = match prefix {
        None => longest,
        Some(digits) => match digits.parse::<u8>().ok().filter(|prefix| *prefix <= longest) {
            Some(prefix) => prefix,
            None => {
                let message = format!("`/{digits}` is not a prefix: 0 to {longest} bits");
                return Err(Refusal::new(message).maybe_help(by_mask(address, digits)));
            }
        },
    };
    let wide = match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    let network = Ipv6Addr::from(wide.to_bits() & mask(prefix + above));
    if network != wide {
        let whole = SetEntry::Network(network, prefix + above);
        let message = format!("`{text}` has bits set beyond its prefix");
        return Err(
            Refusal::new(message).help(format!("write `{whole}` for the network, or `{address}` for the address"))
        );
    }
    Ok(SetEntry::Network(network, prefix + above))
}

fn mask(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)
}

/// A netmask behind the slash: the prefix that it stands for.
fn by_mask(address: &str, digits: &str) -> Option<String> {
    let mask = digits.parse::<Ipv4Addr>().ok()?.to_bits();
    (mask.count_ones() == mask.leading_ones()).then(|| format!("write `{address}/{}`", mask.count_ones()))
}

/// What may be meant by something that is no address.
fn near_network(address: &str) -> Option<String> {
    let inner = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(inner) = inner.filter(|inner| inner.parse::<Ipv6Addr>().is_ok()) {
        return Some(format!("write `{inner}`, without brackets"));
    }
    let without_port = address.rsplit_once(':').map(|(ip, _)| ip).filter(|ip| ip.parse::<Ipv4Addr>().is_ok());
    if let Some(ip) = without_port {
        return Some(format!("a set of addresses has no ports: write `{ip}`, and compare the port as well"));
    }
    let parts: Vec<&str> = address.split('.').collect();
    if parts.len() < 4 && parts.len() > 1 && parts.iter().all(|part| part.parse::<u8>().is_ok()) {
        let whole = parts.iter().copied().chain(std::iter::repeat("0")).take(4).collect::<Vec<_>>().join(".");
        return Some(format!("write all four numbers, as in `{whole}/{}`", parts.len() * 8));
    }
    address.chars().any(char::is_alphabetic).then(|| "names are not looked up: write their addresses".to_owned())
}

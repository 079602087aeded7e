// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the arguments of USDT probes are, as `trace` is told: the map `usdt_arguments` of `bpf/include/usdt.h`.
//!
//! Each place of a probe has arguments of its own. The program knows by the link's cookie at which one it is (Linux 5.15), and
//! before that by the last bits of the address, which are those of the place in the file.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use libbpf_rs::{MapCore, MapFlags};

use super::error::KernelError;
use super::host::Host;
use crate::catalog::{MOST_USDT_ARGUMENTS, UsdtArgument, UsdtPlace, UserProbe};
use crate::spec::{Hook, Place, UserPlace};

/// The map's name.
pub(super) const MAP: &str = "usdt_arguments";
/// Entries for the files that may take the place of the first one.
const LEAST_ENTRIES: u32 = 256;
/// The bits of an address that a program and its file have in common.
const PAGE: u64 = 0xfff;
/// `USDT_NO_REGISTER`
const NO_REGISTER: u16 = u16::MAX;

/// True where the program tells places apart by the cookies of links.
pub(super) fn by_cookie(host: &Host) -> bool {
    host.version() >= (5, 15)
}

/// What the link of this place carries: places whose arguments lie alike have the same. Never 0.
pub(super) fn cookie(site: &UserProbe) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one((&site.arguments, &site.distances)) >> 8 | 1
}

fn key(site: &UserProbe, number: usize, host: &Host) -> [u8; 8] {
    let place = if by_cookie(host) { cookie(site) } else { site.offset & PAGE };
    (place << 8 | number as u64).to_ne_bytes()
}

/// The places of the probe that a hook is at; none where it is at something else.
fn sites(hook: &Hook, host: &Host) -> Result<Vec<UserProbe>, KernelError> {
    match hook.point() {
        Some(point) if matches!(point.place, UserPlace::Probe { .. }) => Ok(host.binaries.locate(point)?.sites),
        Some(_) | None => Ok(Vec::new()),
    }
}

/// How many entries the map must have room for.
pub(super) fn room(hook: &Hook, host: &Host) -> Result<u32, KernelError> {
    let entries = sites(hook, host)?.len() * MOST_USDT_ARGUMENTS * 2;
    Ok(u32::try_from(entries).unwrap_or(u32::MAX).max(LEAST_ENTRIES))
}

/// Puts in where the arguments of a probe are.
pub(super) fn fill(map: &impl MapCore, hook: &Hook, host: &Host) -> Result<(), KernelError> {
    let failed = |error: &libbpf_rs::Error| {
        KernelError::at(Place::Target, format!("failed to say where the arguments are: {error:#}"))
    };
    for site in sites(hook, host)? {
        for (number, argument) in site.arguments().iter().enumerate() {
            let (key, value) = (key(&site, number, host), encoded(argument));
            let known = map.lookup(&key, MapFlags::ANY).map_err(|error| failed(&error))?;
            if known.is_some_and(|known| known != value) {
                let message = "two places of the probe cannot be told apart before Linux 5.15";
                return Err(KernelError::at(Place::Target, message));
            }
            map.update(&key, &value, MapFlags::ANY).map_err(|error| failed(&error))?;
        }
    }
    Ok(())
}

/// `struct usdt_argument`
fn encoded(argument: &UsdtArgument<'_>) -> [u8; 16] {
    let (kind, base, index, shift, value) = match argument.place {
        Err(_) => (0_u8, NO_REGISTER, NO_REGISTER, 0, 0),
        Ok(UsdtPlace::Constant(value)) => (1, NO_REGISTER, NO_REGISTER, 0, value),
        Ok(UsdtPlace::Register { register, shift }) => (2, register, NO_REGISTER, shift, 0),
        Ok(UsdtPlace::Memory { base, index, displacement }) => {
            let (index, shift) = index.unwrap_or((NO_REGISTER, 0));
            (3, base.unwrap_or(NO_REGISTER), index, shift, displacement)
        }
    };
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&[kind, argument.size, u8::from(argument.signed), shift]);
    bytes[4..6].copy_from_slice(&base.to_ne_bytes());
    bytes[6..8].copy_from_slice(&index.to_ne_bytes());
    bytes[8..].copy_from_slice(&value.to_ne_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Machine, usdt_arguments};

    /// The struct is what `bpf/include/usdt.h` reads.
    #[test]
    fn bytes() {
        let of = |text| encoded(&usdt_arguments(text, Machine::X86, &[])[0]);
        assert_eq!(of("-4@%ah"), [2, 4, 1, 8, 80, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(of("8@-1(%rbp,%rdx,4)"), [3, 8, 0, 2, 32, 0, 96, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
        assert_eq!(of("1@$7"), [1, 1, 0, 0, 255, 255, 255, 255, 7, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(of("8@%xmm0")[0], 0);
    }
}

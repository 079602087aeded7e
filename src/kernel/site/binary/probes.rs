// SPDX-License-Identifier: MIT OR Apache-2.0
//! Probes that the source of a program or library names (USDT): the places of one, those that globs stand for.

use super::binaries::{Opened, unusable};
use crate::catalog::{UserProbe, demangle};
use crate::kernel::error::KernelError;
use crate::kernel::site::targets::{Named, matching, none_of};
use crate::spec::{Place, UserPlace};
use crate::words::{matches_glob, suggest};

/// Places of one probe; a compiler makes one for each place where it puts the function that the probe is in.
const MOST_SITES: usize = 512;

fn whole(probe: &UserProbe) -> String {
    format!("{}:{}", probe.provider, probe.name)
}

/// `provider:name` of each probe of a file, each once, in order.
pub(in crate::kernel) fn probe_names(file: &Opened) -> Result<Vec<String>, KernelError> {
    let mut names: Vec<String> = all(file)?.iter().map(whole).collect();
    names.dedup();
    Ok(names)
}

fn all(file: &Opened) -> Result<Vec<UserProbe>, KernelError> {
    let all = file.binary.probes().map_err(|error| unusable(&file.path, &error))?;
    if all.is_empty() {
        let message = format!("`{}` has no USDT probes", file.path.display());
        let help = "its source must use `<sys/sdt.h>`, and its build must have it enabled (`--enable-dtrace`, `--with-dtrace`)";
        return Err(KernelError::new(Place::Binary, message, help));
    }
    Ok(all)
}

/// The places of a probe; never none.
pub(super) fn sites(file: &Opened, provider: &str, name: &str) -> Result<Vec<UserProbe>, KernelError> {
    let all = all(file)?;
    let path = file.path.display();
    let sites: Vec<UserProbe> =
        all.iter().filter(|probe| probe.provider == provider && probe.name == name).cloned().collect();
    if sites.len() > MOST_SITES {
        let message = format!("`{provider}:{name}` stands at {} places of `{path}`", sites.len());
        return Err(KernelError::new(Place::Target, message, "a probe can be at 512 of them; use a `uprobe`"));
    }
    if !sites.is_empty() {
        return Ok(sites);
    }
    let names = probe_names(file)?;
    let wanted = format!("{provider}:{name}");
    if names.iter().all(|name| name.split_once(':').is_none_or(|(known, _)| known != provider)) {
        let mut providers: Vec<&str> = all.iter().map(|probe| probe.provider.as_str()).collect();
        providers.dedup();
        let message = format!("`{path}` has no USDT probes of the provider `{provider}`");
        let help = suggest(provider, providers.iter().copied(), "its providers are");
        return Err(KernelError::at(Place::Target, message).maybe_help(help));
    }
    let help = suggest(&wanted, names.iter().map(String::as_str), "there are");
    Err(KernelError::at(Place::Target, format!("`{path}` has no USDT probe `{wanted}`")).maybe_help(help))
}

/// The probes of these names.
pub(in crate::kernel) fn named_probes(patterns: &[String], file: &Opened) -> Result<Named, KernelError> {
    let names = probe_names(file)?;
    let fitting = |glob: Option<&str>| -> Vec<String> {
        names.iter().filter(|name| glob.is_none_or(|glob| matches_glob(glob, name))).cloned().collect()
    };
    Ok(matching(patterns, &format!("USDT probe of `{}`", file.path.display()), fitting))
}

/// The first of these probes that the file has.
pub(in crate::kernel) fn first_probe(names: &[String], file: &Opened) -> Result<String, KernelError> {
    let known = probe_names(file)?;
    let owner = format!("`{}`", file.path.display());
    let help = |name: &String| suggest(name, known.iter().map(String::as_str), "");
    names.iter().find(|name| known.contains(name)).cloned().ok_or_else(|| none_of(names, &owner, "USDT probes", help))
}

/// The function that each of these places is in, for people; empty where that is unknown.
pub(in crate::kernel) fn functions_around(file: &Opened, sites: &[UserProbe]) -> Vec<String> {
    let around = |site: &UserProbe| file.binary.around(site.offset).ok().flatten();
    let mut names: Vec<String> = sites.iter().filter_map(around).map(|function| function.name).collect();
    names.sort();
    names.dedup();
    names.into_iter().map(|name| demangle(&name).unwrap_or(name)).collect()
}

/// True where the compiler has put the instruction that does nothing, which a probe stands at.
pub(super) fn is_nop(code: &[u8]) -> bool {
    const X86: [&[u8]; 2] = [&[0x90], &[0x0f, 0x1f, 0x44, 0x00, 0x00]];
    const ARM: [&[u8]; 1] = [&[0x1f, 0x20, 0x03, 0xd5]];
    let nops: &[&[u8]] = if cfg!(target_arch = "aarch64") { &ARM } else { &X86 };
    nops.iter().any(|nop| code.starts_with(nop))
}

/// The provider and the name of a place that is a probe.
pub(in crate::kernel) fn probe_of(place: &UserPlace) -> Option<(&str, &str)> {
    if let UserPlace::Probe { provider, name } = place { Some((provider, name)) } else { None }
}

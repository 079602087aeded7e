// SPDX-License-Identifier: MIT OR Apache-2.0
//! A probe with several targets becomes several probes: lists, globs and `@default-route` are looked up on this machine.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::net::Ipv4Addr;

use crate::catalog::{Lookup, ObjectError, demangle};
use crate::kernel::error::KernelError;
use crate::kernel::host::Host;
use crate::kernel::prepare::missing_interface;
use crate::kernel::site::binary::{MOST_MATCHES, matching, some};
use crate::kernel::site::binary::{Opened, unusable};
use crate::kernel::site::binary::{instead, meant};
use crate::kernel::site::interface::Netdev;
use crate::spec::{Hook, HookKind, Place, ProbeSpec, Site, Targets};
use crate::words::{list, matches_glob, nearest_glob};

/// How many globs that match no function are compared with all functions for help.
const MAX_HELPS: usize = 8;
/// The smallest ring buffer that a shared one is divided into.
const LEAST_BUFFER_BYTES: u32 = 64 << 10;

/// A probe with exactly one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Expanded {
    /// What runs: the spec with one target, and, where the file names several, with a label that says which.
    pub spec: ProbeSpec,
    /// The target, where the file names several.
    pub target: Option<String>,
    /// Where in the file its target stands.
    pub place: Place,
}

impl Expanded {
    /// The error, with its blame for the target put on the entry that this target comes from.
    #[must_use]
    pub fn blame(&self, error: KernelError) -> KernelError {
        if error.place == Place::Target { KernelError { place: self.place.clone(), ..error } } else { error }
    }
}

/// The probes that a spec stands for on this machine; never none. All names that stand for nothing are errors at once.
pub fn expand(spec: &ProbeSpec, host: &Host) -> Result<Vec<Expanded>, Vec<KernelError>> {
    let (expanded, errors) = expand_what_is_there(spec, host);
    if errors.is_empty() { Ok(expanded) } else { Err(errors) }
}

/// The same with the probes at those targets that are there, beside the errors about the others.
pub(in crate::kernel) fn expand_what_is_there(spec: &ProbeSpec, host: &Host) -> (Vec<Expanded>, Vec<KernelError>) {
    let (names, mut errors) = match &spec.targets {
        Targets::One => {
            let spec = under_its_own_name(spec, host);
            return (vec![Expanded { spec, target: None, place: Place::Target }], Vec::new());
        }
        Targets::FirstOf(names) => match first_of(spec.hook.as_ref(), names, host) {
            Ok(name) => {
                let spec = spec.at(&name);
                return (vec![Expanded { spec, target: None, place: Place::Entry(name) }], Vec::new());
            }
            Err(error) => (Names::new(), vec![error]),
        },
        Targets::Each(patterns) => match spec.hook.as_ref().map(|hook| (hook.kind, &hook.site)) {
            Some((_, Site::Interface { .. })) => interfaces(patterns),
            Some((_, Site::Function { .. })) => {
                let wanted = |glob: Option<&str>| {
                    host.probeable_functions(|name| glob.is_none_or(|glob| matches_glob(glob, name)))
                };
                functions(patterns, "this kernel", wanted)
            }
            Some((kind, Site::Binary(point))) => {
                let found = host.binaries.of(point);
                let found = found.and_then(|file| user_functions(patterns, kind == HookKind::Uretprobe, &file));
                found.unwrap_or_else(|error| (Names::new(), vec![error]))
            }
            Some((_, Site::Event(_) | Site::RawEvent(_))) | None => (Names::new(), Vec::new()),
        },
    };
    if names.len() > Targets::MAX {
        errors.push(too_many(&spec.targets, &names));
        return (Vec::new(), errors);
    }
    let all = names.into_iter().map(|(name, entry)| one(spec, name, entry));
    (share_buffer(spec, all.collect()), errors)
}

/// The same at an interface that the file calls by a further name (`altname` of ip-link(8)); one that is not there keeps it.
fn under_its_own_name(spec: &ProbeSpec, host: &Host) -> ProbeSpec {
    match spec.interface().and_then(|name| host.interface_name(name)) {
        Some(name) => spec.at(&name),
        None => spec.clone(),
    }
}

/// That there are more targets than one probe may have, and which of the patterns stands for most of them.
fn too_many(targets: &Targets, names: &Names) -> KernelError {
    let patterns: &[String] = if let Targets::Each(patterns) = targets { patterns } else { &[] };
    let stands_for = |pattern: &String| names.keys().filter(|name| matches_glob(pattern, name)).count();
    let widest = patterns.iter().map(|pattern| (stands_for(pattern), pattern)).max_by_key(|(count, _)| *count);
    let (all, most) = (names.len(), Targets::MAX);
    let (place, subject) = match widest {
        Some((count, glob)) if count == all => {
            (Place::Entry(glob.clone()), format!("`{glob}` stands for {all} targets"))
        }
        Some((count @ 2.., glob)) => {
            (Place::Entry(glob.clone()), format!("its names stand for {all} targets, `{glob}` for {count} of them"))
        }
        Some(_) | None => (Place::Target, format!("its names stand for {all} targets")),
    };
    let message = format!("{subject}: one probe may have {most}");
    KernelError::new(place, message, "write a narrower glob, or several probes")
}

/// The same where interfaces come and go: a name stands for itself, whether it is there or not, a pattern for what is there
/// now; an error is a pattern that nothing matches. Each target has the whole buffer, so that one more changes nothing about
/// the others.
pub fn expand_present(spec: &ProbeSpec, host: &Host) -> (Vec<Expanded>, Vec<KernelError>) {
    let Targets::Each(patterns) = &spec.targets else {
        return match expand(spec, host) {
            Ok(all) => (all, Vec::new()),
            Err(errors) => (Vec::new(), errors),
        };
    };
    let (mut all, mut errors): (Vec<Expanded>, Vec<KernelError>) = (Vec::new(), Vec::new());
    for pattern in patterns {
        let found = if Targets::is_pattern(pattern) {
            let alone = ProbeSpec { targets: Targets::Each(vec![pattern.clone()]), ..spec.clone() };
            expand(&alone, host)
        } else {
            let name = if spec.interface().is_some() { host.interface_name(pattern) } else { None };
            Ok(vec![one(spec, name.unwrap_or_else(|| pattern.clone()), pattern.clone())])
        };
        match found {
            Ok(found) => all.extend(found),
            Err(more) => errors.extend(more),
        }
    }
    all.iter_mut().for_each(|part| part.spec.buffer_bytes = spec.buffer_bytes);
    all.sort_by(|a, b| a.target.cmp(&b.target));
    all.dedup_by(|a, b| a.target == b.target);
    (all, errors)
}

/// The probe at one of its targets, which comes from the entry `entry` of its file.
fn one(spec: &ProbeSpec, name: String, entry: String) -> Expanded {
    let mut spec = spec.at(&name);
    if let Some(field) = spec.hook.as_ref().and_then(Hook::target_field) {
        // People know functions of C++ and Rust by the names of their sources.
        let shown = if field == "symbol" { demangle(&name) } else { None };
        spec.labels.push((field.to_owned(), shown.unwrap_or_else(|| name.clone())));
    }
    Expanded { spec, target: Some(name), place: Place::Entry(entry) }
}

/// The same of all probes of a configuration, at what is there of their targets.
pub fn claims<'a>(specs: impl Iterator<Item = &'a ProbeSpec>, host: &Host) -> Vec<(usize, KernelError)> {
    let at_interfaces = specs.enumerate().filter(|(_, spec)| spec.interface().is_some());
    let expand = |(number, spec)| expand_what_is_there(spec, host).0.into_iter().map(move |one| (number, one));
    let all: Vec<(usize, Expanded)> = at_interfaces.flat_map(expand).collect();
    claimed_twice(all.iter().map(|(number, one)| (*number, one)))
}

/// What is wrong with probes at an interface where an earlier one of `all` is already, which only this machine knows: globs, further
/// names, routes. `all` has the number of each probe in its configuration, its name there, and one of its targets.
pub fn claimed_twice<'a>(all: impl Iterator<Item = (usize, &'a Expanded)>) -> Vec<(usize, KernelError)> {
    let mut taken: BTreeMap<&str, &Expanded> = BTreeMap::new();
    let mut errors = Vec::new();
    for (number, one) in all {
        let Some(interface) = one.spec.interface() else { continue };
        let Some(first) = taken.get(interface) else {
            taken.insert(interface, one);
            continue;
        };
        let message =
            format!("two XDP probes want the interface `{interface}`: `{}` has it already", first.spec.id.name);
        let help = "an interface runs one XDP program: park one of the probes with `enabled: false`";
        errors.push((number, one.blame(KernelError::new(Place::Target, message, help))));
    }
    errors
}

/// The buffer of the file is for the probe as a whole.
fn share_buffer(spec: &ProbeSpec, mut all: Vec<Expanded>) -> Vec<Expanded> {
    let parts = u32::try_from(all.len()).unwrap_or(u32::MAX).next_power_of_two();
    let share = (spec.ring_bytes() / parts).max(LEAST_BUFFER_BYTES).min(spec.ring_bytes());
    all.iter_mut().for_each(|part| part.spec.buffer_bytes = Some(share));
    all
}

/// Names of targets, each with what leads to its entry in the file: the entry itself, or a name that its pattern matches.
type Names = BTreeMap<String, String>;
/// The names that patterns stand for, and what is wrong with those that stand for none.
type Found = (Names, Vec<KernelError>);

/// Interfaces by all their names: one that has two of those that are wanted is one.
fn interfaces(patterns: &[String]) -> Found {
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

/// The same for functions of a program or library that can be probed.
fn user_functions(patterns: &[String], on_return: bool, file: &Opened) -> Result<Found, KernelError> {
    let Opened { path, binary, .. } = file;
    let failed = |error: ObjectError| unusable(path, &error);
    let globs: Vec<&str> = patterns.iter().map(String::as_str).filter(|name| Targets::is_pattern(name)).collect();
    let mut found = HashMap::new();
    for (glob, names) in globs.iter().zip(matching(binary, &globs).map_err(failed)?) {
        if names.len() >= MOST_MATCHES {
            let message =
                format!("`{glob}` stands for {MOST_MATCHES} functions or more: one probe may have {}", Targets::MAX);
            return Err(KernelError::new(Place::Entry((*glob).to_owned()), message, "write a narrower glob"));
        }
        let begin = if on_return { binary.entry() } else { None };
        let is_probeable = |name: &String| -> Result<bool, KernelError> {
            let found = binary.find(name).map_err(failed)?;
            Ok(matches!(found, Lookup::One(found) if !found.chooses && Some(found.offset) != begin))
        };
        let mut probeable = Vec::new();
        for name in names {
            if is_probeable(&name)? {
                probeable.push(name);
            }
        }
        found.insert(*glob, probeable);
    }
    let list = |glob: Option<&str>| match glob {
        Some(glob) => found.get(glob).cloned().unwrap_or_default(),
        None => some(binary).unwrap_or_default(),
    };
    Ok(functions(patterns, &format!("`{}`", path.display()), list))
}

/// The functions that names and globs stand for; `of` says whose they are, `list` gives those of a glob, or all.
fn functions(patterns: &[String], of: &str, list: impl Fn(Option<&str>) -> Vec<String>) -> Found {
    let (mut names, mut errors, all) = (Names::new(), Vec::new(), OnceCell::new());
    for pattern in patterns {
        if !Targets::is_pattern(pattern) {
            names.insert(pattern.clone(), pattern.clone());
            continue;
        }
        let found = list(Some(pattern));
        if found.is_empty() {
            let message = format!("no function of {of} matches `{pattern}`");
            if errors.len() >= MAX_HELPS {
                errors.push(KernelError::new(Place::Entry(pattern.clone()), message, ""));
                continue;
            }
            let known: &Vec<String> = all.get_or_init(|| list(None));
            let near = nearest_glob(pattern, known.iter().map(String::as_str));
            let help = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
            errors.push(KernelError::new(Place::Entry(pattern.clone()), message, help));
        }
        names.extend(found.into_iter().map(|name| (name.clone(), name)));
    }
    (names, errors)
}

/// The first of these functions that the binary of the hook has, or else the kernel.
fn first_of(hook: Option<&Hook>, names: &[String], host: &Host) -> Result<String, KernelError> {
    let near = |help: &dyn Fn(&String) -> String| names.iter().map(help).find(|help| !help.is_empty());
    let (found, owner, help) = match hook.and_then(Hook::point) {
        Some(point) => {
            let Opened { path, binary, .. } = host.binaries.of(point)?;
            let mut found = None;
            for name in names {
                let failed = |error: ObjectError| unusable(&path, &error);
                let is_there = binary.find(name).map_err(failed)? != Lookup::Missing;
                if is_there || !meant(&binary, name).map_err(failed)?.is_empty() {
                    found = Some(name);
                    break;
                }
            }
            let instead = |name: &String| instead(&binary, name, &path).unwrap_or_default();
            let help = if found.is_none() { near(&instead) } else { None };
            (found, format!("`{}`", path.display()), help)
        }
        None => {
            let found = names.iter().find(|name| host.kernel_symbol(name).count > 0);
            let help = if found.is_none() { near(&|name| host.kernel_symbol(name).help) } else { None };
            (found, "this kernel".to_owned(), help)
        }
    };
    found.cloned().ok_or_else(|| {
        let tried = list(names.iter().map(String::as_str), 16);
        let message = format!("{owner} has none of the functions {tried}");
        KernelError::new(Place::Target, message, help.unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Too many targets are said with the glob that brings most of them.
    #[test]
    fn too_many_targets() {
        let gets: Names = (0..200).map(|at| format!("get{at}")).map(|name| (name.clone(), name)).collect();
        let names = gets.clone().into_iter().chain([("put".to_owned(), "put".to_owned())]).collect();
        let each = |patterns: &[&str]| Targets::Each(patterns.iter().map(|&pattern| pattern.to_owned()).collect());
        for (patterns, names, place, said) in [
            (
                &["get*"][..],
                &gets,
                Place::Entry("get*".to_owned()),
                "`get*` stands for 200 targets: one probe may have 128",
            ),
            (
                &["put", "get1*", "ge?*"],
                &names,
                Place::Entry("ge?*".to_owned()),
                "its names stand for 201 targets, `ge?*` for 200 of them: one probe may have 128",
            ),
            (&["get1", "get2"], &gets, Place::Target, "its names stand for 200 targets: one probe may have 128"),
        ] {
            let error = too_many(&each(patterns), names);
            assert_eq!((error.place, error.message.as_str()), (place, said));
        }
    }

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

// SPDX-License-Identifier: MIT OR Apache-2.0
//! A probe with several targets becomes several probes: lists, globs and `@default-route` are looked up on this machine.

use std::collections::BTreeMap;

use super::choose::chosen;
use super::error::KernelError;
use super::hook::{is_there, of};
use super::host::Host;
use super::left_out::left_out;
use super::site::syscall::{self, Group, NAMELESS, groups};
use super::site::{self, Named, Names};
use super::span;
use crate::catalog::demangle;
use crate::expr::without_start;
use crate::hook::claims as claims_of;
use crate::spec::{Aggregate, CallEnd, Claim, Hook, Place, ProbeSpec, Site, SyscallSite, Targets};
use crate::words::matches_glob;

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
pub(super) fn expand_what_is_there(spec: &ProbeSpec, host: &Host) -> (Vec<Expanded>, Vec<KernelError>) {
    if let Some(span) = spec.span.as_ref().filter(|span| !span.parts().is_empty()) {
        return match span::expand(spec, span, host) {
            Ok(one) => (vec![one], Vec::new()),
            Err(errors) => (Vec::new(), errors),
        };
    }
    if let Some((hook, site)) = syscalls(spec) {
        return match expand_syscalls(spec, hook, site, host) {
            Ok(all) => (all, Vec::new()),
            Err(errors) => (Vec::new(), errors),
        };
    }
    let (names, mut errors) = match &spec.targets {
        Targets::One => {
            let spec = chosen(under_its_own_name(spec, host), host);
            return (vec![Expanded { spec, target: None, place: Place::Target }], Vec::new());
        }
        Targets::FirstOf(names) => match first_of(spec, names, host) {
            Ok(name) => {
                let spec = chosen(spec.at(&name), host);
                return (vec![Expanded { spec, target: None, place: Place::Entry(name) }], Vec::new());
            }
            Err(error) => (Names::new(), vec![error]),
        },
        Targets::Each(patterns) => match &spec.hook {
            Some(hook) => named(hook, patterns, host),
            None => (Names::new(), Vec::new()),
        },
    };
    if !errors.is_empty() {
        let left_out = left_out(spec, host);
        errors = errors.into_iter().map(|error| with_what_is_left_out(error, &left_out)).collect();
    }
    if names.len() > Targets::MAX {
        errors.push(too_many(&spec.targets, &names));
        return (Vec::new(), errors);
    }
    let all = names.into_iter().map(|(name, entry)| one(spec, name, entry, host));
    (share_buffer(spec, all.collect()), errors)
}

/// The system calls of a probe that are not looked up yet.
fn syscalls(spec: &ProbeSpec) -> Option<(&Hook, &SyscallSite)> {
    let hook = spec.hook.as_ref().filter(|_| spec.asked.is_none())?;
    if let Site::Syscall(site) = &hook.site { Some((hook, site)) } else { None }
}

/// All calls that one program can report are one target.
fn expand_syscalls(
    spec: &ProbeSpec,
    hook: &Hook,
    site: &SyscallSite,
    host: &Host,
) -> Result<Vec<Expanded>, Vec<KernelError>> {
    let (names, errors) = match &spec.targets {
        Targets::FirstOf(names) => match syscall::first_of(names) {
            Ok(name) => (Names::from([(name.clone(), name)]), Vec::new()),
            Err(error) => (Names::new(), vec![error]),
        },
        Targets::One | Targets::Each(_) => syscall::named(&site.calls),
    };
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut calls: Vec<String> = names.keys().cloned().collect();
    if site.calls.iter().any(|pattern| pattern == NAMELESS) {
        calls.push(NAMELESS.to_owned());
    }
    let groups = groups(calls, site.end, &spec.names(), host);
    let in_thread = spec.span.is_some();
    if in_thread && groups.iter().all(|group| group.end == CallEnd::Entry) {
        let names: Vec<&str> = groups.iter().flat_map(|group| &group.calls).map(String::as_str).collect();
        let message = format!("`{}` has no return: nobody knows how long it takes", names.join("`, `"));
        return Err(vec![KernelError::new(Place::Hook, message, "hook the entry: `at: entry`")]);
    }
    let single = groups.len() == 1;
    let several = matches!(spec.targets, Targets::Each(_));
    let all = groups.into_iter().map(|Group { calls, end, lacks }| {
        let place = match calls.as_slice() {
            [call] => Place::Entry(names.get(call).unwrap_or(call).clone()),
            _ => Place::Target,
        };
        let mut spec = ProbeSpec { targets: Targets::One, asked: Some(hook.clone()), elsewhere: lacks, ..spec.clone() };
        if in_thread && end == CallEnd::Entry {
            at_the_entry_alone(&mut spec);
        }
        match calls.as_slice() {
            // All targets count in the same tables.
            _ if !spec.aggregates.is_empty() => {}
            [call] if several => spec.labels.push(("syscall".to_owned(), call.clone())),
            _ if several => spec.name_syscall(),
            _ => {}
        }
        let site = SyscallSite { calls, end, ..site.clone() };
        let target = site.calls.first().filter(|_| !single).map(|first| match site.calls.len() {
            1 => first.clone(),
            more => format!("{first}+{}", more - 1),
        });
        spec.hook = Some(Hook { site: Site::Syscall(site), ..hook.clone() });
        Expanded { spec, target, place: if several { place } else { Place::Target } }
    });
    Ok(share_buffer(spec, all.collect()))
}

/// Of calls without a return only the entry is seen: what is known at the return is null.
fn at_the_entry_alone(spec: &mut ProbeSpec) {
    spec.span = None;
    spec.elsewhere.extend(["duration", "end"].map(str::to_owned));
    let aggregates = spec.aggregates.iter_mut().flat_map(Aggregate::exprs_mut);
    let captures = spec.capture.iter_mut().map(|capture| &mut capture.expr);
    captures.chain(&mut spec.filter).chain(aggregates).for_each(|expr| *expr = without_start(expr));
}

/// The names that patterns stand for. One that is named is a target whatever the kind says, which then says why it cannot be one.
fn named(hook: &Hook, patterns: &[String], host: &Host) -> Named {
    let kind = of(hook.kind);
    let (mut names, mut errors) = site::named(&hook.site, patterns, kind.takes_entry, host);
    let matched = names.len();
    names.retain(|name, _| patterns.contains(name) || (kind.unfit)(name, host).is_none());
    if names.is_empty() && matched > 0 {
        let of_glob = |glob: &String| KernelError::at(Place::Entry(glob.clone()), nothing_traceable(glob));
        errors.extend(patterns.iter().map(of_glob));
    }
    (names, errors)
}

/// The error about a glob without targets: that there are none, or that none of them can be traced.
fn with_what_is_left_out(error: KernelError, left_out: &[KernelError]) -> KernelError {
    let (Place::Entry(glob), Some(left_out)) = (&error.place, left_out.iter().find(|one| one.place == error.place))
    else {
        return error;
    };
    let is_without_match = error.message.ends_with(&format!("matches `{glob}`"));
    let (message, help) = match is_without_match {
        true => (nothing_traceable(glob), None),
        false => (error.message.clone(), error.help.clone()),
    };
    KernelError { message, help, ..error }.note(left_out.message.clone())
}

fn nothing_traceable(glob: &str) -> String {
    format!("nothing that `{glob}` matches can be traced")
}

fn first_of(spec: &ProbeSpec, names: &[String], host: &Host) -> Result<String, KernelError> {
    let nothing = || KernelError::at(Place::Hook, "the program's own hooks have no names to choose from");
    site::first_of(&spec.hook.as_ref().ok_or_else(nothing)?.site, names, host)
}

/// True where what the probe attaches to is not there, and may come: an interface, a binary, a function
/// or tracepoint of a module.
pub fn is_missing(spec: &ProbeSpec, host: &Host) -> bool {
    spec.hook.as_ref().is_some_and(|hook| is_there(hook.kind, host) && site::is_missing(&hook.site, host))
}

/// Why the target of a hook is not there; `None` where it is.
pub fn missing_site(hook: &Hook, host: &Host) -> Option<KernelError> {
    (of(hook.kind).check)(hook, host).err()
}

/// The spec at an interface that the file calls by a further name (`altname` of ip-link(8)); one that is not there keeps it.
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
        Some((count, glob)) if count == all => (Place::Entry(glob.clone()), format!("`{glob}` matches {all} targets")),
        Some((count @ 2.., glob)) => {
            (Place::Entry(glob.clone()), format!("its names match {all} targets, `{glob}` {count} of them"))
        }
        Some(_) | None => (Place::Target, format!("its names match {all} targets")),
    };
    let message = format!("{subject}: a probe can have at most {most}");
    KernelError::new(place, message, "write a narrower glob, or several probes")
}

/// The same where interfaces come and go: a name stands for itself, whether it is there or not, a pattern for what is there
/// now; an error is a pattern that nothing matches. Each target has the whole buffer, so that one more changes nothing about
/// the others.
pub fn expand_present(spec: &ProbeSpec, host: &Host) -> (Vec<Expanded>, Vec<KernelError>) {
    let Some(patterns) = patterns_apart(spec) else {
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
            Ok(vec![one(spec, name.unwrap_or_else(|| pattern.clone()), pattern.clone(), host)])
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

/// The patterns of a probe that has each of their targets for itself.
fn patterns_apart(spec: &ProbeSpec) -> Option<&[String]> {
    match &spec.targets {
        Targets::Each(patterns) if syscalls(spec).is_none() => Some(patterns),
        Targets::Each(_) | Targets::One | Targets::FirstOf(_) => None,
    }
}

/// The probe at one of its targets, which comes from the entry `entry` of its file.
fn one(spec: &ProbeSpec, name: String, entry: String, host: &Host) -> Expanded {
    let mut spec = spec.at(&name);
    // All targets count in the same tables: which one an event is of, a key says.
    if let Some(field) = spec.hook.as_ref().and_then(Hook::target_field).filter(|_| spec.aggregates.is_empty()) {
        // People know functions of C++ and Rust by the names of their sources.
        let shown = if field == "symbol" { demangle(&name) } else { None };
        spec.labels.push((field.to_owned(), shown.unwrap_or_else(|| name.clone())));
    }
    Expanded { spec: chosen(spec, host), target: Some(name), place: Place::Entry(entry) }
}

/// The same of all probes of a configuration, at what is there of their targets.
pub fn claims<'a>(specs: impl Iterator<Item = &'a ProbeSpec>, host: &Host) -> Vec<(usize, KernelError)> {
    let at_interfaces = specs.enumerate().filter(|(_, spec)| claims_of(spec).is_some());
    let expand = |(number, spec)| expand_what_is_there(spec, host).0.into_iter().map(move |one| (number, one));
    let all: Vec<(usize, Expanded)> = at_interfaces.flat_map(expand).collect();
    claimed_twice(all.iter().map(|(number, one)| (*number, one)))
}

/// What is wrong with probes at an interface where an earlier one of `all` is already, which only this machine knows: globs, further
/// names, routes. `all` has the number of each probe in its configuration, its name there, and one of its targets.
pub fn claimed_twice<'a>(all: impl Iterator<Item = (usize, &'a Expanded)>) -> Vec<(usize, KernelError)> {
    let mut taken: BTreeMap<String, &Expanded> = BTreeMap::new();
    let mut errors = Vec::new();
    for (number, one) in all {
        let Some(Claim::Interface(interface)) = claims_of(&one.spec) else { continue };
        let Some(first) = taken.get(&interface) else {
            taken.insert(interface, one);
            continue;
        };
        let message =
            format!("two XDP probes use the interface `{interface}`: `{}` already has it", first.spec.id.name);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Too many targets are said with the glob that brings most of them.
    #[test]
    fn too_many_targets() {
        let gets: Names = (0..1200).map(|at| format!("get{at}")).map(|name| (name.clone(), name)).collect();
        let names = gets.clone().into_iter().chain([("put".to_owned(), "put".to_owned())]).collect();
        let each = |patterns: &[&str]| Targets::Each(patterns.iter().map(|&pattern| pattern.to_owned()).collect());
        for (patterns, names, place, said) in [
            (
                &["get*"][..],
                &gets,
                Place::Entry("get*".to_owned()),
                "`get*` matches 1200 targets: a probe can have at most 1000",
            ),
            (
                &["put", "get1*", "ge?*"],
                &names,
                Place::Entry("ge?*".to_owned()),
                "its names match 1201 targets, `ge?*` 1200 of them: a probe can have at most 1000",
            ),
            (&["get1", "get2"], &gets, Place::Target, "its names match 1200 targets: a probe can have at most 1000"),
        ] {
            let error = too_many(&each(patterns), names);
            assert_eq!((error.place, error.message.as_str()), (place, said));
        }
    }
}

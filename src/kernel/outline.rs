// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a probe would run on this machine: which function, by which mechanism and why, what that takes, how much memory.

use libbpf_rs::{MapType, ObjectBuilder};

use super::attach::named_mechanism;
use super::choose::reason;
use super::hook::{Feature, KINDS, of};
use super::host::{Capabilities, Host};
use super::mapping::page_bytes;
use super::prepared::Prepared;
use super::span;
use super::verify::size_maps;
use crate::catalog::{FunctionAt, Program};
use crate::spec::{HookKind, ProbeSpec, SpanEnds, SpanRole};

/// How a probe would run.
#[derive(Debug, Clone)]
pub struct Outline {
    /// The functions that are attached.
    pub functions: Vec<FunctionOutline>,
    /// What the kernel and this process must have.
    pub needs: Vec<Need>,
    /// Name and bytes of the maps in the kernel.
    pub maps: Vec<(String, u64)>,
    /// Bytes of the ring buffer that a probe with events has here: at least a page.
    pub ring_bytes: u32,
}

/// How one function is attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionOutline {
    /// The C function.
    pub function: String,
    /// `tracepoint sched:sched_switch`
    pub at: String,
    /// What that is to the spans of the probe; `None` where it has none.
    pub role: Option<SpanRole>,
    /// What holds it there.
    pub mechanism: String,
    /// Why that and nothing else.
    pub why: String,
}

/// One thing that must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// What.
    pub what: String,
    /// The first kernel that has it, `5.8`; empty where that is not a matter of the version.
    pub since: &'static str,
    /// Whether it is there.
    pub there: bool,
}

/// What every probe takes of the kernel.
const EVERY: Feature =
    Feature { what: "parameters and work lists as constants (global data)", since: "5.2", version: (5, 2) };
/// What one takes that emits events.
const EVENTS: Feature = Feature { what: "ring buffers", since: "5.8", version: (5, 8) };
/// What one takes that captures.
const CAPTURES: Feature = Feature { what: "reading kernel and process memory apart", since: "5.5", version: (5, 5) };

/// Outlines a probe. Nothing is loaded, and no privileges are needed. What spans keep is told where the probe could be prepared.
pub fn outline(whole: &ProbeSpec, program: &Program, prepared: Option<&Prepared>, host: &Host) -> Outline {
    let mut functions = Vec::new();
    let mut kinds = Vec::new();
    for (role, spec) in at_each_hook(whole) {
        for FunctionAt { function, hook } in program.attached_for(&spec) {
            let (mechanism, why) = (of(hook.kind).mechanism)(&hook, host);
            let why = match (&whole.span, role) {
                (Some(span), Some(SpanRole::Start)) if span.ends == SpanEnds::Thread => {
                    "there the call begins".to_owned()
                }
                (Some(_) | None, _) => reason(&spec, host).unwrap_or(why),
            };
            let at = named_mechanism(&spec, &hook.to_string());
            functions.push(FunctionOutline { function, at, role, mechanism, why });
            kinds.push(hook.kind);
        }
    }
    let mut maps = maps(whole, program).unwrap_or_default();
    if let Some(span) = prepared.and_then(|prepared| prepared.span.as_ref()) {
        maps.push((span::OPEN.to_owned(), span.open_bytes()));
    }
    Outline {
        functions,
        needs: needs(whole, program, &kinds, host),
        maps,
        ring_bytes: ring_bytes(whole.ring_bytes(), page_bytes() as u32),
    }
}

/// The probe at each of its hooks: one, unless it has spans.
fn at_each_hook(spec: &ProbeSpec) -> Vec<(Option<SpanRole>, ProbeSpec)> {
    let parts = span::hooks(spec);
    if parts.is_empty() {
        return vec![(None, spec.clone())];
    }
    parts.iter().map(|part| (Some(part.role), span::spec_of(spec, part))).collect()
}

/// What libbpf makes of the size that was asked for, a power of two: a power of two of pages.
fn ring_bytes(asked: u32, page: u32) -> u32 {
    asked.max(page)
}

fn needs(spec: &ProbeSpec, program: &Program, kinds: &[HookKind], host: &Host) -> Vec<Need> {
    let kinds = || KINDS.iter().filter(|known| kinds.contains(&known.kind));
    let version = host.version();
    let events = program.event.is_some().then_some(&EVENTS);
    let captures = (!spec.capture.is_empty()).then_some(&CAPTURES);
    let features = [Some(&EVERY), events, captures].into_iter().flatten().chain(kinds().map(|kind| &kind.feature));
    let mut needs: Vec<Need> = Vec::new();
    let mut add = |what: &str, since, there: bool| {
        let need = Need { what: what.to_owned(), since, there };
        // Several kinds may take the same.
        if !needs.contains(&need) {
            needs.push(need);
        }
    };
    features.for_each(|feature| add(feature.what, feature.since, version >= feature.version));
    kinds().flat_map(|kind| kind.parts).for_each(|part| add(part.what, "", (part.is_there)(host)));
    if !program.captures() && program.event.is_some() {
        add("the kernel's BTF, for the offsets of what the program reads", "", host.btf().is_some());
    } else if !spec.capture.is_empty() && kinds().all(|kind| kind.captures_by_btf) {
        add("the kernel's BTF, for names and types of captures", "", host.btf().is_some());
    }
    let capabilities = Capabilities::effective();
    let mut names: Vec<&str> = kinds().flat_map(|kind| kind.capabilities).copied().collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().for_each(|name| add(name, "", capabilities.has(name)));
    needs
}

/// Name and bytes of each map that is made for the probe, on all CPUs. What has begun of spans is not among them.
fn maps(spec: &ProbeSpec, program: &Program) -> libbpf_rs::Result<Vec<(String, u64)>> {
    let mut all: Vec<(String, u64)> = Vec::new();
    for (number, (role, spec)) in at_each_hook(spec).iter().enumerate() {
        let bytes = match (&program.span, role) {
            (Some(objects), Some(SpanRole::End)) => &objects.end,
            (Some(objects), Some(SpanRole::Start | SpanRole::Via | SpanRole::Cancel)) => &objects.start,
            (_, None) | (None, Some(_)) => &program.object,
        };
        for (name, bytes) in maps_of(bytes, spec, program)? {
            // All programs of a span share these.
            let is_shared = name == span::OPEN || name == span::BEHIND || number > 0 && name == "events";
            match all.iter_mut().find(|(known, _)| *known == name) {
                _ if is_shared => {}
                Some((_, sum)) => *sum += bytes,
                None => all.push((name, bytes)),
            }
        }
    }
    Ok(all)
}

/// The same of one object.
fn maps_of(object: &[u8], spec: &ProbeSpec, program: &Program) -> libbpf_rs::Result<Vec<(String, u64)>> {
    let mut builder = ObjectBuilder::default();
    let mut object = builder.open_memory(object)?;
    size_maps(&mut object, spec, program)?;
    let cpus = libbpf_rs::num_possible_cpus()? as u64;
    let page = page_bytes() as u64;
    let bytes = |map: &libbpf_rs::OpenMap<'_>| {
        let entries = u64::from(map.max_entries());
        let value = u64::from(map.value_size()).next_multiple_of(8);
        match map.map_type() {
            // The data, a page for each position, and one for itself.
            MapType::RingBuf => entries + 3 * page,
            kind if kind.is_percpu() => entries * (u64::from(map.key_size()) + value * cpus),
            _ => (entries * (u64::from(map.key_size()) + value)).next_multiple_of(page),
        }
    };
    let maps = object.maps().filter(libbpf_rs::OpenMap::autocreate);
    // libbpf prefixes the names of internal maps with the object's, which has none here.
    let name = |map: &libbpf_rs::OpenMap<'_>| {
        let name = map.name().to_string_lossy();
        name.rsplit('.').next().unwrap_or_default().to_owned()
    };
    Ok(maps.map(|map| (name(&map), bytes(&map))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ring has whole pages, however large a page is.
    #[test]
    fn rings_have_whole_pages() {
        for (asked, page, made) in [
            (4 << 10, 4 << 10, 4 << 10),
            (4 << 10, 16 << 10, 16 << 10),
            (32 << 10, 64 << 10, 64 << 10),
            (1 << 20, 64 << 10, 1 << 20),
        ] {
            assert_eq!(ring_bytes(asked, page), made);
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a probe would run on this machine: which function, by which mechanism and why, what that takes, how much memory.

use libbpf_rs::{MapType, ObjectBuilder};

use super::attach::xdp_outlook;
use super::load::size_maps;
use super::mapping::page_bytes;
use crate::catalog::{FunctionAt, Program};
use crate::kernel::host::Host;
use crate::kernel::host::{Capabilities, needed_for};
use crate::spec::{Hook, HookKind, ProbeSpec, Site};

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

/// What a hook kind, or anything (`""`), takes of the kernel: hook kind, feature, first version.
const FEATURES: [(&str, &str, (u32, u32), &str); 10] = [
    ("", "parameters and work lists as constants (global data)", (5, 2), "5.2"),
    ("event", "ring buffers", (5, 8), "5.8"),
    ("capture", "reading kernel and process memory apart", (5, 5), "5.5"),
    ("kprobe", "kprobes as perf events", (4, 17), "4.17"),
    ("kretprobe", "kprobes as perf events", (4, 17), "4.17"),
    ("uprobe", "uprobes as perf events", (4, 17), "4.17"),
    ("uretprobe", "uprobes as perf events", (4, 17), "4.17"),
    ("tracepoint", "programs at tracepoints", (4, 7), "4.7"),
    ("raw_tracepoint", "raw tracepoints", (4, 17), "4.17"),
    ("xdp", "XDP programs held by a link", (5, 9), "5.9"),
];

/// Outlines a probe. Nothing is loaded, and no privileges are needed.
pub fn outline(spec: &ProbeSpec, program: &Program, host: &Host) -> Outline {
    let functions = program.attached_for(spec);
    let kinds: Vec<HookKind> = functions.iter().map(|one| one.hook.kind).collect();
    let outlined = functions.iter().map(|FunctionAt { function, hook }| {
        let (mechanism, why) = mechanism(hook, host);
        FunctionOutline { function: function.clone(), at: hook.to_string(), mechanism, why }
    });
    Outline {
        functions: outlined.collect(),
        needs: needs(spec, program, &kinds, host),
        maps: maps(spec, program).unwrap_or_default(),
        ring_bytes: ring_bytes(spec.ring_bytes(), page_bytes() as u32),
    }
}

/// What libbpf makes of the size that was asked for, a power of two: a power of two of pages.
fn ring_bytes(asked: u32, page: u32) -> u32 {
    asked.max(page)
}

fn mechanism(hook: &Hook, host: &Host) -> (String, String) {
    let perf_event = |of: &str| {
        if host.version() >= (5, 15) {
            (
                format!("perf event of {of}, held by a link"),
                "links of perf events are there since Linux 5.15".to_owned(),
            )
        } else {
            let why = "this kernel has no links of perf events (Linux 5.15); closing the event detaches as well";
            (format!("perf event of {of}"), why.to_owned())
        }
    };
    match &hook.site {
        Site::Function { .. } => perf_event("a kprobe"),
        Site::Binary(_) => perf_event("a uprobe"),
        Site::Event(_) => perf_event("the tracepoint"),
        Site::RawEvent(_) => {
            ("link of a raw tracepoint".to_owned(), "the only way, and the quickest to a tracepoint".to_owned())
        }
        Site::Interface { name: interface, mode } => {
            let (mode, why) = xdp_outlook(interface, *mode, host);
            let mode = mode.map_or_else(|| "native or generic".to_owned(), |mode| mode.name().to_owned());
            (format!("link on the interface, {mode} mode"), why)
        }
    }
}

fn needs(spec: &ProbeSpec, program: &Program, kinds: &[HookKind], host: &Host) -> Vec<Need> {
    let wanted = |word: &str| match word {
        "" => true,
        "event" => program.event.is_some(),
        "capture" => !spec.capture.is_empty(),
        kind => kinds.iter().any(|known| known.word() == kind),
    };
    let version = host.version();
    let of_table = FEATURES.into_iter().filter(|(word, ..)| wanted(word));
    let mut needs: Vec<Need> = of_table
        .map(|(_, what, first, since)| Need { what: what.to_owned(), since, there: version >= first })
        .collect();
    needs.dedup();
    let mut add = |what: &str, there: bool| needs.push(Need { what: what.to_owned(), since: "", there });
    if kinds.iter().any(|kind| matches!(kind, HookKind::Kprobe | HookKind::Kretprobe)) {
        add("a kernel with kprobes (CONFIG_KPROBE_EVENTS)", host.has_kprobes());
    }
    if kinds.iter().any(|kind| is_user(*kind)) {
        add("a kernel with uprobes (CONFIG_UPROBE_EVENTS)", host.has_uprobes());
    }
    if kinds.contains(&HookKind::Tracepoint) {
        add("tracefs, readable", host.tracefs().is_ok());
    }
    let has_btf = || host.btf().is_some();
    if !program.captures() && program.event.is_some() {
        add("the kernel's BTF, for the offsets of what the program reads", has_btf());
    } else if !spec.capture.is_empty() && !kinds.iter().any(|kind| *kind == HookKind::Tracepoint || is_user(*kind)) {
        add("the kernel's BTF, for names and types of captures", has_btf());
    }
    let capabilities = Capabilities::effective();
    let mut names: Vec<&str> = kinds.iter().flat_map(|kind| needed_for(*kind)).copied().collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        add(name, capabilities.has(name));
    }
    needs
}

/// True for hooks in programs and libraries.
fn is_user(kind: HookKind) -> bool {
    matches!(kind, HookKind::Uprobe | HookKind::Uretprobe)
}

/// Name and bytes of each map that is made for the probe, on all CPUs.
fn maps(spec: &ProbeSpec, program: &Program) -> libbpf_rs::Result<Vec<(String, u64)>> {
    let mut builder = ObjectBuilder::default();
    let mut object = builder.open_memory(&program.object)?;
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

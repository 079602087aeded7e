// SPDX-License-Identifier: MIT OR Apache-2.0
//! The set of a process and those that descend from it: `bpf/internal/descendants.bpf.c` keeps it, fork by fork.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use libbpf_rs::{Link, MapCore as _, MapFlags, MapMut, Object, ObjectBuilder};

use super::super::set_map::SetMap;
use crate::catalog::internal_object;

/// Rounds until those that exist are all there: each finds one generation at least, and few are made meanwhile.
const MOST_ROUNDS: usize = 64;

/// Keeps a set for as long as it lives.
pub struct Descendants {
    object: Object,
    _links: Vec<Link>,
}

impl std::fmt::Debug for Descendants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Descendants")
    }
}

impl Descendants {
    /// Fills `map` with the process `root`, its children, theirs, and so on, and keeps it so. When this returns, those that exist
    /// are in it, and none that comes is missed. Fails where the kernel refuses the programs.
    pub fn keep(map: &SetMap, root: u32) -> io::Result<Self> {
        let failed = |error: libbpf_rs::Error| io::Error::other(format!("{error:#}"));
        let bytes =
            internal_object("descendants").ok_or_else(|| io::Error::other("this build has no program for it"))?;
        let mut builder = ObjectBuilder::default();
        let mut open = builder.open_memory(bytes).map_err(failed)?;
        for mut one in open.maps_mut().filter(|one| one.name() == "members") {
            map.with_entries(|members| one.reuse_fd(members)).map_err(failed)?;
        }
        map.insert(&key(root))?;
        let mut object = open.load().map_err(failed)?;
        let mut links = Vec::new();
        for (function, event) in [("on_fork", "sched_process_fork"), ("on_free", "sched_process_free")] {
            let program = object.progs_mut().find(|program| program.name() == function);
            let program = program.ok_or_else(|| io::Error::other("it is incomplete"))?;
            links.push(program.attach_raw_tracepoint(event).map_err(failed)?);
        }
        for _ in 0..MOST_ROUNDS {
            // Notes last: a fork is noted before its parent is looked up.
            let mut families = of_proc()?;
            families.extend(noted(&object));
            if !add_children(map, &families)? {
                break;
            }
        }
        stop_looking(&mut object).map_err(failed)?;
        Ok(Self { object, _links: links })
    }
}

impl Descendants {
    /// How many processes are missing because there was no room for them.
    pub fn left_out(&self) -> u64 {
        let counted = self.object.maps().find(|map| map.name().to_string_lossy().ends_with(".bss"));
        let value = counted.and_then(|map| map.lookup(&0u32.to_ne_bytes(), MapFlags::ANY).ok()?);
        value.as_deref().and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u64::from_ne_bytes(*bytes))
    }
}

fn key(pid: u32) -> [u8; 8] {
    u64::from(pid).to_ne_bytes()
}

/// Child and parent of every process that there is.
fn of_proc() -> io::Result<BTreeSet<(u32, u32)>> {
    let number = |name: &std::ffi::OsStr| name.to_str()?.parse::<u32>().ok();
    let pids = fs::read_dir("/proc")?.filter_map(|entry| number(&entry.ok()?.file_name()));
    Ok(pids.filter_map(|pid| Some((pid, parent(pid)?))).collect())
}

/// The parent of a process; `None` where it has gone. The name in parentheses may have any bytes.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let after = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(stat.get(after + 1..)?).ok()?;
    rest.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Child and parent of the forks since the programs are there.
fn noted(object: &Object) -> Vec<(u32, u32)> {
    let Some(map) = object.maps().find(|map| map.name() == "noted") else { return Vec::new() };
    let word = |bytes: &[u8]| Some(u64::from_ne_bytes(bytes.try_into().ok()?) as u32);
    let pair = |child: Vec<u8>| {
        let parent = map.lookup(&child, MapFlags::ANY).ok()??;
        Some((word(&child)?, word(&parent)?))
    };
    map.keys().filter_map(pair).collect()
}

/// Adds those whose parents are in the set. True where there were some.
fn add_children(map: &SetMap, families: &BTreeSet<(u32, u32)>) -> io::Result<bool> {
    let mut any = false;
    for (child, parent) in families {
        if map.has(&key(*parent))? && !map.has(&key(*child))? {
            // One that has ended meanwhile is not freed again: it must not stay.
            map.insert(&key(*child))?;
            if !fs::exists(format!("/proc/{child}"))? {
                map.remove(&key(*child))?;
                continue;
            }
            any = true;
        }
    }
    Ok(any)
}

/// From now on the programs note nothing.
fn stop_looking(object: &mut Object) -> libbpf_rs::Result<()> {
    let data = |map: &MapMut<'_>| map.name().to_string_lossy().ends_with(".data");
    let Some(map) = object.maps_mut().find(data) else { return Ok(()) };
    let mut value = map.lookup(&0u32.to_ne_bytes(), MapFlags::ANY)?.unwrap_or_default();
    value.fill(0);
    map.update(&0u32.to_ne_bytes(), &value, MapFlags::ANY)
}

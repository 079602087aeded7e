// SPDX-License-Identifier: MIT OR Apache-2.0
//! What processes have mapped: read at the first event of one, read again when it has more, kept after its end.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::maps::{Mapping, VDSO, device, is_tmp_served, mapping, served_by_processes};
use super::perf_map::PerfMap;
use super::programs::{Functions, Programs};
use crate::record::StackFrame;

/// How long it is believed that a process is the same, and has mapped nothing else.
pub(super) const FRESH: Duration = Duration::from_secs(1);
/// How long an address that is in no mapping is taken for one, until the mappings are read again.
const NO_MORE: Duration = Duration::from_millis(100);
/// Processes that are remembered.
const MOST_PROCESSES: usize = 4096;
/// Bytes of /proc/PID/maps that are read: a process can have as many mappings as it likes.
const MOST_MAPS: u64 = 16 << 20;

/// By number, and by what tells one execve from the next.
#[derive(Default)]
pub(super) struct Processes {
    known: HashMap<(u32, u32), Process>,
    uses: u64,
}

/// One process, or what it was before an execve.
struct Process {
    /// When it began, in ticks since boot: another one of the same number has another.
    began: u64,
    /// When its mappings were read.
    seen: Instant,
    /// By which the one that was not asked for the longest is found.
    used: u64,
    code: Vec<Mapping>,
    perf_map: Option<PerfMap>,
}

impl Processes {
    /// Reads what the process has mapped, unless that is known and fresh. True where it was known, and is not the same any more.
    pub(super) fn look(&mut self, pid: u32, space: u32, programs: &mut Programs) -> bool {
        self.uses += 1;
        let uses = self.uses;
        if let Some(process) = self.known.get_mut(&(pid, space)) {
            process.used = uses;
            return process.seen.elapsed() >= FRESH && process.refresh(pid, programs);
        }
        let Some(began) = began(pid) else { return false };
        if self.known.len() >= MOST_PROCESSES {
            self.forget_oldest();
        }
        let mut process = Process { began, seen: Instant::now(), used: uses, code: Vec::new(), perf_map: None };
        process.refresh(pid, programs);
        self.known.insert((pid, space), process);
        false
    }

    /// One in eight, so that this is rare.
    fn forget_oldest(&mut self) {
        let mut uses: Vec<u64> = self.known.values().map(|process| process.used).collect();
        let (_, limit, _) = uses.select_nth_unstable(MOST_PROCESSES / 8);
        let limit = *limit;
        self.known.retain(|_, process| process.used > limit);
    }

    /// What is at an address: nothing but the address where the process was gone before its first event came.
    pub(super) fn frames(&mut self, pid: u32, space: u32, address: u64, programs: &mut Programs) -> Arc<[StackFrame]> {
        let unknown = || [StackFrame::unknown(address)].into();
        let Some(process) = self.known.get_mut(&(pid, space)) else { return unknown() };
        if process.mapping(address).is_none() && process.seen.elapsed() >= NO_MORE {
            process.refresh(pid, programs);
        }
        let Some(code) = process.mapping(address).cloned() else { return unknown() };
        let offset = address - code.begin + code.offset;
        let mut functions = match (code.inode, &*code.name) {
            (0, VDSO) => programs.vdso(address - code.begin),
            (0, _) => Functions::default(),
            (_, _) => programs.functions(pid, &code, offset),
        };
        if functions.function.is_none() {
            functions.function = process.perf_map.as_mut().and_then(|map| map.function(address));
        }
        frames(address, offset, &code, functions)
    }
}

/// The frames at one address: what is inlined has its module and address, and no place of its own.
fn frames(address: u64, offset: u64, code: &Mapping, functions: Functions) -> Arc<[StackFrame]> {
    let module = (!code.name.is_empty()).then(|| Arc::clone(&code.name));
    let inlined = functions.inlined.into_iter();
    let mut frames: Vec<StackFrame> = inlined
        .map(|symbol| StackFrame { address, symbol: Some(symbol), offset: None, module: module.clone() })
        .collect();
    frames.push(match functions.function {
        Some((symbol, into)) => StackFrame { address, symbol: Some(symbol), offset: Some(into), module },
        None => StackFrame { address, symbol: None, offset: module.is_some().then_some(offset), module },
    });
    frames.into()
}

impl Process {
    fn mapping(&self, address: u64) -> Option<&Mapping> {
        self.code.iter().find(|code| (code.begin..code.end).contains(&address))
    }

    /// Reads what it has mapped, and opens its files. True where that is not what it was. One that has ended keeps what it had.
    fn refresh(&mut self, pid: u32, programs: &mut Programs) -> bool {
        self.seen = Instant::now();
        let Some(mut code) = mappings(pid) else { return false };
        // What it is now was read between the two: of one process.
        let Some(now) = began(pid) else { return false };
        let is_other = std::mem::replace(&mut self.began, now) != now;
        if code.is_empty() && !is_other {
            // It is about to end: its memory is gone already.
            return false;
        }
        let has_map = self.perf_map.is_some() || !code.iter().any(Mapping::is_made);
        if code == self.code && has_map && !is_other {
            return false;
        }
        let mountinfo = fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
        if !(has_map && !is_other || is_tmp_served(&mountinfo)) {
            self.perf_map = PerfMap::of(pid);
        }
        let served: Vec<(u32, u32)> = served_by_processes(&mountinfo).collect();
        code.retain(|code| device(&code.device).is_none_or(|device| !served.contains(&device)));
        code.iter().filter(|code| code.inode != 0).for_each(|code| {
            // What cannot be opened now cannot be later.
            programs.open(pid, code);
        });
        let has_lost_some = self.code.iter().any(|known| !code.contains(known));
        self.code = code;
        is_other || has_lost_some
    }
}

fn mappings(pid: u32) -> Option<Vec<Mapping>> {
    let maps = File::open(format!("/proc/{pid}/maps")).ok()?;
    let (mut lines, mut line, mut code) = (BufReader::new(maps.take(MOST_MAPS)), Vec::new(), Vec::new());
    while lines.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
        code.extend(mapping(&line));
        line.clear();
    }
    Some(code)
}

/// When a process began: the 22nd word of its `stat`, behind a name that may have anything in it.
fn began(pid: u32) -> Option<u64> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let after = stat.iter().rposition(|byte| *byte == b')')? + 1;
    std::str::from_utf8(&stat[after..]).ok()?.split_ascii_whitespace().nth(19)?.parse().ok()
}

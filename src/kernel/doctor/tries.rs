// SPDX-License-Identifier: MIT OR Apache-2.0
//! Each hook kind tried for real: our own program is loaded, attached and detached, the way a run does it. A feature
//! probe would be quicker, and wrong: some kernels call supported what they then refuse.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use super::network::{DEVICE, enter_namespace, make_veth};
use crate::catalog::{Catalog, builtin};
use crate::kernel::error::KernelError;
use crate::kernel::host::Capabilities;
use crate::kernel::host::Host;
use crate::kernel::load::Loaded;
use crate::kernel::prepare::prepare;
use crate::spec::{
    DEFAULT_INTERVAL, Hook, HookKind, Limits, Place, ProbeId, ProbeSpec, Site, Targets, TracepointName, UserPlace,
    UserPoint, XdpMode,
};

/// One hook kind, and how the trial went.
#[derive(Debug, Clone)]
pub struct Try {
    /// Where it was tried: kind, target, mode.
    pub hook: Hook,
    /// How it went.
    pub outcome: Outcome,
    /// Loading, attaching and detaching together; until the refusal where it was refused.
    pub took: Duration,
}

/// How a trial went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was attached, and detached again.
    Works,
    /// It lacks something: privileges, or a part of the kernel.
    Needs(String),
    /// The kernel refused: why, and what would help.
    Refused(String, String),
    /// There was nothing to try it on.
    NotTried(String),
}

/// Functions that hardly run; the first that this kernel has is probed.
const QUIET_FUNCTIONS: [&str; 3] = ["kernel_power_off", "kernel_restart", "do_sys_openat2"];
/// The binary that uprobes are tried on.
const OURSELVES: &str = "/proc/self/exe";
/// A ring of one page, however large pages are: nobody reads it.
const RING_BYTES: u32 = 64 << 10;

/// Tries every hook kind that this build has.
pub(super) fn all(host: &Host) -> Vec<Try> {
    // A broken built-in program would be said of each hook that it is for.
    let catalog = builtin().unwrap_or_default();
    let known = |name: &&&str| host.kernel_symbol(name).count == 1;
    let symbol = (*QUIET_FUNCTIONS.iter().find(known).unwrap_or(&"do_sys_openat2")).to_owned();
    let event = || "sched_process_exec".to_owned();
    let mut tries = xdp(&catalog);
    let hooks = [
        Hook::function(HookKind::Kprobe, &symbol),
        Hook::function(HookKind::Kretprobe, &symbol),
        Hook {
            kind: HookKind::Tracepoint,
            site: Site::Event(TracepointName { category: "sched".to_owned(), name: event() }),
        },
        Hook { kind: HookKind::RawTracepoint, site: Site::RawEvent(event()) },
    ];
    tries.extend(hooks.into_iter().map(|hook| one(hook, &catalog, host)));
    // In this process only: another one of the same binary may run at any moment.
    let place = UserPlace::Offset(place_in_file(quiet_function as fn() as usize as u64).unwrap_or(0));
    let (binary, pid) = (OURSELVES.to_owned(), Some(std::process::id()));
    let point = UserPoint { binary, place, pid, build_id: None, allow_untrusted: true };
    let kinds = [HookKind::Uprobe, HookKind::Uretprobe];
    tries.extend(kinds.map(|kind| one(Hook { kind, site: Site::Binary(point.clone()) }, &catalog, host)));
    tries
}

/// What uprobes are tried on: nobody calls it.
#[inline(never)]
fn quiet_function() {
    std::hint::black_box(());
}

/// How far into its file an address of this process lies, from `address-address rwxp offset device inode path` of proc(5).
fn place_in_file(address: u64) -> Option<u64> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let (begin, end) = words.first()?.split_once('-')?;
        let number = |text: &str| u64::from_str_radix(text, 16).ok();
        let begin = number(begin)?;
        (begin..number(end)?).contains(&address).then(|| Some(address - begin + number(words.get(2)?)?))?
    })
}

/// XDP in a network namespace of our own, where there is nobody to disturb. The namespace ends with the thread.
fn xdp(catalog: &Catalog) -> Vec<Try> {
    let private = thread::scope(|scope| scope.spawn(|| xdp_in_namespace(catalog)).join());
    match private {
        Ok(Ok(tries)) => tries,
        // Without a namespace: generic mode on `lo`, for a moment; it lets every packet pass. Native mode has nothing.
        Ok(Err(reason)) => {
            let native = not_tried("", format!("no network of our own to try it in: {reason}"));
            vec![native, one(on("lo", XdpMode::Generic), catalog, &Host::default())]
        }
        Err(_) => vec![not_tried("", "the trial ended unexpectedly".to_owned())],
    }
}

fn xdp_in_namespace(catalog: &Catalog) -> Result<Vec<Try>, String> {
    enter_namespace().map_err(|error| error.to_string())?;
    let host = Host::default();
    Ok(match make_veth() {
        Ok(()) => {
            let modes = [XdpMode::Native, XdpMode::Generic];
            modes.into_iter().map(|mode| one(on(DEVICE, mode), catalog, &host)).collect()
        }
        Err(error) => vec![
            not_tried(DEVICE, format!("no veth to try it on: {error}")),
            one(on("lo", XdpMode::Generic), catalog, &host),
        ],
    })
}

fn on(interface: &str, mode: XdpMode) -> Hook {
    Hook { kind: HookKind::Xdp, site: Site::Interface { name: interface.to_owned(), mode } }
}

fn not_tried(interface: &str, reason: String) -> Try {
    let missing = Capabilities::effective().missing_for(&[HookKind::Xdp]);
    let outcome = if missing.is_empty() { Outcome::NotTried(reason) } else { Outcome::Needs(missing.join(" and ")) };
    Try { hook: on(interface, XdpMode::Native), outcome, took: Duration::ZERO }
}

fn one(hook: Hook, catalog: &Catalog, host: &Host) -> Try {
    let start = Instant::now();
    let result = attach_and_detach(&hook, catalog, host);
    let took = start.elapsed();
    let outcome = match result {
        Ok(()) => Outcome::Works,
        Err(error) => outcome(&hook, error, host),
    };
    Try { hook, outcome, took }
}

fn attach_and_detach(hook: &Hook, catalog: &Catalog, host: &Host) -> Result<(), KernelError> {
    let name = if hook.kind == HookKind::Xdp { "packet_count" } else { "trace" };
    let missing = || KernelError::new(Place::Program, format!("there is no program `{name}`"), "");
    let program = catalog.get(name).ok_or_else(missing)?;
    let spec = ProbeSpec {
        id: ProbeId { name: hook.kind.word().to_owned() },
        hook: Some(hook.clone()),
        targets: Targets::One,
        program: name.to_owned(),
        params: Vec::new(),
        capture: Vec::new(),
        interval: DEFAULT_INTERVAL,
        labels: Vec::new(),
        sinks: Vec::new(),
        buffer_bytes: Some(RING_BYTES),
        // Some of what is tried is done by this process.
        include_self: Some(true),
        limits: Limits::default(),
    };
    let prepared = prepare(&spec, program, host).map_err(|mut errors| errors.remove(0))?;
    Loaded::load(&spec, program, &prepared, host)?.attach(&spec, host).map(drop)
}

/// A refusal for want of something is said as what is wanted.
fn outcome(hook: &Hook, error: KernelError, host: &Host) -> Outcome {
    if hook.symbol().is_some() && !host.has_kprobes() {
        return Outcome::Needs("a kernel with kprobes (CONFIG_KPROBE_EVENTS)".to_owned());
    }
    if hook.point().is_some() && !host.has_uprobes() {
        return Outcome::Needs("a kernel with uprobes (CONFIG_UPROBE_EVENTS)".to_owned());
    }
    let missing = Capabilities::effective().missing_for(&[hook.kind]);
    if !missing.is_empty() {
        return Outcome::Needs(missing.join(" and "));
    }
    if hook.kind == HookKind::Tracepoint && host.tracefs().is_err() {
        return Outcome::Needs("tracefs, readable".to_owned());
    }
    Outcome::Refused(error.message, error.help)
}

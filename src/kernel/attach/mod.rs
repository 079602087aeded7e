// SPDX-License-Identifier: MIT OR Apache-2.0
//! Attaches a loaded program: one file for each hook kind. Try first, diagnose after.

mod detach;
mod former;
mod generation;
mod info;
mod kprobe;
mod missed;
mod native;
mod occupied;
mod raw_tracepoint;
mod slot;
mod swap;
mod tracepoint;
mod uprobe;
mod xdp;

pub use detach::Detaching;
pub use former::Former;
pub use generation::Generation;

pub(super) use info::map_entries;
pub(super) use kprobe::{check as check_kprobes, check_target as check_kprobe_target};
pub(super) use raw_tracepoint::check as check_raw_tracepoint;
pub(super) use uprobe::{check as check_uprobe, check_return, process_of};
pub(super) use xdp::{check as check_xdp, outlook as xdp_outlook};

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::ptr::NonNull;
use std::thread;
use std::time::Duration;

use libbpf_rs::{Link, ProgramMut};

use self::slot::{NewSlot, Slot};
use super::error::KernelError;
use super::load::Loaded;
use crate::catalog::FunctionAt;
use crate::kernel::host::Host;
use crate::kernel::host::descriptors;
use crate::kernel::site::binary::Held;
use crate::kernel::site::binary::Instruction;
use crate::spec::{FileIdentity, Hook, HookKind, Place, ProbeSpec, Site, XdpMode};

/// What keeps a program attached; dropping it detaches.
enum Hold {
    Libbpf(Link),
    Fd(OwnedFd),
}

impl Hold {
    fn descriptor(&self) -> i32 {
        match self {
            Self::Libbpf(link) => link.as_fd().as_raw_fd(),
            Self::Fd(link) => link.as_raw_fd(),
        }
    }
}

/// One place where a function is attached.
struct Mount {
    // Dropped first: nothing runs in the slot any more.
    hold: Hold,
    /// What is attached there instead of the function, where it can be swapped and the link cannot.
    slot: Option<Slot>,
    landed: Option<Landed>,
}

/// Where in which file a uprobe is.
#[derive(Debug, Clone)]
struct Landed {
    file: FileIdentity,
    held: Held,
    offset: u64,
    code: Instruction,
}

/// A program that is attached. Dropping it detaches it.
pub struct Attached {
    // Fields are dropped in this order: links and slots, then what they run.
    mounts: Vec<Mount>,
    former: Vec<Former>,
    generation: Generation,
    hook: Option<Hook>,
    mode: Option<XdpMode>,
    swappable: bool,
    /// How often the recursion guard kept earlier generations from running.
    missed_before: u64,
    /// The same of all, once it was silenced: what is skipped afterwards was no event.
    missed_at_end: Option<u64>,
    /// False where the kernel does not count what it skips: [`Attached::missed`] is too little then.
    pub missed_is_counted: bool,
    /// How it is attached, in words: `xdp on eth0 (native)`.
    pub mechanism: String,
    /// What a person should know: a fallback under `mode: auto`.
    pub remark: Option<String>,
}

/// How one function was attached.
struct Attachment {
    hold: Hold,
    mechanism: String,
    remark: Option<String>,
    /// The mode that an interface took.
    mode: Option<XdpMode>,
    landed: Option<Landed>,
}

impl Attachment {
    fn new(link: Link, mechanism: String) -> Self {
        Self { hold: Hold::Libbpf(link), mechanism, remark: None, mode: None, landed: None }
    }
}

impl Loaded {
    /// Attaches the program where the probe says, and nothing between it and its hook.
    pub fn attach(self, spec: &ProbeSpec, host: &Host) -> Result<Attached, KernelError> {
        self.attach_as(spec, host, false)
    }

    /// Attaches the program so that [`Attached::swap`] can exchange it without losing an event. Each event then costs a
    /// jump more (a tail call); XDP costs nothing more.
    pub fn attach_swappable(self, spec: &ProbeSpec, host: &Host) -> Result<Attached, KernelError> {
        self.attach_as(spec, host, true)
    }

    fn attach_as(self, spec: &ProbeSpec, host: &Host, swappable: bool) -> Result<Attached, KernelError> {
        descriptors::enough()?;
        let (mut mounts, mut mechanisms, mut remark, mut mode) = (Vec::new(), Vec::new(), None, None);
        for function in self.functions.clone() {
            let FunctionAt { function, hook } = &function;
            let program = self.object.progs_mut().find(|program| program.name() == function.as_str());
            let Some(program) = program else { continue };
            let mut slot = match hook.kind {
                HookKind::Xdp => None,
                HookKind::Kprobe
                | HookKind::Kretprobe
                | HookKind::Tracepoint
                | HookKind::RawTracepoint
                | HookKind::Uprobe
                | HookKind::Uretprobe => swappable.then(|| Slot::load(hook.kind, program.as_fd())).transpose()?,
            };
            let attachment = match slot.as_mut().map(NewSlot::program) {
                Some(Some(jump)) => attach_function(hook, &jump, host),
                Some(None) | None => attach_function(hook, &program, host),
            };
            // Of a program's own hooks the YAML names no target that could be to blame.
            let blame =
                |error| if spec.hook.is_some() { error } else { KernelError { place: Place::Program, ..error } };
            let attachment = attachment.map_err(blame)?;
            let slot = slot.map(|new| new.slot);
            mounts.push(Mount { hold: attachment.hold, slot, landed: attachment.landed });
            mechanisms.push(attachment.mechanism);
            remark = remark.or(attachment.remark);
            mode = mode.or(attachment.mode);
        }
        let missed_is_counted = self.functions.iter().all(|function| missed::are_counted(function.hook.kind, host));
        let generation = Generation::new(self, spec)?;
        let (hook, mechanism) = (spec.hook.clone(), mechanisms.join(", "));
        Ok(Attached {
            mounts,
            former: Vec::new(),
            generation,
            hook,
            mode,
            swappable,
            missed_before: 0,
            missed_at_end: None,
            missed_is_counted,
            mechanism,
            remark,
        })
    }
}

/// Takes over what a `bpf_program__attach_…` function returned; the error is an errno, which libbpf sets.
///
/// # Safety
/// `link` is the result of such a function, called just before, and nobody else owns it.
unsafe fn take_link(link: *mut libbpf_sys::bpf_link) -> Result<Link, i32> {
    match NonNull::new(link) {
        // SAFETY: the caller's promise.
        Some(link) => Ok(unsafe { Link::from_ptr(link) }),
        None => Err(io::Error::last_os_error().raw_os_error().unwrap_or(0)),
    }
}

fn attach_function(hook: &Hook, program: &ProgramMut<'_>, host: &Host) -> Result<Attachment, KernelError> {
    match &hook.site {
        Site::Interface { name, mode } => xdp::attach(program, name, *mode, host),
        Site::Function { symbol, offset } => kprobe::attach(program, hook.kind, symbol, *offset, host),
        Site::Event(name) => tracepoint::attach(program, name, host),
        Site::RawEvent(name) => raw_tracepoint::attach(program, name, host),
        Site::Binary(point) => uprobe::attach(program, hook.kind, point, host),
    }
}

/// Why the target of a probe cannot be what it says; `None` where it seems to be there. Costs a search: to be asked when
/// something went wrong.
pub(super) fn missing_target(spec: &ProbeSpec, host: &Host) -> Option<KernelError> {
    let no_function = |symbol: &str| !host.has_kprobes() || host.kernel_symbol(symbol).count == 0;
    let hook = spec.hook.as_ref()?;
    match &hook.site {
        Site::Function { symbol, offset } if no_function(symbol) => {
            Some(kprobe::diagnose(hook.kind, symbol, symbol, *offset, libc::ENOENT, host))
        }
        Site::RawEvent(name) if !host.may_have_raw_tracepoint(name) => {
            Some(raw_tracepoint::diagnose(name, libc::ENOENT, host))
        }
        Site::Function { .. } | Site::RawEvent(_) | Site::Interface { .. } | Site::Event(_) | Site::Binary(_) => None,
    }
}

/// True where what the probe attaches to is not there, and may come: an interface, a binary, a function
/// or tracepoint of a module.
pub fn is_missing(spec: &ProbeSpec, host: &Host) -> bool {
    match spec.hook.as_ref().map(|hook| &hook.site) {
        Some(Site::Interface { name, .. }) => host.interface_index(name).is_none(),
        Some(Site::Event(name)) => host.tracefs().is_ok() && host.tracepoint(name).is_err(),
        Some(Site::Function { .. }) => host.has_kprobes() && missing_target(spec, host).is_some(),
        Some(Site::RawEvent(_)) => missing_target(spec, host).is_some(),
        Some(Site::Binary(point)) => host.binaries.open(&point.binary).is_err(),
        None => false,
    }
}

/// Waits until every program that was detached before has ended on every CPU: a grace period of RCU.
///
/// Closing a link takes the program off its hook at once, but a CPU that has entered it finishes it.
pub fn settle() {
    const MEMBARRIER_CMD_GLOBAL: libc::c_int = 1;
    // SAFETY: the call takes no pointers.
    let code = unsafe { libc::syscall(libc::SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) };
    if code != 0 {
        // Not supported here (CONFIG_MEMBARRIER, nohz_full): no program runs for this long, which nobody can prove.
        thread::sleep(Duration::from_millis(20));
    }
}

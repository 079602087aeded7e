// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the half of a hook kind that touches the kernel says of it, and what most kinds say alike.

use libbpf_rs::{OpenObject, ProgramMut};

use super::attachment::{Attachment, Hold};
use super::listing::Listing;
use super::trial::{Try, TryOne};
use crate::expr::Scope;
use crate::kernel::error::KernelError;
use crate::kernel::finding::Finding;
use crate::kernel::host::Host;
use crate::kernel::site::binary::Located;
use crate::spec::{Hook, HookKind, Place, UserPoint};

/// One hook kind on this machine. A function that is given a hook is given one of this kind.
pub(in crate::kernel) struct KernelKind {
    /// Which one it is.
    pub(in crate::kernel) kind: HookKind,
    /// The feature of the kernel that it is.
    pub(in crate::kernel) feature: Feature,
    /// What the kernel may have been built without.
    pub(in crate::kernel) parts: &'static [Part],
    /// What the process must have.
    pub(in crate::kernel) capabilities: &'static [&'static str],
    /// True where names and types of captures come from the kernel's BTF.
    pub(in crate::kernel) captures_by_btf: bool,
    /// How an attached program is exchanged.
    pub(in crate::kernel) exchange: Exchange,
    /// What can be said about the target at little cost before anything is loaded.
    pub(in crate::kernel) check: fn(&Hook, &Host) -> Result<(), KernelError>,
    /// All that can be said about it without attaching, what [`KernelKind::check`] says included.
    pub(in crate::kernel) inspect: fn(&Hook, &Host) -> Vec<Finding>,
    /// Why the target cannot be what the hook says; `None` where it seems to be there. Costs a search: to be asked when something
    /// went wrong.
    pub(in crate::kernel) missing: fn(&Hook, &Host) -> Option<KernelError>,
    /// True where the target is there to be looked at, and nothing can be attached to it.
    pub(in crate::kernel) is_out_of_reach: fn(&Hook, &Host) -> bool,
    /// False where the kernel does not know this type of programs.
    pub(in crate::kernel) has_programs: fn(&Host) -> bool,
    /// What captures can name there.
    pub(in crate::kernel) scope: for<'a> fn(&'a Hook, &'a Host) -> Result<Scope<'a>, KernelError>,
    /// Sets what the function of this name must know before its object is loaded.
    pub(in crate::kernel) prepare: fn(&mut OpenObject, &str, &Hook, &Host) -> Result<(), KernelError>,
    /// Why the kernel did not load a program for the hook, from the errno; `None`: the kind has nothing to do with that.
    pub(in crate::kernel) refused: fn(&Hook, i32, &Host) -> Option<KernelError>,
    /// Attaches a loaded program: try first, diagnose after.
    pub(in crate::kernel) attach: fn(&ProgramMut<'_>, &Hook, &Host) -> Result<Attachment, KernelError>,
    /// False when what the hook was attached to, and is held so, is not there any more.
    pub(in crate::kernel) is_live: fn(&Hook, &Hold, &Host) -> bool,
    /// True where a program attached to the first can run for the second: they are one place, whatever else they say.
    pub(in crate::kernel) is_same_place: fn(&Hook, &Hook) -> bool,
    /// How a point of a program or library is found in its file; `None` for hooks that are elsewhere.
    pub(in crate::kernel) locate: Option<Locate>,
    /// False where a function that nothing has called cannot be its target.
    pub(in crate::kernel) takes_entry: bool,
    /// Why a name that a pattern stands for cannot be its target; `None` where it can.
    pub(in crate::kernel) unfit: fn(&str, &Host) -> Option<&'static str>,
    /// How it is attached here, and why that way and no other.
    pub(in crate::kernel) mechanism: fn(&Hook, &Host) -> (String, String),
    /// False where the kernel skips runs, and nobody knows how many.
    pub(in crate::kernel) counts_missed: fn(&Host) -> bool,
    /// How its targets are listed; `None`: they are not.
    pub(in crate::kernel) listing: Option<Listing>,
    /// The program that it is tried with.
    pub(in crate::kernel) tried_with: &'static str,
    /// Tries it for real, on what is there to be tried on.
    pub(in crate::kernel) tries: fn(&Host, TryOne<'_>) -> Vec<Try>,
}

impl KernelKind {
    /// True where this kernel has all parts that it needs, for this process.
    pub(in crate::kernel) fn is_there(&self, host: &Host) -> bool {
        self.parts.iter().all(|part| (part.is_there)(host))
    }
}

/// Finds a point in its file.
pub(in crate::kernel) type Locate = fn(&UserPoint, &Host) -> Result<Located, KernelError>;

/// A feature of the kernel, and the first version that has it.
pub(in crate::kernel) struct Feature {
    /// `kprobes as perf events`
    pub(in crate::kernel) what: &'static str,
    /// `4.17`
    pub(in crate::kernel) since: &'static str,
    /// (4, 17)
    pub(in crate::kernel) version: (u32, u32),
}

/// A part of the kernel that a machine may not have.
pub(in crate::kernel) struct Part {
    /// `a kernel with kprobes (CONFIG_KPROBE_EVENTS)`
    pub(in crate::kernel) what: &'static str,
    /// Whether it is there, for this process.
    pub(in crate::kernel) is_there: fn(&Host) -> bool,
    /// True where privileges may be all that it takes.
    pub(in crate::kernel) by_privilege: bool,
}

/// How an attached program is exchanged for the next one, without an event lost or seen twice.
pub(in crate::kernel) enum Exchange {
    /// Behind a program that jumps into it: the functions of `bpf/internal/slot.bpf.c`, the one that jumps and the one that does nothing.
    Slot { jump: &'static str, nothing: &'static str },
    /// Inside its link.
    Link(Replace),
    /// In the arrays of programs that all probes at system calls share: `kernel::layer`.
    Seats,
    /// Inside its link where this kernel has such links. Elsewhere what is attached outlives the process, and it always is the program
    /// that jumps: with the process its array loses what it holds, and the jump goes nowhere.
    LinkOrSlot { has_links: fn(&Host) -> bool, replace: Replace, jump: &'static str, nothing: &'static str },
}

/// Exchanges a program inside a link: the descriptors of link, new and old program; the error is an errno.
pub(in crate::kernel) type Replace = fn(i32, i32, i32) -> Result<(), i32>;

impl Exchange {
    /// The functions of the slot, where this kernel takes one; `None` where the link does.
    pub(in crate::kernel) fn slot(&self, host: &Host) -> Option<(&'static str, &'static str)> {
        match *self {
            Self::Slot { jump, nothing } => Some((jump, nothing)),
            Self::LinkOrSlot { has_links, jump, nothing, .. } => (!has_links(host)).then_some((jump, nothing)),
            Self::Link(_) | Self::Seats => None,
        }
    }

    /// True where there must be a slot even if nothing is ever exchanged.
    pub(in crate::kernel) fn needs_slot(&self, host: &Host) -> bool {
        matches!(self, Self::LinkOrSlot { has_links, .. } if !has_links(host))
    }
}

/// The slot of all that is a program of type kprobe, with one kind of context.
pub(super) const KPROBE_SLOT: Exchange = Exchange::Slot { jump: "slot_kprobe", nothing: "nothing_kprobe" };

/// Nothing is known to stand in the way.
pub(super) fn nothing_missing(_: &Hook, _: &Host) -> Option<KernelError> {
    None
}

/// What is there can be attached to.
pub(super) fn within_reach(_: &Hook, _: &Host) -> bool {
    false
}

/// Whatever is there can be a target.
pub(super) fn no_name(_: &str, _: &Host) -> Option<&'static str> {
    None
}

/// Every kernel that this build runs on has them.
pub(super) fn always(_: &Host) -> bool {
    true
}

/// Captures name what the machine holds, and nothing of the target.
pub(super) fn inside<'a>(_: &'a Hook, _: &'a Host) -> Result<Scope<'a>, KernelError> {
    Ok(Scope::Inside)
}

/// The object's file says everything.
pub(super) fn nothing_to_prepare(_: &mut OpenObject, _: &str, _: &Hook, _: &Host) -> Result<(), KernelError> {
    Ok(())
}

/// A refusal has nothing to do with the kind.
pub(super) fn not_to_blame(_: &Hook, _: i32, _: &Host) -> Option<KernelError> {
    None
}

/// What was attached to stays there as long as the link.
pub(super) fn always_live(_: &Hook, _: &Hold, _: &Host) -> bool {
    true
}

/// Two hooks are one place where they say the same.
pub(super) fn is_equal(now: &Hook, next: &Hook) -> bool {
    now == next
}

/// For a hook whose site is none for its kind; the checks of a configuration let none through.
pub(super) fn misplaced(hook: &Hook) -> KernelError {
    KernelError::at(Place::Hook, format!("`{}` is no place for `{}`", hook.site, hook.kind))
}

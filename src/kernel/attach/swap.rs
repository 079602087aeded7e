// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is done with an attached program: read what it counts, exchange it, detach it.

use std::mem;
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use super::attached::{Attached, named_mechanism};
use super::missed;
use super::mount::Mount;
use crate::catalog::{FunctionAt, Program};
use crate::kernel::counts::Counts;
use crate::kernel::error::{KernelError, describe};
use crate::kernel::generation::Generation;
use crate::kernel::hook::{Exchange, Hold, of};
use crate::kernel::host::Host;
use crate::kernel::info;
use crate::kernel::loaded::Loaded;
use crate::kernel::slot::Slot;
use crate::kernel::span;
use crate::spec::{Place, ProbeSpec, Site};

impl Attached {
    /// The program that runs now.
    pub fn generation(&self) -> &Generation {
        &self.generation
    }

    /// What the program that runs now counts about its events; `None` if it emits none.
    pub fn counts(&self) -> Option<&Counts> {
        self.generation.counts()
    }

    /// How often the kernel skipped the program since it was attached, as far as it counts that:
    /// [`Attached::missed_is_counted`].
    pub fn missed(&self) -> u64 {
        let now = || {
            let by_programs: u64 = self.attached_programs().map(|fd| info::program(fd).recursion_misses).sum();
            by_programs + self.mounts.iter().map(missed::by_link).sum::<u64>()
        };
        self.missed_at_end.unwrap_or_else(|| self.missed_before + now())
    }

    /// No event runs in the program any more. [`settle`](crate::kernel::settle) waits until no CPU does: what it has counted then is final.
    ///
    /// A program with events does nothing from now on, at once; so does a slot. What stays on the hook does nothing, until it is
    /// dropped: [`Detaching`](crate::kernel::Detaching). Where there is neither the link is closed.
    pub fn silence(&mut self) {
        self.missed_at_end = Some(self.missed());
        let ended = self.generation.counts().map(Counts::end).is_some();
        let is_silent = |mount: &Mount| mount.slot.as_ref().is_some_and(|slot| slot.clear().is_ok()) || ended;
        self.mounts.retain_mut(|mount| mount.leave_seats() || is_silent(mount));
        self.former.retain(|former| is_silent(&former.mount));
    }

    /// Nothing of it stays on the hook, which takes the kernel its time. To be called when it is silent.
    pub fn detach(&mut self) {
        drop(self.dismount());
    }

    /// What keeps it attached: dropping that detaches it.
    pub(super) fn dismount(&mut self) -> Vec<Mount> {
        self.missed_at_end = Some(self.missed());
        let former = mem::take(&mut self.former).into_iter().map(|former| former.mount);
        mem::take(&mut self.mounts).into_iter().chain(former).collect()
    }

    /// True if [`Attached::swap`] can put `program` for `spec` in this one's place: it belongs on the same hooks.
    pub fn can_swap(&self, spec: &ProbeSpec, program: &Program) -> bool {
        let same = |(mount, next): (&Mount, &FunctionAt)| {
            let (now, next) = (&mount.hook, &next.hook);
            now.kind == next.kind && (of(now.kind).is_same_place)(now, next)
        };
        let next = if spec.span.is_some() { span::attached(spec, program) } else { program.attached_for(spec) };
        let fits = self.generation.functions().count() == next.len() && next.len() == self.mounts.len();
        self.swappable && fits && self.mounts.iter().zip(&next).all(same)
    }

    /// From now on `loaded` runs instead, on the same links: each event runs in exactly one of the two. Gives the old
    /// generation, whose last events are in its ring once [`settle`](crate::kernel::settle) has returned. Where the kernel refuses, the old
    /// one runs on.
    pub fn swap(&mut self, loaded: &Loaded, spec: &ProbeSpec) -> Result<Generation, KernelError> {
        let next = Generation::new(loaded, spec)?;
        next.continue_limits(&self.generation);
        // What has former places has one function.
        let former = self.former.iter_mut().map(|former| (0, &mut former.mount));
        let mut places: Vec<(usize, &mut Mount)> = self.mounts.iter_mut().enumerate().chain(former).collect();
        for at in 0..places.len() {
            let (index, mount) = &mut places[at];
            if let Err(code) = exchange(mount, *index, &self.generation, &next) {
                // The old ones fit a moment ago.
                for (index, mount) in places.into_iter().take(at) {
                    let _ = exchange(mount, index, &next, &self.generation);
                }
                let message = format!("failed to replace the program: {}", describe(code));
                return Err(KernelError::at(Place::Program, message));
            }
        }
        if self.mounts.iter().all(|mount| mount.slot.is_none() && mount.seats().is_none()) {
            self.missed_before = self.missed();
        }
        self.rename(&next, spec);
        Ok(mem::replace(&mut self.generation, next))
    }

    /// Says where `next` is: all system calls are one place, so their names may be others than before, and both they and raw
    /// tracepoints stand in for tracepoints.
    fn rename(&mut self, next: &Generation, spec: &ProbeSpec) {
        if !next.functions().all(|function| matches!(function.hook.site, Site::Syscall(_) | Site::RawEvent(_))) {
            return;
        }
        let named = next.functions().map(|function| named_mechanism(spec, &function.hook.to_string()));
        self.mechanism = named.collect::<Vec<_>>().join(", ");
        for (mount, function) in self.mounts.iter_mut().zip(next.functions()) {
            mount.hook = function.hook.clone();
        }
    }

    /// Bytes of kernel memory that its programs and maps take; without what it shares with others.
    pub fn kernel_memory_bytes(&self) -> u64 {
        let mounts = self.mounts.iter().chain(self.former.iter().map(|former| &former.mount));
        let slots = mounts.filter_map(|mount| mount.slot.as_ref()).flat_map(Slot::descriptors);
        let own = self.generation.programs().chain(self.generation.maps());
        own.chain(slots).map(info::memory_bytes).sum()
    }

    /// Runs and time since it was attached; `None` where the kernel does not count them (`kernel.bpf_stats_enabled`), and of what
    /// others share: those are not counted for each.
    pub fn run_stats(&self) -> Option<(u64, Duration)> {
        let add = |(runs, time): (u64, Duration), fd| {
            let (more, longer) = info::run_stats(fd);
            (runs + more, time + longer)
        };
        let is_shared = self.mounts.iter().any(|mount| mount.seats().is_some());
        (!is_shared && info::counts_runs()).then(|| self.attached_programs().fold((0, Duration::ZERO), add))
    }

    /// False when what it was attached to is not there any more: an interface that was deleted leaves a link without one, one
    /// that was renamed takes its link along.
    pub fn is_attached(&self) -> bool {
        let host = Host::default();
        let is_live = |mount: &Mount| (of(mount.hook.kind).is_live)(&mount.hook, &mount.hold, &host);
        self.mounts.iter().all(is_live)
    }

    /// The ids of its links, where they have one (before Linux 5.15 perf events have none).
    pub fn link_ids(&self) -> Vec<u32> {
        let former = self.former.iter().map(|former| &former.mount);
        let links = self.mounts.iter().chain(former).flat_map(|mount| mount.hold.descriptors());
        links.filter_map(|link| Some(info::link(link)?.id)).collect()
    }

    /// The programs that the kernel calls for this probe alone: the slots, or its own.
    fn attached_programs(&self) -> impl Iterator<Item = i32> {
        let own = self.generation.programs().map(Some).chain(std::iter::repeat(None));
        let mounts = self.mounts.iter().zip(own).filter_map(|(mount, own)| match (&mount.slot, mount.seats()) {
            (Some(slot), _) => Some(slot.program()),
            (None, Some(_)) => None,
            (None, None) => own,
        });
        mounts.chain(self.former.iter().filter_map(|former| Some(former.mount.slot.as_ref()?.program())))
    }
}

/// Puts the `index`-th function of `next` where that of `now` is.
fn exchange(mount: &mut Mount, index: usize, now: &Generation, next: &Generation) -> Result<(), i32> {
    let (Some(old), Some(new)) = (now.program(index), next.program(index)) else { return Err(libc::ENOENT) };
    if let Hold::Seats(seats) = &mut mount.hold {
        let site = next.functions().nth(index).map(|function| &function.hook.site);
        let Some(Site::Syscall(site)) = site else { return Err(libc::EINVAL) };
        return seats.exchange(site, old, new);
    }
    match (&mount.slot, &of(mount.hook.kind).exchange) {
        (Some(slot), _) => slot.put(new),
        (None, Exchange::Link(replace) | Exchange::LinkOrSlot { replace, .. }) => {
            replace(mount.hold.descriptor(), new.as_raw_fd(), old.as_raw_fd())
        }
        (None, Exchange::Slot { .. } | Exchange::Seats) => Err(libc::EINVAL),
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is done with an attached program: read what it counts, exchange it, detach it.

use std::mem;
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use super::super::counts::Counts;
use super::generation::Generation;
use super::{Attached, Hold, KernelError, Loaded, Mount, info, missed, xdp};
use crate::catalog::{FunctionAt, Program};
use crate::kernel::error::describe;
use crate::kernel::host::Host;
use crate::spec::{Hook, Place, ProbeSpec, Site, XdpMode};

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

    /// No event runs in the program any more. [`super::settle`] waits until no CPU does: what it has counted then is final.
    ///
    /// A program with events does nothing from now on, at once; so does a slot. What stays on the hook does nothing, until it is
    /// dropped: [`Detaching`]. Where there is neither the link is closed.
    pub fn silence(&mut self) {
        self.missed_at_end = Some(self.missed());
        let ended = self.generation.counts().map(Counts::end).is_some();
        let is_silent = |mount: &Mount| mount.slot.as_ref().is_some_and(|slot| slot.clear().is_ok()) || ended;
        self.mounts.retain(is_silent);
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
        let same = |(now, next): (&FunctionAt, &FunctionAt)| {
            let same_site = match (&now.hook.site, &next.hook.site) {
                (Site::Interface { name: now, .. }, Site::Interface { name: next, mode }) => {
                    let same_mode = *mode == XdpMode::Auto || self.mode == Some(*mode);
                    now == next && same_mode && *mode != XdpMode::Offload
                }
                (Site::Binary(now), Site::Binary(next)) => now.is_at_place_of(next),
                (now, next) => now == next,
            };
            now.hook.kind == next.hook.kind && same_site
        };
        let (now, next): (Vec<_>, _) = (self.generation.functions().collect(), program.attached_for(spec));
        let fits = now.len() == next.len() && now.len() == self.mounts.len();
        self.swappable && fits && now.into_iter().zip(&next).all(same)
    }

    /// From now on `loaded` runs instead, on the same links: each event runs in exactly one of the two. Gives the old
    /// generation, whose last events are in its ring once [`super::settle`] has returned. Where the kernel refuses, the old
    /// one runs on.
    pub fn swap(&mut self, loaded: Loaded, spec: &ProbeSpec) -> Result<Generation, KernelError> {
        let next = Generation::new(loaded, spec)?;
        next.continue_limits(&self.generation);
        // What has former places has one function.
        let former = self.former.iter().map(|former| (0, &former.mount));
        let places: Vec<(usize, &Mount)> = self.mounts.iter().enumerate().chain(former).collect();
        for (done, (index, mount)) in places.iter().enumerate() {
            if let Err(code) = exchange(mount, *index, &self.generation, &next) {
                // The old ones fit a moment ago.
                for (index, mount) in places.into_iter().take(done) {
                    let _ = exchange(mount, index, &next, &self.generation);
                }
                let message = format!("failed to exchange the program: {}", describe(code));
                return Err(KernelError::new(Place::Program, message, ""));
            }
        }
        if self.mounts.iter().all(|mount| mount.slot.is_none()) {
            self.missed_before = self.missed();
        }
        self.hook = spec.hook.clone();
        Ok(mem::replace(&mut self.generation, next))
    }

    /// Bytes of kernel memory that its programs and maps take.
    pub fn kernel_memory_bytes(&self) -> u64 {
        let mounts = self.mounts.iter().chain(self.former.iter().map(|former| &former.mount));
        let slots = mounts.filter_map(|mount| mount.slot.as_ref()).flat_map(super::Slot::descriptors);
        let own = self.generation.programs().chain(self.generation.maps());
        own.chain(slots).map(info::memory_bytes).sum()
    }

    /// Runs and time since it was attached; `None` where the kernel does not count them (`kernel.bpf_stats_enabled`).
    pub fn run_stats(&self) -> Option<(u64, Duration)> {
        let add = |(runs, time): (u64, Duration), fd| {
            let (more, longer) = info::run_stats(fd);
            (runs + more, time + longer)
        };
        info::counts_runs().then(|| self.attached_programs().fold((0, Duration::ZERO), add))
    }

    /// False when what it was attached to is not there any more: an interface that was deleted leaves a link without one, one
    /// that was renamed takes its link along.
    pub fn is_attached(&self) -> bool {
        let Some(interface) = self.hook.as_ref().and_then(Hook::interface) else { return true };
        let index = Host::default().interface_index(interface);
        self.mounts.iter().all(|mount| {
            // SAFETY: the union's member for links of XDP, which this is; plain data.
            let on = |info: libbpf_sys::bpf_link_info| unsafe { info.__bindgen_anon_1.xdp }.ifindex;
            info::link(mount.hold.descriptor()).is_none_or(|info| Some(on(info)) == index)
        })
    }

    /// The ids of its links, where they have one (before Linux 5.15 perf events have none).
    pub fn link_ids(&self) -> Vec<u32> {
        let former = self.former.iter().map(|former| &former.mount);
        self.mounts.iter().chain(former).filter_map(|mount| Some(info::link(mount.hold.descriptor())?.id)).collect()
    }

    /// The programs that the kernel calls: the slots, or the probe's own.
    fn attached_programs(&self) -> impl Iterator<Item = i32> {
        let own = self.generation.programs().map(Some).chain(std::iter::repeat(None));
        let mounts = self.mounts.iter().zip(own).filter_map(|(mount, own)| match &mount.slot {
            Some(slot) => Some(slot.program()),
            None => own,
        });
        mounts.chain(self.former.iter().filter_map(|former| Some(former.mount.slot.as_ref()?.program())))
    }
}

/// Puts the `index`-th function of `next` where that of `now` is.
fn exchange(mount: &Mount, index: usize, now: &Generation, next: &Generation) -> Result<(), i32> {
    let (Some(old), Some(new)) = (now.program(index), next.program(index)) else { return Err(libc::ENOENT) };
    match (&mount.slot, &mount.hold) {
        (Some(slot), _) => slot.put(new),
        (None, Hold::Fd(link)) => xdp::replace(link.as_raw_fd(), new.as_raw_fd(), old.as_raw_fd()),
        (None, Hold::Libbpf(_)) => Err(libc::EINVAL),
    }
}

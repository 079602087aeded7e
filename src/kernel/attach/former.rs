// SPDX-License-Identifier: MIT OR Apache-2.0
//! A uprobe whose file was replaced, as an upgrade does: processes that have the old file go on running it.

use std::mem;

use super::slot::{NewSlot, Slot};
use super::{Attached, KernelError, Mount, attach_function};
use crate::kernel::host::Host;
use crate::spec::{FileIdentity, ProbeSpec};

/// Files before the present one that stay probed. Each keeps the room of a deleted file taken.
const MOST: usize = 8;

/// Where a program is attached in a file that was replaced. Dropping it detaches it, which takes its time.
pub struct Former {
    pub(super) mount: Mount,
    file: FileIdentity,
}

impl Attached {
    /// True if [`Attached::follow`] can take the program along: its file is not one that it is attached to.
    pub fn can_follow(&self, from: FileIdentity, to: FileIdentity) -> bool {
        let other = |file: &FileIdentity| (file.device, file.inode) != (to.device, to.inode);
        let known = [from].into_iter().chain(self.former.iter().map(|former| former.file));
        self.swappable && self.mounts.len() == 1 && known.into_iter().all(|file| other(&file))
    }

    /// Attaches the program that runs also to the file that its path leads to now, instead of `from`. What it was attached to it
    /// stays attached to, until [`Attached::leave`].
    pub fn follow(&mut self, spec: &ProbeSpec, from: FileIdentity, host: &Host) -> Result<(), KernelError> {
        let place = || (self.generation.functions().next().cloned(), self.generation.program(0));
        let (Some(function), Some(program)) = place() else { return Ok(()) };
        let mut slot = Slot::load(&function.kind, program)?;
        let Some(jump) = NewSlot::program(&mut slot) else { return Ok(()) };
        let attachment = attach_function(spec, &function, &jump, host)?;
        let next = Mount { hold: attachment.hold, slot: Some(slot.slot) };
        if let Some(mount) = self.mounts.first_mut() {
            self.former.push(Former { mount: mem::replace(mount, next), file: from });
        }
        self.mechanism = attachment.mechanism;
        Ok(())
    }

    /// True if it is attached to files that were replaced.
    pub fn has_former(&self) -> bool {
        !self.former.is_empty()
    }

    /// Gives the places in files that nobody runs any more, to be dropped, and the oldest of too many.
    pub fn leave(&mut self, is_used: impl Fn(FileIdentity) -> bool) -> Vec<Former> {
        let too_many = self.former.len().saturating_sub(MOST);
        let all = mem::take(&mut self.former).into_iter().enumerate();
        let (keep, leave): (Vec<_>, Vec<_>) = all.partition(|(at, former)| *at >= too_many && is_used(former.file));
        self.former = keep.into_iter().map(|(_, former)| former).collect();
        let leave: Vec<Former> = leave.into_iter().map(|(_, former)| former).collect();
        for slot in leave.iter().filter_map(|former| former.mount.slot.as_ref()) {
            // Nobody runs it, or it is one too many: silent at once, whenever the kernel detaches it.
            let _ = slot.clear();
            self.missed_before += super::info::program(slot.program()).recursion_misses;
        }
        leave
    }
}

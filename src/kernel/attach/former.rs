// SPDX-License-Identifier: MIT OR Apache-2.0
//! A uprobe whose file was replaced, as an upgrade does: processes that have the old file go on running it.

use std::mem;

use super::attached::Attached;
use super::mount::{Former, Mount};
use crate::kernel::error::KernelError;
use crate::kernel::hook::of;
use crate::kernel::host::Host;
use crate::kernel::info;
use crate::kernel::slot::{NewSlot, Slot};
use crate::kernel::usdt;
use crate::spec::{FileIdentity, Hook, ProbeSpec};

/// Files before the present one that stay probed. Each keeps the room of a deleted file taken.
const MOST: usize = 8;

impl FileIdentity {
    /// True for the file itself, whatever was written to it since. On a file system of layers, a file that is changed becomes
    /// a copy, in which no probe is, with the same number; it is born then.
    fn is_same(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
            && self.born.zip(other.born).is_none_or(|(one, two)| one == two)
    }
}

impl Attached {
    /// The file of a program or library that it is attached to.
    pub fn file(&self) -> Option<FileIdentity> {
        self.mounts.first().and_then(|mount| mount.landed.as_ref()).map(|landed| landed.file)
    }

    /// The files that it is attached to, and was.
    fn files(&self) -> impl Iterator<Item = FileIdentity> {
        self.file().into_iter().chain(self.former.iter().map(|former| former.file))
    }

    /// True if [`Attached::follow`] can take the program along: its file is not one that it is attached to.
    pub fn can_follow(&self, to: FileIdentity) -> bool {
        let known = self.files().any(|file| file.is_same(&to));
        self.swappable && self.mounts.len() == 1 && self.file().is_some() && !known
    }

    /// True if it is attached to the file itself, which may have been written to.
    pub fn is_in(&self, file: FileIdentity) -> bool {
        self.file().is_some_and(|own| own.is_same(&file))
    }

    /// True if it is attached to what the probe's path leads to now, at the place that the probe names there, and the same
    /// instruction is there: something about the file has changed, its owner or mode for instance, and that is of no consequence.
    pub fn stays(&mut self, hook: &Hook, host: &Host) -> bool {
        let (Some(point), Some(locate)) = (hook.point(), of(hook.kind).locate) else { return false };
        let located = locate(point, host);
        let (Ok(located), [mount]) = (located, self.mounts.as_mut_slice()) else { return false };
        let Some(landed) = &mut mount.landed else { return false };
        let file = located.file.identity;
        // Whether it is another file of that number nobody can know then.
        let unknown = located.file.is_layered && landed.file.born.zip(file.born).is_none() && landed.file != file;
        let same_place = (landed.offset, landed.code) == (located.offset, located.instruction());
        let stays = landed.file.is_same(&file) && same_place && !unknown;
        if stays {
            landed.file = file;
        }
        stays
    }

    /// Attaches the program that runs also to the file that its path leads to now. What it was attached to it stays attached
    /// to, until [`Attached::leave`].
    pub fn follow(&mut self, spec: &ProbeSpec, host: &Host) -> Result<(), KernelError> {
        let (Some(program), Some(hook)) = (self.generation.program(0), &spec.hook) else { return Ok(()) };
        if let Some(map) = self.generation.map(usdt::MAP) {
            usdt::fill(map, hook, host)?;
        }
        let Some(mut slot) = Slot::load(hook, program, host)? else { return Ok(()) };
        let Some(jump) = NewSlot::program(&mut slot) else { return Ok(()) };
        let attachment = (of(hook.kind).attach)(&jump, hook, host)?;
        let mechanism = attachment.mechanism.clone();
        let next = Mount::new(attachment, Some(slot));
        if next.landed.as_ref().is_some_and(|landed| self.files().any(|file| file.is_same(&landed.file))) {
            // It was put back meanwhile: attached twice, each event would be two.
            return Ok(());
        }
        if let (Some(file), Some(mount)) = (self.file(), self.mounts.first_mut()) {
            self.former.push(Former { mount: mem::replace(mount, next), file });
        }
        self.mechanism = mechanism;
        Ok(())
    }

    /// True if it is attached to files that were replaced.
    pub fn has_former(&self) -> bool {
        !self.former.is_empty()
    }

    /// The files that were replaced and that it is still attached to.
    pub fn former_files(&self) -> impl Iterator<Item = FileIdentity> {
        self.former.iter().map(|former| former.file)
    }

    /// Gives the places in files that nobody runs any more, to be dropped, and the oldest of too many. What the kernel calls
    /// unused is; of the rest, `is_used` says.
    pub fn leave(&mut self, is_used: impl Fn(FileIdentity) -> bool) -> Vec<Former> {
        let too_many = self.former.len().saturating_sub(MOST);
        let all = mem::take(&mut self.former).into_iter().enumerate();
        let (keep, leave): (Vec<_>, Vec<_>) =
            all.partition(|(at, former)| *at >= too_many && !former.is_unused() && is_used(former.file));
        self.former = keep.into_iter().map(|(_, former)| former).collect();
        let leave: Vec<Former> = leave.into_iter().map(|(_, former)| former).collect();
        for slot in leave.iter().filter_map(|former| former.mount.slot.as_ref()) {
            // Nobody runs it, or it is one too many: silent at once, whenever the kernel detaches it.
            let _ = slot.clear();
            self.missed_before += info::program(slot.program()).recursion_misses;
        }
        leave
    }
}

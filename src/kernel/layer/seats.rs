// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where one program of a probe is in the layers: a place for each number of its system calls.

use std::collections::BTreeMap;
use std::mem;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use super::layers::{give_back, take};
use super::object::{HALF, Layer, NoSeat, Number};
use crate::catalog::syscall_numbers;
use crate::kernel::host::Host;
use crate::spec::{CallEnd, SyscallAbi, SyscallSite};

/// The places of one program. Dropping it leaves them.
pub(in crate::kernel) struct Seats {
    end: CallEnd,
    taken: BTreeMap<Number, Arc<Layer>>,
    /// The layers that it is or was in, and what each had missed before.
    joined: Vec<(Arc<Layer>, u64)>,
    /// What layers missed that it has left.
    past: u64,
}

impl Seats {
    /// Has `program` run at these system calls.
    pub(in crate::kernel) fn take(site: &SyscallSite, program: BorrowedFd<'_>, host: &Host) -> Result<Self, NoSeat> {
        let mut seats = Self { end: site.end, taken: BTreeMap::new(), joined: Vec::new(), past: 0 };
        let wanted = syscall_numbers(site, HALF);
        let new = take(site.end, wanted.iter().copied(), host)?;
        seats.sit(new, program, &wanted).map_err(NoSeat::Code)?;
        Ok(seats)
    }

    /// From now on `next` runs, at these system calls: where both were there, each call runs in exactly one of the two. Where the
    /// kernel refuses, `now` runs on as it did; the error is an errno.
    pub(in crate::kernel) fn exchange(
        &mut self,
        site: &SyscallSite,
        now: BorrowedFd<'_>,
        next: BorrowedFd<'_>,
    ) -> Result<(), i32> {
        let wanted = syscall_numbers(site, HALF);
        let new = wanted.iter().copied().filter(|number| !self.taken.contains_key(number));
        // A layer more is needed only where another probe has the number.
        let new = take(self.end, new, &Host::default()).map_err(|error| match error {
            NoSeat::Program(_) => libc::ENOMEM,
            NoSeat::Code(code) => code,
        })?;
        let old: Vec<(Number, Arc<Layer>)> =
            self.taken.iter().map(|(number, layer)| (*number, Arc::clone(layer))).collect();
        let added: Vec<Number> = new.iter().map(|(number, _)| *number).collect();
        let before: Vec<Number> = old.iter().map(|(number, _)| *number).collect();
        self.sit(new, next, &wanted)?;
        for (at, (number, layer)) in old.iter().enumerate().filter(|(_, (number, _))| wanted.contains(number)) {
            if let Err(code) = layer.put(*number, next, is_of_both(*number, &wanted)) {
                for (number, layer) in old[..at].iter().filter(|(number, _)| wanted.contains(number)) {
                    // It was there a moment ago.
                    let _ = layer.put(*number, now, is_of_both(*number, &before));
                }
                self.stand_up(|number| added.contains(number));
                return Err(code);
            }
        }
        self.stand_up(|number| !wanted.contains(number));
        Ok(())
    }

    /// Nothing runs at its places any more, and others may take them. What was missed stays known.
    pub(in crate::kernel) fn leave(&mut self) {
        self.stand_up(|_| true);
    }

    /// How often the kernel skipped the layers since the program is in them. Which call that was nobody knows.
    pub(in crate::kernel) fn missed(&self) -> u64 {
        self.past + self.joined.iter().map(|(layer, before)| layer.missed().saturating_sub(*before)).sum::<u64>()
    }

    /// The links of the layers that it is in.
    pub(in crate::kernel) fn links(&self) -> impl Iterator<Item = i32> {
        self.joined.iter().map(|(layer, _)| layer.link())
    }

    /// Puts the program at places that were taken for it, of all that it waits for; at all of them, or none.
    fn sit(&mut self, new: Vec<(Number, Arc<Layer>)>, program: BorrowedFd<'_>, wanted: &[Number]) -> Result<(), i32> {
        for (at, (number, layer)) in new.iter().enumerate() {
            if let Err(code) = layer.put(*number, program, is_of_both(*number, wanted)) {
                new[..at].iter().for_each(|(number, layer)| layer.clear(*number));
                give_back(&new);
                return Err(code);
            }
        }
        for (_, layer) in &new {
            if !self.joined.iter().any(|(known, _)| Arc::ptr_eq(known, layer)) {
                self.joined.push((Arc::clone(layer), layer.missed()));
            }
        }
        self.taken.extend(new);
        Ok(())
    }

    /// Gives up the places of these numbers.
    fn stand_up(&mut self, leaves: impl Fn(&Number) -> bool) {
        let (leave, stay): (BTreeMap<_, _>, BTreeMap<_, _>) =
            mem::take(&mut self.taken).into_iter().partition(|(number, _)| leaves(number));
        self.taken = stay;
        let leave: Vec<(Number, Arc<Layer>)> = leave.into_iter().collect();
        leave.iter().for_each(|(number, layer)| layer.clear(*number));
        give_back(&leave);
        if self.taken.is_empty() {
            // The layers are left when this is dropped: that may take the kernel a moment.
            return;
        }
        let is_left = |layer: &Arc<Layer>| !self.taken.values().any(|taken| Arc::ptr_eq(taken, layer));
        let (left, joined) = mem::take(&mut self.joined).into_iter().partition(|(layer, _)| is_left(layer));
        self.joined = joined;
        let left: Vec<(Arc<Layer>, u64)> = left;
        self.past += left.iter().map(|(layer, before)| layer.missed().saturating_sub(*before)).sum::<u64>();
    }
}

impl Drop for Seats {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Whether what is waited for has this number of both tables. `wanted` is sorted.
fn is_of_both((_, number): Number, wanted: &[Number]) -> bool {
    [SyscallAbi::Native, SyscallAbi::Compat].iter().all(|abi| wanted.binary_search(&(*abi, number)).is_ok())
}

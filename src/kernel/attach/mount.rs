// SPDX-License-Identifier: MIT OR Apache-2.0
//! One place where a function is attached: what holds it there, and what it is behind.

use crate::kernel::hook::{Attachment, Hold, Landed};
use crate::kernel::layer::Seats;
use crate::kernel::slot::{NewSlot, Slot};
use crate::spec::{FileIdentity, Hook};

/// One place where a function is attached.
pub(super) struct Mount {
    // Dropped first: nothing runs in the slot any more.
    pub(super) hold: Hold,
    /// What is attached there instead of the function, where it can be swapped and the link cannot.
    pub(super) slot: Option<Slot>,
    /// The hook, with the mode that an interface took.
    pub(super) hook: Hook,
    pub(super) landed: Option<Landed>,
}

impl Mount {
    pub(super) fn new(attachment: Attachment, slot: Option<NewSlot>) -> Self {
        let Attachment { hold, hook, landed, .. } = attachment;
        Self { hold, slot: slot.map(|new| new.slot), hook, landed }
    }

    /// Its places in programs that others share; `None` where it has a program of its own on its hook.
    pub(super) fn seats(&self) -> Option<&Seats> {
        match &self.hold {
            Hold::Seats(seats) => Some(seats),
            Hold::Libbpf(_) | Hold::Fd(_) | Hold::Several(_) | Hold::Filter(_) | Hold::OnCpus(_) => None,
        }
    }

    /// Nothing runs any more at the places that it has in programs that others share. False where it has none.
    pub(super) fn leave_seats(&mut self) -> bool {
        match &mut self.hold {
            Hold::Seats(seats) => {
                seats.leave();
                true
            }
            Hold::Libbpf(_) | Hold::Fd(_) | Hold::Several(_) | Hold::Filter(_) | Hold::OnCpus(_) => false,
        }
    }
}

/// Where a program is attached in a file that was replaced. Dropping it detaches it, which takes its time.
pub struct Former {
    pub(super) mount: Mount,
    pub(super) file: FileIdentity,
}

impl Former {
    pub(super) fn is_unused(&self) -> bool {
        self.mount.landed.as_ref().is_some_and(|landed| landed.held.is_unused())
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! One program at each end of all system calls, which jumps to the programs of all probes there.
//!
//! ```text
//! sys_enter ─▶ layer: array by number ─▶ program of a probe
//!           ─▶ layer: the second program for a number, and so on
//! ```
//!
//! A call that nobody asked for costs the same with one probe as with hundreds. The layers of a process are shared by all its probes:
//! each number of a probe is in the first layer that has room for it, and a layer goes when nobody is in it any more.

mod layers;
mod object;
mod seats;

pub(super) use object::{NoSeat, event};
pub(super) use seats::Seats;

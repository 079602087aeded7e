// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is attached: how it got there, what is done with it while it is, and how it leaves.

mod attached;
mod detach;
mod former;
mod missed;
mod mount;
mod settle;
mod swap;

pub(super) use attached::named_mechanism;

pub use attached::Attached;
pub use detach::Detaching;
pub use mount::Former;
pub use settle::settle;

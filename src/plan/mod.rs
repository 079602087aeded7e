// SPDX-License-Identifier: MIT OR Apache-2.0
//! What to do so that the machine does what the files say: desired and current state in, a list of actions out.
//!
//! ```text
//! files now, files kept ──accept──▶ Config, files that are refused
//!                                      │ expanded on this machine
//!                                      ▼
//!                       Desired, Current, now ──plan──▶ [Stop …, Replace …, Reroute …, Start …], when to look again
//! ```
//!
//! What never happens here: nothing is done. A plan is data that can be printed, compared and tested without a kernel.

mod accept;
mod actions;
mod content;

pub use accept::{Accepted, FileNow, accept};
pub use actions::{Action, Current, Desired, Failure, Plan, Unit, backoff, plan};
pub use content::{Change, Content, UnitId};

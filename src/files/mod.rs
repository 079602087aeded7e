// SPDX-License-Identifier: MIT OR Apache-2.0
//! Configuration files: read once, or followed as they change.
//!
//! Events are hints, never the truth: [`Watcher`] says "look again", and [`Looker`] looks. Each file is judged
//! ([`crate::trust`]) and read through one descriptor. What never happens here: no file is written, no text is understood.

mod debounce;
mod hint;
mod list;
mod look;
mod mounts;
mod once;
mod pending;
mod places;
mod progress;
mod read;
mod roots;
mod scan;
mod scanned;
mod stamp;
mod targets;
mod watch;
mod watches;

pub use list::{List, read_list};
pub use look::Looker;
pub use once::{Found, read_all};
pub use scanned::{Scan, Scanned, ScannedRoot, Trust, Unreadable};
pub use watch::{WatchError, Watcher};

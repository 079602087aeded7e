// SPDX-License-Identifier: MIT OR Apache-2.0
//! Configuration files: read once, or followed as they change.
//!
//! Events are hints, never the truth: [`Watcher`] says "look again", and [`Looker`] looks. Each file is judged
//! ([`crate::trust`]) and read through one descriptor. What never happens here: no file is written, no text is understood.

mod inotify;
mod look;
mod mounts;
mod once;
mod pending;
mod places;
mod read;
mod roots;
mod scan;
mod stamp;
mod watch;

pub use look::{Looker, Trust};
pub use once::{Found, read_all};
pub use scan::{Scan, Scanned, ScannedRoot, Unreadable};
pub use watch::{WatchError, Watcher};

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Configuration files: read once, or followed as they change.
//!
//! Events are hints, never the truth: [`Watcher`] says "look again", and [`scan`] looks. What never happens here: no file is
//! written, no text is understood.

mod inotify;
mod pending;
mod places;
mod read;
mod scan;
mod watch;

pub use read::{Found, read_all};
pub use scan::{Scan, Scanned, Unreadable, scan};
pub use watch::{WatchError, Watcher};

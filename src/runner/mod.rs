// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checked probes become live ones, events go to sinks, and at the end every event is accounted for.
//!
//! ```text
//! once      all probes of a configuration, or none ──┐
//!                                                    ├──▶ engine: units ──▶ source: what they read ──▶ sinks
//! daemon    what the files say, as they change ──────┘
//! ```
//!
//! What never happens here: nothing is printed; what people should read goes through [`Report`] and [`Said`].

mod daemon;
mod engine;
mod once;
mod problem;
mod process;
mod sets;
mod source;
mod watcher;

pub use daemon::{DaemonOptions, Said, daemon};
pub use engine::Ended;
pub use once::{Options, Report, StartError, Stop, run};
pub use problem::refusal;
pub use watcher::{Seen, Watcher};

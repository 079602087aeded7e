// SPDX-License-Identifier: MIT OR Apache-2.0
//! One run: checked probes become live ones, events go to sinks, and at the end every event is accounted for.
//!
//! ```text
//! start     prepare all ─▶ load all ─▶ open sinks ─▶ attach all          (one failure undoes everything)
//! run       reader thread: rings ─▶ encoders ─▶ sinks        main: signals, time, counters, losses
//! finish    silence all ─▶ last CPU leaves ─▶ drain rings ─▶ flush sinks ─▶ summary ─▶ detach, aside
//! ```
//!
//! What never happens here: nothing is printed; what people should read goes through [`Report`].

mod control;
mod daemon;
mod engine;
mod once;
mod problem;
mod source;
mod start;

pub use daemon::{DaemonOptions, Said, daemon};
pub use engine::end::Ended;
pub use once::{Options, Report, run};
pub use problem::refusal;
pub use start::StartError;

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

mod budget;
mod clock;
mod commands;
mod control;
mod daemon;
mod finish;
mod intake;
mod once;
mod output;
mod problem;
mod reader;
mod sampler;
mod start;
mod unit;

pub use daemon::{DaemonOptions, Said, daemon};
pub use finish::Ended;
pub use once::{Options, Report, run};
pub use problem::refusal;
pub use start::StartError;

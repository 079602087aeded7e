// SPDX-License-Identifier: MIT OR Apache-2.0
//! What probes count, as Prometheus reads it: rows of samples are added up, and written as text on demand.
//!
//! ```text
//! rows of an interval ──Meter::add──▶ series by keys ──exposition──▶ ebpf_run_reads_calls_total{probe="reads",comm="cat"} 3
//! ```
//!
//! Counts and sums only grow, minima, maxima and averages are those of the last interval, histograms are cumulative. What never
//! happens here: no series without a bound, the rest is one of its own; no socket, no clock.

mod label;
mod name;
mod table;
mod text;

pub use table::{Meter, MeterOf};
pub use text::exposition;

// SPDX-License-Identifier: MIT OR Apache-2.0
//! The daemon on the running kernel: files come, change, break and go, and what runs is what they say. Each test holds
//! that nothing stays attached (`Daemon::stop`).
//!
//! They take root. Where this machine cannot run one, it says `skipped: TEST: REASON`; with `CI=true` it fails.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may")]

mod binaries;
#[allow(dead_code, reason = "the tests of one run use the rest")]
#[path = "../live/called.rs"]
mod called;
mod cgroups;
mod commands;
mod control;
mod daemon;
mod descriptors;
mod ending;
mod exact;
mod exact_counts;
mod exact_network;
mod files;
mod hostile;
mod idle;
mod interfaces;
#[allow(dead_code, reason = "as above")]
#[path = "../live/lab.rs"]
mod lab;
mod latency;
#[path = "../support/mounts.rs"]
mod mounts;
mod random;
mod roots;
mod sinks;
mod spans;
#[path = "../live/steps.rs"]
mod steps;
#[allow(dead_code, reason = "as above")]
#[path = "../live/wire.rs"]
mod wire;

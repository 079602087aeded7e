// SPDX-License-Identifier: MIT OR Apache-2.0
//! The program on the running kernel: it is started as a person would start it, something is made to happen, and what
//! it says is read back. Each test also holds that nothing stays attached (`Run::end`).
//!
//! They take root. Where this machine cannot run one, it says `skipped: TEST: REASON`; with `CI=true` it fails.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may")]

mod aggregate;
mod aggregate_targets;
mod called;
mod cgroups;
mod clock;
mod compat;
mod doctor;
#[allow(dead_code, reason = "the tests without a kernel use the rest")]
#[path = "../support/elf.rs"]
mod elf;
mod ending;
mod ends;
mod exec;
mod fates;
mod flame;
mod forecast;
mod frames;
mod hooks;
mod hostile;
mod hostile_binaries;
mod ids;
mod interfaces;
mod itself;
mod lab;
mod limits;
mod link_layers;
mod loss;
mod machine;
mod metrics;
mod network;
mod output;
mod packets;
mod paths;
mod plan;
mod processes;
mod random_packets;
mod raw_tracepoint;
mod record;
mod refusals;
mod service;
mod set_files;
mod sets;
mod sinks;
mod sources;
mod spans;
mod stacks;
#[allow(dead_code, reason = "the daemon's tests use the rest")]
mod steps;
mod syscall;
mod syscall_layers;
mod table_memory;
mod tasks;
mod top;
mod tracepoint;
mod unit;
mod uprobe;
mod usdt;
mod wire;

// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run`: YAML that names hooks becomes events from the kernel.
//!
//! Floors, imports go downwards only (`tests/floors.rs` holds it):
//!
//! ```text
//! 3  cli  runner                            commands; the loop that owns live probes
//! 2  kernel  sink  files  control  metrics  the only user of libbpf; destinations; configuration on disk; a socket; HTTP
//!    trust  symbols                         who could change what a path leads to; what ids and addresses are called
//! 1  config  catalog  expr  format  plan    pure: text → specs, BTF → descriptions, values → lines, states → actions,
//!    hook  key  record  meter               the kinds of hooks, the keys of probes; bytes → values; rows → series
//! 0  spec  status  words                    the types everybody uses; the nearest word to a mistyped one
//! ```

pub mod catalog;
pub mod cli;
pub mod config;
pub mod control;
pub mod expr;
pub mod files;
pub mod format;
pub mod hook;
pub mod kernel;
pub mod key;
pub mod meter;
pub mod metrics;
pub mod plan;
pub mod record;
pub mod runner;
pub mod sink;
pub mod spec;
pub mod status;
pub mod symbols;
pub mod trust;
pub mod words;

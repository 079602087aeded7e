// SPDX-License-Identifier: MIT OR Apache-2.0
//! Configuration files that change: each test does what an editor, an administrator, Kubernetes or git-sync does, with the same
//! system calls, and holds that somebody says "look again" and that the look finds exactly what is there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test may")]

mod directories;
mod edits;
mod followed;
mod limits;
mod links;
mod mounted;
#[path = "../support/mounts.rs"]
mod mounts;
mod one_shot;
mod permissions;
mod quiet;
mod trust;
mod unsettled;

// SPDX-License-Identifier: MIT OR Apache-2.0
//! The `ebpf-run` command.

fn main() {}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! The `ebpf-run` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ebpf_run::cli::main()
}

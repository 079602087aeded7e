// SPDX-License-Identifier: MIT OR Apache-2.0
//! What libbpf says while it works: to the debug log, never to the terminal.

use libbpf_rs::PrintLevel;

/// Sends libbpf's messages to `tracing` at debug level. Its own default would print them to stderr, and what matters in
/// them is said better by our errors.
pub fn quiet_libbpf() {
    libbpf_rs::set_print(Some((PrintLevel::Debug, forward)));
}

// libbpf-rs hands the text over.
#[allow(clippy::needless_pass_by_value)]
fn forward(_level: PrintLevel, message: String) {
    message.trim_end().lines().for_each(|line| tracing::debug!(target: "libbpf", "{line}"));
}

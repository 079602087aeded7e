// SPDX-License-Identifier: MIT OR Apache-2.0
#![no_main]

#[path = "../inputs.rs"]
mod inputs;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| inputs::record(bytes));

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Random conditions against an evaluator of their own: the product and `naive` must come to the same. `RANDOM_SEED` repeats a run,
//! `RANDOM_COUNT` makes it longer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test may")]

mod accepted;
mod kernel;
mod naive;
mod tree;
mod user_space;

use std::time::{SystemTime, UNIX_EPOCH};

/// The seed of this run, which is printed.
fn seed(of: &str) -> u64 {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = std::env::var("RANDOM_SEED").ok().map_or_else(now, |seed| seed.parse().unwrap());
    println!("{of}: RANDOM_SEED={seed}");
    seed
}

fn count(usual: usize) -> usize {
    std::env::var("RANDOM_COUNT").ok().map_or(usual, |count| count.parse().unwrap())
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! What this machine can do: what it says about itself, and each hook kind tried for real.

mod tries;

use super::hook::{Outcome, Try};
use super::host::{Facts, Host};

/// The result of an examination.
#[derive(Debug, Clone)]
pub struct Diagnosis {
    /// What the machine says about itself.
    pub facts: Facts,
    /// One entry for each hook kind, and for each mode of XDP that a machine may have.
    pub tries: Vec<Try>,
}

impl Diagnosis {
    /// True where every hook that could be tried works.
    pub fn all_work(&self) -> bool {
        self.tries.iter().all(|one| matches!(one.outcome, Outcome::Works | Outcome::NotTried(_)))
    }
}

/// Examines this machine. Programs are loaded, attached and detached again at once; nothing stays.
pub fn examine(host: &Host) -> Diagnosis {
    Diagnosis { facts: Facts::read(host), tries: tries::all(host) }
}

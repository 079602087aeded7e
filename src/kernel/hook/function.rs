// SPDX-License-Identifier: MIT OR Apache-2.0
//! `function`: stands for the kind that `choose` puts in its place before anything is prepared. What is here is for the questions
//! that are asked of a function before that: whether it is there, how functions are listed and tried.

use super::kind::{KernelKind, always};
use super::list_functions::FUNCTIONS;
use super::listing::{Listing, Unasked};
use super::perf_kprobe::BASE;
use super::trial::{Outcome, Try, quiet_function};
use crate::kernel::choose::choose;
use crate::kernel::host::Host;
use crate::spec::{CallEnd, Hook, HookKind, Site};

pub(super) const KIND: KernelKind = KernelKind {
    kind: HookKind::Function,
    parts: &[],
    has_programs: always,
    listing: Some(Listing { unasked: |_| Unasked::NotListed, ..FUNCTIONS }),
    tries: |host, one| {
        let hook = quiet_hook(host);
        let chosen = choose(&hook, &[], host);
        if chosen == hook {
            return vec![Try { hook, outcome: Outcome::NotTried(String::new()), took: std::time::Duration::ZERO }];
        }
        vec![Try { hook, ..one(chosen, host) }]
    },
    ..BASE
};

fn quiet_hook(host: &Host) -> Hook {
    let site = Site::Call { symbol: quiet_function(host).to_owned(), end: CallEnd::Entry };
    Hook { kind: HookKind::Function, site }
}

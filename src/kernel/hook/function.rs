// SPDX-License-Identifier: MIT OR Apache-2.0
//! `function`: stands for the kind that `kernel::choose` puts in its place before anything is prepared. What is here is for the questions
//! that are asked of a function before that: whether it is there, how functions are listed and tried.

use super::call::mechanism_of_call;
use super::kind::{KernelKind, always};
use super::list_functions::FUNCTIONS;
use super::listing::{Listing, Unasked};
use super::perf_kprobe::BASE;
use super::trial::{Try, quiet_function};
use crate::spec::{CallEnd, Hook, HookKind, Site};

pub(super) const KIND: KernelKind = KernelKind {
    kind: HookKind::Function,
    parts: &[],
    has_programs: always,
    listing: Some(Listing { unasked: |_| Unasked::NotListed, ..FUNCTIONS }),
    tries: |host, one| {
        let symbol = quiet_function(host);
        let (kind, _) = mechanism_of_call(symbol, CallEnd::Entry, &[], host);
        let site = Site::Call { symbol: symbol.to_owned(), end: CallEnd::Entry };
        let hook = Hook { kind: HookKind::Function, site };
        vec![Try { hook, ..one(Hook::function(kind, symbol), host) }]
    },
    ..BASE
};

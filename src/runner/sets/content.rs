// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a set holds, for readers: exchanged as a whole, asked without a lock.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::Ipv6Addr;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::kernel::{SetMap, exact_networks};
use crate::record::SetContent;
use crate::spec::SetEntry;

/// A set as readers ask it.
#[derive(Debug, Default)]
pub(super) struct LiveContent {
    now: ArcSwap<Content>,
}

/// Its entries at one moment.
#[derive(Debug, Default)]
struct Content {
    numbers: HashSet<i128>,
    texts: HashSet<Arc<[u8]>>,
    /// By their prefixes.
    networks: BTreeMap<u8, HashSet<u128>>,
}

impl LiveContent {
    /// From now on it has these.
    pub(super) fn put(&self, entries: &BTreeSet<SetEntry>) {
        let mut content = Content::default();
        for entry in entries {
            match entry {
                SetEntry::Number(number) => drop(content.numbers.insert(*number)),
                SetEntry::Text(text) => drop(content.texts.insert(Arc::clone(text))),
                SetEntry::Network(ip, prefix) => {
                    for (ip, prefix) in exact_networks(*ip, *prefix) {
                        content.networks.entry(prefix).or_default().insert(ip.to_bits());
                    }
                }
            }
        }
        self.now.store(Arc::new(content));
    }
}

impl SetContent for LiveContent {
    fn has_number(&self, number: i128) -> bool {
        self.now.load().numbers.contains(&number)
    }

    fn has_address(&self, address: Ipv6Addr) -> bool {
        let bits = address.to_bits();
        let masked = |prefix: u8| bits & u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
        self.now.load().networks.iter().any(|(prefix, networks)| networks.contains(&masked(*prefix)))
    }

    fn has_text(&self, text: &[u8]) -> bool {
        self.now.load().texts.contains(text)
    }

    fn any_text(&self, fits: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        self.now.load().texts.iter().any(|text| fits(text))
    }
}

/// A set that the kernel keeps itself.
#[derive(Debug)]
pub(super) struct InKernel(pub(super) SetMap);

impl SetContent for InKernel {
    fn has_number(&self, number: i128) -> bool {
        self.0.has(&(number as u64).to_ne_bytes()).unwrap_or(false)
    }

    fn has_address(&self, _address: Ipv6Addr) -> bool {
        false
    }

    fn has_text(&self, _text: &[u8]) -> bool {
        false
    }

    fn any_text(&self, _fits: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        false
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! The functions of a kernel by name, for probes at hundreds of them.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Functions that are found by going through all types; for more of them they are sorted, which takes as long as some twenty of these.
const SEARCHES: u32 = 16;

/// Sorted once it pays.
#[derive(Default)]
pub(super) struct ByName {
    searches: AtomicU32,
    sorted: OnceLock<Vec<u32>>,
}

impl ByName {
    /// The number of the first function of this name. `all` are those of all functions in order, `name_of` gives the name of each.
    pub(super) fn find<'n, I: Iterator<Item = u32>>(
        &self,
        name: &str,
        all: impl Fn() -> I,
        name_of: impl Fn(u32) -> &'n str,
    ) -> Option<u32> {
        if self.sorted.get().is_none() && self.searches.fetch_add(1, Ordering::Relaxed) < SEARCHES {
            return all().find(|id| name_of(*id) == name);
        }
        let sorted = self.sorted.get_or_init(|| {
            let mut sorted: Vec<u32> = all().collect();
            // Those of one name stay in order.
            sorted.sort_by_key(|id| name_of(*id));
            sorted
        });
        let first = sorted.partition_point(|id| name_of(*id) < name);
        sorted.get(first).copied().filter(|id| name_of(*id) == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first of a name, whether the list is read or sorted; nothing for a name that is not there.
    #[test]
    fn finds_the_first() {
        let names = ["read", "open", "write", "open", "a"];
        let index = ByName::default();
        for _ in 0..=SEARCHES {
            let find = |name| index.find(name, || 0..names.len() as u32, |id| names[id as usize]);
            assert_eq!(["open", "read", "a", "z", "op"].map(find), [Some(1), Some(0), Some(4), None, None]);
        }
        assert!(index.sorted.get().is_some());
    }
}

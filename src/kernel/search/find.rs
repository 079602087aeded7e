// SPDX-License-Identifier: MIT OR Apache-2.0
//! Looks through what the machine lists.

use super::binary::{search_binary, search_probes};
use super::pattern::fits;
use super::query::{FoundHook, Query, Search};
use crate::kernel::hook::{Prototypes, Source};
use crate::kernel::host::Host;

/// Looks for hooks.
pub fn search(query: &Query<'_>, host: &Host) -> Search {
    let mut search = Search::default();
    for kind in &query.kinds {
        let list = match kind.listing().map(|listing| &listing.source) {
            Some(Source::Machine(list)) => list,
            Some(Source::Binary) => {
                search_binary(*kind, query, host, &mut search);
                continue;
            }
            Some(Source::Probes) => {
                search_probes(*kind, query, host, &mut search);
                continue;
            }
            None => continue,
        };
        let (targets, note) = list(host);
        search.notes.extend(note);
        let mut names: Vec<&String> = targets.keys().filter(|name| fits(query.pattern, name)).collect();
        // Stable: within each half the order of the names stays.
        names.sort_by_key(|name| **name != query.pattern.word());
        if names.len() > query.most {
            search.more.push((*kind, names.len() - query.most));
        }
        let shown = names.into_iter().take(query.most);
        search.found.extend(shown.map(|name| FoundHook {
            kind: *kind,
            target: name.clone(),
            signature: None,
            remark: targets[name].clone(),
        }));
        if search.found.is_empty() {
            let near = query.pattern.nearest(targets.keys().map(String::as_str));
            search.nearest.extend(near.filter(|near| !search.nearest.contains(near)));
        }
    }
    if query.details {
        let prototypes = Prototypes::of(host);
        for one in &mut search.found {
            let describe = one.kind.listing().map(|listing| listing.describe);
            one.signature = describe.and_then(|describe| describe(&one.target, &prototypes, host));
        }
    }
    if !search.found.is_empty() {
        search.nearest.clear();
    }
    search
}

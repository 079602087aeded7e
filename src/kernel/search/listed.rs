// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kinds of hooks whose targets are listed.

use crate::kernel::hook::{KINDS, Listing, Source, Unasked, of};
use crate::kernel::host::Host;
use crate::spec::HookKind;

/// A kind of hook whose targets can be listed; the order is that of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed(pub HookKind);

impl Listed {
    /// All of them.
    pub fn all() -> Vec<Self> {
        KINDS.iter().filter(|kind| kind.listing.is_some()).map(|kind| Self(kind.kind)).collect()
    }

    /// Those that are listed where nobody names a kind; and what is left out, in a sentence each.
    pub fn unasked(host: &Host) -> (Vec<Self>, Vec<&'static str>) {
        let (mut kinds, mut left_out) = (Vec::new(), Vec::new());
        for kind in Self::all() {
            match kind.listing().map(|listing| (listing.unasked)(host)) {
                Some(Unasked::Listed) => kinds.push(kind),
                Some(Unasked::LeftOut(why)) => left_out.push(why),
                Some(Unasked::NotListed) | None => {}
            }
        }
        (kinds, left_out)
    }

    /// The one with this key in the YAML.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::all().into_iter().find(|kind| kind.name().eq_ignore_ascii_case(word))
    }

    /// The key in the YAML.
    pub fn name(self) -> &'static str {
        self.0.word()
    }

    /// True where its targets are in a binary, which has to be named.
    pub fn is_in_binary(self) -> bool {
        self.listing().is_some_and(|listing| matches!(listing.source, Source::Binary | Source::Probes))
    }

    pub(super) fn listing(self) -> Option<&'static Listing> {
        of(self.0).listing.as_ref()
    }
}

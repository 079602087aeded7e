// SPDX-License-Identifier: MIT OR Apache-2.0
//! Texts of which a part may be unknown: what is asked of them is decided where the known part decides it.

use core::cmp::Ordering;

use super::glob::fits;
use crate::spec::TextTest;

/// What is known of a text.
#[derive(Debug, Clone, Copy)]
pub(in crate::record) struct KnownText<'a> {
    pub(in crate::record) bytes: &'a [u8],
    pub(in crate::record) cut: Cut,
}

/// Where there is more of a text than is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::record) enum Cut {
    Nowhere,
    /// After its known part: a text that was cut.
    End,
    /// Before it: a path that was cut.
    Start,
}

impl<'a> KnownText<'a> {
    pub(super) fn whole(bytes: &'a [u8]) -> Self {
        Self { bytes, cut: Cut::Nowhere }
    }

    /// Bytes of it, if all are known.
    pub(super) fn size(self) -> Option<u64> {
        (self.cut == Cut::Nowhere).then_some(self.bytes.len() as u64)
    }

    /// Whether it is, begins with … this one; `None` where what is unknown decides.
    pub(super) fn is(self, how: TextTest, wanted: &[u8]) -> Option<bool> {
        match how {
            TextTest::Equal => equal(self, KnownText::whole(wanted)),
            TextTest::StartsWith => self.begins_with(wanted),
            TextTest::Under => self.is_under(wanted),
            TextTest::EndsWith => self.ends_with(wanted),
            TextTest::Contains => self.if_whole(|text| contains(text, wanted)),
            TextTest::Glob => self.if_whole(|text| fits(wanted, text)),
        }
    }

    fn if_whole(self, ask: impl FnOnce(&[u8]) -> bool) -> Option<bool> {
        (self.cut == Cut::Nowhere).then(|| ask(self.bytes))
    }

    fn begins_with(self, wanted: &[u8]) -> Option<bool> {
        match self.cut {
            Cut::Nowhere => Some(self.bytes.starts_with(wanted)),
            Cut::End if self.bytes.len() < wanted.len() => decided_unless(wanted.starts_with(self.bytes)),
            Cut::End => Some(self.bytes.starts_with(wanted)),
            Cut::Start if wanted.is_empty() => Some(true),
            Cut::Start => None,
        }
    }

    fn ends_with(self, wanted: &[u8]) -> Option<bool> {
        match self.cut {
            Cut::Nowhere => Some(self.bytes.ends_with(wanted)),
            Cut::Start if self.bytes.len() < wanted.len() => decided_unless(wanted.ends_with(self.bytes)),
            Cut::Start => Some(self.bytes.ends_with(wanted)),
            Cut::End => None,
        }
    }

    /// `wanted`, or a path below it. A slash at its end changes nothing; all that is absolute is below `/`.
    fn is_under(self, wanted: &[u8]) -> Option<bool> {
        let folder = wanted.strip_suffix(b"/").unwrap_or(wanted);
        match self.cut {
            Cut::Start => None,
            Cut::Nowhere | Cut::End if self.bytes.len() > folder.len() => {
                Some(self.bytes.starts_with(folder) && self.bytes.get(folder.len()) == Some(&b'/'))
            }
            Cut::Nowhere => Some(self.bytes == folder && !folder.is_empty()),
            Cut::End => decided_unless(folder.starts_with(self.bytes)),
        }
    }
}

/// False, unless what is known would fit.
fn decided_unless(would_fit: bool) -> Option<bool> {
    if would_fit { None } else { Some(false) }
}

pub(super) fn equal(left: KnownText<'_>, right: KnownText<'_>) -> Option<bool> {
    let (a, b) = (left.bytes, right.bytes);
    match (left.cut, right.cut) {
        (Cut::Nowhere, Cut::Nowhere) => Some(a == b),
        (Cut::End, Cut::Nowhere) => decided_unless(b.len() > a.len() && b.starts_with(a)),
        (Cut::Nowhere, Cut::End) => decided_unless(a.len() > b.len() && a.starts_with(b)),
        (Cut::Start, Cut::Nowhere) => decided_unless(b.len() > a.len() && b.ends_with(a)),
        (Cut::Nowhere, Cut::Start) => decided_unless(a.len() > b.len() && a.ends_with(b)),
        (Cut::End, Cut::End) => decided_unless(a.starts_with(b) || b.starts_with(a)),
        (Cut::Start, Cut::Start) => decided_unless(a.ends_with(b) || b.ends_with(a)),
        (Cut::End, Cut::Start) | (Cut::Start, Cut::End) => None,
    }
}

/// By bytes.
pub(super) fn order(left: KnownText<'_>, right: KnownText<'_>) -> Option<Ordering> {
    let (a, b) = (left.bytes, right.bytes);
    let common = a.len().min(b.len());
    match (left.cut, right.cut) {
        (Cut::Nowhere, Cut::Nowhere) => Some(a.cmp(b)),
        (Cut::Start, _) | (_, Cut::Start) => None,
        (Cut::End, _) | (_, Cut::End) if a[..common] != b[..common] => Some(a.cmp(b)),
        // What is longer than all of the other.
        (Cut::End, Cut::Nowhere) if b.len() <= a.len() => Some(Ordering::Greater),
        (Cut::Nowhere, Cut::End) if a.len() <= b.len() => Some(Ordering::Less),
        (Cut::End, _) | (_, Cut::End) => None,
    }
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || text.windows(wanted.len()).any(|window| window == wanted)
}

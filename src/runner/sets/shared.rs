// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the one who declares sets and the one who follows their files share.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::live::LiveSet;
use crate::spec::{SetKind, SetName};

/// The sets of a run, by name and kind: one that changes its kind is another one.
pub(super) type All = BTreeMap<(SetName, SetKind), LiveSet>;

pub(super) fn locked(shared: &Mutex<All>) -> MutexGuard<'_, All> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finding a number.

/// The first name of a number in a sorted list.
pub(super) fn find(list: &'static [(i64, &'static str)], number: i64) -> Option<&'static str> {
    let at = list.partition_point(|(known, _)| *known < number);
    list.get(at).filter(|(known, _)| *known == number).map(|(_, name)| *name)
}

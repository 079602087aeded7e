// SPDX-License-Identifier: MIT OR Apache-2.0
//! The names that every hook offers.

use super::access::{Place, Ty};
use crate::spec::FetchSource;

/// The names that every hook offers.
pub const BUILTINS: [&str; 6] = ["pid", "tid", "uid", "gid", "comm", "cpu"];

/// The place of one of them; `None` for any other name.
pub(super) fn builtin<'a>(name: &str) -> Option<Place<'a>> {
    let register = |source| Place::register(source, Ty::Int { size: 4, signed: false });
    let head = |name| Place::register(FetchSource::Context, Ty::Head(name));
    match name {
        "pid" => Some(head("pid")),
        "tid" => Some(head("tid")),
        "uid" => Some(head("uid")),
        "comm" => Some(head("comm")),
        "gid" => Some(Place::register(FetchSource::Gid, Ty::Id)),
        "cpu" => Some(register(FetchSource::Cpu)),
        _ => None,
    }
}

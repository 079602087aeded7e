// SPDX-License-Identifier: MIT OR Apache-2.0
//! The arguments of a call when it returns: registers hold other values by then, so they are kept since the entry. What they point to
//! is read as it is at the return.

use std::cell::RefCell;

use super::SpanPoint;
use super::store::Store;
use crate::expr::function::Arguments;
use crate::expr::operand::{Operand, OperandSource};
use crate::expr::path::{Place, Ty, not_too_far};
use crate::expr::scope::Scope;
use crate::spec::{Fetch, FetchCopy, FetchIndex, FetchSource, FieldType, SpanRole};
use crate::words::Refusal;

/// What the return of a call has, with the arguments that its entry had; `None` where the return has them itself, or nothing has.
pub(super) fn scope<'a>(entry: &SpanPoint<'_, 'a>, on_return: &SpanPoint<'_, 'a>) -> Option<Scope<'a>> {
    match (entry.scope, on_return.scope) {
        (Scope::Function(entry), Scope::Function(on_return)) if on_return.arguments == Arguments::Gone => {
            Some(Scope::Function(entry.with_result(on_return.result)))
        }
        _others => None,
    }
}

/// The operand, with what is kept in the place of arguments.
pub(super) fn with_kept(operand: Operand, store: &RefCell<Store>) -> Result<Operand, Refusal> {
    let before: Result<Vec<Fetch>, Refusal> = operand.before.into_iter().map(|fetch| kept(fetch, store)).collect();
    let source = match operand.source {
        OperandSource::Fetch(fetch) => OperandSource::Fetch(kept(fetch, store)?),
        source => source,
    };
    not_too_far(Operand { before: before?, source, ..operand })
}

fn kept(fetch: Fetch, store: &RefCell<Store>) -> Result<Fetch, Refusal> {
    let FetchSource::Argument(number) = fetch.source else { return Ok(fetch) };
    let place = Place::register(fetch.source, Ty::Int { size: 8, signed: false });
    let (before, argument) = place.fetch(FetchCopy::Value, 8, 8);
    let source = OperandSource::Fetch(argument);
    let argument = Operand { before, source, part: 0, size: 8, of_end: None, bits: None, kind: FieldType::Unsigned };
    let argument = store.borrow_mut().keep(SpanRole::Start, &[argument], &format!("arg{number}"))?;
    let Some(source) = argument.source.fetch().map(|fetch| fetch.source) else { return Ok(fetch) };
    if fetch.copy == FetchCopy::Value && fetch.hops.is_empty() {
        return Ok(Fetch { source, ..fetch });
    }
    // One pointer more: from the place where it is kept.
    let hops: Vec<i32> = [0].into_iter().chain(fetch.hops.iter().copied()).collect();
    let user_from = fetch.user_from.map(|from| from + 1);
    let index = fetch.index.map(|index| FetchIndex { hop: index.hop + 1, ..index });
    Ok(Fetch { source, hops, user_from, index, ..fetch })
}

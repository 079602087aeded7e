// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a formula reads.

use std::sync::Arc;

use super::operand::{Operand, OperandSource};
use crate::spec::{Fetch, FetchCopy, FetchSource, FieldType, Formula, MAX_TEXT_BYTES};

/// The operands of a formula, each once.
pub(super) fn operands_of(formula: &Formula) -> Vec<usize> {
    let mut found = Vec::new();
    let mut open = vec![formula];
    while let Some(next) = open.pop() {
        if let Formula::Operand(index) = next
            && !found.contains(index)
        {
            found.push(*index);
        }
        open.extend(next.parts());
    }
    found.sort_unstable();
    found
}

/// The same formula, whose operand `n` is number `places[n]`.
pub(super) fn renumbered(formula: &Formula, places: &[usize]) -> Formula {
    let one = |of: &Formula| Box::new(renumbered(of, places));
    let both = |sides: &(Formula, Formula)| Box::new((renumbered(&sides.0, places), renumbered(&sides.1, places)));
    let all = |parts: &[Formula]| parts.iter().map(|part| renumbered(part, places)).collect();
    match formula {
        Formula::Operand(index) => Formula::Operand(places.get(*index).copied().unwrap_or(*index)),
        Formula::Number { .. } | Formula::Text(_) | Formula::Bool(_) | Formula::Null => formula.clone(),
        Formula::Arithmetic { op, signed, sides } => {
            Formula::Arithmetic { op: *op, signed: *signed, sides: both(sides) }
        }
        Formula::Compare { op, sides } => Formula::Compare { op: *op, sides: both(sides) },
        Formula::IsNull(of) => Formula::IsNull(one(of)),
        Formula::Not(of) => Formula::Not(one(of)),
        Formula::Size(of) => Formula::Size(one(of)),
        Formula::Named { table, of } => Formula::Named { table: *table, of: one(of) },
        Formula::All(parts) => Formula::All(all(parts)),
        Formula::Any(parts) => Formula::Any(all(parts)),
        Formula::Matches { how, of, texts } => Formula::Matches { how: *how, of: one(of), texts: texts.clone() },
        Formula::InSet { of, how, set } => Formula::InSet { of: one(of), how: *how, set: set.clone() },
        Formula::InNetworks { of, networks } => Formula::InNetworks { of: one(of), networks: networks.clone() },
    }
}

/// The operand, of whose text as much is read as what it is compared with asks for.
pub(super) fn longer_texts(formula: &Formula, index: usize, operand: &Operand) -> Operand {
    let longest = longest_text(formula, index).min(usize::from(MAX_TEXT_BYTES) - 1) as u32;
    let (FieldType::Text { limit: Some(limit) }, OperandSource::Fetch(fetch)) = (&operand.kind, &operand.source) else {
        return operand.clone();
    };
    // Of what the start left there is no more.
    let is_kept = matches!(fetch.source, FetchSource::Stored { .. });
    let is_text = !is_kept && matches!(fetch.copy, FetchCopy::KernelText | FetchCopy::UserText);
    if longest <= *limit || !is_text {
        return operand.clone();
    }
    // One more tells a longer text from this one; another is for the NUL.
    let (limit, size) = (longest + 1, longest as u16 + 3);
    let fetch = Fetch { size, slot: size.next_multiple_of(8), ..fetch.clone() };
    Operand {
        kind: FieldType::Text { limit: Some(limit) },
        size,
        source: OperandSource::Fetch(fetch),
        ..operand.clone()
    }
}

/// Bytes of the longest text that an operand is compared with.
fn longest_text(formula: &Formula, index: usize) -> usize {
    let is_it = |of: &Formula| matches!(of, Formula::Operand(found) if *found == index);
    let of_texts = |texts: &[Arc<[u8]>]| texts.iter().map(|text| text.len()).max().unwrap_or(0);
    let here = match formula {
        Formula::Matches { of, texts, .. } if is_it(of) => of_texts(texts),
        Formula::Compare { sides, .. } => match &**sides {
            (of, Formula::Text(text)) | (Formula::Text(text), of) if is_it(of) => text.len(),
            _other => 0,
        },
        _other => 0,
    };
    formula.parts().into_iter().map(|part| longest_text(part, index)).fold(here, usize::max)
}

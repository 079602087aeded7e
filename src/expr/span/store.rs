// SPDX-License-Identifier: MIT OR Apache-2.0
//! What hooks before the end leave for it: slots in the element of the span.

use crate::expr::operand::{Operand, OperandSource};
use crate::spec::{Fetch, FetchCopy, FetchSource, FieldType, Narrow, OpenSpanSlot, SpanRole};
use crate::words::Refusal;

/// Most values that are kept: each has a bit, and one more has none.
const MOST: usize = 31;
/// The bit of what always has a value.
const ALWAYS: u8 = 31;

/// One value that is kept: what each hook of its role does for it.
struct Kept {
    role: SpanRole,
    /// In the order of the hooks.
    reads: Vec<Read>,
    at: u32,
    bit: u8,
}

/// What a hook reads for a slot.
#[derive(Debug, Clone, PartialEq)]
struct Read {
    before: Vec<Fetch>,
    /// `None`: it does not have it.
    fetch: Option<Fetch>,
}

/// All values that are kept.
#[derive(Default)]
pub(super) struct Store {
    kept: Vec<Kept>,
    bytes: u32,
    /// User or name of the process that began it are asked for.
    pub(super) keeps_process: bool,
}

impl Store {
    /// Bytes of an element.
    pub(super) fn bytes(&self) -> u32 {
        OpenSpanSlot::SIZE + self.bytes
    }

    /// The bits of what hooks of a role leave.
    pub(super) fn bits(&self, role: SpanRole) -> u32 {
        self.kept.iter().filter(|kept| kept.role == role).fold(0, |bits, kept| bits | 1 << kept.bit)
    }

    /// The value as the end reads it, that `operands` are at the hooks of a role.
    pub(super) fn keep(&mut self, role: SpanRole, operands: &[Operand], text: &str) -> Result<Operand, Refusal> {
        let Some(sample) = operands.iter().find(|operand| operand.source.fetch().is_some()) else {
            return Ok(Operand::nothing(FieldType::Unsigned, 8));
        };
        if let Some((name, stored)) = in_head(sample).filter(|_| role == SpanRole::Start) {
            self.keeps_process |= OpenSpanSlot::is_asked_for(name);
            return Ok(stored);
        }
        let alike = |other: &Operand| {
            other.source.fetch().is_none()
                || (&other.kind, other.size, other.part, &other.bits)
                    == (&sample.kind, sample.size, sample.part, &sample.bits)
                    && slot_of(other) == slot_of(sample)
        };
        if !operands.iter().all(alike) {
            let message = format!("`{text}` has different types at the hooks of `{}`", role.word());
            return Err(Refusal::new(message).help("say which with `as`: it must be the same at all of them"));
        }
        let reads = operands
            .iter()
            .map(|operand| Read { before: operand.before.clone(), fetch: operand.source.fetch().cloned() });
        let (at, bit) = self.slot(role, reads.collect(), slot_of(sample))?;
        let fetch = sample.source.fetch().map(|fetch| stored(fetch, at, bit));
        let source = fetch.map_or(OperandSource::Nothing, OperandSource::Fetch);
        Ok(Operand { before: Vec::new(), source, ..sample.clone() })
    }

    fn slot(&mut self, role: SpanRole, reads: Vec<Read>, slot: u16) -> Result<(u32, u8), Refusal> {
        if let Some(kept) = self.kept.iter().find(|kept| kept.role == role && kept.reads == reads) {
            return Ok((kept.at, kept.bit));
        }
        let (at, bit) = (self.bytes(), self.kept.len());
        if bit >= MOST {
            return Err(Refusal::new(format!("more than {MOST} values are kept until the end"))
                .help("capture fewer values of the start"));
        }
        self.bytes += u32::from(slot);
        if self.bytes() > OpenSpanSlot::MOST {
            let (most, head) = (OpenSpanSlot::MOST, OpenSpanSlot::SIZE);
            return Err(Refusal::new(format!("what is kept until the end is more than {} bytes", most - head))
                .help("read shorter texts: `as string(N)`"));
        }
        self.kept.push(Kept { role, reads, at, bit: bit as u8 });
        Ok((at, bit as u8))
    }

    /// The work list of the hook of this number among those of its role, each with the bit that says it has no value.
    pub(super) fn fetches(&self, role: SpanRole, number: usize) -> Vec<(Fetch, u8)> {
        let mut fetches = Vec::new();
        for kept in self.kept.iter().filter(|kept| kept.role == role) {
            let Some(read) = kept.reads.get(number) else { continue };
            fetches.extend(read.before.iter().map(|before| (before.clone(), kept.bit)));
            let slot = kept.reads.iter().find_map(|read| Some(read.fetch.as_ref()?.slot)).unwrap_or(8).max(8);
            let fetch = read.fetch.clone().unwrap_or_else(|| nowhere(slot));
            fetches.push((Fetch { out: kept.at, slot: fetch.slot.max(8), ..fetch }, kept.bit));
        }
        fetches
    }
}

fn slot_of(operand: &Operand) -> u16 {
    operand.source.fetch().map_or(8, |fetch| fetch.slot.max(8).next_multiple_of(8))
}

/// What every start keeps of its process.
fn in_head(operand: &Operand) -> Option<(&'static str, Operand)> {
    let OperandSource::Head { name, fetch } = &operand.source else { return None };
    let name = *name;
    let at = OpenSpanSlot::head(name)?;
    let copy = if fetch.copy == FetchCopy::Comm { FetchCopy::Kernel } else { FetchCopy::Value };
    let size = if copy == FetchCopy::Value { 4 } else { fetch.size };
    // The lower half of a word is a number of its own, the upper one is shifted down.
    let (at, offset) = if copy == FetchCopy::Value { (at & !7, (at & 7) as i32) } else { (at, 0) };
    let fetch = Fetch { source: FetchSource::Stored { at, bit: ALWAYS }, copy, size, offset, ..fetch.clone() };
    Some((name, Operand { source: OperandSource::Head { name, fetch }, ..operand.clone() }))
}

/// How the end reads what a hook wrote with this fetch.
fn stored(fetch: &Fetch, at: u32, bit: u8) -> Fetch {
    let copy = match fetch.copy {
        FetchCopy::Kernel | FetchCopy::User if fetch.slot <= 8 && fetch.length.is_none() => FetchCopy::Value,
        FetchCopy::Value => FetchCopy::Value,
        FetchCopy::KernelText | FetchCopy::UserText if fetch.length.is_none() => FetchCopy::KernelText,
        _whole => FetchCopy::Kernel,
    };
    let slot = fetch.slot.max(8);
    Fetch {
        source: FetchSource::Stored { at, bit },
        hops: Vec::new(),
        user_from: None,
        offset: 0,
        narrow: Narrow::Same,
        index: None,
        keep: None,
        length: None,
        copy,
        size: if copy == FetchCopy::Kernel { slot } else { fetch.size },
        slot,
        out: 0,
    }
}

/// A slot of which nothing is written but zeros.
fn nowhere(slot: u16) -> Fetch {
    Fetch {
        source: FetchSource::Constant(0),
        hops: Vec::new(),
        user_from: None,
        offset: 0,
        narrow: Narrow::Same,
        index: None,
        keep: None,
        length: None,
        copy: FetchCopy::Kernel,
        size: 8,
        slot,
        out: 0,
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Before a record is formatted: whether it passes, and what is found out beside its bytes.
//!
//! ```text
//! bytes ──judge──▶ Decision ──complete──▶ FullRecord ──▶ each format
//! ```

use core::cell::Cell;

use std::sync::Arc;

use super::extras::{Extras, FullRecord, Row};
use super::formula::{Compiled, Evaluation, Operand, Sets, Term};
use super::histogram::Histogram;
use super::lookup::{Lookup, Lookups, Who};
use crate::spec::{Buckets, ComputedType, Field, FieldType, FoundOut, Layout};

/// What a layout asks to be found out, compiled once.
#[derive(Debug)]
pub struct Completer {
    absent: Option<usize>,
    who: Who,
    filter: Option<Compiled>,
    operands: Vec<Operand>,
    /// What the operands need, in their order.
    of_operands: Vec<Lookup>,
    /// What the fields need, in their order.
    of_fields: Vec<Wanted>,
    /// One of these is found out by somebody else, while the record waits.
    asks: bool,
    /// For the record at hand.
    operands_found: Extras,
    fields_found: Extras,
}

/// Something that a field needs.
#[derive(Debug)]
enum Wanted {
    Lookup(Lookup),
    Computed { formula: Compiled, is_time: bool },
    Histogram { start: usize, buckets: Arc<Buckets>, of_durations: bool },
}

/// Whether the part of `where` that is decided here holds for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// `None`: undecided.
    pub holds: Option<bool>,
    /// Something that it asked for was there and could not be read, or not to its end.
    pub unreadable: bool,
}

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is delivered.
    Pass,
    /// It is not what was asked for.
    Filtered,
    /// The same, but something that was asked for could not be read.
    Undecided,
}

impl Decision {
    const PASS: Self = Self { holds: Some(true), unreadable: false };

    /// What becomes of the record.
    pub fn verdict(self) -> Verdict {
        match (self.holds, self.unreadable) {
            (Some(true), _) => Verdict::Pass,
            (Some(false) | None, false) => Verdict::Filtered,
            (Some(false) | None, true) => Verdict::Undecided,
        }
    }
}

impl Completer {
    /// Compiles what `layout` needs; `sets` are those that its formulas name.
    pub fn new(layout: &Layout, sets: &dyn Sets) -> Self {
        let (mut extras, mut of_operands, mut of_fields) = (0, Vec::new(), Vec::new());
        let mut operands = Vec::new();
        for field in &layout.operands {
            let before = extras;
            operands.push(Operand::new(field, &mut extras));
            // One each, also for what cannot be looked up.
            of_operands.extend((before..extras).map(|_| Lookup::new(field)));
        }
        for field in layout.process.iter().chain(&layout.fields) {
            of_fields.extend(Wanted::of(field, sets));
        }
        Self {
            absent: layout.absent.map(|offset| offset as usize),
            who: Who::new(layout),
            filter: layout.filter.as_deref().map(|filter| Compiled::new(filter, sets)),
            operands,
            of_operands,
            asks: of_fields.iter().any(Wanted::asks),
            of_fields,
            operands_found: Extras::default(),
            fields_found: Extras::default(),
        }
    }

    /// Whether anything is decided here.
    pub fn has_filter(&self) -> bool {
        self.filter.is_some()
    }

    /// Whether this record passes. To be called before [`Completer::complete`].
    #[inline]
    pub fn judge(&mut self, record: &[u8], lookups: &mut dyn Lookups) -> Decision {
        if self.operands.is_empty() && self.filter.is_none() {
            return Decision::PASS;
        }
        self.decide(record, lookups)
    }

    fn decide(&mut self, record: &[u8], lookups: &mut dyn Lookups) -> Decision {
        let absent = self.absent(record);
        self.operands_found.clear();
        for lookup in &self.of_operands {
            lookup.find(record, absent, self.who, lookups, &mut self.operands_found);
        }
        let Some(filter) = &self.filter else { return Decision::PASS };
        let evaluation = self.evaluation(record, absent);
        let holds = evaluation.truth(filter);
        Decision { holds, unreadable: evaluation.unreadable.get() }
    }

    /// The record with all that its fields need.
    #[inline]
    pub fn complete<'c>(&'c mut self, record: &'c [u8], lookups: &mut dyn Lookups) -> FullRecord<'c> {
        if self.of_fields.is_empty() {
            return record.into();
        }
        self.find(record, lookups);
        FullRecord { bytes: record, extras: &self.fields_found }
    }

    /// True where something is found out by somebody else meanwhile: names of functions.
    pub fn asks(&self) -> bool {
        self.asks
    }

    /// True if [`Completer::complete`] would find all there is. What it would not is being found out from now on.
    #[inline]
    pub fn is_known(&self, record: &[u8], lookups: &mut dyn Lookups) -> bool {
        !self.asks || self.all_known(record, lookups)
    }

    fn all_known(&self, record: &[u8], lookups: &mut dyn Lookups) -> bool {
        let absent = self.absent(record);
        // Each is asked, so that all are found out at the same time.
        self.of_fields.iter().fold(true, |all, wanted| match wanted {
            Wanted::Lookup(lookup) => lookup.is_known(record, absent, self.who, lookups) && all,
            Wanted::Histogram { .. } | Wanted::Computed { .. } => all,
        })
    }

    /// The same, to be kept.
    pub fn complete_row(&mut self, bytes: Vec<u8>, lookups: &mut dyn Lookups) -> Row {
        self.fields_found = Extras::default();
        if !self.of_fields.is_empty() {
            self.find(&bytes, lookups);
        }
        Row { bytes, extras: std::mem::take(&mut self.fields_found) }
    }

    fn find(&mut self, record: &[u8], lookups: &mut dyn Lookups) {
        let absent = self.absent(record);
        let mut found = std::mem::take(&mut self.fields_found);
        found.clear();
        for wanted in &self.of_fields {
            match wanted {
                Wanted::Lookup(lookup) => lookup.find(record, absent, self.who, lookups, &mut found),
                Wanted::Histogram { start, buckets, of_durations } => {
                    found.push_histogram(histogram(record, *start, buckets, *of_durations));
                }
                Wanted::Computed { formula, is_time } => match self.evaluation(record, absent).term(formula) {
                    Term::Number(number) if *is_time => found.push_time(lookups.unix_ns(number.bits)),
                    term => push(term, &mut found),
                },
            }
        }
        self.fields_found = found;
    }

    fn absent(&self, record: &[u8]) -> u64 {
        let mask = self.absent.and_then(|offset| record.get(offset..)?.first_chunk());
        mask.map_or(0, |mask| u64::from_ne_bytes(*mask))
    }

    fn evaluation<'r>(&'r self, record: &'r [u8], absent: u64) -> Evaluation<'r> {
        let (operands, extras) = (&*self.operands, &self.operands_found);
        Evaluation { operands, record, absent, extras, unreadable: Cell::new(false) }
    }
}

impl Wanted {
    fn asks(&self) -> bool {
        match self {
            Self::Lookup(lookup) => lookup.asks(),
            Self::Computed { .. } | Self::Histogram { .. } => false,
        }
    }

    fn of(field: &Field, sets: &dyn Sets) -> Option<Self> {
        match (&field.kind, field.kind.found_out()) {
            (_, FoundOut::Nothing) => None,
            (FieldType::Computed(formula, shown), _) => {
                Some(Self::Computed { formula: Compiled::new(formula, sets), is_time: *shown == ComputedType::Ktime })
            }
            (FieldType::Histogram(buckets), _) => Some(Self::Histogram {
                start: field.offset as usize,
                buckets: Arc::clone(buckets),
                of_durations: field.unit == "ns",
            }),
            (_, _) => Some(Self::Lookup(Lookup::new(field))),
        }
    }
}

/// The counts from byte `start` on; those that a short record lacks are zero.
fn histogram(record: &[u8], start: usize, buckets: &Arc<Buckets>, of_durations: bool) -> Histogram {
    let words = record.get(start..).unwrap_or_default().as_chunks().0;
    let mut counts: Vec<u64> = words.iter().take(buckets.count()).map(|word| u64::from_ne_bytes(*word)).collect();
    counts.resize(buckets.count(), 0);
    Histogram { buckets: Arc::clone(buckets), counts, of_durations }
}

/// What a computed field came to.
fn push(term: Term<'_>, found: &mut Extras) {
    match term {
        Term::Bool(value) => found.push_bool(value),
        Term::Number(number) => found.push_number(number.bits, number.signed),
        Term::Text { .. } | Term::Path(_) | Term::Named { .. } => {
            let is_text = found.push_text(|out| term.append_to(out));
            if !is_text {
                found.push_null();
            }
        }
        Term::Null | Term::Address(_) | Term::Something => found.push_null(),
    }
}

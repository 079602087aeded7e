// SPDX-License-Identifier: MIT OR Apache-2.0
//! A probe's captures as a work list and a record: names become offsets, types become sizes and signs.
//!
//! ```text
//! sk->__sk_common.skc_dport as port     (hook: kprobe tcp_connect)
//!   sk            argument 0, struct sock *
//!   ->__sk_common follow it; offset 0
//!   .skc_dport    offset 0 + 12; unsigned short
//!   as port       2 bytes in network order
//! Fetch { source: Argument(0), hops: [], offset: 12, copy: Kernel, size: 2 }, Kind::Port
//! ```

use super::clause::ClausePlan;
use super::operand::{Operand, OperandSource};
use super::path::Names;
use crate::spec::{Expr, ExprNode, Fetch, Field, Layout, OfEnd, Step};
use crate::words::Refusal;

/// Most fetches of one probe: each has two bits of the record's head.
pub const MAX_FETCHES: usize = 32;

/// What every event of a process has first.
const PROCESS_FIELDS: [&str; 4] = ["pid", "tid", "uid", "comm"];

/// A probe's captures, resolved: what the program is told and how its records are read.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The program's work list. Its index is the bit of the field in the mask of absent values.
    pub fetches: Vec<Fetch>,
    /// The record: the head that all events share, then the captured fields.
    pub layout: Layout,
    /// The kernel's part of `where`; empty: every event passes.
    pub steps: Vec<Step>,
    /// Who decides which condition of `where`.
    pub clauses: Vec<ClausePlan>,
}

impl Resolved {
    /// A record that is nothing but its head.
    pub fn new(head: &Layout) -> Self {
        Self { fetches: Vec::new(), layout: head.clone(), steps: Vec::new(), clauses: Vec::new() }
    }

    /// The field that shows an operand, as `name`; what it needs is fetched. Operands with equal fetches share a slot.
    pub fn field(&mut self, name: &str, operand: &Operand) -> Result<Field, Refusal> {
        let field = Field {
            name: name.to_owned(),
            offset: 0,
            size: u32::from(operand.size),
            kind: operand.kind.clone(),
            absent_bit: None,
            of_end: operand.of_end,
            bits: operand.bits,
            unit: String::new(),
            doc: String::new(),
        };
        match &operand.source {
            OperandSource::Head { name, fetch } => match head_field(&self.layout, name) {
                Some(head) => {
                    Ok(Field { offset: head.offset, unit: head.unit.clone(), doc: head.doc.clone(), ..field })
                }
                None => self.fetched(&[], fetch, operand.part, field),
            },
            OperandSource::Fetch(fetch) => self.fetched(&operand.before, fetch, operand.part, field),
            // Of a finished record nothing is fetched.
            OperandSource::Nothing | OperandSource::Field(_) => self.nothing(field),
        }
    }

    /// Whose an item of a snapshot is: not the process that runs, so what the head has of that is fetched.
    pub(super) fn fetch_process(&mut self, names: &Names<'_, '_>) {
        for name in PROCESS_FIELDS {
            let expr = Expr::new(ExprNode::Name(name.to_owned()), 0..0);
            if let Ok(field) = names.value(&expr).and_then(|operand| self.field(name, &operand)) {
                self.layout.process.push(field);
            }
        }
    }

    /// A value that only others have: a slot that nothing is written to would not be null, so that it is what never has a value.
    fn nothing(&mut self, field: Field) -> Result<Field, Refusal> {
        let nowhere = Fetch {
            source: crate::spec::FetchSource::Constant(0),
            hops: Vec::new(),
            user_from: None,
            narrow: crate::spec::Narrow::Same,
            offset: 0,
            index: None,
            keep: None,
            length: None,
            copy: crate::spec::FetchCopy::Kernel,
            size: 8,
            slot: (field.size as u16).max(8).next_multiple_of(8),
            out: 0,
        };
        self.fetched(&[], &nowhere, 0, field)
    }

    fn fetched(&mut self, before: &[Fetch], fetch: &Fetch, part: u16, field: Field) -> Result<Field, Refusal> {
        let index = match self.position(before, fetch) {
            Some(index) => index,
            None => {
                self.fetches.extend_from_slice(before);
                self.fetches.push(Fetch { out: self.layout.size, ..fetch.clone() });
                self.layout.size += u32::from(fetch.slot);
                self.fetches.len() - 1
            }
        };
        if self.fetches.len() > MAX_FETCHES {
            let message = format!("the probe reads {} values; at most {MAX_FETCHES} are possible", self.fetches.len());
            return Err(Refusal::new(message).help("write a second probe on the same hook"));
        }
        let out = self.fetches[index].out;
        let of_end = field.of_end.map(|end| OfEnd { offset: out + end.offset, ..end });
        Ok(Field { offset: out + u32::from(part), absent_bit: Some(index as u8), of_end, ..field })
    }

    /// Where the same is fetched already, from the same indexes and lengths.
    fn position(&self, before: &[Fetch], fetch: &Fetch) -> Option<usize> {
        self.fetches.iter().enumerate().find_map(|(index, known)| {
            let start = index.checked_sub(before.len())?;
            let same = Fetch { out: known.out, ..fetch.clone() } == *known && self.fetches[start..index] == *before;
            same.then_some(index)
        })
    }
}

/// The field of the head of this name.
fn head_field<'l>(layout: &'l Layout, name: &str) -> Option<&'l Field> {
    layout.process.iter().chain(&layout.operands).find(|field| field.name == name)
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys of tables: values as in a record, of which nothing may differ that nobody sees.

use super::calculations::{Calculations, is_lacking, is_too_many, nothing, refusal};
use crate::expr::check::{Checker, Typed, Values};
use crate::expr::lower::{Unfit, is_null_by_value, is_signed};
use crate::expr::operand::{Operand, OperandSource};
use crate::expr::path::is_path;
use crate::spec::{
    Aggregate, AggregateKey, Cast, Comparison, ComputedType, Counting, Expr, ExprNode, Fetch, FetchCopy, FetchSource,
    Field, FieldType, Formula, KeyPiece, StackKey, StackSlot,
};
use crate::words::Refusal;

/// MOST_PIECE_BYTES and MOST_WHOLE_BYTES of `bpf/include/key_piece.h`.
const MOST_PIECE_BYTES: u16 = 31;
const MOST_WHOLE_BYTES: u16 = 511;
/// Bytes of a text in a key, where the file does not say.
const TEXT_BYTES: u16 = 64;

/// The keys of one table, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// In the order in which they are carried out.
    pub(super) fetches: Vec<Fetch>,
    pub(super) fields: Vec<Field>,
    /// Bytes of the key so far; the mask of null parts comes first.
    pub(super) bytes: u32,
    /// The stack is no place for it.
    pub(super) in_scratch: bool,
    pub(super) stacks: Vec<StackKey>,
    /// By the numbers of fetches of this table.
    pub(super) pieces: Vec<KeyPiece>,
    /// The same of addresses in the code of a process.
    pub(super) processes: Vec<usize>,
}

impl Keys {
    /// No keys: the mask alone.
    pub(super) fn new() -> Self {
        Self { bytes: 8, ..Self::default() }
    }

    /// Adds a key.
    pub(super) fn add<V: Values>(
        &mut self,
        key: &AggregateKey,
        names: &V,
        (operands, calculations): (&mut Vec<Operand>, &mut Calculations),
    ) -> Result<(), Refusal> {
        let unfit = |why: Unfit| {
            let message = format!("`{}` cannot be a key: {}", key.expr, why.0);
            refusal(&why, message).at(key.expr.range.clone())
        };
        let mut checker = Checker::new(names, std::mem::take(operands));
        if is_path(&key.expr) && !checker.is_calculated(&key.expr) {
            *operands = checker.operands;
            let operand = names.operand(&key.expr)?;
            return self
                .read(&key.name, short(operand, &key.expr), calculations)
                .map_err(unfit)
                .and_then(|()| self.fits(key));
        }
        let typed = checker.calculated(&key.expr);
        *operands = checker.operands;
        let typed = typed?;
        if typed.formula == Formula::Null && !matches!(key.expr.node, ExprNode::Null) {
            // This target has nothing to compare, others have.
            self.push(Vec::new(), nothing(8), field(&key.name, 8, FieldType::Unsigned));
            return self.fits(key);
        }
        if !matches!(typed.formula, Formula::Operand(_)) && is_constant(&typed) {
            return Err(Refusal::new(format!("`{}` is always the same", key.expr)).help("remove this key"));
        }
        let kind = typed.computed().and_then(kind_of).ok_or_else(|| {
            let message = format!("`{}` cannot be a key", key.expr);
            Refusal::new(message).help("a key is read, or calculated as a number").at(key.expr.range.clone())
        })?;
        if is_lacking(&typed.formula, operands) {
            self.push(Vec::new(), nothing(8), field(&key.name, 8, kind));
            return self.fits(key);
        }
        let is_condition = kind == FieldType::Bool;
        let number = calculations.calculated(&typed.formula, operands).map_err(|why| {
            let instead = || format!("as a value it can be any condition: `{}: count() if {}`", key.name, key.expr);
            let is_too_many = is_too_many(&why);
            unfit(why).maybe_help((is_condition && !is_too_many).then(instead))
        })?;
        let (size, kind) = if kind == FieldType::Bool { (1, kind) } else { (8, kind) };
        self.push(Vec::new(), Fetch { size: 8, slot: 8, ..number.fetch }, field(&key.name, size, kind));
        self.fits(key)
    }

    fn fits(&self, key: &AggregateKey) -> Result<(), Refusal> {
        if self.bytes - 8 <= Aggregate::MAX_KEY_BYTES {
            return Ok(());
        }
        let message =
            format!("the keys have {} bytes; at most {} are possible", self.bytes - 8, Aggregate::MAX_KEY_BYTES);
        Err(Refusal::new(message)
            .help("leave some out, or read less of a text: `as string(32)`")
            .at(key.expr.range.clone()))
    }

    /// A key that is read.
    fn read(&mut self, name: &str, operand: Operand, calculations: &mut Calculations) -> Result<(), Unfit> {
        let is_of_process = operand.kind == FieldType::Usym;
        self.read_value(name, operand, calculations)?;
        if let (true, Some(field)) = (is_of_process, self.fields.last_mut()) {
            field.size += Counting::PROCESS_BYTES;
            self.bytes += Counting::PROCESS_BYTES;
            self.processes.push(self.fetches.len() - 1);
        }
        Ok(())
    }

    fn read_value(&mut self, name: &str, operand: Operand, calculations: &mut Calculations) -> Result<(), Unfit> {
        let is_number = operand.size <= 8 && operand.size.is_power_of_two() && is_signed(&operand.kind).is_some();
        let has_garbage = operand.bits.is_some() || (is_null_by_value(&operand.kind) && operand.kind != FieldType::Id);
        let is_here = !matches!(operand.source, OperandSource::Nothing);
        if operand.kind == FieldType::Bool && is_here {
            // Whatever its bits are, there are two keys.
            let nothing = Formula::Number { bits: 0, signed: false };
            let sides = Box::new((Formula::Operand(0), nothing));
            let is_true = Formula::Compare { op: Comparison::NotEqual, sides };
            let number = calculations.calculated(&is_true, &[operand])?;
            self.push(Vec::new(), Fetch { size: 8, slot: 8, ..number.fetch }, field(name, 1, FieldType::Bool));
            return Ok(());
        }
        if is_number && has_garbage && is_here {
            let kind = operand.kind.clone();
            let number = calculations.calculated(&Formula::Operand(0), &[operand])?;
            self.push(Vec::new(), Fetch { size: 8, slot: 8, ..number.fetch }, field(name, 8, kind));
            return Ok(());
        }
        let fetch = match &operand.source {
            OperandSource::Head { fetch, .. } | OperandSource::Fetch(fetch) => fetch.clone(),
            OperandSource::Nothing => nothing(operand.size),
            OperandSource::Field(_) => return Err(Unfit::new("it is only known when the record is finished")),
        };
        if let FieldType::Stack { user } = operand.kind {
            self.stack(field(name, operand.size.into(), FieldType::Stack { user }), user, (operand.before, fetch));
            return Ok(());
        }
        if operand.part != 0 || operand.of_end.is_some() {
            return self.piece(name, operand, fetch);
        }
        let size = if fetch.copy == FetchCopy::Value { fetch.size.min(operand.size) } else { fetch.size };
        self.in_scratch |= takes_room(&fetch);
        let field = Field { bits: operand.bits, ..field(name, operand.size.into(), operand.kind) };
        self.push(operand.before, Fetch { size, slot: fetch.slot.max(8), ..fetch }, field);
        Ok(())
    }

    /// A part of a value with several.
    fn piece(&mut self, name: &str, operand: Operand, fetch: Fetch) -> Result<(), Unfit> {
        let Operand { part, size, of_end, .. } = operand;
        if size > MOST_PIECE_BYTES || fetch.slot > MOST_WHOLE_BYTES {
            return Err(Unfit::new("it is a large part of a value with several; use the whole value"));
        }
        self.in_scratch = true;
        self.pieces.push(KeyPiece { fetch: self.fetches.len() + operand.before.len(), at: part, size, of_end });
        let field = Field { bits: operand.bits, ..field(name, size.into(), operand.kind) };
        self.push_in(size.next_multiple_of(8), operand.before, fetch, field);
        Ok(())
    }

    /// A stack: its hash is the part of the key.
    fn stack(&mut self, field: Field, user: bool, (before, fetch): (Vec<Fetch>, Fetch)) {
        let slot = field.size as u16;
        let copy = if user { FetchCopy::UserStack } else { FetchCopy::KernelStack };
        self.in_scratch = true;
        self.stacks.push(StackKey { at: self.bytes, slot, user });
        self.push(before, Fetch { copy, size: slot.saturating_sub(StackSlot::HEAD), slot: 8, ..fetch }, field);
    }

    fn push(&mut self, before: Vec<Fetch>, fetch: Fetch, field: Field) {
        self.push_in(fetch.slot, before, fetch, field);
    }

    /// The same, where the key has another slot than what is fetched.
    fn push_in(&mut self, slot: u16, before: Vec<Fetch>, fetch: Fetch, field: Field) {
        self.fetches.extend(before);
        let (out, slot) = (self.bytes, u32::from(slot));
        self.fields.push(Field { offset: out, absent_bit: Some(self.fetches.len() as u8), ..field });
        self.fetches.push(Fetch { out, ..fetch });
        self.bytes += slot;
    }
}

fn field(name: &str, size: u32, kind: FieldType) -> Field {
    Field {
        name: name.to_owned(),
        offset: 0,
        size,
        kind,
        absent_bit: None,
        of_end: None,
        bits: None,
        unit: String::new(),
        doc: String::new(),
    }
}

/// True for what is read in several steps, or is large.
fn takes_room(fetch: &Fetch) -> bool {
    match fetch.copy {
        FetchCopy::Value
        | FetchCopy::Kernel
        | FetchCopy::User
        | FetchCopy::KernelText
        | FetchCopy::UserText
        | FetchCopy::Comm => fetch.length.is_some(),
        FetchCopy::Packet { .. } => fetch.size > 8 || fetch.source != FetchSource::Packet,
        FetchCopy::Sock
        | FetchCopy::Sockaddr
        | FetchCopy::FilePath
        | FetchCopy::Path
        | FetchCopy::DentryPath
        | FetchCopy::FdPath
        | FetchCopy::KernelStack
        | FetchCopy::UserStack
        | FetchCopy::SumOfCpus { .. } => true,
    }
}

/// A text of the usual length is shorter in a key.
fn short(operand: Operand, expr: &Expr) -> Operand {
    let says_length = matches!(&expr.node, ExprNode::Cast { cast: Cast::String(size) | Cast::UserString(size), .. }
        if size.max != crate::spec::DEFAULT_TEXT_BYTES);
    let is_text = matches!(operand.kind, FieldType::Text { limit: Some(limit) } if limit > TEXT_BYTES.into());
    let OperandSource::Fetch(fetch) = &operand.source else { return operand };
    if says_length || !is_text {
        return operand;
    }
    let size = TEXT_BYTES + 2;
    let fetch = Fetch { size, slot: size.next_multiple_of(8), ..fetch.clone() };
    let kind = FieldType::Text { limit: Some(TEXT_BYTES.into()) };
    Operand { kind, size, source: OperandSource::Fetch(fetch), ..operand }
}

/// How a number of 64 bits that was calculated is read.
pub(super) fn kind_of(computed: ComputedType) -> Option<FieldType> {
    Some(match computed {
        ComputedType::Signed => FieldType::Signed,
        ComputedType::Unsigned => FieldType::Unsigned,
        ComputedType::Bool => FieldType::Bool,
        ComputedType::Duration => FieldType::Duration,
        ComputedType::Hex => FieldType::Hex,
        ComputedType::Named(table) => FieldType::Named(table),
        ComputedType::Enum(names) => FieldType::Enum(names),
        ComputedType::Ktime => FieldType::Ktime,
    })
}

fn is_constant(typed: &Typed) -> bool {
    matches!(typed.formula, Formula::Number { .. } | Formula::Bool(_) | Formula::Null | Formula::Text(_))
}

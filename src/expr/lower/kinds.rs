// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kinds of operands, as far as the kernel's tests go.

use super::unfit::{Cost, Unfit};
use crate::expr::operand::Operand;
use crate::spec::{BitRange, FetchCopy, FetchSource, FieldType, NameTable, Step, StepTest, Widening};

/// True for kinds of which some numbers stand for nothing.
pub(in crate::expr) fn is_null_by_value(kind: &FieldType) -> bool {
    matches!(kind, FieldType::Errno | FieldType::Id | FieldType::Named(NameTable::Errno | NameTable::Signal))
}

/// Whether a number of this kind is read as signed; `None` for what the kernel does not compare as a number.
pub(in crate::expr) fn is_signed(kind: &FieldType) -> Option<bool> {
    match kind {
        FieldType::Unsigned | FieldType::Hex | FieldType::Id | FieldType::Port | FieldType::Ktime | FieldType::Ipv4 => {
            Some(false)
        }
        FieldType::Named(table) => Some(*table == NameTable::Errno),
        FieldType::Bool | FieldType::Flag => Some(false),
        FieldType::Dev | FieldType::Ksym | FieldType::Usym | FieldType::Cgroup | FieldType::Container => Some(false),
        FieldType::Signed | FieldType::Duration | FieldType::Enum(_) => Some(true),
        FieldType::Text { .. }
        | FieldType::Argv
        | FieldType::Path
        | FieldType::Bytes
        | FieldType::Ipv6
        | FieldType::Errno
        | FieldType::Timespec
        | FieldType::Ip
        | FieldType::Mac
        | FieldType::Uuid
        | FieldType::Endpoint
        | FieldType::Sock
        | FieldType::Packet
        | FieldType::Counted { .. }
        | FieldType::Histogram(_)
        | FieldType::Stack { .. }
        | FieldType::Computed(..) => None,
    }
}

/// How a number becomes one that a set may have.
pub(super) fn for_set(operand: &Operand) -> Result<Widening, Unfit> {
    if matches!(operand.kind, FieldType::Ip | FieldType::Ipv6 | FieldType::Ipv4) {
        return Ok(Widening::NONE);
    }
    let is_number = operand.size <= 8 && operand.size.is_power_of_two();
    let signed = is_signed(&operand.kind).filter(|_| is_number).ok_or_else(|| Unfit::new("it is no integer"))?;
    Ok(match operand.bits {
        Some(BitRange { shift, width }) => Widening::of(shift.into(), width.into(), signed),
        None => Widening::of(0, u32::from(operand.size) * 8, signed),
    })
}

/// What one test costs.
pub(super) fn cost(step: &Step) -> Cost {
    match (&step.test, step.fetch.copy) {
        (StepTest::Set(..), _) => Cost::Set,
        (_, FetchCopy::Comm) => Cost::Comm,
        (_, FetchCopy::Value) if step.fetch.hops.is_empty() => Cost::Number,
        (_, FetchCopy::Kernel) if step.fetch.hops.is_empty() && step.fetch.source == FetchSource::Context => {
            Cost::Number
        }
        (_, _) => Cost::Memory,
    }
}

/// True for paths, which are collected name by name.
pub(super) fn is_path(copy: FetchCopy) -> bool {
    matches!(copy, FetchCopy::FilePath | FetchCopy::Path | FetchCopy::DentryPath | FetchCopy::FdPath)
}

/// True for stacks, which tests have no room for.
pub(super) fn is_stack(copy: FetchCopy) -> bool {
    matches!(copy, FetchCopy::KernelStack | FetchCopy::UserStack)
}

/// True for what ends at its NUL.
pub(super) fn is_text_copy(copy: FetchCopy) -> bool {
    matches!(copy, FetchCopy::KernelText | FetchCopy::UserText)
}

/// How many bytes of a text are seen at most; `None` for what is no text.
pub(super) fn text_of(kind: &FieldType) -> Option<Option<u32>> {
    match kind {
        FieldType::Text { limit } => Some(*limit),
        FieldType::Bytes | FieldType::Mac | FieldType::Uuid => Some(None),
        _other => None,
    }
}

/// Why what is asked of a text cannot be asked of this.
pub(super) fn no_text(kind: &FieldType) -> Unfit {
    match kind {
        FieldType::Path => Unfit::new("a path is put together folder by folder, for which a condition has no room"),
        FieldType::Cgroup | FieldType::Container => Unfit::new("the kernel knows a cgroup by its number"),
        FieldType::Dev => Unfit::new("the kernel knows a disk by its number"),
        FieldType::Ksym | FieldType::Usym => Unfit::new("the kernel knows a function by its address"),
        FieldType::Stack { .. } => Unfit::new("a stack is a list of functions, for which a condition has no room"),
        FieldType::Counted { .. } => Unfit::new("its length is only known when the event happens"),
        _other => Unfit::new("it is no text of the kernel's"),
    }
}

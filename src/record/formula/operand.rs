// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a formula reads of a record.

use super::term::{Number, Term};
use super::text::{Cut, KnownText};
use crate::record::extras::Extras;
use crate::record::field::RecordField;
use crate::record::integer::Integer;
use crate::record::text::counted;
use crate::record::value::{FieldText, FieldValue, TableNumber};
use crate::spec::{Field, FieldType, FoundOut, NameTable};

/// A compiled field of [`crate::spec::Layout::operands`].
#[derive(Debug, Clone)]
pub(in crate::record) struct Operand {
    field: RecordField,
    start: usize,
    /// The bit that says that there was something, and it could not be read.
    unreadable_bit: u64,
    more: More,
}

/// What a value of the field does not say.
#[derive(Debug, Clone, Copy)]
enum More {
    Nothing,
    /// The number behind a name.
    Id(Integer),
    /// How many bytes there were.
    Total,
}

impl Operand {
    /// `extras`: how many operands before it need something that is found out; counts itself.
    pub(in crate::record) fn new(field: &Field, extras: &mut usize) -> Self {
        let more = match field.kind.found_out() {
            FoundOut::Disk | FoundOut::KernelSymbol | FoundOut::UserSymbol | FoundOut::Cgroup | FoundOut::Container => {
                Integer::new(field.size, field.bits).map_or(More::Nothing, More::Id)
            }
            FoundOut::Nothing if matches!(field.kind, FieldType::Counted { .. }) => More::Total,
            FoundOut::Nothing | FoundOut::Time | FoundOut::Result | FoundOut::Histogram | FoundOut::Stack => {
                More::Nothing
            }
        };
        // A time is compared with other times of its clock, not with the wall's.
        let read = if field.kind == FieldType::Ktime { FieldType::Unsigned } else { field.kind.clone() };
        Self {
            field: RecordField::new(&Field { kind: read, ..field.clone() }, extras),
            start: field.offset as usize,
            unreadable_bit: field.absent_bit.and_then(|bit| 1u64.checked_shl(u32::from(bit) + 32)).unwrap_or(0),
            more,
        }
    }

    /// True where there was something, and it could not be read.
    #[inline]
    pub(super) fn is_unreadable(&self, absent: u64) -> bool {
        absent & self.unreadable_bit != 0
    }

    pub(super) fn term<'r>(&'r self, record: &'r [u8], absent: u64, extras: &'r Extras) -> Term<'r> {
        let unsigned = |bits| Term::Number(Number { bits, signed: false });
        let signed = |number: i64| Term::Number(Number { bits: number.cast_unsigned(), signed: true });
        let slot = || record.get(self.start..).unwrap_or_default();
        match self.field.read(record, absent, extras) {
            FieldValue::Null => Term::Null,
            FieldValue::Unset => Term::Bool(false),
            FieldValue::Bool(value) => Term::Bool(value),
            FieldValue::Unsigned(number) | FieldValue::Hex(number) | FieldValue::Time(number) => unsigned(number),
            FieldValue::InTable(TableNumber { number, table: NameTable::Errno }) => signed(number),
            FieldValue::InTable(TableNumber { number, .. }) => unsigned(number.cast_unsigned()),
            FieldValue::Signed(number) | FieldValue::Duration(number) => signed(number),
            FieldValue::Named(named) => signed(named.number),
            FieldValue::Text(FieldText { bytes, is_cut }) => {
                let known = KnownText { bytes, cut: if is_cut { Cut::End } else { Cut::Nowhere } };
                match self.more {
                    More::Id(integer) => Term::Named { id: integer.unsigned(slot()), name: known },
                    More::Total if is_cut => Term::Text { known, total: Some(counted(slot()).1 as u64) },
                    More::Total | More::Nothing => Term::Text { known, total: None },
                }
            }
            FieldValue::Argv(bytes) | FieldValue::Bytes(bytes) => text(bytes),
            FieldValue::CutBytes(bytes) => {
                let known = KnownText { bytes, cut: Cut::End };
                Term::Text { known, total: Some(counted(slot()).1 as u64) }
            }
            FieldValue::Mac(bytes) => text(bytes),
            FieldValue::Uuid(bytes) => text(bytes),
            FieldValue::Path(path) => Term::Path(path),
            FieldValue::Ipv4(address) => Term::Address(address.to_ipv6_mapped()),
            FieldValue::Ipv6(address) => Term::Address(address),
            FieldValue::Endpoint(_)
            | FieldValue::Sock(_)
            | FieldValue::Packet(_)
            | FieldValue::Histogram(_)
            | FieldValue::Stack(_) => Term::Something,
        }
    }
}

fn text(bytes: &[u8]) -> Term<'_> {
    Term::Text { known: KnownText { bytes, cut: Cut::Nowhere }, total: None }
}

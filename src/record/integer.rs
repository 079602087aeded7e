// SPDX-License-Identifier: MIT OR Apache-2.0
//! An integer of 1, 2, 4 or 8 bytes, or some bits of one.

use crate::spec::BitRange;

/// Which bytes and which bits of them make the number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Integer {
    width: Width,
    /// Shifted to the left first: the bits above those that count.
    left: u8,
    /// Then to the right: all that do not count.
    right: u8,
}

/// Bytes of an integer.
#[derive(Debug, Clone, Copy)]
enum Width {
    One,
    Two,
    Four,
    Eight,
}

impl Integer {
    /// `None` for a size that no integer has, and for bits that it does not have.
    pub(super) fn new(size: u32, bits: Option<BitRange>) -> Option<Self> {
        let (width, all) = match size {
            1 => (Width::One, 8),
            2 => (Width::Two, 16),
            4 => (Width::Four, 32),
            8 => (Width::Eight, 64),
            _ => return None,
        };
        let BitRange { shift, width: count } = bits.unwrap_or(BitRange { shift: 0, width: all });
        let end = shift.checked_add(count).filter(|end| count > 0 && *end <= all)?;
        Some(Self { width, left: 64 - end, right: 64 - count })
    }

    /// The number without a sign.
    #[inline]
    pub(super) fn unsigned(self, slot: &[u8]) -> u64 {
        (self.raw(slot) << self.left) >> self.right
    }

    /// Its highest bit is the sign.
    #[inline]
    pub(super) fn signed(self, slot: &[u8]) -> i64 {
        (self.raw(slot) << self.left).cast_signed() >> self.right
    }

    #[inline]
    fn raw(self, slot: &[u8]) -> u64 {
        match self.width {
            Width::One => slot.first().map_or(0, |&byte| byte.into()),
            Width::Two => slot.first_chunk().map_or(0, |bytes| u16::from_ne_bytes(*bytes).into()),
            Width::Four => slot.first_chunk().map_or(0, |bytes| u32::from_ne_bytes(*bytes).into()),
            Width::Eight => slot.first_chunk().map_or(0, |bytes| u64::from_ne_bytes(*bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits are taken from where they lie, with or without a sign; what an integer does not have is none.
    #[test]
    fn some_bits() {
        let bits = |shift, width| Integer::new(1, Some(BitRange { shift, width }));
        let of = |shift, width| bits(shift, width).map(|it| (it.unsigned(&[0b1011_0100]), it.signed(&[0b1011_0100])));
        assert_eq!(of(2, 3), Some((0b101, -3)));
        assert_eq!(of(7, 1), Some((1, -1)));
        assert_eq!(of(0, 8), Some((0b1011_0100, -76)));
        assert_eq!((of(6, 3), of(0, 0), of(255, 255)), (None, None, None));
        let whole = Integer::new(8, Some(BitRange { shift: 0, width: 64 })).unwrap();
        assert_eq!(whole.unsigned(&[0xff; 8]), u64::MAX);
        assert!(Integer::new(3, None).is_none());
    }
}

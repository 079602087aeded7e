// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values that every format writes alike.

use std::fmt;

use super::escape::hex;
use super::human::decimal;
use crate::record::{Histogram, TableNumber};

/// `0x1f`
#[inline]
pub(super) fn hex_number(number: u64, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = *b"0x0000000000000000";
    let count = (67 - (number | 1).leading_zeros() as usize) / 4;
    for (place, digit) in text.iter_mut().skip(2).take(count).enumerate() {
        *digit = DIGITS[(number >> (4 * (count - 1 - place)) & 15) as usize];
    }
    out.extend_from_slice(&text[..2 + count]);
}

/// `O_WRONLY|O_CREAT|0x40000000`, `EACCES`, or the number.
pub(super) fn in_table(value: TableNumber, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    let _ = value.table.write(value.number, &mut AsText(out));
}

/// Takes text as bytes.
struct AsText<'o>(&'o mut Vec<u8>);

impl fmt::Write for AsText<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// `52:54:00:12:34:56`
pub(super) fn mac(bytes: &[u8; 6], out: &mut Vec<u8>) {
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 {
            out.push(b':');
        }
        hex(&[*byte], out);
    }
}

/// `6ba7b810-9dad-11d1-80b4-00c04fd430c8`
pub(super) fn uuid(bytes: &[u8; 16], out: &mut Vec<u8>) {
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        hex(&[*byte], out);
    }
}

/// `[[0,1,4],[1,2,9],[64,null,1]]`: edges and counts of the buckets that have something; null: open.
pub(super) fn buckets(histogram: &Histogram, out: &mut Vec<u8>) {
    let edge = |edge: Option<i128>, out: &mut Vec<u8>| match edge {
        Some(edge) => decimal(edge, out),
        None => out.extend_from_slice(b"null"),
    };
    out.push(b'[');
    for (at, (low, high, count)) in histogram.filled().enumerate() {
        out.extend_from_slice(if at > 0 { b",[" } else { b"[" });
        edge(low, out);
        out.push(b',');
        edge(high, out);
        out.push(b',');
        decimal(count, out);
        out.push(b']');
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many digits as the number has.
    #[test]
    fn hexadecimal() {
        for number in (0..64).map(|bit| 1u64 << bit).flat_map(|one| [one, one - 1, one | 0xa]).chain([u64::MAX]) {
            let mut out = Vec::new();
            hex_number(number, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("{number:#x}"));
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! How flags are written.

use std::fmt::{self, Write};

use super::table::FlagName;

/// Writes words with `|` between them.
struct Joined<'o, W> {
    out: &'o mut W,
    any: bool,
}

impl<W: Write> Joined<'_, W> {
    fn put(&mut self, word: fmt::Arguments<'_>) -> fmt::Result {
        if self.any {
            self.out.write_char('|')?;
        }
        self.any = true;
        self.out.write_fmt(word)
    }
}

/// Writes what is set, then those without a name that `octal` has in octal, then all others in hexadecimal; `0` where nothing is
/// set.
pub(super) fn write_flags(names: &[FlagName], octal: u64, flags: u64, out: &mut impl Write) -> fmt::Result {
    let mut out = Joined { out, any: false };
    let mut left = flags;
    for FlagName { mask, value, name } in names {
        if flags & mask == *value && left & value == *value {
            out.put(format_args!("{name}"))?;
            left &= !mask;
        }
    }
    if left & octal != 0 {
        out.put(format_args!("0{:03o}", left & octal))?;
    }
    match left & !octal {
        0 if out.any => Ok(()),
        0 => out.put(format_args!("0")),
        rest => out.put(format_args!("{rest:#x}")),
    }
}

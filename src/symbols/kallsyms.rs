// SPDX-License-Identifier: MIT OR Apache-2.0
//! Functions of the kernel by address: /proc/kallsyms, read once for all readers when the first address comes.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::sync::OnceLock;

/// No function is longer: what is further away from a symbol is none of it.
const MOST_BYTES: u64 = 1 << 20;
/// More than any kernel has.
const MOST_TEXT: u64 = 256 << 20;

/// By address.
#[derive(Debug, Default)]
pub(super) struct KernelSymbols {
    /// Where each begins, and where its name ends in `names`.
    functions: Vec<(u64, u32)>,
    names: Vec<u8>,
}

impl KernelSymbols {
    /// Those of the running kernel; none where it hides its addresses (`kernel.kptr_restrict`).
    pub(super) fn of_this_machine() -> &'static Self {
        static ALL: OnceLock<KernelSymbols> = OnceLock::new();
        ALL.get_or_init(|| match File::open("/proc/kallsyms") {
            Ok(file) => Self::read(file),
            Err(error) => {
                tracing::warn!("failed to read /proc/kallsyms, addresses of the kernel have no names: {error}");
                Self::default()
            }
        })
    }

    /// Lines of `address kind name [module]`.
    fn read(file: impl Read) -> Self {
        let mut found: Vec<(u64, Box<[u8]>)> = Vec::new();
        let mut lines = BufReader::with_capacity(256 << 10, file.take(MOST_TEXT));
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
            found.extend(function(&line));
            line.clear();
        }
        found.sort_by_key(|(address, _)| *address);
        // Of several names of one function the first counts.
        found.dedup_by_key(|(address, _)| *address);
        let mut all = Self::default();
        for (address, name) in found {
            all.names.extend_from_slice(&name);
            all.functions.push((address, u32::try_from(all.names.len()).unwrap_or(u32::MAX)));
        }
        all
    }

    /// Appends `function+0x8`, at its beginning only `function`.
    pub(super) fn append(&self, address: u64, out: &mut Vec<u8>) -> bool {
        let after = self.functions.partition_point(|(begin, _)| *begin <= address);
        let Some(index) = after.checked_sub(1) else { return false };
        let (begin, end) = self.functions[index];
        let from = index.checked_sub(1).map_or(0, |before| self.functions[before].1);
        let Some(name) = self.names.get(from as usize..end as usize) else { return false };
        let into = address - begin;
        if into >= MOST_BYTES {
            return false;
        }
        out.extend_from_slice(name);
        if into > 0 {
            // Writing to a Vec cannot fail.
            let _ = write!(out, "+{into:#x}");
        }
        true
    }
}

/// Address and name of a function; `None` for data, and where the address is hidden.
fn function(line: &[u8]) -> Option<(u64, Box<[u8]>)> {
    let mut words = line.split(u8::is_ascii_whitespace);
    let address = u64::from_str_radix(std::str::from_utf8(words.next()?).ok()?, 16).ok()?;
    let is_code = matches!(words.next()?, b"t" | b"T" | b"w" | b"W");
    (is_code && address != 0).then_some((address, words.next()?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An address is in the function that begins before it; data, hidden addresses and what is too far away have no names.
    #[test]
    fn addresses() {
        let text = "\
            ffffffff81000000 T _text\n\
            ffffffff81000100 T tcp_sendmsg\n\
            ffffffff81000100 t its_alias\n\
            ffffffff81000140 D data\n\
            0000000000000000 T hidden\n\
            ffffffffc0000010 t inner\t[module]\n";
        let symbols = KernelSymbols::read(text.as_bytes());
        let name = |address| {
            let mut out = Vec::new();
            symbols.append(address, &mut out).then(|| String::from_utf8(out).unwrap())
        };
        assert_eq!(name(0xffff_ffff_8100_0100).as_deref(), Some("tcp_sendmsg"));
        assert_eq!(name(0xffff_ffff_8100_0148).as_deref(), Some("tcp_sendmsg+0x48"));
        assert_eq!(name(0xffff_ffff_8100_00ff).as_deref(), Some("_text+0xff"));
        assert_eq!(name(0xffff_ffff_c000_0011).as_deref(), Some("inner+0x1"));
        assert_eq!((name(0xffff_ffff_80ff_ffff), name(0xffff_ffff_8200_0000), name(0)), (None, None, None));
    }
}

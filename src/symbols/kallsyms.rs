// SPDX-License-Identifier: MIT OR Apache-2.0
//! Functions of the kernel by address: /proc/kallsyms, read when the first address comes, and again when one comes that it did not have:
//! modules and BPF programs come and go.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::record::StackFrame;

/// No function is longer: what is further away from a symbol is none of it.
const MOST_BYTES: u64 = 1 << 20;
/// More than any kernel has.
const MOST_TEXT: u64 = 256 << 20;
/// How long what is not there is taken to be nowhere.
const NO_MORE: Duration = Duration::from_secs(10);

/// Those of the running kernel.
#[derive(Debug, Default)]
pub(super) struct KernelSymbols {
    all: Functions,
    read_at: Option<Instant>,
    /// Somebody was told why there are no names.
    said: bool,
}

impl KernelSymbols {
    /// What is at an address: nothing but the address where the kernel hides its own (`kernel.kptr_restrict`).
    pub(super) fn frame(&mut self, address: u64) -> StackFrame {
        if let Some(frame) = self.all.frame(address) {
            return frame;
        }
        if self.read_at.is_none_or(|at| at.elapsed() >= NO_MORE) {
            self.read();
        }
        self.all.frame(address).unwrap_or_else(|| StackFrame::unknown(address))
    }

    fn read(&mut self) {
        let found = File::open("/proc/kallsyms").map(Functions::read);
        self.read_at = Some(Instant::now());
        let why = match &found {
            Err(error) => format!("failed to read /proc/kallsyms: {error}"),
            Ok(found) if found.functions.is_empty() => {
                "the kernel hides its addresses; set `kernel.kptr_restrict` to 1 and give this process CAP_SYSLOG"
                    .to_owned()
            }
            Ok(_) => String::new(),
        };
        if !why.is_empty() && !std::mem::replace(&mut self.said, true) {
            tracing::warn!("functions of the kernel have no names here, addresses alone are shown: {why}");
        }
        self.all = found.unwrap_or_default();
    }
}

/// By address.
#[derive(Debug, Default)]
struct Functions {
    /// Where each begins, where its name ends in `names`, and its module in `modules`.
    functions: Vec<(u64, u32, u16)>,
    names: Vec<u8>,
    /// The first is none: the kernel itself.
    modules: Vec<Arc<str>>,
}

impl Functions {
    /// Lines of `address kind name [module]`.
    fn read(file: impl Read) -> Self {
        let mut all = Self { modules: vec!["".into()], ..Self::default() };
        let mut found: Vec<(u64, Box<[u8]>, u16)> = Vec::new();
        let mut lines = BufReader::with_capacity(256 << 10, file.take(MOST_TEXT));
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
            if let Some((address, name, module)) = function(&line) {
                found.push((address, name.into(), all.module(module)));
            }
            line.clear();
        }
        found.sort_by_key(|(address, ..)| *address);
        // Of several names of one function the first counts.
        found.dedup_by_key(|(address, ..)| *address);
        for (address, name, module) in found {
            all.names.extend_from_slice(&name);
            all.functions.push((address, u32::try_from(all.names.len()).unwrap_or(u32::MAX), module));
        }
        all
    }

    /// The number of a module: lines of one stand together.
    fn module(&mut self, name: &str) -> u16 {
        let known = self.modules.iter().rposition(|known| **known == *name);
        let number = known.unwrap_or_else(|| {
            self.modules.push(name.into());
            self.modules.len() - 1
        });
        u16::try_from(number).unwrap_or(0)
    }

    fn frame(&self, address: u64) -> Option<StackFrame> {
        let after = self.functions.partition_point(|(begin, ..)| *begin <= address);
        let index = after.checked_sub(1)?;
        let (begin, end, module) = self.functions[index];
        let from = index.checked_sub(1).map_or(0, |before| self.functions[before].1);
        let name = self.names.get(from as usize..end as usize)?;
        let offset = address - begin;
        (offset < MOST_BYTES).then(|| StackFrame {
            address,
            symbol: Some(String::from_utf8_lossy(name).into()),
            offset: Some(offset),
            module: self.modules.get(usize::from(module)).filter(|name| !name.is_empty()).cloned(),
        })
    }
}

/// Address, name and module of a function; `None` for data, and where the address is hidden.
fn function(line: &[u8]) -> Option<(u64, &[u8], &str)> {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let address = u64::from_str_radix(std::str::from_utf8(words.next()?).ok()?, 16).ok()?;
    let is_code = matches!(words.next()?, b"t" | b"T" | b"w" | b"W");
    let name = words.next()?;
    let module = words.next().and_then(|word| std::str::from_utf8(word).ok()).unwrap_or_default();
    (is_code && address != 0).then(|| (address, name, module.trim_matches(['[', ']'])))
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
        let symbols = Functions::read(text.as_bytes());
        let name = |address| {
            let StackFrame { symbol, offset, module, .. } = symbols.frame(address)?;
            let module = module.map(|module| format!(" of {module}")).unwrap_or_default();
            Some(format!("{}+{:#x}{module}", symbol?, offset?))
        };
        assert_eq!(name(0xffff_ffff_8100_0100).as_deref(), Some("tcp_sendmsg+0x0"));
        assert_eq!(name(0xffff_ffff_8100_0148).as_deref(), Some("tcp_sendmsg+0x48"));
        assert_eq!(name(0xffff_ffff_8100_00ff).as_deref(), Some("_text+0xff"));
        assert_eq!(name(0xffff_ffff_c000_0011).as_deref(), Some("inner+0x1 of module"));
        assert_eq!((name(0xffff_ffff_80ff_ffff), name(0xffff_ffff_8200_0000), name(0)), (None, None, None));
    }
}

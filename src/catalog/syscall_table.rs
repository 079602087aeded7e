// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes which system calls a program reports into its `.rodata`: the table of `bpf/include/syscall.h`.

use std::collections::{BTreeMap, HashMap};

use super::btf::{Btf, Named, Type};
use super::elf::ObjectError;
use super::table::put;
use crate::spec::{SyscallAbi, SyscallSite};

/// The bits of a word of the table.
const TRACED: u16 = 0x8000;
const EXEC: u16 = 0x4000;
const COMPAT: u16 = 0x2000;

/// Stands for the calls that have no name here.
const NAMELESS: &str = "*";

/// The calls that begin another program, whose arguments are gone then.
const EXECS: [&str; 2] = ["execve", "execveat"];

/// What a 64-bit call is for 32-bit processes beside the call of the same name: with more bits in what it takes.
const WIDER: [(&str, &str); 22] = [
    ("setuid", "setuid32"),
    ("setgid", "setgid32"),
    ("setreuid", "setreuid32"),
    ("setregid", "setregid32"),
    ("setresuid", "setresuid32"),
    ("setresgid", "setresgid32"),
    ("setfsuid", "setfsuid32"),
    ("setfsgid", "setfsgid32"),
    ("setgroups", "setgroups32"),
    ("getuid", "getuid32"),
    ("getgid", "getgid32"),
    ("geteuid", "geteuid32"),
    ("getegid", "getegid32"),
    ("chown", "chown32"),
    ("fchown", "fchown32"),
    ("lchown", "lchown32"),
    ("stat", "stat64"),
    ("lstat", "lstat64"),
    ("fstat", "fstat64"),
    ("newfstatat", "fstatat64"),
    ("clock_settime", "clock_settime64"),
    ("clock_nanosleep", "clock_nanosleep_time64"),
];

/// Where the table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyscallTable {
    /// Where it begins in `.rodata`.
    table: u32,
    /// How many numbers each half has: those of 64-bit calls, then of 32-bit ones.
    half: u32,
    /// Where the number goes of a call that is the only one.
    only: Option<u32>,
}

impl SyscallTable {
    /// Finds the table; `None` if the program has none. `constants` are the places of the variables in `.rodata`.
    pub(super) fn find(btf: &Btf, constants: &HashMap<String, u32>) -> Result<Option<Self>, ObjectError> {
        let Some(id) = btf.find(Named::Section, ".rodata") else { return Ok(None) };
        let Type::Section(entries) = btf.get(id) else { return Ok(None) };
        let found = entries.into_iter().find_map(|(id, offset, _)| match btf.get(id) {
            Type::Var { ty, .. } if btf.name(id) == "syscalls" => Some((offset, ty)),
            _ => None,
        });
        let Some((in_btf, ty)) = found else { return Ok(None) };
        match btf.resolve(ty).1 {
            Type::Array { element, count } if btf.size_of(element) == Some(2) => {
                let table = constants.get("syscalls").copied().unwrap_or(in_btf);
                Ok(Some(Self { table, half: count / 2, only: constants.get("only_call").copied() }))
            }
            _ => Err(ObjectError("`syscalls` does not have the form of bpf/include/syscall.h".to_owned())),
        }
    }

    /// Has the program report the calls of this hook.
    pub fn write(&self, rodata: &mut [u8], site: &SyscallSite) {
        let words = words(site, self.half);
        let mut numbers = words.keys();
        if let (Some((SyscallAbi::Native, number)), None, Some(at)) = (numbers.next(), numbers.next(), self.only) {
            put(rodata, at, &number.to_ne_bytes());
        }
        for ((abi, number), word) in words {
            let first = match abi {
                SyscallAbi::Native => 0,
                SyscallAbi::Compat => self.half,
            };
            let at = (self.table + 2 * (first + number)) as usize;
            if let Some(target) = rodata.get_mut(at..at + 2) {
                target.copy_from_slice(&word.to_ne_bytes());
            }
        }
    }
}

/// The numbers at which a program for this hook is wanted, below `half`.
pub fn syscall_numbers(site: &SyscallSite, half: u32) -> Vec<(SyscallAbi, u32)> {
    words(site, half).into_keys().collect()
}

/// What the table says for each number that is traced, below `half`.
fn words(site: &SyscallSite, half: u32) -> BTreeMap<(SyscallAbi, u32), u16> {
    let mut words = BTreeMap::new();
    let mut set = |abi, number: i64, word| {
        if let Some(number) = u32::try_from(number).ok().filter(|number| *number < half) {
            words.insert((abi, number), word);
        }
    };
    if site.calls.iter().any(|call| call == NAMELESS) {
        nameless(site, half, &mut set);
    }
    for call in site.calls.iter().map(String::as_str) {
        let native = SyscallAbi::Native.number(call);
        let exec = if EXECS.contains(&call) { EXEC } else { 0 };
        let shown = native.and_then(|number| u16::try_from(number).ok());
        if let (Some(number), Some(shown)) = (native, shown) {
            set(SyscallAbi::Native, number, TRACED | exec | shown);
        }
        if site.as_tracepoint {
            continue;
        }
        let wider = WIDER.iter().find(|(name, _)| *name == call).map(|(_, wider)| *wider);
        for name in [Some(call), wider].into_iter().flatten() {
            let Some(number) = SyscallAbi::Compat.number(name) else { continue };
            // A call that both have is shown alike.
            let own = || u16::try_from(number).map(|number| COMPAT | number).ok();
            if let Some(shown) = shown.or_else(own) {
                set(SyscallAbi::Compat, number, TRACED | exec | shown);
            }
        }
    }
    words
}

/// The numbers that no table has names for.
fn nameless(site: &SyscallSite, half: u32, set: &mut impl FnMut(SyscallAbi, i64, u16)) {
    for number in 0..i64::from(half) {
        let word = TRACED | number as u16;
        if SyscallAbi::Native.name(number).is_none() {
            set(SyscallAbi::Native, number, word);
        }
        if !site.as_tracepoint && SyscallAbi::Compat.name(number).is_none() {
            set(SyscallAbi::Compat, number, word | COMPAT);
        }
    }
}

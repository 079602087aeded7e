// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes the work list of `trace` into its `.rodata`: the field offsets and enumerators of `bpf/include/fetch.h`, as
//! the object's BTF has them.

use std::collections::HashMap;

use super::btf::{Btf, Named, Type, TypeId};
use super::elf::ObjectError;
use crate::spec::{Fetch, FetchCopy, FetchSource};

/// Where the fields of the work list are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchTable {
    /// Where the array begins in `.rodata`.
    table: u32,
    /// Bytes of one entry.
    stride: u32,
    /// How many entries there are.
    capacity: u32,
    /// Where `record_size` is in `.rodata`.
    record_size: u32,
    /// Where `only_pid` is in `.rodata`.
    only_pid: u32,
    /// Where `own_tgid` is in `.rodata`.
    own_tgid: u32,
    /// How many pointers one entry can follow.
    max_hops: u32,
    /// The largest slot.
    max_slot: u32,
    fields: Vec<(String, u32, u32)>,
    enumerators: Vec<(String, i64)>,
}

/// What does not fit into the work list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchLimit {
    /// More captures than entries; how many fit.
    Entries(u32),
    /// More pointers to follow than one entry can; how many fit. The index of the fetch.
    Hops(usize, u32),
    /// More bytes than a slot can have; how many fit. The index of the fetch.
    Slot(usize, u32),
}

impl FetchTable {
    /// Finds the work list; `None` if the program has none.
    ///
    /// `constants` are the places of the variables in `.rodata`, by the object's symbols.
    pub(super) fn find(btf: &Btf, constants: &HashMap<String, u32>) -> Result<Option<Self>, ObjectError> {
        let variable = |name: &str| {
            let (in_btf, ty) = variable(btf, name)?;
            Some((constants.get(name).copied().unwrap_or(in_btf), ty))
        };
        let Some((table, ty)) = variable("fetches") else { return Ok(None) };
        let broken = || ObjectError("`fetches` does not have the form of bpf/include/fetch.h".to_owned());
        let (record_size, _) = variable("record_size").ok_or_else(broken)?;
        let (only_pid, _) = variable("only_pid").ok_or_else(broken)?;
        let (own_tgid, _) = variable("own_tgid").ok_or_else(broken)?;
        let (_, zeros) = variable("zeros").ok_or_else(broken)?;
        let (_, Type::Array { element, count }) = btf.resolve(ty) else { return Err(broken()) };
        let (_, Type::Composite { size, members }) = btf.resolve(element) else { return Err(broken()) };
        let mut fields = Vec::new();
        let mut enumerators = Vec::new();
        let mut max_hops = 0;
        for member in &members {
            let (_, member_type) = btf.resolve(member.ty);
            if let Type::Enum { values, .. } = &member_type {
                enumerators.extend(values.iter().cloned());
            }
            if let (Type::Array { count, .. }, "offset") = (&member_type, member.name.as_str()) {
                max_hops = count.saturating_sub(1);
            }
            fields.push((member.name.clone(), member.bit_offset / 8, btf.size_of(member.ty).ok_or_else(broken)?));
        }
        let max_slot = btf.size_of(zeros).ok_or_else(broken)?;
        Ok(Some(Self {
            table,
            stride: size,
            capacity: count,
            record_size,
            only_pid,
            own_tgid,
            max_hops,
            max_slot,
            fields,
            enumerators,
        }))
    }

    /// How many fetches one probe can have.
    pub fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// Fills `.rodata` for these fetches and a record of `record_size` bytes.
    pub fn write(&self, rodata: &mut [u8], fetches: &[Fetch], record_size: u32) -> Result<(), FetchLimit> {
        if fetches.len() > self.capacity as usize {
            return Err(FetchLimit::Entries(self.capacity));
        }
        put(rodata, self.record_size, &record_size.to_ne_bytes());
        for (index, fetch) in fetches.iter().enumerate() {
            if fetch.hops.len() > self.max_hops as usize {
                return Err(FetchLimit::Hops(index, self.max_hops));
            }
            if u32::from(fetch.slot) > self.max_slot {
                return Err(FetchLimit::Slot(index, self.max_slot));
            }
            let base = self.table + self.stride * index as u32;
            self.set(rodata, base, "source", self.enumerator(source_name(fetch.source)));
            self.set(rodata, base, "copy", self.enumerator(copy_name(fetch.copy)));
            self.set(rodata, base, "out", u64::from(fetch.out));
            self.set(rodata, base, "slot", u64::from(fetch.slot));
            self.set(rodata, base, "size", u64::from(fetch.size));
            self.set(rodata, base, "index", u64::from(source_index(fetch.source)));
            self.set(rodata, base, "hops", fetch.hops.len() as u64);
            for (hop, offset) in fetch.hops.iter().chain([&fetch.offset]).enumerate() {
                let at = base + self.field("offset").0 + 4 * hop as u32;
                put(rodata, at, &offset.to_ne_bytes());
            }
        }
        Ok(())
    }

    /// Has the program keep to one process; `pid` is its number in the first PID namespace.
    pub fn keep_to_process(&self, rodata: &mut [u8], pid: u32) {
        put(rodata, self.only_pid, &pid.to_ne_bytes());
    }

    /// Has the program leave out what one process does; `pid` is its number in the first PID namespace.
    pub fn leave_out_process(&self, rodata: &mut [u8], pid: u32) {
        put(rodata, self.own_tgid, &pid.to_ne_bytes());
    }

    fn field(&self, name: &str) -> (u32, u32) {
        self.fields.iter().find(|field| field.0 == name).map_or((0, 0), |field| (field.1, field.2))
    }

    fn enumerator(&self, name: &str) -> u64 {
        self.enumerators.iter().find(|value| value.0 == name).map_or(0, |value| value.1 as u64)
    }

    fn set(&self, rodata: &mut [u8], base: u32, name: &str, value: u64) {
        let (offset, size) = self.field(name);
        let bytes = value.to_le_bytes();
        put(rodata, base + offset, &bytes[..(size as usize).min(8)]);
    }
}

/// Offset in `.rodata` and type of a variable there.
fn variable(btf: &Btf, name: &str) -> Option<(u32, TypeId)> {
    let Type::Section(entries) = btf.get(btf.find(Named::Section, ".rodata")?) else { return None };
    entries.into_iter().find_map(|(id, offset, _)| match btf.get(id) {
        Type::Var { ty, .. } if btf.name(id) == name => Some((offset, ty)),
        _ => None,
    })
}

fn put(bytes: &mut [u8], at: u32, value: &[u8]) {
    if let Some(target) = bytes.get_mut(at as usize..at as usize + value.len()) {
        target.copy_from_slice(value);
    }
}

fn source_name(source: FetchSource) -> &'static str {
    match source {
        FetchSource::Argument(_) => "FETCH_ARG",
        FetchSource::Return => "FETCH_RETURN",
        FetchSource::Context => "FETCH_CONTEXT",
        FetchSource::DataLoc(_) => "FETCH_DATA_LOC",
        FetchSource::RelLoc(_) => "FETCH_REL_LOC",
        FetchSource::Gid => "FETCH_GID",
        FetchSource::Cpu => "FETCH_CPU",
        FetchSource::Pid => "FETCH_PID",
        FetchSource::Tid => "FETCH_TID",
        FetchSource::Uid => "FETCH_UID",
        FetchSource::Comm => "FETCH_COMM",
        FetchSource::Task => "FETCH_TASK",
        FetchSource::Ktime => "FETCH_KTIME",
        FetchSource::Random => "FETCH_RANDOM",
        FetchSource::CgroupId => "FETCH_CGROUP_ID",
        FetchSource::CgroupAncestor(_) => "FETCH_CGROUP_ANCESTOR",
        FetchSource::Constant(_) => "FETCH_CONSTANT",
        FetchSource::Target => "FETCH_TARGET",
        FetchSource::SyscallNumber => "FETCH_SYSCALL_NUMBER",
        FetchSource::Usdt(_) => "FETCH_USDT",
        FetchSource::Packet => "FETCH_PACKET",
    }
}

fn source_index(source: FetchSource) -> u8 {
    match source {
        FetchSource::Argument(index)
        | FetchSource::DataLoc(index)
        | FetchSource::RelLoc(index)
        | FetchSource::CgroupAncestor(index)
        | FetchSource::Usdt(index) => index,
        FetchSource::Return
        | FetchSource::Context
        | FetchSource::Gid
        | FetchSource::Cpu
        | FetchSource::Pid
        | FetchSource::Tid
        | FetchSource::Uid
        | FetchSource::Comm
        | FetchSource::Task
        | FetchSource::Ktime
        | FetchSource::Random
        | FetchSource::CgroupId
        | FetchSource::Constant(_)
        | FetchSource::Target
        | FetchSource::SyscallNumber
        | FetchSource::Packet => 0,
    }
}

fn copy_name(copy: FetchCopy) -> &'static str {
    match copy {
        FetchCopy::Value => "COPY_VALUE",
        FetchCopy::Kernel => "COPY_KERNEL",
        FetchCopy::User => "COPY_USER",
        FetchCopy::KernelText => "COPY_STRING",
        FetchCopy::UserText => "COPY_USER_STRING",
        FetchCopy::Comm => "COPY_COMM",
        FetchCopy::Sock => "COPY_SOCK",
        FetchCopy::Sockaddr => "COPY_SOCKADDR",
        FetchCopy::FilePath => "COPY_FILE_PATH",
        FetchCopy::Path => "COPY_PATH",
        FetchCopy::DentryPath => "COPY_DENTRY_PATH",
        FetchCopy::FdPath => "COPY_FD_PATH",
        FetchCopy::Packet { .. } => "COPY_PACKET",
    }
}

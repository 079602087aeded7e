// SPDX-License-Identifier: MIT OR Apache-2.0
//! The map of one set: made once, given to every program that asks for it, filled while they run.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::sync::Arc;

use libbpf_rs::{MapCore as _, MapFlags, MapHandle, MapType};

use super::keys::{key_bytes, keys};
use crate::spec::{SetEntry, SetKind};

/// Entries that a map has room for beyond those that are known: it may grow.
const LEAST_ROOM: usize = 16 << 10;
/// How much larger than its content it is made.
const HEADROOM: usize = 4;
/// A trie takes memory for what is in it only.
const TRIE_ROOM: u32 = 1 << 24;
/// What a key is there with.
const PRESENT: [u8; 1] = [1];

/// A map that programs look values up in. Clones are the same map.
#[derive(Debug, Clone)]
pub struct SetMap {
    map: Arc<MapHandle>,
    kind: SetKind,
    room: usize,
}

impl PartialEq for SetMap {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.map, &other.map)
    }
}

impl AsFd for SetMap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}

impl SetMap {
    /// An empty map. `entries` are expected; `grows` makes room for more to come. Fails like bpf(2).
    pub fn new(kind: SetKind, entries: usize, grows: bool) -> io::Result<Self> {
        let room = if grows { entries.saturating_mul(HEADROOM).max(LEAST_ROOM) } else { entries.max(1) };
        let (kind_of_map, flags, size) = match kind {
            SetKind::Ip => (MapType::LpmTrie, libbpf_sys::BPF_F_NO_PREALLOC, TRIE_ROOM),
            // Allocated at once: until Linux 6.1 tracing programs are warned about that look into others.
            SetKind::Text | SetKind::Number | SetKind::Pid => {
                (MapType::Hash, 0, u32::try_from(room).unwrap_or(u32::MAX))
            }
        };
        let options = libbpf_sys::bpf_map_create_opts {
            sz: size_of::<libbpf_sys::bpf_map_create_opts>() as libbpf_sys::size_t,
            map_flags: flags,
            ..Default::default()
        };
        let key = u32::try_from(key_bytes(kind)).unwrap_or(u32::MAX);
        let name = Some(format!("set_{}", kind.word()));
        let map = MapHandle::create(kind_of_map, name, key, PRESENT.len() as u32, size, &options).map_err(io::Error::other)?;
        let room = if kind == SetKind::Ip { TRIE_ROOM as usize } else { room };
        Ok(Self { map: Arc::new(map), kind, room })
    }

    /// What it holds.
    pub fn kind(&self) -> SetKind {
        self.kind
    }

    /// How many entries it has room for.
    pub fn room(&self) -> usize {
        self.room
    }

    /// From now on it has this one. Fails with E2BIG or ENOSPC where it is full.
    pub fn add(&self, entry: &SetEntry) -> io::Result<()> {
        keys(entry).iter().try_for_each(|key| {
            // SAFETY: the key has as many bytes as the map was made for, the value one; both live across the call.
            outcome(unsafe {
                libbpf_sys::bpf_map_update_elem(self.descriptor(), key.as_ptr().cast(), PRESENT.as_ptr().cast(), 0)
            })
        })
    }

    /// From now on it has this one no more.
    pub fn remove(&self, entry: &SetEntry) -> io::Result<()> {
        keys(entry).iter().try_for_each(|key| {
            // SAFETY: the key has as many bytes as the map was made for, and lives across the call.
            let done = unsafe { libbpf_sys::bpf_map_delete_elem(self.descriptor(), key.as_ptr().cast()) };
            outcome(done).or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
        })
    }

    /// Whether it has this number, of a set of numbers or processes.
    pub fn has_number(&self, number: i128) -> bool {
        let key = (number as u64).to_ne_bytes();
        key_bytes(self.kind) == key.len() && matches!(self.map.lookup(&key, MapFlags::ANY), Ok(Some(_)))
    }

    /// Its descriptor.
    pub fn descriptor(&self) -> i32 {
        self.map.as_fd().as_raw_fd()
    }
}

/// What a call of libbpf gave: 0, or an errno below 0.
fn outcome(code: i32) -> io::Result<()> {
    if code < 0 { Err(io::Error::from_raw_os_error(-code)) } else { Ok(()) }
}

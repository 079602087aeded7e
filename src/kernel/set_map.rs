// SPDX-License-Identifier: MIT OR Apache-2.0
//! A set that tests in the kernel ask: one map, which all programs that use the set share. What is put in or taken out counts from the
//! next event on, and touches no program.
//!
//! ```text
//! programs ──▶ array of one map ──▶ hash: 128 places ✗      networks: an LPM trie, which takes memory by its content
//!                      └──────────▶ hash: 256 places        (there is no array before it)
//! ```
//!
//! Hashes have their memory from the start, since kernels before 6.1 warn of tracing programs that look into others. One that is full
//! is replaced by a larger one: an event sees the old one or the new one.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use super::raw_map::{create, done, point_at};
use crate::catalog::SetMapKind;

/// Bytes of a number, of a text with the zeros behind it, of the prefix and the address of a network.
const NUMBER_BYTES: u32 = 8;
const TEXT_BYTES: u32 = 128;
const NETWORK_BYTES: u32 = 20;
/// What the kernel adds to each place of a hash: its own data, the value, the list that it hangs in.
const PLACE_BYTES: u64 = 48 + 8 + 16;
/// How the kernel calls these maps.
const NAME: &std::ffi::CStr = c"ebpf_run_set";
/// Networks that a trie can have; it costs nothing.
const MOST_NETWORKS: u32 = 1 << 24;
/// What a network takes in a trie: its node, and about one more where two part.
const NETWORK_NODE_BYTES: u64 = 2 * 64;

/// The map of a set; a clone is the same one.
#[derive(Debug, Clone)]
pub struct SetMap {
    kind: SetMapKind,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// What programs are given: an array with the entries, or the entries.
    given: OwnedFd,
    /// The map in the array, for what is not a trie.
    entries: Mutex<Option<Arc<OwnedFd>>>,
}

impl PartialEq for SetMap {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl SetMap {
    /// Room for processes that the kernel adds itself.
    pub const MOST_DESCENDANTS: u32 = 1 << 16;
    /// The least room.
    const LEAST: usize = 64;

    /// How many places a map should have for so many entries: as many again may come.
    pub fn room_for(entries: usize) -> u32 {
        u32::try_from(entries.saturating_mul(2).max(Self::LEAST)).unwrap_or(u32::MAX)
    }

    /// Makes the map of a set that is empty, with room for so many entries. Networks have as much as they need.
    pub fn new(kind: SetMapKind, room: u32) -> io::Result<Self> {
        let (given, entries) = match kind {
            SetMapKind::Networks => {
                let flags = libbpf_sys::BPF_F_NO_PREALLOC;
                let kind = (libbpf_sys::BPF_MAP_TYPE_LPM_TRIE, NAME);
                (create(kind, (NETWORK_BYTES, 1), MOST_NETWORKS, flags, None)?, None)
            }
            SetMapKind::Numbers | SetMapKind::Texts => {
                let entries = hash(kind, room)?;
                let array = (libbpf_sys::BPF_MAP_TYPE_ARRAY_OF_MAPS, NAME);
                let given = create(array, (4, 4), 1, 0, Some(entries.as_fd()))?;
                point_at(given.as_fd(), 0, entries.as_fd())?;
                (given, Some(Arc::new(entries)))
            }
        };
        Ok(Self { kind, shared: Arc::new(Shared { given, entries: Mutex::new(entries) }) })
    }

    /// Bytes of the kernel that a map takes with room for so many entries, of which `used` are there. About right.
    pub fn bytes(kind: SetMapKind, room: u32, used: usize) -> u64 {
        let place = |key: u32| {
            u64::from(room.max(1).next_power_of_two()) * 16 + u64::from(room) * (u64::from(key) + PLACE_BYTES - 16)
        };
        match kind {
            SetMapKind::Numbers => place(NUMBER_BYTES),
            SetMapKind::Texts => place(TEXT_BYTES),
            SetMapKind::Networks => used as u64 * NETWORK_NODE_BYTES,
        }
    }

    /// What is in it.
    pub fn kind(&self) -> SetMapKind {
        self.kind
    }

    /// From now on it has exactly these, and room for so many: programs ask another map from one moment to the next. Fails where the
    /// kernel has no memory for it; then it has what it had. Not for networks, which have room.
    pub fn replace(&self, room: u32, keys: impl IntoIterator<Item = Vec<u8>>) -> io::Result<()> {
        let larger = hash(self.kind, room)?;
        for key in keys {
            put(&larger, self.key(&key)?)?;
        }
        let mut entries = self.shared.entries.lock().unwrap_or_else(PoisonError::into_inner);
        point_at(self.shared.given.as_fd(), 0, larger.as_fd())?;
        *entries = Some(Arc::new(larger));
        Ok(())
    }

    /// Adds an entry; one that is in it stays. `key` has the bytes that the kind says.
    pub fn insert(&self, key: &[u8]) -> io::Result<()> {
        let key = self.key(key)?;
        self.with_entries(|map| put(map, key))
    }

    /// Takes an entry out, if it is in.
    pub fn remove(&self, key: &[u8]) -> io::Result<()> {
        let key = self.key(key)?;
        self.with_entries(|map| {
            // SAFETY: the key has as many bytes as the map's, and lives across the call.
            let result = done(unsafe { libbpf_sys::bpf_map_delete_elem(map.as_raw_fd(), key.as_ptr().cast()) });
            result.or_else(|error| if error.raw_os_error() == Some(libc::ENOENT) { Ok(()) } else { Err(error) })
        })
    }

    /// Whether an entry is in it.
    pub fn has(&self, key: &[u8]) -> io::Result<bool> {
        let (key, mut value) = (self.key(key)?, 0u8);
        let result = self.with_entries(|map| {
            let to = ptr::from_mut(&mut value).cast();
            // SAFETY: the key has as many bytes as the map's, the value has one; both live across the call.
            done(unsafe { libbpf_sys::bpf_map_lookup_elem(map.as_raw_fd(), key.as_ptr().cast(), to) })
        });
        match result {
            Ok(()) => Ok(true),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Does something with the map that has the entries now.
    pub(super) fn with_entries<T>(&self, work: impl FnOnce(BorrowedFd<'_>) -> T) -> T {
        let entries = self.shared.entries.lock().unwrap_or_else(PoisonError::into_inner).clone();
        work(entries.as_deref().unwrap_or(&self.shared.given).as_fd())
    }

    fn key<'a>(&self, key: &'a [u8]) -> io::Result<&'a [u8]> {
        let wanted = match self.kind {
            SetMapKind::Numbers => NUMBER_BYTES,
            SetMapKind::Texts => TEXT_BYTES,
            SetMapKind::Networks => NETWORK_BYTES,
        };
        if key.len() == wanted as usize { Ok(key) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }
}

/// What programs are given.
impl AsFd for SetMap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.given.as_fd()
    }
}

/// A map for the entries of numbers or texts.
fn hash(kind: SetMapKind, room: u32) -> io::Result<OwnedFd> {
    let key_bytes = if kind == SetMapKind::Texts { TEXT_BYTES } else { NUMBER_BYTES };
    create((libbpf_sys::BPF_MAP_TYPE_HASH, NAME), (key_bytes, 1), room.max(1), 0, None)
}

/// Adds a key, of as many bytes as the map's.
fn put(map: impl AsFd, key: &[u8]) -> io::Result<()> {
    let value = 1u8;
    // SAFETY: the callers have checked the length of the key, the value has one byte; both live across the call.
    done(unsafe {
        let (key, value) = (key.as_ptr().cast(), ptr::from_ref(&value).cast());
        libbpf_sys::bpf_map_update_elem(map.as_fd().as_raw_fd(), key, value, 0)
    })
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! A set that tests in the kernel ask: one map, which all programs that use the set share. What is put in or taken out counts from the
//! next event on, and touches no program.

use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::ptr;
use std::sync::Arc;

use crate::catalog::SetMapKind;

/// Bytes of a number, of a text with the zeros behind it, of the prefix and the address of a network.
const NUMBER_BYTES: u32 = 8;
const TEXT_BYTES: u32 = 128;
const NETWORK_BYTES: u32 = 20;

/// The map of a set; a clone is the same one.
#[derive(Debug, Clone)]
pub struct SetMap {
    kind: SetMapKind,
    map: Arc<OwnedFd>,
}

impl PartialEq for SetMap {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.map, &other.map)
    }
}

impl SetMap {
    /// Makes the map of a set that is empty, for at most so many entries. Networks take memory by what is in it; for others it is
    /// there from the start, since kernels before 6.1 warn of tracing programs that look into maps without.
    pub fn new(kind: SetMapKind, max_entries: u32) -> io::Result<Self> {
        let (map_type, key_size) = match kind {
            SetMapKind::Numbers => (libbpf_sys::BPF_MAP_TYPE_HASH, NUMBER_BYTES),
            SetMapKind::Texts => (libbpf_sys::BPF_MAP_TYPE_HASH, TEXT_BYTES),
            SetMapKind::Networks => (libbpf_sys::BPF_MAP_TYPE_LPM_TRIE, NETWORK_BYTES),
        };
        let options = libbpf_sys::bpf_map_create_opts {
            sz: mem::size_of::<libbpf_sys::bpf_map_create_opts>() as libbpf_sys::size_t,
            map_flags: if kind == SetMapKind::Networks { libbpf_sys::BPF_F_NO_PREALLOC } else { 0 },
            ..Default::default()
        };
        let name = c"ebpf_run_set".as_ptr();
        // SAFETY: name and options live across the call.
        let fd =
            unsafe { libbpf_sys::bpf_map_create(map_type, name, key_size, 1, max_entries.max(1), &raw const options) };
        if fd < 0 {
            return Err(io::Error::from_raw_os_error(-fd));
        }
        // SAFETY: a new descriptor, which nobody else has.
        Ok(Self { kind, map: Arc::new(unsafe { OwnedFd::from_raw_fd(fd) }) })
    }

    /// What is in it.
    pub fn kind(&self) -> SetMapKind {
        self.kind
    }

    /// Adds an entry; one that is in it stays. `key` has the bytes that the kind says.
    pub fn insert(&self, key: &[u8]) -> io::Result<()> {
        let (key, value) = (self.key(key)?, 1u8);
        // SAFETY: the key has as many bytes as the map's, the value has one; both live across the call.
        done(unsafe {
            libbpf_sys::bpf_map_update_elem(self.map.as_raw_fd(), key.as_ptr().cast(), ptr::from_ref(&value).cast(), 0)
        })
    }

    /// Takes an entry out, if it is in.
    pub fn remove(&self, key: &[u8]) -> io::Result<()> {
        let key = self.key(key)?;
        // SAFETY: the key has as many bytes as the map's, and lives across the call.
        let result = done(unsafe { libbpf_sys::bpf_map_delete_elem(self.map.as_raw_fd(), key.as_ptr().cast()) });
        result.or_else(|error| if error.raw_os_error() == Some(libc::ENOENT) { Ok(()) } else { Err(error) })
    }

    /// Whether an entry is in it.
    pub fn has(&self, key: &[u8]) -> io::Result<bool> {
        let (key, mut value) = (self.key(key)?, 0u8);
        // SAFETY: the key has as many bytes as the map's, the value has one; both live across the call.
        let result = done(unsafe {
            libbpf_sys::bpf_map_lookup_elem(self.map.as_raw_fd(), key.as_ptr().cast(), ptr::from_mut(&mut value).cast())
        });
        match result {
            Ok(()) => Ok(true),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(false),
            Err(error) => Err(error),
        }
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

impl AsFd for SetMap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}

fn done(code: i32) -> io::Result<()> {
    if code < 0 { Err(io::Error::from_raw_os_error(-code)) } else { Ok(()) }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Maps that the runner makes itself, and gives to programs.

use std::ffi::CStr;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::ptr;

/// Makes a map of a type, with a name that `bpftool` shows. `room`: most entries; `inner`: what an array of maps has maps like.
pub(super) fn create(
    (map_type, name): (u32, &CStr),
    (key_bytes, value_bytes): (u32, u32),
    room: u32,
    map_flags: u32,
    inner: Option<BorrowedFd<'_>>,
) -> io::Result<OwnedFd> {
    let options = libbpf_sys::bpf_map_create_opts {
        sz: mem::size_of::<libbpf_sys::bpf_map_create_opts>() as libbpf_sys::size_t,
        map_flags,
        inner_map_fd: inner.map_or(0, |inner| inner.as_raw_fd() as u32),
        ..Default::default()
    };
    // SAFETY: name and options live across the call.
    let fd = unsafe {
        libbpf_sys::bpf_map_create(map_type, name.as_ptr(), key_bytes, value_bytes, room, &raw const options)
    };
    if fd < 0 {
        return Err(io::Error::from_raw_os_error(-fd));
    }
    // SAFETY: a new descriptor, which nobody else has.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Makes a map the one at a place in an array. When this returns, no program uses the one that was there, nor what it had read before of
/// any other map.
pub(super) fn point_at(array: BorrowedFd<'_>, place: u32, map: BorrowedFd<'_>) -> io::Result<()> {
    let fd = map.as_raw_fd();
    // SAFETY: key and value have four bytes and live across the call.
    done(unsafe {
        let (key, value) = (ptr::from_ref(&place).cast(), ptr::from_ref(&fd).cast());
        libbpf_sys::bpf_map_update_elem(array.as_raw_fd(), key, value, 0)
    })
}

/// Writes a word of an array of words.
pub(super) fn set_word(array: BorrowedFd<'_>, place: u32, word: u64) -> io::Result<()> {
    // SAFETY: the key has four bytes, the value eight; both live across the call.
    done(unsafe {
        let (key, value) = (ptr::from_ref(&place).cast(), ptr::from_ref(&word).cast());
        libbpf_sys::bpf_map_update_elem(array.as_raw_fd(), key, value, 0)
    })
}

/// What libbpf answers.
pub(super) fn done(code: i32) -> io::Result<()> {
    if code < 0 { Err(io::Error::from_raw_os_error(-code)) } else { Ok(()) }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads a map some hundred rows at a time (Linux 5.6).

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::ptr;

/// Rows of the first batch. One must hold all rows of a bucket: the kernel says so where it does not.
const ROWS: u32 = 256;
/// Most rows of a batch.
const MOST_ROWS: u32 = 1 << 16;

/// What is done with the rows of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// They stay.
    Keep,
    /// They are deleted.
    Delete,
}

/// Calls `row` with the key and the values (of all CPUs) of each row. Stops where the kernel refuses more.
pub(super) fn each_row(
    map: BorrowedFd<'_>,
    (key_bytes, values_bytes): (usize, usize),
    then: Then,
    mut row: impl FnMut(&[u8], &[u8]),
) -> io::Result<()> {
    let mut rows = ROWS;
    let (mut position, mut next) = (0u64, 0u64);
    let mut is_first = true;
    loop {
        let mut count = rows;
        let mut keys = vec![0u8; key_bytes * rows as usize];
        // In words: the kernel writes counters of eight bytes.
        let mut values = vec![0u64; values_bytes.div_ceil(8) * rows as usize];
        let from: *mut u64 = if is_first { ptr::null_mut() } else { &raw mut position };
        let read = match then {
            Then::Keep => libbpf_sys::bpf_map_lookup_batch,
            Then::Delete => libbpf_sys::bpf_map_lookup_and_delete_batch,
        };
        // SAFETY: keys and values have room for `count` rows; the positions have eight bytes, of which a hash takes four. All of them
        // live across the call.
        let code = unsafe {
            read(
                map.as_raw_fd(),
                from.cast(),
                (&raw mut next).cast(),
                keys.as_mut_ptr().cast(),
                values.as_mut_ptr().cast(),
                &raw mut count,
                ptr::null(),
            )
        };
        let error = if code < 0 { -code } else { 0 };
        if error == libc::ENOSPC && rows < MOST_ROWS {
            rows *= 2;
            continue;
        }
        if error != 0 && error != libc::ENOENT {
            return Err(io::Error::from_raw_os_error(error));
        }
        let values = object::pod::bytes_of_slice(&values);
        let stride = values_bytes.div_ceil(8) * 8;
        for at in 0..count.min(rows) as usize {
            row(&keys[at * key_bytes..][..key_bytes], &values[at * stride..][..values_bytes]);
        }
        // The end of the map.
        if error == libc::ENOENT {
            return Ok(());
        }
        (position, is_first) = (next, false);
    }
}

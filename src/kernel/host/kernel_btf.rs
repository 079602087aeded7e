// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's own BTF, mapped where the kernel lets (Linux 6.16), else read.

use std::borrow::Cow;
use std::fs::{self, File};
use std::sync::OnceLock;
use std::{io, ptr, slice};

use rustix::mm::{MapFlags, ProtFlags, mmap};

use crate::catalog::Btf;

pub(super) const BTF_PATH: &str = "/sys/kernel/btf/vmlinux";

/// The kernel's BTF; `None` if it has none (`CONFIG_DEBUG_INFO_BTF`) or hides it.
pub(super) fn kernel_btf() -> Option<Btf> {
    let data = match mapped() {
        Some(bytes) => Cow::Borrowed(bytes),
        None => Cow::Owned(fs::read(BTF_PATH).ok()?),
    };
    Btf::parse(data).map_err(|error| tracing::warn!("{BTF_PATH}: {error}")).ok()
}

/// The kernel's own pages; they stay mapped until the process ends.
fn mapped() -> Option<&'static [u8]> {
    static MAPPED: OnceLock<Option<&'static [u8]>> = OnceLock::new();
    *MAPPED.get_or_init(|| map().ok())
}

fn map() -> io::Result<&'static [u8]> {
    let file = File::open(BTF_PATH)?;
    let len = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
    let start = unsafe { mmap(ptr::null_mut(), len, ProtFlags::READ, MapFlags::PRIVATE, &file, 0) }?;
    // SAFETY: `len` bytes are mapped at `start`, nobody unmaps them, and the kernel never changes them.
    Ok(unsafe { slice::from_raw_parts(start.cast::<u8>(), len) })
}

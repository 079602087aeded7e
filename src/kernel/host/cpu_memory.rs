// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the memory of each CPU is, for programs that sum up what each CPU has: an array of addresses in the kernel.

use std::os::fd::{AsFd as _, AsRawFd as _};
use std::sync::OnceLock;

use libbpf_rs::{AsRawLibbpf as _, MapCore as _, MapFlags, MapHandle, Object, ObjectBuilder};

use super::capabilities::Capabilities;
use super::machine::Host;
use crate::catalog::internal_object;
use crate::expr::Variable;

/// What the kernel calls the array on x86-64 and arm64.
const ARRAY: &str = "__per_cpu_offset";

impl Host {
    /// The address of the array; `None` where the kernel does not tell. Without privileges nothing is loaded, and any will do.
    pub(in crate::kernel) fn cpu_memory(&self) -> Option<u64> {
        match self.variable(ARRAY) {
            Variable::At(address) => return Some(address),
            Variable::Hidden | Variable::Unknown => {}
        }
        let process = Capabilities::effective();
        if !process.has("CAP_BPF") || !process.has("CAP_PERFMON") {
            return Some(0);
        }
        // Programs read from the map as long as this process runs.
        static FOUND: OnceLock<Option<(MapHandle, u64)>> = OnceLock::new();
        FOUND.get_or_init(ask).as_ref().map(|(_, address)| *address)
    }
}

/// Has a program find it out, in a map: `bpf/internal/cpus.bpf.c`. It takes Linux 5.19.
fn ask() -> Option<(MapHandle, u64)> {
    let mut builder = ObjectBuilder::default();
    let object = builder.open_memory(internal_object("cpus")?).ok()?;
    // SAFETY: an open object that was not loaded before.
    if unsafe { libbpf_sys::bpf_object__load(object.as_libbpf_object().as_ptr()) } < 0 {
        return None;
    }
    // SAFETY: the object is loaded, and `take_ptr` gives up its ownership.
    let object = unsafe { Object::from_ptr(object.take_ptr()) };
    let program = object.progs().next()?;
    let mut options =
        libbpf_sys::bpf_test_run_opts { sz: size_of::<libbpf_sys::bpf_test_run_opts>() as u64, ..Default::default() };
    // SAFETY: the options are plain data, without buffers, and live across the call.
    let code = unsafe { libbpf_sys::bpf_prog_test_run_opts(program.as_fd().as_raw_fd(), &mut options) };
    if code != 0 || options.retval == 0 {
        return None;
    }
    let map = object.maps().find(|map| map.name() == "found")?;
    let value = map.lookup(&0u32.to_ne_bytes(), MapFlags::ANY).ok()??;
    let address = u64::from_ne_bytes(*value.first_chunk()?);
    Some((MapHandle::try_from(&map).ok()?, address)).filter(|(_, address)| *address != 0)
}

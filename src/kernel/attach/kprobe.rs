// SPDX-License-Identifier: MIT OR Apache-2.0
//! `kprobe` and `kretprobe`: a perf event of the kprobe PMU (Linux 4.17; as a link, 5.15).

use std::ffi::CString;
use std::mem;
use std::ptr::NonNull;

use libbpf_rs::{AsRawLibbpf, Link, ProgramMut};

use super::Attachment;
use crate::kernel::error::{KernelError, describe, privilege_help};
use crate::kernel::host::Host;
use crate::spec::Place;

pub(super) fn attach(
    program: &ProgramMut<'_>,
    symbol: &str,
    offset: u64,
    on_return: bool,
    host: &Host,
) -> Result<Attachment, KernelError> {
    let kind = if on_return { "kretprobe" } else { "kprobe" };
    let at = if offset == 0 { symbol.to_owned() } else { format!("{symbol}+{offset:#x}") };
    match attach_at(program, symbol, offset, on_return) {
        Ok(link) => Ok(Attachment::new(link, format!("{kind} {at}"))),
        Err(code) => Err(diagnose(kind, symbol, &at, offset, code, host)),
    }
}

fn attach_at(program: &ProgramMut<'_>, symbol: &str, offset: u64, on_return: bool) -> Result<Link, i32> {
    let symbol = CString::new(symbol).map_err(|_| libc::ENOENT)?;
    let options = libbpf_sys::bpf_kprobe_opts {
        sz: mem::size_of::<libbpf_sys::bpf_kprobe_opts>() as libbpf_sys::size_t,
        offset: offset as libbpf_sys::size_t,
        retprobe: on_return,
        ..Default::default()
    };
    let program = program.as_libbpf_object().as_ptr();
    // SAFETY: the program is loaded; symbol and options live across the call.
    let link = unsafe { libbpf_sys::bpf_program__attach_kprobe_opts(program, symbol.as_ptr(), &options) };
    match NonNull::new(link) {
        // SAFETY: libbpf returned a link that nobody else owns.
        Some(link) => Ok(unsafe { Link::from_ptr(link) }),
        None => Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0)),
    }
}

pub(super) fn diagnose(kind: &str, symbol: &str, at: &str, offset: u64, code: i32, host: &Host) -> KernelError {
    if matches!(code, libc::EPERM | libc::EACCES) {
        let message = format!("the kernel did not let us attach to `{at}` ({})", describe(code));
        return KernelError::new(Place::Target, message, privilege_help("CAP_BPF and CAP_PERFMON"));
    }
    if !host.has_kprobes() {
        let message = format!("this kernel has no kprobes, so `{kind}: {symbol}` cannot be attached");
        return KernelError::new(Place::Hook, message, instead(symbol, host));
    }
    let search = host.kernel_symbol(symbol);
    let place = Place::Target;
    match (search.count, code) {
        (0, _) if !search.variants.is_empty() => {
            let message = format!("this kernel has no function `{symbol}`: its compiler split it up");
            KernelError::new(place, message, format!("there is `{}`", search.variants.join("`, `")))
        }
        (0, _) => KernelError::new(place, format!("this kernel has no function `{symbol}`"), search.help),
        (2.., libc::EADDRNOTAVAIL) => {
            let message =
                format!("this kernel has {} functions called `{symbol}`, and attaches to none of them", search.count);
            KernelError::new(place, message, "probe a function that calls it, or that it calls")
        }
        (_, libc::EILSEQ) => {
            let message = format!("`{at}` is not the beginning of an instruction");
            KernelError::new(place, message, "leave out `offset` to probe the entry of the function")
        }
        (_, libc::EINVAL | libc::ENOENT | libc::EADDRNOTAVAIL) => {
            let help = if offset == 0 {
                "probe a function that calls it"
            } else {
                "leave out `offset` to probe the entry of the function"
            };
            KernelError::new(place, format!("the kernel does not allow a {kind} at `{at}` ({})", describe(code)), help)
        }
        (_, code) => KernelError::new(place, format!("failed to attach to `{at}`: {}", describe(code)), ""),
    }
}

/// What a kernel without kprobes has for somebody who wanted this function.
fn instead(symbol: &str, host: &Host) -> String {
    let syscall = ["do_sys_", "__x64_sys_", "__arm64_sys_", "__se_sys_", "ksys_"]
        .iter()
        .find_map(|prefix| symbol.strip_prefix(prefix));
    let Some((events, name)) = host.tracefs().ok().map(|path| path.join("events/syscalls")).zip(syscall) else {
        return "it offers tracepoints, raw tracepoints and xdp".to_owned();
    };
    // do_sys_openat2 serves openat as well, do_sys_poll poll: programs mostly use the one without the number.
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let mut names = vec![plain, name];
    names.dedup();
    let tracepoints: Vec<String> = names
        .into_iter()
        .filter(|name| events.join(format!("sys_enter_{name}")).is_dir())
        .map(|name| format!("`tracepoint: \"syscalls:sys_enter_{name}\"`"))
        .collect();
    match tracepoints.as_slice() {
        [] => "it offers tracepoints, raw tracepoints and xdp".to_owned(),
        found => format!("it offers tracepoints, raw tracepoints and xdp: here, {}", found.join(" or ")),
    }
}

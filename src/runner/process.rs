// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a run asks of its own process: descriptors, and what signals do.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A probe holds some six descriptors; the usual soft limit of 1,024 is for programs that use select(2). The hard limit is
/// what the administrator set, and a refusal is no error.
pub(super) fn raise_file_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // What does not fit is said when the descriptors are used up.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}

/// From here on SIGINT and SIGTERM end the process at once: a second Ctrl-C does not wait for an orderly end.
pub(super) fn let_signals_end_it() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the default action needs no handler, and tokio's handler, which it replaces, is not needed any more.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// True where the parent process had this signal ignored (nohup).
pub(super) fn is_ignored(signal: libc::c_int) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: with a null action nothing changes; the old one is written to valid memory.
    unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: plain data, zeroed and then filled.
    unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the machine says about itself, from /proc and /sys. Nothing here needs root; what root alone may read is absent.

use std::fs;
use std::path::PathBuf;

use rustix::process::{Resource, geteuid, getrlimit};

use super::capabilities::Capabilities;
use super::kernel_btf::BTF_PATH;
use super::machine::Host;

/// Facts about the running kernel and this process.
#[derive(Debug, Clone)]
pub struct Facts {
    /// `6.12.48+deb13-cloud-amd64`
    pub release: String,
    /// `x86_64`
    pub architecture: String,
    /// Types and bytes of the kernel's BTF; `None` where it has none.
    pub btf: Option<(u32, u64)>,
    /// Where tracefs is mounted, or why it cannot be used; `None`: it is used without being mounted.
    pub tracefs: Result<Option<PathBuf>, String>,
    /// Where a BPF file system is mounted; `None` where it is not. Not needed: links live in file descriptors.
    pub bpffs: Option<PathBuf>,
    /// `none`, `integrity` or `confidentiality`; `None` where securityfs does not tell.
    pub lockdown: Option<String>,
    /// The effective user id.
    pub uid: u32,
    /// Those of the capabilities that matter here which this process has.
    pub capabilities: Vec<&'static str>,
    /// 0: everybody may use some BPF; 1 or 2: nobody without privileges may. `None` where the kernel does not tell.
    pub unprivileged_bpf_disabled: Option<u32>,
    /// 0: programs are interpreted; 1: compiled; 2: compiled, and the code is logged.
    pub jit: Option<u32>,
    /// The memory that maps and programs take.
    pub memlock: Memlock,
    /// Whether the kernel measures how long programs run; `None` where it does not tell.
    pub bpf_stats: Option<bool>,
}

/// How the kernel counts the memory of maps and programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memlock {
    /// True before Linux 5.11: against RLIMIT_MEMLOCK, which is raised where it can be. Else against the cgroup.
    pub counted: bool,
    /// The limit in bytes; `None`: unlimited.
    pub limit_bytes: Option<u64>,
}

impl Facts {
    pub(in crate::kernel) fn read(host: &Host) -> Self {
        let (release, architecture) = host.release();
        let bytes = fs::metadata(BTF_PATH).map_or(0, |file| file.len());
        Self {
            release,
            architecture,
            btf: host.btf().map(|btf| (btf.len(), bytes)),
            tracefs: host.tracefs_mount().map(|path| path.map(PathBuf::from)).map_err(|refusal| refusal.message),
            bpffs: fs::read_to_string("/proc/self/mounts").ok().and_then(|mounts| mount_of(&mounts, "bpf")),
            lockdown: fs::read_to_string("/sys/kernel/security/lockdown").ok().and_then(|text| chosen(&text)),
            uid: geteuid().as_raw(),
            capabilities: Capabilities::effective().names(),
            unprivileged_bpf_disabled: number("/proc/sys/kernel/unprivileged_bpf_disabled"),
            jit: number("/proc/sys/net/core/bpf_jit_enable"),
            memlock: Memlock { counted: host.version() < (5, 11), limit_bytes: getrlimit(Resource::Memlock).current },
            bpf_stats: number("/proc/sys/kernel/bpf_stats_enabled").map(|on| on != 0),
        }
    }
}

fn number(path: &str) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// `integrity` of `none [integrity] confidentiality`.
fn chosen(text: &str) -> Option<String> {
    Some(text.split_once('[')?.1.split_once(']')?.0.to_owned())
}

/// Where a file system of this type is mounted first; the lines are those of /proc/self/mounts.
fn mount_of(mounts: &str, kind: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let mut words = line.split(' ').skip(1);
        let path = words.next()?;
        (words.next() == Some(kind)).then(|| PathBuf::from(path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel's texts are understood.
    #[test]
    fn texts() {
        assert_eq!(chosen("none [integrity] confidentiality\n").as_deref(), Some("integrity"));
        assert_eq!(chosen("\n"), None);
        let mounts = "proc /proc proc rw 0 0\nbpf /sys/fs/bpf bpf rw,mode=700 0 0\n";
        assert_eq!(mount_of(mounts, "bpf"), Some(PathBuf::from("/sys/fs/bpf")));
        assert_eq!(mount_of(mounts, "tracefs"), None);
    }
}

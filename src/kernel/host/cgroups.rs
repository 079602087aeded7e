// SPDX-License-Identifier: MIT OR Apache-2.0
//! The hierarchy of cgroups, as programs see it.

use std::fs;
use std::path::PathBuf;

/// Where the whole hierarchy of cgroup2 is mounted: none in a cgroup namespace or where only a part of it is, since levels count
/// differently there.
pub fn cgroup_root() -> Option<PathBuf> {
    // PROC_CGROUP_INIT_INO of include/linux/proc_ns.h.
    let is_first = fs::read_link("/proc/self/ns/cgroup").is_ok_and(|name| name.as_os_str() == "cgroup:[4026531835]");
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok().filter(|_| is_first)?;
    // 30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw
    mounts.lines().find_map(|line| {
        let (place, system) = line.split_once(" - ")?;
        let mut words = place.split(' ').skip(3);
        let (root, path) = (words.next()?, words.next()?);
        (root == "/" && system.starts_with("cgroup2 ")).then(|| PathBuf::from(path.replace("\\040", " ")))
    })
}

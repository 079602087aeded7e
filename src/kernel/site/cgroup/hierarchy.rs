// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the cgroup2 hierarchy is. Where nobody has mounted it, it is used without being mounted anywhere, as tracefs is.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

/// A cgroup2 hierarchy to open directories of.
pub(in crate::kernel) struct Mounted {
    path: PathBuf,
    /// What keeps it where it is mounted nowhere.
    private: Option<OwnedFd>,
}

impl Mounted {
    /// Where its directories are, as long as this lives.
    pub(in crate::kernel) fn path(&self) -> &Path {
        &self.path
    }

    /// The directory of the cgroup at this path of ours, which begins with `/`.
    pub(super) fn directory(&self, cgroup: &str) -> PathBuf {
        self.path.join(cgroup.trim_start_matches('/'))
    }

    /// False where it is used without being mounted.
    pub(in crate::kernel) fn is_mounted(&self) -> bool {
        self.private.is_none()
    }
}

/// The hierarchy of this machine, as this process sees it.
pub(in crate::kernel) fn mounted() -> io::Result<Mounted> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    if let Some(path) = mount_point(&mounts) {
        return Ok(Mounted { path, private: None });
    }
    let context = fsopen("cgroup2", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    let attributes =
        MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let private = fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?;
    Ok(Mounted { path: PathBuf::from(format!("/proc/self/fd/{}", private.as_raw_fd())), private: Some(private) })
}

/// The directory of a cgroup, open; `None` where there is none.
pub(in crate::kernel) fn find(cgroup: &str) -> Option<File> {
    let hierarchy = mounted().ok()?;
    let directory = File::open(hierarchy.directory(cgroup)).ok()?;
    directory.metadata().is_ok_and(|found| found.is_dir()).then_some(directory)
}

/// The first mount of a cgroup2; the lines are those of /proc/self/mounts, where a space is `\040`.
fn mount_point(mounts: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let mut words = line.split(' ').skip(1);
        let path = words.next()?;
        (words.next() == Some("cgroup2")).then(|| PathBuf::from(path.replace("\\040", " ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hybrid layout of systemd has it below the directory of the old ones.
    #[test]
    fn mount_points() {
        let mounts = "tmpfs /sys/fs/cgroup tmpfs ro 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        assert_eq!(mount_point(mounts), Some(PathBuf::from("/sys/fs/cgroup/unified")));
        assert_eq!(mount_point("proc /proc proc rw 0 0\n"), None);
    }
}

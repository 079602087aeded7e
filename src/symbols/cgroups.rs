// SPDX-License-Identifier: MIT OR Apache-2.0
//! Paths of cgroups by their ids, and the containers that these tell.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::container::container_of_path;
use super::patience::Patience;

/// How long it is believed that an id has no path.
const UNKNOWN: Duration = Duration::from_secs(1);
/// How long a path is believed. An id of 64 bits never comes back; one of 32 bits, on old machines, may.
const FRESH: Duration = Duration::from_secs(10);
/// Cgroups that are remembered.
const MOST: usize = 16 << 10;
/// Directories that a look at all of them takes at most.
const MOST_DIRECTORIES: usize = 50_000;
/// A handle of kernfs: `FILEID_KERNFS` of `include/linux/exportfs.h`, since Linux 5.5.
const KERNFS: i32 = 0xfe;

/// Known ones.
#[derive(Debug, Default)]
pub(super) struct Cgroups {
    known: HashMap<u64, Known>,
    /// Where cgroup2 is mounted, with a directory of it that is open.
    mount: Option<Mount>,
}

/// What an id stands for.
#[derive(Debug)]
struct Known {
    path: Option<Box<str>>,
    container: Option<Box<str>>,
    asked: Instant,
}

impl Cgroups {
    pub(super) fn path(&mut self, id: u64, patience: &mut Patience) -> Option<&str> {
        self.known(id, patience)?.path.as_deref()
    }

    pub(super) fn container(&mut self, id: u64, patience: &mut Patience) -> Option<&str> {
        self.known(id, patience)?.container.as_deref()
    }

    fn known(&mut self, id: u64, patience: &mut Patience) -> Option<&Known> {
        let now = Instant::now();
        let is_fresh = self.known.get(&id).is_some_and(|known| {
            now.saturating_duration_since(known.asked) < if known.path.is_some() { FRESH } else { UNKNOWN }
        });
        if !is_fresh {
            patience.ask(|| self.look(id, now));
        }
        self.known.get(&id)
    }

    fn look(&mut self, id: u64, asked: Instant) {
        if self.mount.is_none() {
            self.mount = Mount::find();
        }
        let path = self.mount.as_ref().and_then(|mount| mount.path_of(id));
        match (path, self.known.get_mut(&id)) {
            // It is gone; events of it may still come.
            (None, Some(known)) => known.asked = asked,
            (path, _) => {
                if self.known.len() >= MOST {
                    self.known.clear();
                }
                let container = path.as_deref().and_then(container_of_path).map(Into::into);
                self.known.insert(id, Known { path: path.map(Into::into), container, asked });
            }
        }
    }
}

/// A mounted cgroup2.
#[derive(Debug)]
struct Mount {
    directory: File,
    path: PathBuf,
}

impl Mount {
    fn find() -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
        let path = mounts.lines().find_map(|line| {
            let mut words = line.split(' ').skip(1);
            let path = words.next()?;
            (words.next() == Some("cgroup2")).then(|| PathBuf::from(path.replace("\\040", " ")))
        })?;
        Some(Self { directory: File::open(&path).ok()?, path })
    }

    /// `/` for its root.
    fn path_of(&self, id: u64) -> Option<String> {
        match open_by_id(&self.directory, id) {
            Ok(found) => {
                let path = fs::read_link(format!("/proc/self/fd/{}", found.as_raw_fd())).ok()?;
                self.below(&path).filter(|path| !path.ends_with(" (deleted)"))
            }
            // There is none of this number.
            Err(error) if error.raw_os_error() == Some(libc::ESTALE) => None,
            // No privilege for it.
            Err(_) => self.walk(id),
        }
    }

    fn below(&self, path: &Path) -> Option<String> {
        let below = path.strip_prefix(&self.path).ok()?.to_str()?;
        Some(format!("/{below}"))
    }

    /// Looks at all directories: the id is the number of the inode.
    fn walk(&self, id: u64) -> Option<String> {
        let (mut left, mut seen) = (vec![self.path.clone()], 0);
        while let Some(folder) = left.pop() {
            seen += 1;
            if seen > MOST_DIRECTORIES {
                return None;
            }
            if fs::symlink_metadata(&folder).is_ok_and(|about| about.ino() == id) {
                return self.below(&folder);
            }
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            left.extend(
                entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()),
            );
        }
        None
    }
}

/// `struct file_handle` with eight bytes.
#[repr(C)]
struct Handle {
    bytes: u32,
    kind: i32,
    id: [u8; 8],
}

/// Opens a cgroup by its id. Fails with ESTALE where there is none.
fn open_by_id(mount: &File, id: u64) -> io::Result<OwnedFd> {
    let mut handle = Handle { bytes: 8, kind: KERNFS, id: id.to_ne_bytes() };
    let flags = libc::O_PATH | libc::O_CLOEXEC;
    // SAFETY: the handle lives across the call, and says itself how many bytes it has; the descriptor is open.
    let found = unsafe { libc::open_by_handle_at(mount.as_raw_fd(), (&raw mut handle).cast(), flags) };
    if found < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a new descriptor that nobody else has.
    Ok(unsafe { OwnedFd::from_raw_fd(found) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ways find the same paths; the root is `/`, and an id of nothing has none.
    #[test]
    fn ways_agree() {
        let Some(mount) = Mount::find() else { return };
        let id = |path: &Path| fs::metadata(path).unwrap().ino();
        assert_eq!(mount.walk(id(&mount.path)).as_deref(), Some("/"));
        let below = fs::read_dir(&mount.path).unwrap().flatten().map(|entry| entry.path()).find(|path| path.is_dir());
        for path in below.iter().chain([&mount.path]) {
            assert_eq!(mount.path_of(id(path)), mount.walk(id(path)), "{}", path.display());
        }
        assert_eq!(mount.path_of(1 << 60), None);
        let mut cgroups = Cgroups::default();
        assert_eq!(cgroups.path(id(&mount.path), &mut Patience::default()), Some("/"));
    }

    /// A cgroup that is gone keeps its path for the events of it that still come; an id that has come back stands for what it is now.
    #[test]
    fn ids_that_end_and_come_back() {
        let Some(mount) = Mount::find() else { return };
        let path = mount.path.join(format!("ebpf-run-{}", std::process::id()));
        if fs::create_dir(&path).is_err() {
            return;
        }
        let name = format!("/{}", path.file_name().unwrap().to_str().unwrap());
        let id = fs::metadata(&path).unwrap().ino();
        let mut cgroups = Cgroups::default();
        let ask = |cgroups: &mut Cgroups| cgroups.path(id, &mut Patience::default()).map(str::to_owned);
        let age = |cgroups: &mut Cgroups| cgroups.known.get_mut(&id).unwrap().asked -= FRESH;
        assert_eq!(ask(&mut cgroups).as_deref(), Some(name.as_str()));
        fs::remove_dir(&path).unwrap();
        age(&mut cgroups);
        assert_eq!(ask(&mut cgroups).as_deref(), Some(name.as_str()), "it is gone");
        assert_eq!(ask(&mut Cgroups::default()), None, "nobody has seen it");
        // Before, the number was that of another one.
        let root = fs::metadata(&mount.path).unwrap().ino();
        let before = Known { path: Some("/before".into()), container: None, asked: Instant::now() };
        cgroups.known.insert(root, before);
        let ask = |cgroups: &mut Cgroups| cgroups.path(root, &mut Patience::default()).map(str::to_owned);
        assert_eq!(ask(&mut cgroups).as_deref(), Some("/before"), "it is asked for once");
        cgroups.known.get_mut(&root).unwrap().asked -= FRESH;
        assert_eq!(ask(&mut cgroups).as_deref(), Some("/"));
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who could change what a path leads to: directories and files of another user, of groups and of everybody, and links.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use ebpf_run::trust::{Reason, walk};
use tempfile::TempDir;

/// Somebody who is not root and whose number has no name.
const STRANGER: u32 = 123_456;

/// A directory of root's that nobody else can write, however the folder of temporary files looks: it is sticky.
fn place() -> (TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let path = fs::canonicalize(place.path()).unwrap();
    (place, path)
}

fn file(path: &Path, mode: u32) {
    fs::write(path, "").unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn directory(path: &Path, mode: u32) {
    fs::create_dir(path).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// The path that lets somebody change another one, and why.
fn breach(path: &Path) -> Option<(PathBuf, Reason)> {
    walk(path).unwrap().breach().map(|breach| (breach.path.clone(), breach.reason))
}

fn is_root() -> bool {
    // SAFETY: takes and returns a number.
    let root = unsafe { libc::geteuid() } == 0;
    if !root {
        println!("skipped: trust: files of other users need root");
    }
    root
}

/// Root's files are root's, also below a sticky directory, and for a group of root's.
#[test]
fn what_root_owns_is_safe() {
    let (_place, at) = place();
    file(&at.join("a"), 0o664);
    assert_eq!(breach(&at.join("a")), None);
    directory(&at.join("sticky"), 0o1777);
    file(&at.join("sticky/b"), 0o644);
    assert_eq!(breach(&at.join("sticky/b")), None);
}

/// Whom a list of rights lets write can write, although the group is root's; the mask of the list, which is the bits of the
/// group, takes that away.
#[test]
fn lists_of_rights() {
    if !is_root() {
        return;
    }
    let (_place, at) = place();
    file(&at.join("a"), 0o644);
    directory(&at.join("d"), 0o755);
    file(&at.join("d/b"), 0o644);
    // Tag, rights and number: the owner, a user or group of the list, the group, the mask, others.
    let give = |path: &Path, tag: u16, may: u16, id: u32| {
        let all = [(1, 7, u32::MAX), (2, 7, 0), (4, 5, u32::MAX), (tag, may, id), (16, 7, u32::MAX), (32, 5, u32::MAX)];
        let mut all = all.to_vec();
        all.sort_unstable();
        let entry =
            |(tag, may, id): (u16, u16, u32)| [&tag.to_le_bytes()[..], &may.to_le_bytes(), &id.to_le_bytes()].concat();
        let list = [2_u32.to_le_bytes().to_vec(), all.into_iter().flat_map(entry).collect()].concat();
        let path = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        let name = c"system.posix_acl_access";
        // SAFETY: both texts end with a NUL, and the kernel reads a list of the length that is given.
        unsafe { libc::setxattr(path.as_ptr(), name.as_ptr(), list.as_ptr().cast(), list.len(), 0) }
    };
    if give(&at.join("a"), 2, 6, STRANGER) != 0 {
        return println!("skipped: trust: {}", std::io::Error::last_os_error());
    }
    assert_eq!(breach(&at.join("a")), Some((at.join("a"), Reason::User(STRANGER))));
    give(&at.join("a"), 8, 6, STRANGER);
    assert_eq!(breach(&at.join("a")), Some((at.join("a"), Reason::Group(STRANGER))));
    give(&at.join("a"), 8, 4, STRANGER);
    assert_eq!(breach(&at.join("a")), None);
    give(&at.join("d"), 2, 7, STRANGER);
    assert_eq!(breach(&at.join("d/b")), Some((at.join("d"), Reason::User(STRANGER))));
    let found = walk(&at.join("d")).unwrap();
    let found = found.breach().unwrap();
    assert!(found.to_string().ends_with("is writable by the user 123456 (getfacl)"), "{found}");
    assert!(found.remedy().starts_with("chmod g-w "), "{}", found.remedy());
    // A sticky directory lets them make names, and take nobody else's away.
    fs::set_permissions(at.join("d"), Permissions::from_mode(0o1775)).unwrap();
    let found = walk(&at.join("d")).unwrap();
    assert_eq!((found.breach(), found.is_shared), (None, true));
    assert!(!walk(&at).unwrap().is_shared);
    fs::set_permissions(at.join("d"), Permissions::from_mode(0o755)).unwrap();
    assert_eq!(breach(&at.join("d/b")), None);
}

/// A file that others can write, or own, is theirs; the message says whose.
#[test]
fn files_of_others() {
    if !is_root() {
        return;
    }
    let (_place, at) = place();
    let path = at.join("a");
    file(&path, 0o666);
    assert_eq!(breach(&path), Some((path.clone(), Reason::Everybody)));
    file(&path, 0o660);
    chown(&path, None, Some(STRANGER)).unwrap();
    assert_eq!(breach(&path), Some((path.clone(), Reason::Group(STRANGER))));
    chown(&path, Some(STRANGER), None).unwrap();
    assert_eq!(breach(&path), Some((path.clone(), Reason::Owner(STRANGER))));
    let said = walk(&path).unwrap().breach().unwrap().to_string();
    assert_eq!(said, format!("`{}` belongs to the user {STRANGER}", path.display()));
}

/// Whoever owns or can write a directory on the way can put another one in its place, however safe the file is.
#[test]
fn directories_of_others() {
    if !is_root() {
        return;
    }
    let (_place, at) = place();
    directory(&at.join("open"), 0o777);
    directory(&at.join("open/inner"), 0o755);
    file(&at.join("open/inner/a"), 0o644);
    assert_eq!(breach(&at.join("open/inner/a")), Some((at.join("open"), Reason::Everybody)));
    directory(&at.join("hers"), 0o755);
    file(&at.join("hers/a"), 0o644);
    chown(at.join("hers"), Some(STRANGER), None).unwrap();
    assert_eq!(breach(&at.join("hers/a")), Some((at.join("hers"), Reason::Owner(STRANGER))));
    // `..` leaves it again, and yet she could replace what it goes through.
    file(&at.join("a"), 0o644);
    directory(&at.join("hers/inner"), 0o755);
    assert_eq!(breach(&at.join("hers/inner/../../a")), Some((at.join("hers"), Reason::Owner(STRANGER))));
}

/// Of a link, what matters is who could replace it and what it leads to; in a sticky directory its owner can.
#[test]
fn links() {
    if !is_root() {
        return;
    }
    let (_place, at) = place();
    file(&at.join("a"), 0o644);
    symlink("a", at.join("link")).unwrap();
    std::os::unix::fs::lchown(at.join("link"), Some(STRANGER), None).unwrap();
    let walked = walk(&at.join("link")).unwrap();
    assert_eq!((walked.path.clone(), walked.breach()), (at.join("a"), None));
    directory(&at.join("sticky"), 0o1777);
    symlink(at.join("a"), at.join("sticky/link")).unwrap();
    assert_eq!(breach(&at.join("sticky/link")), None);
    std::os::unix::fs::lchown(at.join("sticky/link"), Some(STRANGER), None).unwrap();
    assert_eq!(breach(&at.join("sticky/link")), Some((at.join("sticky/link"), Reason::Owner(STRANGER))));
    // Of the link, and not of what it leads to.
    let remedy = walk(&at.join("sticky/link")).unwrap().breach().unwrap().remedy();
    assert!(remedy.starts_with("chown -h root "), "{remedy}");
    file(&at.join("sticky/b"), 0o644);
    chown(at.join("sticky/b"), Some(STRANGER), None).unwrap();
    symlink(at.join("sticky/b"), at.join("away")).unwrap();
    assert_eq!(breach(&at.join("away")), Some((at.join("sticky/b"), Reason::Owner(STRANGER))));
}

/// A link of proc(5) leads where the kernel goes, not where its text says: to a pipe, and to a file that was deleted.
#[test]
fn links_of_proc() {
    use std::os::fd::AsRawFd as _;
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
    let (reader, _writer) = std::io::pipe().unwrap();
    let walked = walk(Path::new(&format!("/proc/self/fd/{}", reader.as_raw_fd()))).unwrap();
    assert!(walked.about.file_type().is_fifo());
    assert_eq!(walked.replaced_by, None);
    let deleted = tempfile::tempfile().unwrap();
    let walked = walk(Path::new(&format!("/proc/self/fd/{}", deleted.as_raw_fd()))).unwrap();
    assert_eq!(walked.about.ino(), deleted.metadata().unwrap().ino());
}

/// A walk fails as open(2) does: for what is missing, a file that is used as a directory, a circle of links.
#[test]
fn what_cannot_be_walked() {
    let (_place, at) = place();
    file(&at.join("a"), 0o644);
    symlink("circle", at.join("circle")).unwrap();
    let code = |path: &str| walk(&at.join(path)).unwrap_err().raw_os_error();
    assert_eq!(code("missing"), Some(libc::ENOENT));
    assert_eq!(code("a/b"), Some(libc::ENOTDIR));
    assert_eq!(code("a/.."), Some(libc::ENOTDIR));
    assert_eq!(code("circle"), Some(libc::ELOOP));
}

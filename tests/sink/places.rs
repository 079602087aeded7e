// SPDX-License-Identifier: MIT OR Apache-2.0
//! Places that others control: nothing is written through their links or into their files, and what takes the place of a file
//! later is an error of its sink.

use std::fs;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ebpf_run::sink::{Delivery, Sink, examine};
use ebpf_run::spec::{LossCause, Rights, SinkSpec};

use super::{LONG, mkfifo, open, refusal, send, spec};

/// Somebody who is not root and whose number has no name.
const STRANGER: u32 = 123_456;

fn is_root() -> bool {
    // SAFETY: takes and returns a number.
    let root = unsafe { libc::geteuid() } == 0;
    if !root {
        eprintln!("skipped: places of others: it takes root");
    }
    root
}

/// A stranger's directory, and one of root's beside it.
fn home() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let at = fs::canonicalize(dir.path()).unwrap();
    let (hers, ours) = (at.join("hers"), at.join("ours"));
    fs::create_dir(&hers).unwrap();
    fs::create_dir(&ours).unwrap();
    chown(&hers, Some(STRANGER), Some(STRANGER)).unwrap();
    (dir, hers, ours)
}

fn refused(path: &Path, why: &str) {
    let said = refusal(path);
    assert!(said.contains(why), "{said}");
}

/// A link in a stranger's directory is not followed, whether its target is there or not, and wherever in the path it is.
#[test]
fn links_of_others() {
    if !is_root() {
        return;
    }
    let (_dir, hers, ours) = home();
    fs::write(ours.join("victim"), "precious\n").unwrap();
    symlink(ours.join("victim"), hers.join("a.jsonl")).unwrap();
    symlink(ours.join("new"), hers.join("b.jsonl")).unwrap();
    symlink(&ours, hers.join("logs")).unwrap();
    let open = fs::File::open(ours.join("victim")).unwrap();
    symlink(format!("/proc/self/fd/{}", open.as_raw_fd()), hers.join("d.jsonl")).unwrap();
    for name in ["a.jsonl", "b.jsonl", "logs/c.jsonl", "logs/victim", "d.jsonl"] {
        refused(&hers.join(name), "belongs to the user 123456");
    }
    let left: Vec<_> = fs::read_dir(&ours).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["victim"]);
    assert_eq!(fs::read_to_string(ours.join("victim")).unwrap(), "precious\n");
}

/// The same in a directory like /tmp, where everybody makes names.
#[test]
fn links_in_a_shared_directory() {
    if !is_root() {
        return;
    }
    let (_dir, hers, ours) = home();
    chown(&hers, Some(0), Some(0)).unwrap();
    fs::set_permissions(&hers, fs::Permissions::from_mode(0o1777)).unwrap();
    fs::write(ours.join("victim"), "precious\n").unwrap();
    for (name, target) in [("a.jsonl", "victim"), ("b.jsonl", "new")] {
        symlink(ours.join(target), hers.join(name)).unwrap();
        std::os::unix::fs::lchown(hers.join(name), Some(STRANGER), Some(STRANGER)).unwrap();
        assert!(refusal(&hers.join(name)).contains("link"), "{}", refusal(&hers.join(name)));
    }
    assert!(!ours.join("new").exists());
    // A file of root's there is good: in a sticky directory nobody else can replace it.
    let delivery = Arc::new(Delivery::default());
    for _ in 0..2 {
        let sink = open(&hers.join("c.jsonl"));
        send(&sink, &delivery, "one\n");
    }
    assert_eq!(delivery.delivered(), 2);
}

/// Links that only root could make are followed, to files that are there and to files that are not yet.
#[test]
fn links_of_root() {
    let dir = tempfile::tempdir().unwrap();
    let at = fs::canonicalize(dir.path()).unwrap();
    fs::create_dir(at.join("data")).unwrap();
    symlink("data", at.join("log")).unwrap();
    symlink("data/real.jsonl", at.join("x.jsonl")).unwrap();
    let delivery = Arc::new(Delivery::default());
    for path in ["x.jsonl", "x.jsonl", "log/real.jsonl"] {
        let sink = open(&at.join(path));
        send(&sink, &delivery, "one\n");
        sink.flush_and_close(LONG);
    }
    assert_eq!(fs::read_to_string(at.join("data/real.jsonl")).unwrap(), "one\none\none\n");
    symlink("loop", at.join("loop")).unwrap();
    refused(&at.join("loop"), "symbolic links");
}

/// A file that another user made or can write is not used, nor one that has a second name where others make names.
#[test]
fn files_of_others() {
    if !is_root() {
        return;
    }
    let (_dir, hers, ours) = home();
    for (path, owner, mode, why) in [
        (hers.join("a"), STRANGER, 0o644, "belongs to the user 123456"),
        (ours.join("b"), STRANGER, 0o600, "belongs to the user 123456"),
        (ours.join("c"), 0, 0o666, "is writable by everyone"),
        (ours.join("d"), 0, 0o660, "is writable by the group 123456"),
    ] {
        fs::write(&path, "hers\n").unwrap();
        chown(&path, Some(owner), Some(STRANGER)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        refused(&path, why);
        assert_eq!(fs::read_to_string(&path).unwrap(), "hers\n");
    }
    fs::write(ours.join("secret"), "").unwrap();
    fs::hard_link(ours.join("secret"), hers.join("linked")).unwrap();
    refused(&hers.join("linked"), "it has a second name");
    drop(open(&ours.join("secret")));
    mkfifo(&hers.join("fifo"));
    chown(hers.join("fifo"), Some(STRANGER), Some(STRANGER)).unwrap();
    refused(&hers.join("fifo"), "belongs to the user 123456");
    // A new one can be made there: it is ours.
    let delivery = Arc::new(Delivery::default());
    send(&open(&hers.join("new")), &delivery, "one\n");
    send(&open(&hers.join("new")), &delivery, "two\n");
    assert_eq!(fs::read_to_string(hers.join("new")).unwrap(), "one\ntwo\n");
}

/// Devices on which lines would overwrite something are refused; those that take text are not.
#[test]
fn devices() {
    if !is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let device = |name: &str, kind: u32, major: u32, minor: u32| {
        let path = dir.path().join(name);
        let text = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        // SAFETY: the path ends with a NUL and lives across the call.
        let made = unsafe { libc::mknod(text.as_ptr(), kind | 0o600, libc::makedev(major, minor)) };
        (made == 0).then_some(path)
    };
    if let Some(path) = device("loop0", libc::S_IFBLK, 7, 0) {
        refused(&path, "it is a block device");
    }
    for (name, minor) in [("mem", 1), ("kmem", 2), ("port", 4)] {
        if let Some(path) = device(name, libc::S_IFCHR, 1, minor) {
            refused(&path, "it is a device but not a terminal");
        }
    }
    // Who writes here changes how something runs.
    for path in ["/proc/self/comm", "/proc/self/oom_score_adj"] {
        refused(Path::new(path), "it is a virtual file of the kernel");
    }
    let delivery = Arc::new(Delivery::default());
    send(&open(Path::new("/dev/null")), &delivery, "one\n");
    assert_eq!(delivery.delivered(), 1);
}

/// Whatever takes the place of a file that is written to is an error, counted and said, until a file or nothing is there.
#[test]
fn something_else_takes_the_place() {
    if !is_root() {
        return;
    }
    let (_dir, hers, ours) = home();
    let path = hers.join("a.jsonl");
    fs::write(ours.join("victim"), "precious\n").unwrap();
    let sink = open(&path);
    let delivery = Arc::new(Delivery::default());
    send(&sink, &delivery, "one\n");
    type Put<'a> = (&'a str, Box<dyn Fn() + 'a>);
    let puts: [Put<'_>; 6] = [
        ("a FIFO", Box::new(|| mkfifo(&path))),
        ("a directory", Box::new(|| fs::create_dir(&path).unwrap())),
        ("a socket", Box::new(|| drop(std::os::unix::net::UnixListener::bind(&path).unwrap()))),
        ("belongs to", Box::new(|| symlink(ours.join("victim"), &path).unwrap())),
        ("belongs to", Box::new(|| symlink("/dev/null", &path).unwrap())),
        (
            "belongs to",
            Box::new(|| {
                fs::write(&path, "").unwrap();
                chown(&path, Some(STRANGER), None).unwrap();
            }),
        ),
    ];
    let mut lost = 0;
    for (round, (what, put)) in (0..).zip(&puts) {
        fs::rename(&path, hers.join(format!("old{round}"))).unwrap();
        put();
        send(&sink, &delivery, "lost\n");
        lost += 1;
        assert_eq!(delivery.lost(LossCause::SinkError), lost, "{what}");
        let said = sink.trouble().unwrap();
        assert!(said.contains(what), "{said}");
        fs::remove_file(&path).or_else(|_| fs::remove_dir(&path)).unwrap();
        send(&sink, &delivery, "next\n");
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), sink.trouble()), ("next\n", None));
    }
    assert_eq!(delivery.delivered(), 1 + puts.len() as u64);
    assert_eq!(fs::read_to_string(ours.join("victim")).unwrap(), "precious\n");
}

/// What whoever started us handed over is written to, whoever owns it.
#[test]
fn descriptors_that_were_handed_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    let file = fs::File::create(&path).unwrap();
    drop(chown(&path, Some(STRANGER), Some(STRANGER)));
    let descriptor = format!("/dev/fd/{}", file.as_raw_fd());
    let delivery = Arc::new(Delivery::default());
    send(&open(Path::new(&descriptor)), &delivery, "one\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\n");
}

/// A sink for a stranger and their group.
fn theirs(path: &Path, mode: Option<u32>) -> SinkSpec {
    let id = Some(STRANGER.to_string());
    SinkSpec { rights: Rights { mode, user: id.clone(), group: id }, ..spec(path) }
}

/// Mode and owner hold for each file that is made, also after a rotation, whatever the umask; what is there stays as it is.
#[test]
fn mode_and_owner() {
    if !is_root() {
        return;
    }
    let (_dir, hers, ours) = home();
    for (directory, mode) in [(&ours, 0o664), (&hers, 0o600), (&ours, 0o644)] {
        let path = directory.join(format!("a{mode:o}"));
        let sink = Sink::open(&theirs(&path, Some(mode))).unwrap();
        let delivery = Arc::new(Delivery::default());
        let looks = || {
            let about = fs::metadata(&path).unwrap();
            (about.mode() & 0o7777, about.uid(), about.gid())
        };
        send(&sink, &delivery, "one\n");
        assert_eq!(looks(), (mode, STRANGER, STRANGER));
        fs::rename(&path, directory.join("old")).unwrap();
        send(&sink, &delivery, "two\n");
        assert_eq!(looks(), (mode, STRANGER, STRANGER));
        // Their file is what the sink is for; a link of theirs still is not followed.
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        chown(&path, Some(STRANGER), Some(STRANGER)).unwrap();
        send(&sink, &delivery, "three\n");
        assert_eq!((delivery.delivered(), sink.trouble()), (3, None));
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
    }
    fs::write(ours.join("mine"), "").unwrap();
    drop(Sink::open(&theirs(&ours.join("mine"), Some(0o600))).unwrap());
    assert_eq!(fs::metadata(ours.join("mine")).unwrap().uid(), 0, "a file that is there stays as it is");
    fs::write(ours.join("victim"), "").unwrap();
    symlink(ours.join("victim"), hers.join("link")).unwrap();
    assert!(Sink::open(&theirs(&hers.join("link"), None)).is_err());
}

/// An owner that this machine does not have is said before anything is made.
#[test]
fn an_owner_who_does_not_exist() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    let rights = Rights { user: Some("no-such-user".to_owned()), ..Rights::default() };
    let spec = SinkSpec { rights, ..spec(&path) };
    let said = format!("failed to open `{}`: this machine has no user `no-such-user`", path.display());
    assert_eq!(Sink::open(&spec).err().unwrap().to_string(), said);
    assert_eq!(examine(&spec).unwrap_err().to_string(), said);
    assert!(!path.exists());
}

/// What can be known without opening it is what opening it says, and nothing is made.
#[test]
fn examined_beforehand() {
    if !is_root() {
        return;
    }
    let (_dir, hers, ours) = home();
    symlink(&ours, hers.join("logs")).unwrap();
    mkfifo(&hers.join("fifo"));
    chown(hers.join("fifo"), Some(STRANGER), None).unwrap();
    for path in [hers.join("logs/a"), hers.join("fifo"), ours.join("no/a"), ours.clone()] {
        assert_eq!(examine(&spec(&path)).unwrap_err().to_string(), refusal(&path));
    }
    for path in [ours.join("new"), hers.join("new"), PathBuf::from("/var/log/ebpf-run/a.jsonl"), "/dev/null".into()] {
        assert_eq!(examine(&spec(&path)), Ok(()));
    }
    assert!(!ours.join("new").exists());
}

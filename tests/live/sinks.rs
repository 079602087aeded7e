// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a run may write, and what it does on a disk that has no room.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::time::{Duration, Instant};

use crate::lab::{Lab, Run, bpf, json, need, open_missing, sh, wait_for};

const STRANGER: u32 = 123_456;

fn opens(sinks: &str) -> String {
    format!(
        "probes:\n  - name: opens\n    hook: {{ tracepoint: \"syscalls:sys_enter_openat\" }}\n    \
         capture: {{ path: filename as user_string }}\n    sinks: [{sinks}]\n"
    )
}

/// A stranger's link and a stranger's file are refused where the file asks for them, with what to do about it; a new file in a
/// stranger's directory is root's.
#[test]
fn in_a_directory_of_a_stranger() {
    need!(bpf());
    let lab = Lab::new();
    fs::create_dir(lab.path("hers")).unwrap();
    fs::write(lab.path("victim"), "precious\n").unwrap();
    symlink(lab.path("victim"), lab.path("hers/link.jsonl")).unwrap();
    fs::write(lab.path("hers/file.jsonl"), "hers\n").unwrap();
    chown(lab.path("hers"), Some(STRANGER), None).unwrap();
    chown(lab.path("hers/file.jsonl"), Some(STRANGER), None).unwrap();
    for (name, why, help) in [
        ("link", "a link on the way is not followed: ", "write the path without links"),
        (
            "file",
            "file.jsonl` belongs to the user 123456",
            "remove it, or trust its owner: `file: { path: …, owner: \"123456\" }`",
        ),
    ] {
        let path = lab.text(&format!("hers/{name}.jsonl"));
        let yaml = opens(&format!("\"jsonl:{path}\""));
        let ended = lab.whole(&yaml, &[]).code(1);
        assert!(
            ended.stderr.contains("error[E0404]: failed to open `") && ended.stderr.contains(why),
            "{}",
            ended.stderr
        );
        assert!(ended.stderr.contains(help), "{}", ended.stderr);
        // The check foretells it.
        let checked = lab.run(&["check", "--kernel", "probes.yaml"]).code(1);
        assert!(checked.stdout.join("\n").contains("error[E0404]: failed to open `"), "{checked:?}");
    }
    assert_eq!(fs::read_to_string(lab.path("victim")).unwrap(), "precious\n");
    assert_eq!(fs::read_to_string(lab.path("hers/file.jsonl")).unwrap(), "hers\n");
    let path = lab.path("hers/new.jsonl");
    let ended = lab.whole(&opens("\"jsonl:hers/new.jsonl\""), &["--duration", "50ms"]).code(0);
    assert!(ended.stderr.contains("`hers/new.jsonl` can be taken away from there"), "{}", ended.stderr);
    assert_eq!(fs::metadata(path).unwrap().uid(), 0);
}

/// The mode and the owner that a file says; an owner that this machine does not have is said by the check, too.
#[test]
fn mode_and_owner() {
    need!(bpf());
    let lab = Lab::new();
    let with = |owner: &str| {
        let sink = format!("sinks: {{ log: {{ file: {{ path: a.jsonl, mode: \"0664\", owner: \"{owner}\" }} }} }}\n");
        sink + &opens("log")
    };
    lab.whole(&with("123456:0"), &["--duration", "50ms"]).code(0);
    let about = fs::metadata(lab.path("a.jsonl")).unwrap();
    assert_eq!((about.permissions().mode() & 0o7777, about.uid(), about.gid()), (0o664, STRANGER, 0));
    // The next run trusts it, as its file says so.
    lab.whole(&with("123456:0"), &["--duration", "50ms"]).code(0);
    let said = "failed to open `a.jsonl`: this machine has no user `no-such-user`";
    lab.whole(&with("no-such-user"), &[]).code(1).says(said);
    let checked = lab.run(&["check", "--kernel", "probes.yaml"]).code(1);
    assert!(checked.stdout.join("\n").contains(said), "{checked:?}");
}

/// A normal user writes in a directory of their own, where their group may write too, as many systems have it.
#[test]
fn a_user_at_home() {
    need!(bpf());
    let lab = Lab::new();
    let home = lab.path("home");
    fs::create_dir(&home).unwrap();
    chown(&home, Some(STRANGER), Some(STRANGER)).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o775)).unwrap();
    fs::write(home.join("a.jsonl"), "").unwrap();
    chown(home.join("a.jsonl"), Some(STRANGER), Some(STRANGER)).unwrap();
    fs::set_permissions(home.join("a.jsonl"), fs::Permissions::from_mode(0o664)).unwrap();
    lab.yaml(&opens("\"jsonl:home/a.jsonl\", \"text:home/new.txt\""));
    let mut command = lab.command(&["check", "--kernel", "probes.yaml"]);
    command.uid(STRANGER).gid(STRANGER);
    let ended = Run::start(command).end();
    assert!(!ended.stdout.join("\n").contains("E0404") && !ended.stderr.contains("E0404"), "{ended:?}");
}

/// Standard output that is a file on a full disk, which is truncated and gets room again: every line is whole, no hole is left.
#[test]
fn standard_output_on_a_full_disk() {
    need!(bpf());
    // SAFETY: moves this thread, and what it starts, into a new mount namespace.
    if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
        return crate::lab::skip("no mount namespace");
    }
    let disk = tempfile::tempdir().unwrap();
    sh(&format!("mount --make-rprivate /; mount -t tmpfs -o size=8m,mode=0755 none {}", disk.path().display()));
    let at = |name: &str| disk.path().join(name);
    let lab = Lab::new();
    lab.yaml(&opens("stdout"));
    for append in [false, true] {
        let stdout = OpenOptions::new().write(true).create(true).append(append).open(at("out.jsonl")).unwrap();
        let mut run = Run::start_with(lab.command(&["probes.yaml"]).stdout(stdout));
        run.wait_until_ready();
        let path = lab.text("missing");
        (0..100).for_each(|_| open_missing(&path));
        drop(io::copy(&mut io::repeat(1), &mut File::create(at("ballast")).unwrap()));
        wait_for("the full disk", || {
            open_missing(&path);
            run.stderr_now().contains("failed to write `stdout`: No space left on device")
        });
        File::options().write(true).open(at("out.jsonl")).unwrap().set_len(0).unwrap();
        fs::remove_file(at("ballast")).unwrap();
        let start = Instant::now();
        let last = format!("{path}-last");
        wait_for("the next event", || {
            open_missing(&last);
            fs::read_to_string(at("out.jsonl")).unwrap().contains(&last)
        });
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        let ended = run.interrupt();
        let totals = ended.totals("opens");
        assert_eq!(totals.produced, totals.delivered + totals.lost);
        fs::read_to_string(at("out.jsonl")).unwrap().lines().for_each(|line| drop(json(line)));
        fs::remove_file(at("out.jsonl")).unwrap();
    }
}

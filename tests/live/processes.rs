// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the program `exec` says of a process: its command line, what it really runs, its cgroup, and why it did not start.

use std::ffi::CString;
use std::fs;
use std::io::Write as _;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::lab::{Lab, Run, bpf, need, sh};

fn yaml(params: &str) -> String {
    format!("probes:\n  - {{ name: execs, program: exec, params: {{ {params} }} }}\n")
}

/// Waits for the end of a command that was started; gives its pid.
fn pid_of(command: &mut Command) -> u32 {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    child.wait().unwrap();
    child.id()
}

fn start_of(run: &mut Run, pid: u32) -> Value {
    run.event(|event| event["pid"] == pid && event["event"] == "exec")
}

/// A shell that reads the command line finds all words again: empty ones, also at the end, and those with any sign in it.
#[test]
fn every_word_of_a_command_line() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(&yaml("execs_only: true, max_args_bytes: 4096"), &[]);
    let many = vec!["x"; 2000];
    let lines: [&[&str]; 9] = [
        &["a", ""],
        &["", "", ""],
        &["", "a"],
        &["a", "", "b", "", ""],
        &["two words", "two\nlines", "tab\t", "it's", "\"", "\\n", "$HOME", "`ls`", "a=b", "*"],
        &["'", "''", "\"'"],
        &["\u{1b}[31m", "ünï", "-"],
        &[" ", "  "],
        &many,
    ];
    for words in lines {
        let pid = pid_of(Command::new("/bin/echo").args(words));
        let start = start_of(&mut run, pid);
        let line = start["args"].as_str().unwrap();
        let out = Command::new("sh").args(["-c", &format!("printf '%s\\0' {line}")]).output().unwrap();
        let read: Vec<&[u8]> = out.stdout.split_inclusive(|byte| *byte == 0).collect();
        let expected: Vec<Vec<u8>> =
            ["/bin/echo"].iter().chain(words).map(|word| [word.as_bytes(), b"\0"].concat()).collect();
        assert_eq!(read, expected, "{line}");
        assert!(start.get("args_truncated").is_none(), "{start}");
    }
    // No name of its own, and nothing at all, for which newer kernels put an empty one.
    let pid = pid_of(Command::new("/bin/true").arg0("").arg(""));
    assert_eq!(start_of(&mut run, pid)["args"], "'' ''");
    run.interrupt().code(0);
}

/// As much of a command line is kept as `max_args_bytes` says, for each probe by itself, and a cut is marked.
#[test]
fn how_much_of_a_command_line() {
    need!(bpf());
    let lab = Lab::new();
    let probe = |name: &str, bytes: u32| {
        format!("  - {{ name: {name}, program: exec, params: {{ execs_only: true, max_args_bytes: {bytes} }} }}\n")
    };
    let yaml = format!("probes:\n{}{}{}", probe("one", 1), probe("some", 100), probe("most", 4096));
    let run = lab.ready(&yaml, &[]);
    let pid = pid_of(Command::new("/bin/echo").args(vec!["abc"; 10_000]));
    let fits = pid_of(Command::new("/bin/echo").arg("y".repeat(4096 - "/bin/echo".len() - 2)));
    let ended = run.interrupt().code(0);
    let whole = format!("/bin/echo {}", "abc ".repeat(10_000));
    for (probe, bytes) in [("one", 1), ("some", 100), ("most", 4096)] {
        let events = ended.events();
        let of = |pid: u32| events.iter().find(|event| event["probe"] == probe && event["pid"] == pid).unwrap().clone();
        assert_eq!(of(pid)["args"].as_str().unwrap().trim_end(), whole[..bytes].trim_end(), "{probe}");
        assert_eq!(of(pid)["args_truncated"], true);
        assert_eq!(of(fits).get("args_truncated"), (bytes < 4096).then_some(&json!(true)), "{probe}");
        assert!(of(fits).get("short_record").is_none());
    }
}

/// What is executed through a descriptor; `/bin/false`, where that fails.
fn by_descriptor(fd: OwnedFd) -> Command {
    let mut command = Command::new("/bin/false");
    // SAFETY: one system call, between fork and exec; the strings live in the closure.
    unsafe {
        command.pre_exec(move || {
            let (empty, name) = (c"", c"job");
            let arguments = [name.as_ptr(), std::ptr::null()];
            let nothing = [std::ptr::null::<libc::c_char>()];
            let at = libc::AT_EMPTY_PATH;
            libc::syscall(libc::SYS_execveat, fd.as_raw_fd(), empty.as_ptr(), &arguments, &nothing, at);
            Ok(())
        });
    }
    command
}

/// `exe` is the file itself, however it was named: behind a link, a descriptor, of a script its interpreter, in memory, deleted.
#[test]
fn the_file_that_runs() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(&yaml("execs_only: true"), &[]);
    let shell = fs::canonicalize("/bin/sh").unwrap();
    let program = fs::canonicalize("/bin/true").unwrap();
    let copy = lab.text("copy");
    // By another process: a test that forks meanwhile would have the file open for writing, and what is so cannot be executed.
    sh(&format!("cp {} {copy}", program.display()));
    std::os::unix::fs::symlink(&copy, lab.path("link")).unwrap();
    let pid = pid_of(&mut Command::new(lab.path("link")));
    let start = start_of(&mut run, pid);
    assert_eq!((&start["exe"], &start["filename"]), (&json!(copy), &json!(lab.text("link"))));

    let script = lab.text("script");
    sh(&format!("printf '#!/bin/sh\\nexit 0\\n' >{script} && chmod 755 {script}"));
    let pid = pid_of(&mut Command::new(lab.path("script")));
    assert_eq!(start_of(&mut run, pid)["exe"], shell.to_str().unwrap());

    let pid = pid_of(&mut by_descriptor(fs::File::open(&copy).unwrap().into()));
    let start = start_of(&mut run, pid);
    assert_eq!(start["exe"], copy);
    assert!(start["filename"].as_str().unwrap().starts_with("/dev/fd/"), "{start}");

    // SAFETY: the name is NUL-terminated; gives a new descriptor or -1.
    let memory = unsafe { libc::memfd_create(c"secret".as_ptr(), libc::MFD_CLOEXEC) };
    // SAFETY: the descriptor is new and nobody else owns it.
    let mut memory = fs::File::from(unsafe { OwnedFd::from_raw_fd(memory) });
    memory.write_all(&fs::read(&program).unwrap()).unwrap();
    // A file that is open for writing cannot be executed.
    let readable = fs::File::open(format!("/proc/self/fd/{}", memory.as_raw_fd())).unwrap();
    drop(memory);
    let pid = pid_of(&mut by_descriptor(readable.into()));
    assert_eq!(start_of(&mut run, pid)["exe"], "/memfd:secret (deleted)");

    let gone = fs::File::open(&copy).unwrap();
    fs::remove_file(&copy).unwrap();
    let pid = pid_of(&mut by_descriptor(gone.into()));
    assert_eq!(start_of(&mut run, pid)["exe"], format!("{copy} (deleted)"));
    run.interrupt().code(0);
}

/// Of a path that is too long the end stays, and it says so; one that just fits is whole. It crosses mounts.
#[test]
fn long_paths_and_mounts() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(&yaml("execs_only: true"), &[]);
    let mut folder = lab.text("mounted");
    fs::create_dir_all(&folder).unwrap();
    sh(&format!("mount -t tmpfs nodev {folder}"));
    let mut lengths = Vec::new();
    for _ in 0..8 {
        folder = format!("{folder}/{}", "d".repeat(39));
        fs::create_dir_all(&folder).unwrap();
        let path = format!("{folder}/job");
        fs::copy(fs::canonicalize("/bin/true").unwrap(), &path).unwrap();
        let pid = pid_of(&mut Command::new(&path));
        let start = start_of(&mut run, pid);
        let exe = start["exe"].as_str().unwrap();
        if path.len() <= 256 {
            assert_eq!((exe, start.get("exe_truncated")), (path.as_str(), None));
        } else {
            let end = exe.strip_prefix('…').unwrap();
            assert!(path.ends_with(end) && end.len() > 200 && end.starts_with('/'), "{exe} of {path}");
            assert_eq!(start["exe_truncated"], true);
        }
        lengths.push(path.len() <= 256);
    }
    sh(&format!("umount {}", lab.text("mounted")));
    assert!(lengths.contains(&true) && lengths.contains(&false));
    run.interrupt().code(0);
}

/// A folder where cgroups of version 2 are.
fn cgroups() -> Result<String, String> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let found = mounts.lines().find_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (folder, kind) = (words.next()?, words.next()?);
        (kind == "cgroup2").then(|| folder.to_owned())
    });
    found.ok_or_else(|| "no cgroups of version 2 are mounted".to_owned())
}

/// The cgroup of a process is that of /proc/PID/cgroup, at its start and at its end.
#[test]
fn the_cgroup_of_a_process() {
    need!(bpf(), cgroups());
    let lab = Lab::new();
    let mut run = lab.ready(&yaml(""), &[]);
    let top = format!("{}/live-{}.slice", cgroups().unwrap(), std::process::id());
    let folder = format!("{top}/job with space.service");
    fs::create_dir_all(&folder).unwrap();
    let mut command = Command::new("/bin/cat");
    let procs = CString::new(format!("{folder}/cgroup.procs")).unwrap();
    // SAFETY: system calls only, between fork and exec.
    unsafe {
        command.pre_exec(move || {
            let file = libc::open(procs.as_ptr(), libc::O_WRONLY);
            if libc::write(file, c"0".as_ptr().cast(), 1) == 1 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
        });
    }
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    let shown = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let expected = shown.lines().find_map(|line| line.strip_prefix("0::")).unwrap().to_owned();
    assert!(expected.ends_with(".slice/job with space.service"), "{shown}");
    assert_eq!(start_of(&mut run, pid)["cgroup"], expected);
    drop(child.stdin.take());
    child.wait().unwrap();
    let end = run.event(|event| event["pid"] == pid && event["event"] == "exit");
    assert_eq!(end["cgroup"], expected);
    run.interrupt().code(0);
    fs::remove_dir(&folder).and_then(|()| fs::remove_dir(&top)).unwrap();
}

/// A program that cannot be started is reported where that is asked for, with the name and the reason.
#[test]
fn what_does_not_start() {
    need!(bpf());
    let lab = Lab::new();
    let two = "probes:\n  - { name: all, program: exec, params: { failed: true } }\n  \
               - { name: starts, program: exec }\n  \
               - { name: only, program: exec, params: { failed: true, failures_only: true, execs_only: true } }\n";
    let path = |name: &str| lab.text(name);
    fs::write(path("text"), "hello").unwrap();
    fs::write(path("plain"), "#!/bin/sh\n").unwrap();
    fs::write(path("orphan"), "#!/nonexistent/interpreter\n").unwrap();
    sh(&format!("chmod 755 {} {}; chmod 644 {}", path("text"), path("orphan"), path("plain")));
    let long = format!("/{}", "a/".repeat(200));
    let cases = [
        (path("missing"), "ENOENT"),
        (path("orphan"), "ENOENT"),
        (path("plain"), "EACCES"),
        (path("text"), "ENOEXEC"),
        (format!("{}/under", path("text")), "ENOTDIR"),
        (lab.dir.path().to_str().unwrap().to_owned(), "EACCES"),
        (long, "ENOENT"),
    ];
    let run = lab.ready(two, &[]);
    let mut pids = Vec::new();
    for (name, _) in &cases {
        let mut command = Command::new("/bin/true");
        let name = CString::new(name.as_str()).unwrap();
        // SAFETY: one system call, between fork and exec; the strings live in the closure.
        unsafe {
            command.pre_exec(move || {
                let nothing = [std::ptr::null::<libc::c_char>()];
                libc::execve(name.as_ptr(), nothing.as_ptr(), nothing.as_ptr());
                Ok(())
            });
        }
        pids.push(pid_of(&mut command));
    }
    pids.push(pid_of(&mut by_descriptor(fs::File::open(lab.path("text")).unwrap().into())));
    let ended = run.interrupt().code(0);
    let events = ended.events();
    let own = |event: &&Value| pids.iter().any(|pid| event["pid"] == *pid);
    assert!(!events.iter().filter(own).any(|event| event["probe"] == "starts" && event["event"] == "failed"));
    for probe in ["all", "only"] {
        let failed = |event: &&Value| event["probe"] == probe && event["event"] == "failed";
        let failed: Vec<&Value> = events.iter().filter(own).filter(failed).collect();
        let found: Vec<_> = failed.iter().map(|event| (event["filename"].as_str(), event["errno"].as_str())).collect();
        let mut expected: Vec<_> =
            cases.iter().map(|(name, errno)| (Some(&name[..name.len().min(255)]), Some(*errno))).collect();
        expected.push((Some(""), Some("ENOEXEC")));
        assert_eq!(found, expected, "{probe}");
        assert_eq!(failed[6]["filename_truncated"], true);
        assert!(failed[5].get("filename_truncated").is_none());
        let nothing = ["exit_code", "signal", "duration_ns", "args"];
        assert!(failed.iter().all(|event| nothing.iter().all(|key| event[key].is_null())), "{failed:?}");
        // The process still runs what it ran.
        let own = std::env::current_exe().unwrap();
        assert!(failed.iter().all(|event| event["exe"] == own.to_str().unwrap()), "{failed:?}");
    }
    assert!(events.iter().filter(|event| event["probe"] == "only").all(|event| event["event"] == "failed"));
    assert!(events.iter().filter(own).all(|event| (event["event"] == "failed") != event["errno"].is_null()));
}

/// A storm of processes that only fork and fail: each of them ends once, or is counted as lost.
#[test]
fn a_storm_of_forks() {
    need!(bpf());
    let lab = Lab::new();
    let run = lab.ready(&yaml("failures_only: true"), &[]);
    let script = "i=0; while [ $i -lt 500 ]; do (exit 9) & i=$((i+1)); done; wait";
    let mut storms: Vec<_> = (0..4).map(|_| Command::new("sh").args(["-c", script]).spawn().unwrap()).collect();
    let parents: Vec<u32> = storms.iter().map(std::process::Child::id).collect();
    for storm in &mut storms {
        storm.wait().unwrap();
    }
    let ended = run.interrupt().code(0);
    let totals = ended.totals("execs");
    assert_eq!(totals.produced, totals.delivered + totals.lost, "{}", ended.stderr);
    let events = ended.events();
    let of_storm = |event: &&Value| parents.iter().any(|parent| event["ppid"] == *parent) && event["exit_code"] == 9;
    let mut pids: Vec<u64> = events.iter().filter(of_storm).map(|event| event["pid"].as_u64().unwrap()).collect();
    let count = pids.len() as u64;
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len() as u64, count, "a process ended twice");
    assert!(count <= 2000 && count + totals.lost >= 2000, "{count} and {} lost", totals.lost);
}

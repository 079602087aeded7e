// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs and libraries that somebody made, or exchanges, to take the reader's memory, its time, or its word: what a probe
//! is in is the file that was looked into.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, chown, symlink};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crate::called::{Called, compile};
use crate::elf::{CODE, Elf, FUNCTION, build_id, symbol};
use crate::lab::{Lab, bpf, need, sh, tool};

/// Somebody who is not root.
const STRANGER: u32 = 123_456;

/// A directory of somebody else in the lab, and its path.
fn theirs(lab: &Lab, name: &str) -> String {
    fs::create_dir(lab.path(name)).unwrap();
    chown(lab.path(name), Some(STRANGER), Some(STRANGER)).unwrap();
    lab.text(name)
}

/// Bytes of the code of a process, as `place` bytes into its file.
fn code_of(process: &Called, place: u64, length: usize) -> Vec<u8> {
    let maps = fs::read_to_string(format!("/proc/{}/maps", process.pid())).unwrap();
    let line = maps.lines().find(|line| line.contains(" r-xp ") && line.contains("/called")).unwrap();
    let number = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let begin = number(line.split('-').next().unwrap());
    let offset = number(line.split_ascii_whitespace().nth(2).unwrap());
    let mut code = vec![0; length];
    let memory = File::open(format!("/proc/{}/mem", process.pid())).unwrap();
    memory.read_exact_at(&mut code, begin + place - offset).unwrap();
    code
}

/// The program of the other tests with so many more instructions before its functions.
fn shifted(lab: &Lab, folder: &str, instructions: usize) -> String {
    let (source, binary) =
        (format!("{}/tests/support/called.c", env!("CARGO_MANIFEST_DIR")), format!("{folder}/called"));
    let before = "nop\\n".repeat(instructions);
    fs::write(lab.path("before.s"), format!(".text\n{}\n", before.replace("\\n", "\n"))).unwrap();
    sh(&format!("cc -O1 -o {binary} {} {source}", lab.text("before.s")));
    binary
}

/// Where `answer` is in a file.
fn answer(binary: &str) -> u64 {
    let address = sh(&format!("nm {binary} | awk '$3 == \"answer\" {{ print $1 }}'"));
    u64::from_str_radix(address.trim(), 16).unwrap()
}

/// Somebody exchanges a file for another of theirs, by its name and by a link, as quickly as they can: each time the
/// breakpoint is where the function is in the file that it is in, and nowhere else.
#[test]
fn exchanged_while_it_is_attached() {
    need!(bpf(), tool("cc"), tool("nm"));
    let lab = Lab::new();
    let (one, two) = (theirs(&lab, "one"), theirs(&lab, "two"));
    let (first, second) = (shifted(&lab, &one, 0), shifted(&lab, &two, 9));
    let places = [answer(&first), answer(&second)];
    assert_ne!(places[0], places[1]);
    let mut processes = [Called::start(&first, "one"), Called::start(&second, "two")];
    // Then all that they map is there.
    processes.iter_mut().for_each(|process| process.call(0));
    let clean: Vec<Vec<u8>> = processes.iter().map(|process| code_of(process, places[0].min(places[1]), 64)).collect();
    let hooked = theirs(&lab, "hooked");
    let path = format!("{hooked}/called");
    symlink(&first, &path).unwrap();
    let yaml = format!("probes:\n  - {{ name: x, hook: {{ uprobe: \"{path}:answer\" }} }}\n");
    let (stop, begin) = (AtomicBool::new(false), places[0].min(places[1]));
    let (mut tries, start) = ([0, 0], Instant::now());
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut next = [&second, &first].into_iter().cycle();
            while !stop.load(Relaxed) {
                let new = format!("{hooked}/new");
                symlink(next.next().unwrap(), &new).unwrap();
                fs::rename(&new, &path).unwrap();
            }
        });
        while start.elapsed() < Duration::from_secs(4) || (tries[0] == 0 && start.elapsed() < Duration::from_secs(20)) {
            let run = lab.ready(&yaml, &[]);
            for (which, process) in processes.iter().enumerate() {
                let now = code_of(process, begin, 64);
                let changed: Vec<u64> =
                    (0..64).filter(|at| now[*at] != clean[which][*at]).map(|at| begin + at as u64).collect();
                assert!(changed.is_empty() || changed == [places[which]], "{changed:x?} of {places:x?}");
                tries[which] += changed.len();
            }
            run.interrupt().code(0);
        }
        stop.store(true, Relaxed);
    });
    assert!(tries.iter().sum::<usize>() > 3, "{tries:?}");
}

/// What is no program is refused at once, whatever opening it would do: a FIFO, a device, files of the kernel's own.
#[test]
fn no_programs() {
    need!(bpf());
    let lab = Lab::new();
    let fifo = lab.text("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    symlink("/proc/kmsg", lab.path("kmsg")).unwrap();
    for (path, said) in [
        (fifo.as_str(), "is not a regular file, not a program or library"),
        ("/dev/zero", "is not a regular file, not a program or library"),
        ("/dev/tty", "is not a regular file, not a program or library"),
        ("/proc/kmsg", "is a virtual file of the kernel, not a program or library"),
        (lab.path("kmsg").to_str().unwrap(), "is a virtual file of the kernel, not a program or library"),
        ("/proc/self/mem", "is a virtual file of the kernel"),
        ("/proc/self/environ", "is a virtual file of the kernel"),
        ("/sys/kernel/tracing/trace_pipe", "is a virtual file of the kernel"),
        ("/sys/kernel/uevent_seqnum", "is a virtual file of the kernel"),
    ] {
        let start = Instant::now();
        let yaml = format!("probes:\n  - {{ name: x, hook: {{ uprobe: \"{path}:main\" }} }}\n");
        let file = lab.yaml(&yaml);
        let checked = lab.run(&["check", "--kernel", file.to_str().unwrap()]).code(1);
        assert!(checked.stdout.join("\n").contains(said), "{path}: {:?}", checked.stdout);
        lab.run(&["hooks", "main", "--binary", path]).code(1).says(said);
        assert!(start.elapsed() < Duration::from_secs(5), "{path}");
    }
}

/// Files that would take gigabytes are read or refused by a program that may have little memory.
#[test]
fn bombs() {
    need!(bpf(), tool("sh"));
    let lab = Lab::new();
    let mut names = Elf { names: [vec![b'x'; 1 << 20], vec![0]].concat(), code: 4096, ..Elf::default() };
    names.symbols = (0..20_000).flat_map(|_| symbol(0, FUNCTION, CODE + 16, 16)).collect();
    let sparse = Elf { code: 3 << 30, ..Elf::functions(["f"]) };
    for (name, elf) in [("names", names), ("sparse", sparse)] {
        elf.write(&mut File::create(lab.path(name)).unwrap()).unwrap();
        let path = lab.text(name);
        let yaml = format!("probes:\n  - {{ name: x, hook: {{ uprobe: \"{path}:f\" }} }}\n");
        let file = lab.yaml(&yaml).to_str().unwrap().to_owned();
        let program = env!("CARGO_BIN_EXE_ebpf-run");
        for command in [format!("check --kernel {file}"), format!("hooks f --binary {path}")] {
            let peak = lab.text("peak");
            // So much may be in memory, shared or not.
            sh(&format!("ulimit -v 400000; {program} {command} > {peak} 2>&1 || test $? = 1"));
            let said = fs::read_to_string(&peak).unwrap();
            let expected = if name == "names" { "has no function `f`" } else { "ok: 1 file" };
            assert!(command.starts_with("hooks") || said.contains(expected), "{command}: {said}");
        }
    }
}

/// A run warns where others could change a binary, and so do check and plan; with a build id or the word they do not. Another
/// build than the one that is asked for is refused.
#[test]
fn whose() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let folder = theirs(&lab, "home");
    let binary = compile(&lab);
    let path = format!("{folder}/called");
    sh(&format!(
        "cc -O1 -Wl,--build-id=0x0123456789abcdef -o {path} {}/tests/support/called.c",
        env!("CARGO_MANIFEST_DIR")
    ));
    let checked = |hook: &str| {
        let file = lab.yaml(&format!("probes:\n  - {{ name: x, hook: {{ uprobe: {hook} }} }}\n"));
        let file = file.to_str().unwrap();
        let ended = lab.run(&["check", "--kernel", file]);
        let planned = lab.run(&["plan", file]);
        let run = lab.run(&[file, "--duration", "1ms"]);
        let text = ended.stdout.join("\n") + &ended.stderr;
        let strict = lab.run(&["check", "--kernel", "--strict", file]);
        (text, planned.stdout.join("\n"), run.stderr, strict.status.code())
    };
    let whose = format!("other users could change `{path}`: `{folder}` belongs to the user {STRANGER}");
    let (check, plan, run, strict) = checked(&format!("\"{path}:answer\""));
    assert!(check.contains(&format!("warning[W0402]: {whose}")), "{check}");
    assert!(
        check.contains("or `allow_untrusted: true`") && plan.contains(&whose) && run.contains(&whose),
        "{plan}{run}"
    );
    assert_eq!(strict, Some(1));
    let (check, ..) = checked(&format!("{{ binary: {path}, offset: {}, allow_untrusted: true }}", answer(&path)));
    assert!(check.contains("and an `offset` fits only one build"), "{check}");
    for good in [
        format!("{{ binary: {path}, symbol: answer, allow_untrusted: true }}"),
        format!("{{ binary: {path}, symbol: answer, build_id: 0123456789ABCDEF }}"),
        format!("{{ binary: {path}, offset: {}, build_id: \"0123456789abcdef\" }}", answer(&path)),
        format!("{{ binary: {binary}, symbol: answer }}"),
    ] {
        let (check, _, run, strict) = checked(&good);
        assert!(
            check.contains("ok: 1 file") && !run.contains("others could") && strict == Some(0),
            "{good}: {check}{run}"
        );
    }
    let (check, ..) = checked(&format!("{{ binary: {path}, symbol: answer, build_id: 0123456789abcdee }}"));
    assert!(check.contains(&format!("error[E0402]: `{path}` is a different build")), "{check}");
    assert!(check.contains("its build id is 0123456789abcdef"), "{check}");
    sh(&format!("cc -O1 -Wl,--build-id=none -o {path} {}/tests/support/called.c", env!("CARGO_MANIFEST_DIR")));
    let (check, ..) = checked(&format!("{{ binary: {path}, symbol: answer, build_id: 0123456789abcdef }}"));
    assert!(check.contains(&format!("`{path}` has no build id")), "{check}");
}

/// The search for a library passes over files for another machine and for 32 bits; where there is no other, it says so.
#[test]
fn libraries_of_another_class() {
    need!(bpf());
    let lab = Lab::new();
    let [small, other, good] = ["small", "other", "good"].map(|name| {
        fs::create_dir(lab.path(name)).unwrap();
        lab.text(name)
    });
    let mut elf = Elf { note: build_id(&[1; 8]), ..Elf::functions(["f"]) };
    let put = |folder: &str, elf: &Elf| fs::write(format!("{folder}/libtwo.so.1"), elf.bytes()).unwrap();
    put(&good, &elf);
    elf.changes = vec![(4, vec![1])];
    put(&small, &elf);
    elf.changes = vec![(18, vec![8, 0])];
    put(&other, &elf);
    let file = lab.yaml("probes:\n  - { name: x, hook: { uprobe: libtwo.so.1:f } }\n");
    let check = |paths: &[&str]| {
        let mut command = lab.command(&["check", "--kernel", file.to_str().unwrap()]);
        let output = command.env("LD_LIBRARY_PATH", paths.join(":")).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let said = check(&[&small, &other, &good]);
    assert!(said.contains("ok: 1 file"), "{said}");
    let said = check(&[&small, &other]);
    assert!(
        said.contains("there is no library `libtwo.so.1` for this machine in the directories of libraries"),
        "{said}"
    );
    assert!(said.contains(&format!("`{small}/libtwo.so.1` is for another architecture, or for 32 bits")), "{said}");
    fs::set_permissions(lab.path("good"), Permissions::from_mode(0o777)).unwrap();
    let said = check(&[&small, &good]);
    assert!(said.contains(&format!("`{good}` is writable by everyone")), "{said}");
}

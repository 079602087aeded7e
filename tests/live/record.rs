// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records as they lie in the ring, through the library: every byte of them is written by the program.

use std::time::{Duration, Instant};

use ebpf_run::catalog::builtin;
use ebpf_run::config::{Environment, SourceFile, check};
use ebpf_run::kernel::{Attached, Host, Loaded, Ring, Waker, prepare, wait};
use ebpf_run::spec::Layout;

use crate::lab::{BOUND, Lab, bpf, need, open_missing, tid};

/// Loads and attaches the only probe of a file; its ring, and the layout of its records.
fn attach(probe: &str) -> (Attached, Ring, Layout) {
    let text = format!("version: 1\nprobes:\n{probe}");
    let catalog = builtin().unwrap();
    let checked = check(&[SourceFile::new("t.yaml", text)], &catalog, &Environment::default());
    let config = checked.config.unwrap();
    let spec = &config.probes[0].spec;
    let (program, host) = (catalog.get(&spec.program).unwrap(), Host::default());
    let prepared = prepare(spec, program, &host).unwrap();
    let loaded = Loaded::load(spec, program, &prepared, &host).unwrap();
    let ring = loaded.ring().unwrap();
    (loaded.attach(spec, &host).unwrap(), ring, prepared.layout.unwrap())
}

/// Makes something happen and gives the `wanted` records of it that `pick` picks. The rings are small, so that records
/// come to lie where others lay; on a busy machine one may find no room, and then it is made to happen again.
fn records<T>(
    ring: &mut Ring,
    wanted: usize,
    mut happen: impl FnMut() -> T,
    pick: impl Fn(&[u8], &T) -> bool,
) -> Vec<Vec<u8>> {
    let waker = Waker::new().unwrap();
    let start = Instant::now();
    loop {
        ring.consume(|_| true);
        let what = happen();
        let deadline = Instant::now() + Duration::from_secs(1);
        let mut found = Vec::new();
        while found.len() < wanted && Instant::now() < deadline {
            let each = |record: &[u8]| {
                if pick(record, &what) {
                    found.push(record.to_vec());
                }
                true
            };
            if ring.consume(each) == 0 {
                wait([&*ring].into_iter(), &waker, Some(Duration::from_millis(50)));
            }
        }
        if found.len() == wanted {
            return found;
        }
        assert!(start.elapsed() < BOUND, "{} of {wanted} records", found.len());
    }
}

fn u64_at(record: &[u8], at: u32) -> u64 {
    u64::from_ne_bytes(record[at as usize..][..8].try_into().unwrap())
}

fn u32_at(record: &[u8], at: u32) -> u32 {
    u32::from_ne_bytes(record[at as usize..][..4].try_into().unwrap())
}

/// What is behind a short text is zero, although a long one lay in the same memory before.
#[test]
fn zeros_behind_text() {
    need!(bpf());
    let lab = Lab::new();
    let (attached, mut ring, layout) = attach(
        "  - name: opens\n    hook: { tracepoint: \"syscalls:sys_enter_openat\" }\n    \
         capture: { path: \"filename as user_string[200]\", m: mode as u8, dfd: dfd, raw: \"filename as bytes[3]\" }\n    \
         buffer: 4KiB\n    include_self: true\n",
    );
    let tid_at = layout.process.iter().find(|field| field.name == "tid").unwrap().offset;
    let mine = tid() as u32;
    let long = lab.text(&"x".repeat(150));
    let mut seen = Vec::new();
    // 4 KiB of ring hold a dozen of these records: each place is written several times by both.
    for round in 0..60 {
        let path = if round % 3 == 2 { "/q" } else { &long };
        let found = records(&mut ring, 1, || open_missing(path), |record, ()| u32_at(record, tid_at) == mine);
        seen.extend(found.into_iter().map(|record| (path, record)));
    }
    drop(attached);
    let [path_field, mode, dfd, raw] = layout.fields.as_slice() else { panic!("{layout:?}") };
    for (path, record) in seen {
        assert_eq!(record.len(), layout.size as usize);
        let slot = |from: u32, to: u32| &record[from as usize..to as usize];
        let text = slot(path_field.offset, mode.offset);
        let shown = text.iter().position(|byte| *byte == 0).unwrap();
        assert_eq!(&text[..shown], path.as_bytes());
        assert!(text[shown..].iter().all(|byte| *byte == 0), "behind the text: {text:?}");
        assert!(slot(mode.offset + 1, dfd.offset).iter().all(|byte| *byte == 0), "behind one byte");
        assert!(slot(dfd.offset + 4, raw.offset).iter().all(|byte| *byte == 0), "behind four bytes");
        assert!(slot(raw.offset + 3, layout.size).iter().all(|byte| *byte == 0), "behind three bytes");
        let head = [path.as_bytes(), b"\0"].concat();
        assert_eq!(&record[raw.offset as usize..][..3], &head[..3]);
    }
}

/// A value that cannot be read leaves zeros, not what lay there before; the mask says that it is absent.
#[test]
fn zeros_where_nothing_was_read() {
    need!(bpf());
    let lab = Lab::new();
    let (attached, mut ring, layout) = attach(
        "  - name: opens\n    hook: { tracepoint: \"syscalls:sys_enter_openat\" }\n    \
         capture: { path: \"filename as user_string[200]\", raw: \"filename as bytes[100]\" }\n    buffer: 4KiB\n    \
         include_self: true\n",
    );
    let tid_at = layout.process.iter().find(|field| field.name == "tid").unwrap().offset;
    let mine = tid() as u32;
    let long = lab.text(&"y".repeat(180));
    for round in 0..60 {
        let happen = || {
            if round % 3 == 2 {
                // SAFETY: the kernel refuses the address with EFAULT.
                unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, 8, 0, 0) };
            } else {
                open_missing(&long);
            }
        };
        let record = records(&mut ring, 1, happen, |record, ()| u32_at(record, tid_at) == mine).remove(0);
        let body = &record[layout.fields[0].offset as usize..];
        let absent = u64_at(&record, layout.absent.unwrap());
        if round % 3 == 2 {
            assert_eq!(absent, 0b11);
            assert!(body.iter().all(|byte| *byte == 0), "{body:?}");
        } else {
            assert_eq!(absent, 0);
        }
    }
    drop(attached);
}

/// The records of `exec`: what does not belong to a start or to an end is zero.
#[test]
fn exec_records_are_whole() {
    need!(bpf());
    let (attached, mut ring, layout) = attach("  - { name: execs, program: exec, buffer: 4KiB }\n");
    let pid_at = layout.process.iter().find(|field| field.name == "pid").unwrap().offset;
    let field = |name: &str| layout.fields.iter().find(|field| field.name == name).unwrap();
    let (exe, cgroup, filename, code) = (field("exe"), field("cgroup"), field("filename"), field("exit_code"));
    let (flag, duration, args) = (field("args_truncated"), field("duration_ns"), field("args"));
    for round in 0..12 {
        let long = "z".repeat(if round % 2 == 0 { 400 } else { 1 });
        let happen = || {
            let mut child = std::process::Command::new("/bin/true").arg(&long).spawn().unwrap();
            child.wait().unwrap();
            child.id()
        };
        let both = records(&mut ring, 2, happen, |record, pid| u32_at(record, pid_at) == *pid);
        let [start, end] = both.as_slice() else { panic!("{}", both.len()) };
        let of = |record: &[u8], from: u32, len: u32| record[from as usize..][..len as usize].to_vec();
        let zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
        let line = [b"/bin/true\0", long.as_bytes(), b"\0"].concat();
        let words = args.offset as usize + 4;
        assert_eq!(u32_at(start, args.offset) as usize, line.len());
        assert_eq!(&start[words..][..line.len()], line);
        assert!(zero(&start[words + line.len()..]), "behind the command line");
        let name = of(start, filename.offset, filename.size);
        assert!(name.starts_with(b"/bin/true\0") && zero(&name[9..]), "behind the file's name");
        assert!(zero(&of(start, code.offset, duration.offset + 8 - code.offset)), "an end's values in a start");
        assert!(zero(&of(end, filename.offset, filename.size)), "a start's file in an end");
        assert!(zero(&end[args.offset as usize..]), "a start's command line in an end");
        for record in [start, end] {
            assert_eq!(record.len(), words + 512);
            for names in [exe, cgroup] {
                // The length has two bytes; what was cut or deleted is said in the next two.
                let used = 4 + (u32_at(record, names.offset) & 0xffff);
                assert!(zero(&of(record, names.offset + used, names.size - used)), "behind the names of a path");
            }
            assert!(zero(&record[flag.offset as usize + 1..duration.offset as usize]), "the padding");
        }
    }
    drop(attached);
}

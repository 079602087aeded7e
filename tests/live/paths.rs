// SPDX-License-Identifier: MIT OR Apache-2.0
//! Paths of captures beyond members: casts in the middle, `container_of`, `first_of`, indexes and lengths that are values, builtins
//! that are paths, values of several parts, and what types mean without being told. Each is compared with what /proc or the
//! test itself knows.

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::process::Command;

use serde_json::{Value, json};

use crate::lab::{Lab, bpf, need};

/// The number of a namespace, as its link says.
fn namespace(kind: &str) -> u64 {
    fs::metadata(format!("/proc/self/ns/{kind}")).unwrap().ino()
}

#[track_caller]
fn holds(event: &Value, expected: &[(&str, Value)]) {
    for (field, value) in expected {
        assert_eq!(event[*field], *value, "{field} of {event}");
    }
}

/// What the process at hand is: builtins that are paths say the same as /proc.
#[test]
fn builtins() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(
        "probes:\n  - name: execs\n    hook: { raw_tracepoint: sched_process_exec }\n    capture:\n      file: bprm->filename\n      \
         exe: exe\n      parent: ppid\n      parent_name: parent_comm\n      real: euid\n      rights: caps\n      pidns: pidns\n      \
         mntns: mntns\n      netns: netns\n      name: task->comm\n      same: current.pid\n      core: cpu\n      event: event\n      \
         now: ktime\n      group: cgroup\n      group_id: cgroup_id\n",
        &[],
    );
    let program = lab.text("paths-program");
    fs::copy("/bin/true", &program).unwrap();
    assert!(Command::new(&program).status().unwrap().success());
    let event = run.event(|event| event["file"] == *program);
    holds(
        &event,
        &[
            ("exe", json!(program)),
            ("parent", json!(std::process::id())),
            ("parent_name", json!(fs::read_to_string("/proc/self/comm").unwrap().trim())),
            ("real", json!(0)),
            ("pidns", json!(namespace("pid"))),
            ("mntns", json!(namespace("mnt"))),
            ("netns", json!(namespace("net"))),
            ("name", json!("paths-program")),
            ("same", event["pid"].clone()),
            ("event", json!("sched_process_exec")),
        ],
    );
    assert!(event["rights"].as_str().unwrap().contains("CAP_BPF"), "{event}");
    assert!(event["now"].as_str().unwrap().starts_with("20"), "{event}");
    run.interrupt().code(0);
}

/// Members by either sign, another struct at the same address or around it, bits of an integer, the first that there is.
#[test]
fn structs() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(
        "probes:\n  - name: execs\n    hook: { raw_tracepoint: sched_process_exec }\n    capture:\n      file: bprm.filename\n      \
         path: bprm->file as path\n      again: bprm->file->f_path as path\n      \
         mount: container_of(bprm->file->f_path.mnt, struct mount, mnt)->mnt_id\n      \
         same: ((p as struct task_struct)->group_leader as struct task_struct)->tgid\n      \
         state: first_of(p->no_such_member, p->__state, p->state)\n      fork: p->sched_reset_on_fork as bool\n      \
         mode: bprm->file->f_inode->i_mode as file_mode\n      disk: bprm->file->f_inode->i_sb->s_dev as u32\n      \
         first: p->comm[0]\n      letter: p->comm[bprm->argc]\n",
        &[],
    );
    let program = lab.text("structs-program");
    fs::copy("/bin/true", &program).unwrap();
    assert!(Command::new(&program).arg("1").status().unwrap().success());
    let event = run.event(|event| event["file"] == *program);
    let metadata = fs::metadata(&program).unwrap();
    holds(
        &event,
        &[
            ("path", json!(program)),
            ("again", json!(program)),
            ("same", event["pid"].clone()),
            ("state", json!(0)),
            ("fork", json!(false)),
            ("mode", json!(format!("S_IFREG|0{:o}", metadata.mode() & 0o7777))),
            ("first", json!(u32::from(b's'))),
            ("letter", json!(u32::from(b'r'))),
        ],
    );
    assert!(event["mount"].as_u64().unwrap() > 0, "{event}");
    run.interrupt().code(0);
}

/// Text and bytes never run past the length that the call gave them, and a descriptor leads to its file.
#[test]
fn lengths_and_descriptors() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(
        "probes:\n  - name: writes\n    hook: { tracepoint: \"syscalls:sys_enter_write\" }\n    capture:\n      text: \
             \"buf as string(16, len=count)\"\n      head: \"buf as bytes(4, len=count)\"\n      bytes: \"buf as bytes(len=count)\"\n      \
             file: \"task->files->fdt->fd[fd] as path\"\n      fd: fd\n",
        &[],
    );
    let path = lab.text("written");
    let mut file = fs::File::create(&path).unwrap();
    // What follows in memory must not be seen.
    let memory = b"hello, whoever reads this: and this is none of it";
    file.write_all(&memory[..5]).unwrap();
    let event = run.event(|event| event["file"] == *path);
    holds(
        &event,
        &[
            ("text", json!("hello")),
            ("head", json!("68656c6c")),
            ("head_truncated", json!(true)),
            ("bytes", json!("68656c6c6f")),
            ("text_truncated", Value::Null),
            ("bytes_truncated", Value::Null),
        ],
    );
    run.interrupt().code(0);
}

/// Addresses and sockets are read as a whole, and their parts are a second look at them.
#[test]
fn addresses() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(
        "probes:\n  - name: connects\n    hook: { tracepoint: \"syscalls:sys_enter_connect\" }\n    capture:\n      \
         to: uservaddr\n      port: uservaddr.port\n      ip: (uservaddr as sockaddr).ip\n      family: uservaddr.family\n  \
         - name: states\n    hook: { tracepoint: \"sock:inet_sock_set_state\" }\n    capture:\n      conn: skaddr as sock\n      \
         peer: (skaddr as sock).destination\n      old: oldstate\n      new: newstate\n      mine: sport\n",
        &[],
    );
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let own = stream.local_addr().unwrap();
    let event = run.event(|event| event["probe"] == "connects" && event["port"] == port);
    let to = format!("127.0.0.1:{port}");
    holds(&event, &[("to", json!(to)), ("ip", json!("127.0.0.1")), ("family", json!("AF_INET"))]);
    let event = run
        .event(|event| event["probe"] == "states" && event["mine"] == own.port() && event["new"] == "TCP_ESTABLISHED");
    let conn = json!({ "family": "AF_INET", "protocol": "IPPROTO_TCP", "source": own.to_string(), "destination": to });
    holds(&event, &[("conn", conn), ("peer", json!(to)), ("old", json!("TCP_SYN_SENT"))]);
    let unix = lab.text("nobody.sock");
    drop(UnixStream::connect(&unix).unwrap_err());
    let event = run.event(|event| event["probe"] == "connects" && event["family"] == "AF_UNIX");
    assert_eq!(event["to"], format!("unix:{unix}"), "{event}");
    run.interrupt().code(0);
}

/// Pointers of a program are read in its memory alone, behind a cast to a struct of the kernel as well.
#[test]
fn memory_of_programs() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(
        "probes:\n  - name: sleeps\n    hook: { tracepoint: \"syscalls:sys_enter_clock_nanosleep\" }\n    capture:\n      \
         asked: rqtp as timespec\n      seconds: rqtp->tv_sec\n      nanoseconds: (rqtp as struct __kernel_timespec)->tv_nsec\n  \
         - name: wrong\n    hook: { tracepoint: \"syscalls:sys_enter_openat\" }\n    capture: { path: filename, flags: flags }\n",
        &[],
    );
    let asked = libc::timespec { tv_sec: 0, tv_nsec: 1_234_567 };
    // SAFETY: the time lives across the call, which writes nothing back.
    unsafe { libc::clock_nanosleep(libc::CLOCK_MONOTONIC, 0, &raw const asked, std::ptr::null_mut()) };
    let event = run.event(|event| event["probe"] == "sleeps" && event["nanoseconds"] == 1_234_567);
    holds(&event, &[("asked", json!(1_234_567)), ("seconds", json!(0))]);
    // An address of the kernel where the call takes one of the process: nothing is read there.
    let kernel_address = 0xffff_ffff_8100_0000_u64;
    // SAFETY: the kernel refuses the address.
    unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, kernel_address, 0o123, 0) };
    let event = run.event(|event| event["probe"] == "wrong" && event["flags"] == 0o123);
    holds(&event, &[("path", Value::Null)]);
    run.interrupt().code(0);
}

/// A name that only some of several targets have is null at the others.
#[test]
fn names_of_some_targets() {
    need!(bpf());
    let lab = Lab::new();
    let mut run = lab.ready(
        "probes:\n  - name: lives\n    hook: { tracepoint: [\"sched:sched_process_exec\", \"sched:sched_process_exit\"] }\n    capture:\n      \
         file: filename\n      text: filename as string(8)\n      mine: args.pid\n      priority: prio\n",
        &[],
    );
    let program = lab.text("lives-program");
    fs::copy("/bin/true", &program).unwrap();
    assert!(Command::new(&program).status().unwrap().success());
    let start = run.event(|event| event["file"] == *program);
    holds(&start, &[("priority", Value::Null), ("mine", start["pid"].clone())]);
    let end = run.event(|event| event["pid"] == start["pid"] && event["priority"] != Value::Null);
    holds(&end, &[("file", Value::Null), ("text", Value::Null), ("mine", start["pid"].clone())]);
    run.interrupt().code(0);
}

/// What a path lacks is said with the word that is to blame, and what is near.
#[test]
fn what_is_wrong() {
    need!(bpf());
    let lab = Lab::new();
    let text = "probes:\n  - name: x\n    hook: { raw_tracepoint: sched_process_exec }\n    capture:\n      \
                a: p->real_parnt->pid\n      b: (p as struct task_strukt)->pid\n      c: p->comm[16]\n      d: q->pid\n      \
                e: p->real_parent->real_parent->real_parent->real_parent->real_parent->real_parent->real_parent->real_parent->real_parent->pid\n      \
                f: first_of(p->nothing, p->nobody)\n      h: bprm as path\n      i: kernel.no_such_variable\n";
    let ended = lab.whole(text, &["--duration", "1ms"]);
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    for expected in [
        "error[E0403]: struct task_struct has no member `real_parnt`\n --> ",
        "  |             ^^^^^^^^^^\n  |\n  = help: did you mean `real_parent`?\n",
        "this kernel has no `struct task_strukt`\n",
        "  |                ^^^^^^^^^^^^^^^^^^\n  |\n  = help: did you mean `task_struct`?\n",
        "`p->comm` has 16 elements; there is no element 16\n",
        "raw tracepoint `sched_process_exec` has no argument `q`\n",
        "the value is behind 9 pointers; at most 8 can be followed\n",
        "none of `p->nothing`, `p->nobody` is here\n",
        "a `struct linux_binprm` has no path; a `struct file`, `struct path` or `struct dentry` has one\n",
        "this kernel has no variable `no_such_variable`\n",
    ] {
        assert!(ended.stderr.contains(expected), "{expected}\n{}", ended.stderr);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the machine cannot do or the file gets wrong: one clear message with its place, the right exit status, nothing
//! delivered, nothing left attached.

use std::ffi::CString;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Stdio;

use ebpf_run::catalog::{Program, builtin};
use ebpf_run::config::{Environment, SourceFile, check};
use ebpf_run::kernel::{Host, Loaded, Prepared};

use crate::lab::{Ended, Lab, Run, bpf, need, open_missing, tool};

/// A file with one probe, whose text follows its name; run to its end, which must come by itself.
fn refused(probe: &str) -> Ended {
    let lab = Lab::new();
    let ended = lab.whole(&format!("probes:\n  - name: x\n{probe}"), &["--duration", "50ms"]);
    assert_eq!(ended.stdout, Vec::<String>::new());
    assert!(!ended.stderr.contains("ready"), "{}", ended.stderr);
    ended
}

fn no_kprobes() -> Result<(), String> {
    if Path::new("/sys/bus/event_source/devices/kprobe").exists() {
        return Err("this kernel has kprobes".to_owned());
    }
    Ok(())
}

/// A kernel without kprobes says so in one sentence and names what it has in their place.
#[test]
fn no_kprobes_here() {
    need!(bpf());
    if no_kprobes().is_err() {
        // Nothing to see: the VM tests attach kprobes.
        return;
    }
    let ended = refused("    hook: { kprobe: do_sys_openat2 }\n").code(1);
    let ended = ended
        .says("probes.yaml:4:13")
        .says("this kernel has no kprobes, so `kprobe: do_sys_openat2` cannot be attached");
    ended.says("`tracepoint: \"syscalls:sys_enter_openat\"`");
    let ended = refused("    hook: { kretprobe: tcp_v4_connect }\n").code(1);
    let named = refused("    hook: { kprobe: no_such_function }\n    capture: { a: filename }\n").code(1);
    named.says("this kernel has no kprobes");
    ended
        .says("no kprobes, so `kretprobe: tcp_v4_connect`")
        .says("it offers tracepoints, raw tracepoints, uprobes and xdp");
}

/// A tracepoint that is not there: the category, the name, or the category of another one.
#[test]
fn no_such_tracepoint() {
    need!(bpf());
    let of = |name: &str| refused(&format!("    hook: {{ tracepoint: \"{name}\" }}\n")).code(1).says("error[E0402]");
    let ended = of("syscalls:sys_enter_opena").says("probes.yaml:4:");
    ended
        .says("this kernel has no tracepoint `syscalls:sys_enter_opena`")
        .says("did you mean `syscalls:sys_enter_open");
    let ended = of("shed:sched_switch").says("no tracepoints of the category `shed`");
    ended.says("did you mean `sched:sched_switch`?");
    of("xyzzy:plugh").says("no tracepoints of the category `xyzzy`");
    let ended = refused("    hook: { raw_tracepoint: sched_swich }\n").code(1);
    ended.says("no raw tracepoint `sched_swich`").says("did you mean `sched_switch`?");
    // The same when it names arguments, which a tracepoint that is not there does not have.
    let ended =
        refused("    hook: { raw_tracepoint: sched_swich }\n    capture: { a: prev->pid, b: next->pid }\n").code(1);
    let ended = ended.says("no raw tracepoint `sched_swich`");
    assert_eq!(ended.stderr.matches("error[").count(), 1, "{}", ended.stderr);
}

/// Captures that the hook does not have: all of them at once, each with the nearest name.
#[test]
fn no_such_field() {
    need!(bpf());
    let ended = refused(
        "    hook: { tracepoint: \"syscalls:sys_enter_openat\" }\n    \
         capture: { a: filname as user_string, b: \"flags[0]\", c: mode->x, d: dfd }\n",
    );
    let ended = ended.code(1).says("tracepoint `syscalls:sys_enter_openat` has no field `filname`");
    let ended = ended.says("did you mean `filename`?").says("probes.yaml:5:").says("`flags` is not an array");
    let ended = ended.says("`mode` has no members: it is not a pointer or struct");
    assert_eq!(ended.stderr.matches("error[E0403]").count(), 3, "{}", ended.stderr);
    let ended = refused(
        "    hook: { raw_tracepoint: sched_process_exec }\n    capture: { a: p->pidd, b: pp, c: arg3, d: p.pid }\n",
    );
    let ended = ended.code(1).says("struct task_struct has no member `pidd`").says("did you mean `pid`?");
    let ended = ended.says("raw tracepoint `sched_process_exec` has no argument `pp`");
    let ended = ended.says("this tracepoint has 3 arguments, there is no `arg3`");
    // `p.pid` follows the pointer as `p->pid` does.
    assert_eq!(ended.stderr.matches("error[E0403]").count(), 3, "{}", ended.stderr);
}

/// A bad file is said before anything touches the kernel, all of it at once, with status 2.
#[test]
fn bad_files() {
    let lab = Lab::new();
    let text = "probes:\n  - { name: a, program: exec, progam: x }\n  - { name: a, program: exec, interval: fast }\n  \
                - { name: c, program: excec }\n  - { name: d, program: exec, params: { only_user: 1 } }\n  - { name: e, program: 7 }\n";
    let ended = lab.whole(text, &[]).code(2);
    assert!(ended.stdout.is_empty() && !ended.stderr.contains("ready"));
    for message in [
        "probes.yaml:3:31",
        "`progam`",
        "probes.yaml:4:",
        "`interval` must be",
        "`excec`",
        "did you mean `exec`?",
        "`only_user`",
        "`only_uid`",
    ] {
        assert!(ended.stderr.contains(message), "{message}: {}", ended.stderr);
    }
    assert!(ended.stderr.matches("error[").count() >= 5, "{}", ended.stderr);
    lab.whole("probes:\n  - { name: a, program: exec }\n  - { name: a, program: exec }\n", &[])
        .code(2)
        .says("error[E0301]");
}

/// Bad usage has status 2 and says what would be good usage.
#[test]
fn bad_usage() {
    let lab = Lab::new();
    lab.yaml("probes:\n  - { name: x, program: exec }\n");
    for arguments in [
        &[][..],
        &["--nonsense"],
        &["probes.yaml", "--duration", "fast"],
        &["probes.yaml", "--count", "0"],
        &["probes.yaml", "--count", "many"],
        &["programs", "nonsense"],
    ] {
        let ended = Run::start(lab.command(arguments)).end().code(2);
        assert!(ended.stdout.is_empty() && !ended.stderr.is_empty(), "{arguments:?}");
    }
}

/// Paths that are no probe files: each with its reason; nothing waits, nothing is read that has no end.
#[test]
fn paths() {
    let lab = Lab::new();
    let with = |arguments: &[&str]| Run::start(lab.command(arguments)).end().code(2);
    with(&["nowhere.yaml"]).says("failed to read `nowhere.yaml`: there is no such file");
    fs::create_dir(lab.path("empty")).unwrap();
    fs::write(lab.path("empty/README.txt"), "no YAML").unwrap();
    with(&["empty"]).says("no *.yaml or *.yml file in the directory `empty`");
    let fifo = CString::new(lab.text("fifo.yaml")).unwrap();
    // SAFETY: the path is NUL-terminated and lives across the call.
    assert_eq!(unsafe { libc::mkfifo(fifo.as_ptr(), 0o600) }, 0);
    with(&["fifo.yaml"]).says("failed to read `fifo.yaml`: it is not a regular file");
    with(&["/dev/zero"]).says("it is not a regular file");
    File::create(lab.path("sparse.yaml")).unwrap().set_len(1 << 30).unwrap();
    with(&["sparse.yaml"]).says("it is larger than 1 MiB");
    fs::write(lab.path("latin.yaml"), b"version: 1\n# \xe9\n").unwrap();
    with(&["latin.yaml"]).says("it is not UTF-8");
    // All of them at once.
    let ended = with(&["nowhere.yaml", "fifo.yaml", "empty"]);
    assert_eq!(ended.stderr.matches("error[E000").count(), 3, "{}", ended.stderr);
    // In a directory, other names are left alone.
    fs::create_dir(lab.path("d")).unwrap();
    for (name, text) in [
        ("a.yaml", "version: 1\nprobes: [{ name: a, program: exec, enabled: false }]\n"),
        (".b.yaml", "%"),
        ("c.yaml~", "%"),
    ] {
        fs::write(lab.path("d").join(name), text).unwrap();
    }
    with(&["d"]).says("nothing to run: `a` has `enabled: false`");
}

/// The files of a directory run together, in the order of their names.
#[test]
fn directories_run() {
    need!(bpf());
    let lab = Lab::new();
    fs::create_dir(lab.path("d")).unwrap();
    for (name, probe) in [("b.yml", "second"), ("a.yaml", "first")] {
        let text = format!("version: 1\nprobes:\n  - {{ name: {probe}, program: exec }}\n");
        fs::write(lab.path("d").join(name), text).unwrap();
    }
    let mut run = Run::start(lab.command(&["d", "--duration", "10ms"]));
    let ready = run.wait_until_ready();
    assert!(
        ready.starts_with(
            "ready: first (tracepoint sched:sched_process_exec, tracepoint sched:sched_process_exit), second"
        ),
        "{ready}"
    );
    run.end().code(0);
}

/// Somebody who may not do it is told what it takes.
#[test]
fn no_privilege() {
    need!(bpf());
    let lab = Lab::new();
    let nobody = |yaml: &str| {
        lab.yaml(yaml);
        let mut command = lab.command(&["probes.yaml", "--duration", "10ms"]);
        let ended = Run::start_with(command.uid(65534).gid(65534).stdout(Stdio::piped())).end();
        assert!(ended.stdout.is_empty());
        ended.code(1).says("root").says("probes.yaml:")
    };
    nobody("probes:\n  - { name: x, program: exec }\n").says("CAP_BPF");
    nobody("probes:\n  - { name: x, hook: { xdp: { interface: lo } } }\n").says("CAP_NET_ADMIN");
    nobody("probes:\n  - { name: x, hook: { raw_tracepoint: sched_switch } }\n").says("CAP_BPF and CAP_PERFMON");
    nobody("probes:\n  - { name: x, hook: { tracepoint: \"sched:sched_switch\" } }\n").says("permission denied");
    fs::write(lab.path("secret.yaml"), "version: 1\n").unwrap();
    crate::lab::sh(&format!("chmod 600 {}", lab.text("secret.yaml")));
    let mut command = lab.command(&["secret.yaml"]);
    let ended = Run::start_with(command.uid(65534).gid(65534).stdout(Stdio::piped())).end().code(2);
    ended.says("failed to read `secret.yaml`: permission denied");
    // What only reads needs nothing.
    for arguments in [&["programs"][..], &["programs", "exec"], &["schema"], &["--help"], &["--version"]] {
        let mut command = lab.command(arguments);
        Run::start_with(command.uid(65534).gid(65534).stdout(Stdio::piped())).end().code(0);
    }
}

/// The capabilities that the documentation names are enough, without being root.
#[test]
fn capabilities_are_enough() {
    need!(bpf(), tool("setpriv"));
    let lab = Lab::new();
    lab.yaml(
        "probes:\n  - { name: raw, hook: { raw_tracepoint: sched_process_exec }, capture: { file: bprm->filename as string } }\n",
    );
    let mut command = std::process::Command::new("setpriv");
    let caps = "+bpf,+perfmon";
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps", caps, "--ambient-caps", caps]);
    command.args([env!("CARGO_BIN_EXE_ebpf-run"), "probes.yaml"]).current_dir(lab.dir.path()).stdin(Stdio::null());
    let mut run = Run::start(command);
    run.wait_until_ready();
    let script = lab.text("script");
    fs::write(&script, "#!/bin/sh\n").unwrap();
    crate::lab::sh(&format!("chmod 755 {script}; {script}"));
    run.event(|event| event["file"] == *script);
    run.interrupt().code(0);
}

/// tracefs belongs to root: a tracepoint needs one capability more, and the refusal says which.
#[test]
fn capabilities_for_tracepoints() {
    need!(bpf(), tool("setpriv"));
    let lab = Lab::new();
    lab.yaml("probes:\n  - { name: x, hook: { tracepoint: \"sched:sched_switch\" } }\n");
    let with = |caps: &str| {
        let mut command = std::process::Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps", caps, "--ambient-caps", caps]);
        command.args([env!("CARGO_BIN_EXE_ebpf-run"), "probes.yaml", "--duration", "10ms"]);
        Run::start({
            command.current_dir(lab.dir.path()).stdin(Stdio::null());
            command
        })
        .end()
    };
    with("+bpf,+perfmon").code(1).says("CAP_DAC_READ_SEARCH");
    with("+bpf,+perfmon,+dac_read_search").code(0);
}

/// XDP takes CAP_PERFMON too, for the length of a packet; the refusal says so instead of showing the verifier's log.
#[test]
fn capabilities_for_xdp() {
    need!(bpf(), tool("setpriv"));
    let lab = Lab::new();
    lab.yaml("probes:\n  - { name: x, hook: { xdp: { interface: lo, mode: generic } } }\n");
    let caps = "+bpf,+net_admin";
    let mut command = std::process::Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps", caps, "--ambient-caps", caps]);
    command.args([env!("CARGO_BIN_EXE_ebpf-run"), "probes.yaml", "--duration", "10ms"]);
    command.current_dir(lab.dir.path()).stdin(Stdio::null());
    let ended =
        Run::start(command).end().code(1).says("CAP_BPF and CAP_PERFMON (and CAP_NET_ADMIN for xdp, tc and cgroup)");
    assert!(!ended.stderr.contains("verifier"), "{}", ended.stderr);
}

/// The forms of the tracer's own lines stand beside the tracepoints and are none.
#[test]
fn lines_of_the_tracer() {
    need!(bpf());
    let ended = Lab::new().whole("probes:\n  - { name: x, hook: { tracepoint: \"ftrace:print\" } }\n", &[]);
    ended.code(1).says("`ftrace:print` is not a tracepoint");
}

/// A kernel that shows no BTF: what needs it says so, what does not runs.
#[test]
fn no_btf() {
    need!(bpf(), tool("unshare"));
    let lab = Lab::new();
    let hidden = |yaml: &str| {
        lab.yaml(yaml);
        let mut command = std::process::Command::new("unshare");
        let script = format!(
            "mount -t tmpfs none /sys/kernel/btf && exec {} probes.yaml --duration 50ms",
            env!("CARGO_BIN_EXE_ebpf-run")
        );
        command.args(["-m", "sh", "-c", &script]).current_dir(lab.dir.path()).stdin(Stdio::null());
        Run::start(command).end()
    };
    let ended = hidden("probes:\n  - { name: x, program: exec }\n").code(1).says("probes.yaml:3:");
    ended.says("program `exec` needs the kernel's BTF, and this kernel has none").says("CONFIG_DEBUG_INFO_BTF");
    let members =
        "probes:\n  - { name: x, hook: { raw_tracepoint: sched_process_exec }, capture: { a: p->pid, b: arg1 } }\n";
    let ended = hidden(members).code(1).says("probes.yaml:3:");
    ended.says("there is no `p`: the kernel's BTF does not describe the arguments of `sched_process_exec`");
    let numbers = "probes:\n  - { name: x, hook: { raw_tracepoint: sched_process_exec }, capture: { a: arg1 } }\n";
    hidden(numbers).code(0).says("ready: ");
    let fields = "probes:\n  - { name: x, hook: { tracepoint: \"syscalls:sys_enter_openat\" }, \
                  capture: { path: filename as user_string } }\n";
    hidden(fields).code(0).says("ready: ");
}

/// All or nothing: where one probe cannot attach, the other one delivers nothing.
#[test]
fn no_half_runs() {
    need!(bpf());
    let lab = Lab::new();
    let opens = "  - { name: opens, hook: { tracepoint: \"syscalls:sys_enter_openat\" }, sinks: [stdout, \"jsonl:all.jsonl\"] }\n";
    let mut others = vec![
        "  - { name: bad, hook: { tracepoint: \"sched:nonsense\" } }\n",
        "  - { name: bad, hook: { raw_tracepoint: nonsense } }\n",
    ];
    if no_kprobes().is_ok() {
        others.push("  - { name: bad, hook: { kprobe: do_sys_openat2 } }\n");
    }
    for bad in others {
        for yaml in [format!("probes:\n{opens}{bad}"), format!("probes:\n{bad}{opens}")] {
            let run = lab.start(&yaml, &[]);
            (0..1000).for_each(|_| open_missing(&lab.text("missing")));
            let ended = run.end().code(1);
            assert_eq!(ended.stdout, Vec::<String>::new());
            assert!(!ended.stderr.contains("ready"), "{}", ended.stderr);
            assert_eq!(fs::read_to_string(lab.path("all.jsonl")).unwrap_or_default(), "");
        }
    }
    // Both are told where both fail.
    let ended = lab.whole(
        "probes:\n  - { name: a, hook: { tracepoint: \"sched:nonsense\" } }\n  - { name: b, hook: { xdp: { interface: nonsense } } }\n",
        &[],
    );
    assert_eq!(ended.code(1).stderr.matches("error[E0402]").count(), 2);
}

/// A sink that cannot be opened: said at its place, before anything is attached.
#[test]
fn bad_sinks() {
    need!(bpf());
    let of = |sink: &str| {
        let lab = Lab::new();
        fs::create_dir(lab.path("folder")).unwrap();
        lab.whole(&format!("probes:\n  - {{ name: x, program: exec, sinks: [\"jsonl:{sink}\"] }}\n"), &[])
            .code(1)
            .says("error[E0404]")
    };
    of("nowhere/all.jsonl").says("probes.yaml:3:").says("the directory `nowhere` does not exist");
    of("folder").says("it is a directory");
}

/// A program that the verifier refuses: the errno in words, and the end of its log.
#[test]
fn refused_by_the_verifier() {
    need!(bpf(), tool("clang"));
    let lab = Lab::new();
    let source = "__attribute__((section(\"?raw_tracepoint\"), used)) int wild(unsigned long long *ctx)\n\
                  { return *(volatile int *)(ctx[0] + 64); }\n\
                  char LICENSE[] __attribute__((section(\"license\"), used)) = \"GPL\";\n";
    fs::write(lab.path("wild.bpf.c"), source).unwrap();
    crate::lab::sh(&format!("cd {} && clang -target bpf -g -O2 -c wild.bpf.c -o wild.bpf.o", lab.dir.path().display()));
    let object = fs::read(lab.path("wild.bpf.o")).unwrap();
    let program = Program::from_file(Path::new("wild.bpf.o"), &object).unwrap();
    let text = "version: 1\nprobes:\n  - { name: x, hook: { raw_tracepoint: sched_switch } }\n";
    let checked = check(&[SourceFile::new("t.yaml", text)], &builtin().unwrap(), &Environment::default());
    let spec = checked.config.unwrap().probes[0].spec.clone();
    let prepared = Prepared::default();
    let error = Loaded::load(&spec, &program, &prepared, &Host::default()).err().expect("it is refused");
    assert_eq!(error.message, "the kernel refused program `wild` (permission denied (EACCES))");
    assert!(error.notes.iter().any(|note| note.contains("invalid mem access 'scalar'")), "{error:?}");
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run plan`, and the check of a probe against this kernel: what would run, what would not, and nothing is touched.

use ebpf_run::catalog::builtin;
use ebpf_run::config::{Environment, SourceFile, check};
use ebpf_run::kernel::{self, Finding, Host};

use crate::lab::{Lab, bpf, in_namespace, json, need};

const GOOD: &str = "probes:\n  - name: opens\n    hook: { tracepoint: \"syscalls:sys_enter_openat\" }\n    \
    capture: { path: filename as user_string, flags: flags as hex, who: uid }\n    labels: { site: a }\n  \
    - { name: raw, hook: { raw_tracepoint: sched_switch }, capture: { mm: next->mm->pgd as hex } }\n  \
    - { name: execs, program: exec, params: { only_uid: 7 }, sinks: [stderr] }\n  - { name: off, enabled: false, program: exec }\n";

/// Program, mechanism, needs, captures with their origin, memory and sinks, for people and for machines.
#[test]
fn what_would_run() {
    need!(bpf());
    let lab = Lab::new();
    lab.yaml(GOOD);
    let text = lab.run(&["plan", "probes.yaml"]).code(0).stdout.join("\n");
    for part in [
        "opens  probes.yaml:3:11",
        "trace: function trace_sys_enter at tracepoint syscalls:sys_enter_openat",
        "link of the raw tracepoint sys_enter, shared by all probes at system calls",
        "perf event of the tracepoint",
        "ok      ring buffers (Linux 5.8)",
        "filename as user_string: argument 1 → text in process memory at +0",
        "uid: every event has it",
        "argument 2 → pointer at +",
        "exec: function exec_end at tracepoint sched:sched_process_exit",
        "only_uid: 7",
        "site: a",
        "off  not run",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    assert!(!text.contains("MISSING") && !text.contains('\x1b'), "{text}");
    let plan = json(&lab.run(&["plan", "probes.yaml", "--format", "json"]).code(0).stdout.join("\n"));
    let opens = &plan["probes"][0];
    assert_eq!((&opens["captures"][0]["bytes"], &opens["captures"][1]["type"]), (&256.into(), &"hex".into()));
    assert_eq!((&opens["ring_bytes"], &plan["parked"][0]), (&(4 << 20).into(), &"off".into()));
    assert!(opens["kernel_bytes"].as_u64() > Some(4 << 20));
    assert_eq!(plan["probes"][2]["sinks"][0]["destination"], "stderr");
}

/// Without privileges it says what it cannot know; that is no failure. What is wrong for certain is one.
#[test]
fn as_nobody() {
    need!(bpf());
    let lab = Lab::new();
    lab.yaml(GOOD);
    let ended = lab.run_as_nobody(&["plan", "probes.yaml"]).code(0);
    let text = ended.stdout.join("\n");
    for part in ["MISSING CAP_BPF", "unknown     failed to look up tracepoint", "argument 2 → pointer at +"] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    lab.yaml("probes:\n  - { name: a, hook: { xdp: { interface: nope0 } } }\n");
    lab.run_as_nobody(&["plan", "probes.yaml"]).code(1).says("error[E0402]").says("probes.yaml:3:").says("nope0");
    lab.yaml("probes:\n  - { name: a, program: exce }\n");
    lab.run_as_nobody(&["plan", "probes.yaml"]).code(2).says("did you mean `exec`?");
}

/// What the check against this kernel finds for a file: `wrong` or `unknown`, and the message.
fn findings(text: &str) -> Vec<(&'static str, String)> {
    let catalog = builtin().unwrap();
    let file = SourceFile::new("probes.yaml", format!("version: 1\n{text}"));
    let config = check(&[file], &catalog, &Environment::default()).config.expect("the file is right");
    let host = Host::default();
    let of_probe = |probe: &ebpf_run::config::CheckedProbe| kernel::check(&probe.spec, &probe.program, &host);
    let word = |finding| match finding {
        Finding::Wrong(error) => ("wrong", error.message),
        Finding::Warning(error) => ("warning", error.message),
        Finding::Unknown(error) => ("unknown", error.message),
    };
    config.probes.iter().flat_map(of_probe).map(word).collect()
}

/// Every problem of every probe, by the words of a run that would meet it; what is right is verified and leaves nothing.
#[test]
fn check_against_the_kernel() {
    need!(bpf());
    ebpf_run::kernel::quiet_libbpf();
    // Where the kernel runs 32-bit processes, `compat.rs` holds what is said of it.
    assert!(findings(GOOD).iter().all(|(word, _)| *word == "warning"), "{:?}", findings(GOOD));
    let found = findings(
        "probes:\n  - { name: a, hook: { tracepoint: \"sched:sched_swich\" } }\n  \
         - { name: b, hook: { raw_tracepoint: sched_swich }, capture: { x: prev->pid } }\n  \
         - { name: c, hook: { xdp: { interface: nope0 } } }\n  \
         - { name: d, hook: { raw_tracepoint: sched_switch }, capture: { x: prev->pidd, y: nxt } }\n  \
         - { name: e, hook: { kprobe: no_such_function_here } }\n",
    );
    let said = |part: &str| found.iter().any(|(word, message)| *word == "wrong" && message.contains(part));
    for part in ["sched:sched_swich", "raw tracepoint `sched_swich`", "`nope0`", "`pidd`", "`nxt`"] {
        assert!(said(part), "{part}: {found:?}");
    }
    assert!(said("no_such_function_here"), "{found:?}");
    assert_eq!(found.len(), 6, "{found:?}");
}

/// `check --kernel` shows it where the file asks for it; without privileges, what is not known is a warning.
#[test]
fn check_command() {
    need!(bpf());
    let lab = Lab::new();
    lab.yaml("probes:\n  - { name: raw, hook: { raw_tracepoint: sched_switch }, capture: { p: next->pid } }\n");
    lab.run(&["check", "--kernel", "--strict", "probes.yaml"]).code(0);
    lab.yaml(GOOD);
    let text = lab.run_as_nobody(&["check", "--kernel", "probes.yaml"]).code(0).stdout.join("\n");
    assert!(text.contains("warning[W0401]") && text.contains("CAP_BPF") && !text.contains("error"), "{text}");
    lab.run_as_nobody(&["check", "--kernel", "--strict", "probes.yaml"]).code(1);
    lab.yaml(
        "probes:\n  - name: a\n    hook: { raw_tracepoint: sched_switch }\n    capture: { x: prev->pidd, y: nxt }\n",
    );
    let text = lab.run(&["check", "--kernel", "probes.yaml"]).code(1).stdout.join("\n");
    for part in ["error[E0403]", "probes.yaml:5:", "did you mean `pid`?", "did you mean `next`?", "2 errors in 1 file"]
    {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    lab.run(&["check", "probes.yaml"]).code(0);
}

/// What is wrong with one of several targets is blamed on that one; near names are offered, also for globs; the rest of the
/// list and the captures are checked all the same.
#[test]
fn check_several_targets() {
    need!(bpf());
    let lab = Lab::new();
    lab.yaml(
        "probes:\n  - name: a\n    hook: { kprobe: [vfs_read, \"tpc_*\"] }\n  - name: b\n    hook:\n      kprobe: { first_of: [no_such_one_here, vfs_raed] }\n  \
         - name: c\n    hook: { xdp: { interface: [lo, nope0, \"zzz*\"] } }\n  \
         - name: d\n    hook: { xdp: { interface: [lo, nope1] } }\n    program: packet_cont\n",
    );
    let text = lab.run(&["check", "--kernel", "probes.yaml"]).code(2).stdout.join("\n");
    for (place, message) in [
        ("4:32", "no function of this kernel matches `tpc_*`"),
        ("7:27", "none of the functions `no_such_one_here`, `vfs_raed`"),
        ("9:36", "there is no network interface `nope0`"),
        ("9:43", "no network interface matches `zzz*`"),
        ("11:36", "there is no network interface `nope1`"),
    ] {
        let shown = text.lines().skip_while(|line| !line.ends_with(message)).nth(1).unwrap_or_default().trim();
        assert_eq!(shown, format!("--> probes.yaml:{place}"), "{message}:\n{text}");
    }
    for help in ["did you mean `tcp_*`?", "did you mean `vfs_read`?"] {
        assert!(text.contains(help), "{help}:\n{text}");
    }
    // A run says it at the same place.
    let run = lab.whole("probes:\n  - { name: a, hook: { xdp: { interface: [lo, nope0] } } }\n", &[]).code(1);
    run.says("probes.yaml:3:47").says("there is no network interface `nope0`");
}

/// What fails when one of several targets is attached is blamed on that one too.
#[test]
fn the_entry_that_does_not_attach() {
    need!(bpf());
    in_namespace(|| {
        let lab = Lab::new();
        let owner = lab.ready("probes:\n  - { name: x, hook: { xdp: { interface: right } } }\n", &[]);
        let other = Lab::new();
        let text = "probes:\n  - { name: y, hook: { xdp: { interface: [left, \"ri*\"] } } }\n";
        other.whole(text, &["--duration", "50ms"]).code(1).says("probes.yaml:3:49").says("already runs an XDP program");
        let found = other.run(&["check", "--kernel", "probes.yaml"]).code(1).stdout.join("\n");
        assert!(found.contains("probes.yaml:3:49"), "{found}");
        owner.interrupt().code(0);
    });
}

/// An interface that cannot run a mode, or that somebody else has, is found without attaching.
#[test]
fn check_interfaces() {
    need!(bpf());
    in_namespace(|| {
        let xdp = |interface: &str, mode: &str| {
            findings(&format!(
                "probes:\n  - {{ name: x, hook: {{ xdp: {{ interface: {interface}, mode: {mode} }} }} }}\n"
            ))
        };
        assert_eq!((xdp("left", "native"), xdp("lo", "generic"), xdp("lo", "auto")), (vec![], vec![], vec![]));
        let found = xdp("lo", "native");
        // Before Linux 6.3 no driver says what it can.
        assert!(found.is_empty() || found[0].1.contains("cannot run XDP in native mode"), "{found:?}");
        // Several interfaces: the problem of one of them is found, and the plan names all.
        let found = findings("probes:\n  - { name: x, hook: { xdp: { interface: [left, nope0] } } }\n");
        assert!(found.len() == 1 && found[0].1.contains("`nope0`"), "{found:?}");
        let lab = Lab::new();
        lab.yaml("probes:\n  - { name: x, hook: { xdp: { interface: \"*t\" } } }\n");
        let text = lab.run(&["plan", "probes.yaml"]).code(0).stdout.join("\n");
        for part in [
            "2, each with a program of its own: `left`, `right`",
            "details are for the first, `left`",
            "for all 2 targets; for each",
        ] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
        let plan = json(&lab.run(&["plan", "probes.yaml", "--format", "json"]).code(0).stdout.join("\n"));
        let (probe, bytes) = (&plan["probes"][0], |key: &str| plan["probes"][0][key].as_u64().unwrap());
        assert_eq!((&probe["target"], &probe["targets"]), (&"left".into(), &serde_json::json!(["left", "right"])));
        assert!(
            bytes("kernel_bytes") > 0 && bytes("kernel_bytes_of_all_targets") == 2 * bytes("kernel_bytes"),
            "{plan}"
        );
        let run = lab.ready("probes:\n  - { name: x, hook: { xdp: { interface: left } } }\n", &[]);
        let found = xdp("left", "auto");
        assert!(found.len() == 1 && found[0].1.contains("already runs an XDP program: `packet_count`"), "{found:?}");
        run.interrupt().code(0);
    });
}

/// A hook that several probes share through an alias has its mistake once.
#[test]
fn a_shared_hook_is_blamed_once() {
    need!(bpf());
    let lab = Lab::new();
    lab.yaml(
        "probes:\n  - { name: a, hook: &hook { tracepoint: \"sched:no_such\" } }\n  - { name: b, hook: *hook }\n  - { name: c, hook: { tracepoint: \"sched:no_such\" } }\n",
    );
    let found = lab.run(&["check", "--kernel", "probes.yaml"]).code(1).stdout;
    let blamed: Vec<&str> = found.iter().filter_map(|line| line.trim().strip_prefix("--> ")).collect();
    assert_eq!(blamed, ["probes.yaml:3:42", "probes.yaml:5:36"]);
}

/// Of spans: each hook with its role, key and condition, what is kept of each, when it is given up; and the memory is what the kernel takes.
#[test]
fn spans() {
    need!(bpf());
    let lab = Lab::new();
    let yaml = "probes:\n  - name: waits\n    hook:\n      span:\n        start:\n          \
                - { tracepoint: [\"sched:sched_wakeup\", \"sched:sched_wakeup_new\"], key: [args.pid] }\n          \
                - { tracepoint: \"sched:sched_switch\", key: [prev_pid], where: prev_state == 0 && prev_pid != 0 }\n        \
                via: { tracepoint: \"sched:sched_migrate_task\", key: [args.pid] }\n        \
                cancel: { tracepoint: \"sched:sched_process_exit\", key: [args.pid] }\n        \
                end: { tracepoint: \"sched:sched_switch\", key: [next_pid] }\n        repeat: keep\n        expire: 30s\n        max_open: 1000\n    \
                capture: { wait: duration, moved: via.ktime, woken_by: start.exe }\n  \
                - { name: sleeps, hook: { syscall: { name: clock_nanosleep, at: span } } }\n";
    lab.yaml(yaml);
    let text = lab.run(&["plan", "probes.yaml"]).code(0).stdout.join("\n");
    for part in [
        "at tracepoint sched:sched_wakeup_new, start",
        "at tracepoint sched:sched_migrate_task, via",
        "start   tracepoint sched:sched_wakeup by `args.pid`",
        "start   tracepoint sched:sched_switch by `prev_pid`, where `prev_state == 0 && prev_pid != 0`",
        "via     tracepoint sched:sched_migrate_task by `args.pid`",
        "cancel  tracepoint sched:sched_process_exit by `args.pid`",
        "end     tracepoint sched:sched_switch by `next_pid`",
        "at most 1000 are open, and ",
        "of several starts with one key the first counts",
        "what does not end is given up when it is older than 30s",
        "from the entry of a call to its return, paired by the thread\n",
        "what does not end is given up when the thread that began it has ended",
        "(there the call begins)",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    let plan = json(&lab.run(&["plan", "probes.yaml", "--format", "json"]).code(0).stdout.join("\n"));
    let spans = &plan["probes"][0]["spans"];
    assert_eq!(spans["hooks"].as_array().unwrap().len(), 6);
    assert_eq!(
        (&spans["expire_ms"], &spans["repeat"], &spans["key_numbers"]),
        (&30_000.into(), &"keep".into(), &1.into())
    );
    let run = lab.ready(yaml, &[]);
    let said = spans["kernel_bytes"].as_f64().unwrap();
    let value = format!("value_size:\t{}\n", spans["kept_bytes"]);
    let infos = std::fs::read_dir(format!("/proc/{}/fdinfo", run.pid())).unwrap().flatten();
    let info = infos
        .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
        .find(|info| info.contains("max_entries:\t1000\n") && info.contains(&value))
        .unwrap();
    let taken = info.lines().find_map(|line| line.strip_prefix("memlock:")?.trim().parse::<f64>().ok()).unwrap();
    assert!((said / taken - 1.0).abs() < 0.1, "{said} and {taken}");
    run.interrupt().code(0);
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run hooks`: what it lists is there, and can be put into a file as it is.

use std::fs;

use crate::lab::{Lab, bpf, json, need};

/// Tracepoints and raw tracepoints with fields and arguments; every line is a hook that runs.
#[test]
fn tracepoints() {
    need!(bpf());
    let lab = Lab::new();
    let ended = lab.run(&["hooks", "sched_process_exec", "-v"]).code(0);
    let text = ended.stdout.join("\n");
    for part in [
        "tracepoint: \"sched:sched_process_exec\"",
        "  # char filename[]",
        "  # pid_t old_pid",
        "raw_tracepoint: sched_process_exec",
        "  # sched_process_exec(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    let hooks: Vec<&String> = ended.stdout.iter().filter(|line| line.contains("tracepoint: ")).collect();
    let probe = |(n, hook): (usize, &&String)| format!("  - name: p{n}\n    hook:\n      {hook}\n");
    let probes: String = hooks.iter().enumerate().map(probe).collect();
    assert!(hooks.len() >= 2);
    lab.whole(&format!("probes:\n{probes}"), &["--duration", "10ms"]).code(0);
}

/// Functions with their prototypes, whatever this kernel probes; patterns, bounds, names that are close, nobody's view.
#[test]
fn functions_and_patterns() {
    need!(bpf());
    let lab = Lab::new();
    let ended = lab.run(&["hooks", "vfs_read*", "--kind", "kprobe", "--kind", "kretprobe", "-v"]).code(0);
    let text = ended.stdout.join("\n");
    assert!(text.contains("kretprobe: vfs_read\n"), "{text}");
    assert!(text.contains("  # ssize_t vfs_read(struct file *file, char *buf, size_t count, loff_t *pos)"), "{text}");

    let ended = lab.run(&["hooks", "*", "--kind", "tracepoint"]).code(0).says("more match as tracepoint: --all");
    assert_eq!(ended.stdout.len(), 50);
    assert!(lab.run(&["hooks", "*", "--kind", "tracepoint", "--all"]).code(0).stdout.len() > 500);
    lab.run(&["hooks", "sched_swich"]).code(1).says("no match for").says("did you mean `sched_switch`?");

    let ended = lab.run_as_nobody(&["hooks", "sched_switch", "--format", "json", "-v"]).code(0);
    let found = json(&ended.stdout.join("\n"));
    let raw = found["hooks"].as_array().unwrap().iter().find(|hook| hook["kind"] == "raw_tracepoint").unwrap();
    assert_eq!(
        (raw["yaml"].as_str(), &raw["params"][0]["name"]),
        (Some("raw_tracepoint: sched_switch"), &"preempt".into())
    );
    assert!(ended.stderr.contains("tracefs") && ended.stderr.contains("root"), "{}", ended.stderr);
}

/// LSM hooks come with their arguments; a binary's functions by name, quoted so that the YAML takes any of them.
#[test]
fn security_modules_and_binaries() {
    need!(bpf());
    let lab = Lab::new();
    let ended = lab.run(&["hooks", "bprm_check_security", "--kind", "lsm", "-v"]).code(0);
    assert_eq!(ended.stdout[0], "lsm: bprm_check_security");
    assert_eq!(ended.stdout[1], "  # int bprm_check_security(struct linux_binprm *bprm)");

    let binary = env!("CARGO_BIN_EXE_ebpf-run");
    let ended = lab.run(&["hooks", "main", "--binary", binary, "--all"]).code(0);
    let line = format!("uprobe: {{ binary: \"{binary}\", symbol: \"main\" }}");
    assert_eq!(ended.stdout[0], line);
    lab.run(&["hooks", "main", "--binary", "/dev/null"]).code(1).says("`/dev/null` is not a regular file");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    lab.run(&["hooks", "main", "--binary", source]).code(1).says("not a 64-bit ELF file");
    // What a line says, a run takes.
    lab.whole(&format!("probes:\n  - {{ name: x, hook: {{ {line} }} }}\n"), &["--duration", "1ms"]).code(0);
    // A file of this directory by its path, a bare name of none as the YAML searches for it.
    fs::copy(binary, lab.path("here")).unwrap();
    for name in ["here", "./here"] {
        let ended = lab.run(&["hooks", "main", "--binary", name, "--all"]).code(0);
        assert_eq!(ended.stdout[0], format!("uprobe: {{ binary: \"{}\", symbol: \"main\" }}", lab.text("here")));
    }
    let ended = lab.run(&["hooks", "malloc", "--binary", "libc.so.6"]).code(0);
    assert_eq!(ended.stdout[0], "uprobe: { binary: \"libc.so.6\", symbol: \"malloc\" }");
    lab.run(&["hooks", "main", "--binary", "no-such-program"])
        .code(1)
        .says("no program `no-such-program` in the directories");
    lab.run(&["hooks", "main", "--kind", "uprobe"]).code(2).says("`--kind uprobe` needs `--binary FILE`");
    lab.run(&["hooks", "main", "--kind", "kprobe", "--binary", "bash"]).code(2).says("leave it out");
}

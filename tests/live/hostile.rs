// SPDX-License-Identifier: MIT OR Apache-2.0
//! Words of strangers (names of files, symbols and interfaces, values, arguments) are shown wherever a command prints them, and
//! nothing in them acts: no control character, no line end that is not ours, nothing that turns or hides text.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use ebpf_run::words::acts;

use crate::lab::{Lab, Run, bpf, in_namespace, need, sh, tool, wait_for};

/// Colours and clears, ends the line and forges one, as C0 and C1, turns and hides.
const EVIL: &str =
    "E\u{1b}[31mV\u{1b}[2J\nready: forged\r\u{9b}1m\u{7f}\u{202e}I\u{2066}L\u{200b}\u{2028}\u{85}\u{feff}";

/// `EVIL` between double quotes of YAML and JSON.
fn quoted() -> String {
    serde_json::to_string(EVIL).unwrap()
}

/// Holds that nothing in these bytes acts, and that nobody else begins a line.
#[track_caller]
fn harmless(what: &str, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    let found = text.chars().find(|c| acts(*c) && *c != '\n');
    assert_eq!(found, None, "{what}: {text}");
    assert!(!text.lines().any(|line| line.starts_with("ready: forged")), "{what}: {text}");
}

/// Runs a command to its end, holds what it prints, and returns all of it.
#[track_caller]
fn run(lab: &Lab, arguments: &[&OsStr]) -> String {
    let mut command = lab.command(&[]);
    let output = command.args(arguments).output().unwrap();
    harmless(&format!("{arguments:?}, stdout"), &output.stdout);
    harmless(&format!("{arguments:?}, stderr"), &output.stderr);
    assert_ne!(output.status.code(), None, "{arguments:?}");
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

/// Every place of a file that takes a text, each with `EVIL` in it.
fn evil_probes() -> String {
    let evil = quoted();
    let hooks = [
        format!("tracepoint: {evil}"),
        format!("tracepoint: [sched:sched_switch, {evil}]"),
        format!("kprobe: {evil}"),
        format!("raw_tracepoint: {evil}"),
        format!("uprobe: {evil}"),
        format!("uprobe: {{ binary: {evil}, symbol: {evil} }}"),
        format!("uprobe: {{ binary: /bin/sh, symbol: {evil} }}"),
        format!("xdp: {{ interface: {evil}, mode: {evil} }}"),
        format!("{evil}: x"),
    ];
    let hooks = hooks.iter().enumerate().map(|(at, hook)| format!("  - {{ name: h{at}, hook: {{ {hook} }} }}\n"));
    format!(
        "version: 1\nsinks:\n  s: {{ file: {{ path: {evil} }} }}\n  {evil}: stdout\n{evil}: 1\nprobes:\n{}  \
         - {{ name: {evil}, description: {evil}, program: {evil}, sinks: [{evil}], interval: {evil} }}\n  \
         - {{ name: p, program: exec, params: {{ {evil}: 1, comm: {evil} }}, labels: {{ {evil}: 1, l: {evil} }} }}\n  \
         - {{ name: c, hook: {{ kprobe: f }}, capture: {{ {evil}: {evil}, a: {evil}, b: {evil} }} }}\n",
        hooks.collect::<String>()
    )
}

/// A file with mistakes in all places, one that cannot be read as YAML, and arguments: in every command and format.
#[test]
fn files_and_arguments() {
    let lab = Lab::new();
    fs::create_dir(lab.path("conf")).unwrap();
    let name = [EVIL.as_bytes(), b"\x9b\xff.yaml"].concat();
    let broken = [b"x", EVIL.as_bytes(), b".yaml"].concat();
    fs::write(lab.dir.path().join("conf").join(OsStr::from_bytes(&name)), evil_probes()).unwrap();
    fs::write(lab.dir.path().join("conf").join(OsStr::from_bytes(&broken)), format!("a: {{ {EVIL}\u{1b}")).unwrap();
    let path = |name: &[u8]| OsString::from(OsStr::from_bytes(&[b"conf/", name].concat()));
    for paths in [[OsString::from("conf")], [path(&name)], [path(&broken)], [path(b"no\x1b[2J\xff")]] {
        for head in [
            &["check"][..],
            &["check", "--format", "json"],
            &["check", "--format", "sarif"],
            &["check", "--kernel"],
            &["plan"],
            &["plan", "--format", "json"],
            &[],
        ] {
            let arguments: Vec<&OsStr> =
                head.iter().map(OsStr::new).chain(paths.iter().map(OsString::as_os_str)).collect();
            let said = run(&lab, &arguments);
            assert!(
                said.contains("\\u{1b}[2J") || said.contains("\\u001b[2J") || said.contains("%1B"),
                "{arguments:?} {said}"
            );
        }
    }
    let evil = OsStr::new(EVIL);
    let flag = OsString::from(format!("--{EVIL}"));
    for words in
        ["programs", "explain", "new", "hooks", "stop", "start", "tail", "completions", "check", "plan", "status"]
    {
        run(&lab, &[OsStr::new(words), evil]);
        run(&lab, &[OsStr::new(words), flag.as_os_str()]);
        run(&lab, &[OsStr::new(words), OsStr::from_bytes(b"\xff\x1b[31m")]);
    }
    run(&lab, &[evil]);
    run(&lab, &[flag.as_os_str()]);
    for words in [&["--format"][..], &["--socket"]] {
        run(&lab, &[&[OsStr::new("status")], &words.iter().map(OsStr::new).collect::<Vec<_>>()[..], &[evil]].concat());
    }
    run(&lab, &[OsStr::new("new"), OsStr::new("exec"), OsStr::new("--output"), OsStr::new(&format!("{EVIL}.yaml"))]);
    run(&lab, &[OsStr::new("hooks"), OsStr::new("x"), OsStr::new("--binary"), evil]);
    run(&lab, &[OsStr::new("daemon"), OsStr::new("--metrics"), evil]);
    run(&lab, &[OsStr::new("programs"), OsStr::new("/no\u{1b}[2J\n.o")]);
}

/// Names of functions in a binary: listed, suggested, hooked.
#[test]
fn symbols() {
    need!(tool("cc"));
    let lab = Lab::new();
    let name: String = EVIL.bytes().map(|byte| format!("\\{byte:03o}")).collect();
    let source = format!(
        "__asm__(\".text\\n.globl \\\"f{0}\\\"\\n.type \\\"f{0}\\\",@function\\n\\\"f{0}\\\":\\nret\\n.size \\\"f{0}\\\",1\\n\");\n\
         int main(void) {{ return 0; }}\n",
        name.replace('\\', "\\\\\\\\")
    );
    fs::write(lab.path("evil.c"), source).unwrap();
    let made = std::process::Command::new("cc").args(["-o", &lab.text("evil"), &lab.text("evil.c")]).output().unwrap();
    if !made.status.success() {
        panic!("{}", String::from_utf8_lossy(&made.stderr));
    }
    let binary = lab.text("evil");
    for more in [&["*"][..], &["*", "--format", "json"], &["ready", "-v"], &["fE"]] {
        let arguments = [&["hooks"], more, &["--binary", binary.as_str()]].concat();
        let arguments: Vec<&OsStr> = arguments.into_iter().map(OsStr::new).collect();
        run(&lab, &arguments);
    }
    let yaml =
        format!("version: 1\nprobes:\n  - {{ name: x, hook: {{ uprobe: {{ binary: {binary}, symbol: fEE }} }} }}\n");
    lab.yaml(&yaml);
    run(&lab, &["check", "--kernel", "probes.yaml"].map(OsStr::new));
    run(&lab, &["plan", "probes.yaml"].map(OsStr::new));
}

/// A daemon on such files and an interface of such a name: its log, its tables, its metrics, what those see who look on.
#[test]
fn a_daemon_and_an_interface() {
    need!(bpf(), tool("ip"));
    in_namespace(|| {
        // Names of interfaces hold neither spaces nor line ends, and 15 bytes.
        let evil = "e\u{1b}[31m\u{9b}m\u{202e}";
        sh(&format!("ip link add '{evil}' type veth peer name other; ip link set '{evil}' up; ip link set other up"));
        let lab = Lab::new();
        fs::create_dir(lab.path("conf")).unwrap();
        let yaml = "version: 1\nprobes:\n  - { name: good, hook: { xdp: { interface: 'e*' } }, program: packet_count, \
                    sinks: [\"jsonl:out.jsonl\"] }\n  - { name: nobody, hook: { xdp: { interface: nosuch0 } } }\n";
        fs::write(lab.dir.path().join("conf").join(format!("good{EVIL}.yaml")), yaml).unwrap();
        fs::write(lab.dir.path().join("conf").join(OsStr::from_bytes(b"bad\xff\x1b[2J.yaml")), evil_probes()).unwrap();
        let daemon = Run::start(lab.command(&["daemon", "--config-dir", "conf", "--socket", "control.sock"]));
        wait_for("ready", || daemon.stderr_now().lines().any(|line| line == "ready"));
        harmless("the log", daemon.stderr_now().as_bytes());
        let socket = ["--socket", "control.sock"];
        for words in
            [&["status"][..], &["status", "--format", "json"], &["reload"], &["stop", "good"], &["start", "good"]]
        {
            let said = run(&lab, &words.iter().chain(&socket).map(OsStr::new).collect::<Vec<_>>());
            assert!(!said.is_empty(), "{words:?}");
        }
        harmless("the log", daemon.interrupt().stderr.as_bytes());
        harmless("events", &fs::read(lab.path("out.jsonl")).unwrap());
    });
}

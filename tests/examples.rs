// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every example runs: on this kernel where it can, in the VMs where it needs kprobes. Every file of `probes.d` is ready
//! and parked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "helpers of tests")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ebpf_run::catalog::builtin;
use ebpf_run::config::{Config, Environment, SourceFile, check, render};
use ebpf_run::spec::{Hook, HookKind};

const SCHEMA_LINE: &str = "# yaml-language-server: $schema=../schema/ebpf-run.schema.json";

fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    files.sort();
    files
}

fn configuration(path: &Path) -> Config {
    let text = fs::read_to_string(path).unwrap();
    let file = SourceFile::new(path.to_owned(), text);
    let checked = check(&[file], &builtin().unwrap(), &Environment::default());
    let problems: String = checked.problems.iter().map(|problem| render(problem, false)).collect();
    assert_eq!(problems, "", "{}", path.display());
    checked.config.unwrap()
}

fn needs_a_kernel_function(config: &Config) -> bool {
    let is_one = |hook: &Hook| hook.symbol().is_some() || hook.kind == HookKind::Lsm;
    config.probes.iter().any(|probe| probe.spec.hook.as_ref().is_some_and(is_one))
}

/// Every example and every file of `probes.d` begins with the line that points editors at the schema.
#[test]
fn the_first_line_points_at_the_schema() {
    for path in yaml_files("examples").into_iter().chain(yaml_files("probes.d")) {
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().next(), Some(SCHEMA_LINE), "{}", path.display());
    }
}

/// The files that a package installs are valid, and start nothing before somebody says so.
#[test]
fn probes_d_is_valid_and_parked() {
    let files = yaml_files("probes.d");
    assert!(!files.is_empty());
    for path in files {
        let config = configuration(&path);
        assert!(config.probes.is_empty(), "{} is not parked", path.display());
        assert!(!config.parked.is_empty());
        let enabled = fs::read_to_string(&path).unwrap().replace("enabled: false", "enabled: true");
        let file = SourceFile::new(path.clone(), enabled);
        assert!(
            check(&[file], &builtin().unwrap(), &Environment::default())
                .config
                .is_some_and(|config| !config.probes.is_empty())
        );
    }
}

/// An example at a function of the kernel has a VM scenario that runs the very same file.
#[test]
fn examples_at_kernel_functions_run_in_vms() {
    for path in yaml_files("examples") {
        if needs_a_kernel_function(&configuration(&path)) {
            let name = path.file_stem().unwrap().to_str().unwrap();
            let scenario = format!("tests/vm/scenarios/example-{name}/probe.yaml");
            let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join(scenario);
            let same = fs::canonicalize(&scenario).ok() == fs::canonicalize(&path).ok();
            assert!(same, "{} is not {}", scenario.display(), path.display());
        }
    }
}

/// Every other example attaches on this kernel, reports what this test makes happen, and ends well on SIGINT.
#[test]
fn examples_run_on_this_kernel() {
    // SAFETY: geteuid cannot fail.
    if unsafe { libc::geteuid() } != 0 {
        assert!(std::env::var_os("CI").is_none(), "the examples need root");
        eprintln!("skipped: the examples need root");
        return;
    }
    for path in yaml_files("examples") {
        let config = configuration(&path);
        if !needs_a_kernel_function(&config) {
            run_example(&path, &config);
        }
    }
}

fn run_example(path: &Path, config: &Config) {
    // Snapshots show sockets that are there.
    let _sockets = (UdpSocket::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let (mut child, mut errors) = start(path);
    // Another thread reads, so that the pipe never fills up, however much else happens on this machine.
    let (send, lines) = mpsc::channel();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let reader = thread::spawn(move || stdout.lines().for_each(|line| send.send(line.unwrap()).unwrap_or_default()));
    let mut missing: Vec<&str> = config.probes.iter().map(|probe| probe.spec.id.name.as_str()).collect();
    while !missing.is_empty() {
        stimulate();
        // There is something to read at once: a program was started; and the next interval ends within a second.
        let first = lines
            .recv_timeout(Duration::from_secs(20))
            .unwrap_or_else(|_| panic!("{}: nothing of {missing:?}", path.display()));
        for line in std::iter::once(first).chain(lines.try_iter()) {
            let event: serde_json::Value = serde_json::from_str(&line).unwrap();
            missing.retain(|name| event["probe"] != *name);
        }
    }
    let pid = i32::try_from(child.id()).unwrap();
    // SAFETY: a signal to a child of ours that has not been waited for.
    unsafe { libc::kill(pid, libc::SIGINT) };
    drop(lines);
    let mut summary = String::new();
    errors.read_to_string(&mut summary).unwrap();
    reader.join().unwrap();
    assert!(child.wait().unwrap().success(), "{}: {summary}", path.display());
    for probe in &config.probes {
        assert!(summary.contains(&probe.spec.id.name), "{}: {summary}", path.display());
    }
}

/// Where the system has its programs: a `python3` that comes before it may be a script of pyenv, and has no probes.
const SYSTEM_PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Starts the example and waits until it is ready.
fn start(path: &Path) -> (Child, impl BufRead) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ebpf-run"));
    command.arg(path).args(["--duration", "60s", "--metrics", "0"]).env("PATH", SYSTEM_PATH);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut seen = String::new();
    while !seen.contains("ready") {
        assert_ne!(errors.read_line(&mut seen).unwrap(), 0, "{}: {seen}", path.display());
    }
    (child, errors)
}

/// One of everything that the examples look at.
fn stimulate() {
    let status = Command::new("/bin/false").status().unwrap();
    assert!(!status.success());
    // It sleeps longer than a millisecond.
    assert!(Command::new("sleep").arg("0.01").status().unwrap().success());
    let status = Command::new("python3").args(["-c", "import json"]).env("PATH", SYSTEM_PATH).status().unwrap();
    assert!(status.success());
    drop(fs::read("/etc/hostname"));
    drop(fs::File::open("/etc/hostname").and_then(|file| file.sync_data()));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    drop(sender.send_to(b"a packet", sender.local_addr().unwrap()));
    assert!(std::net::ToSocketAddrs::to_socket_addrs("localhost:80").is_ok());
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run daemon --metrics`: what Prometheus reads, and what those get who ask for something else.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::lab::{Lab, Run, bpf, need, open_missing, tool, wait_for};

/// A daemon on the files of `conf`, ready, and the address of its metrics.
fn daemon(lab: &Lab, address: &str) -> (Run, String) {
    let socket = lab.text("control.sock");
    let arguments = ["daemon", "--config-dir", "conf", "--socket", &socket, "--metrics", address];
    let run = Run::start(lab.command(&arguments));
    wait_for("ready", || run.stderr_now().lines().any(|line| line == "ready"));
    let said = run.stderr_now();
    let url = said.lines().find_map(|line| line.strip_prefix("metrics at http://")).unwrap();
    let address = url.strip_suffix("/metrics").unwrap().to_owned();
    (run, address)
}

/// Sends bytes and reads until the other end closes.
fn exchange(address: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // Whoever is cut off may not get rid of all of it.
    drop(stream.write_all(request));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    String::from_utf8(answer).unwrap()
}

fn scrape(address: &str) -> String {
    let answer = exchange(address, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"), "{head}");
    assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{head}");
    body.to_owned()
}

/// The value of the one series with this name and these words among its labels.
#[track_caller]
fn value(text: &str, name: &str, words: &[&str]) -> f64 {
    let named = |line: &&str| line.split(['{', ' ']).next() == Some(name);
    let found: Vec<&str> =
        text.lines().filter(named).filter(|line| words.iter().all(|word| line.contains(word))).collect();
    assert_eq!(found.len(), 1, "{name} {words:?} in\n{text}");
    found[0].rsplit(' ').next().unwrap().parse().unwrap()
}

/// promtool has nothing to say about the metrics.
fn promtool(text: &str) {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty() && output.stdout.is_empty(), "{output:?}\n{text}");
}

/// Events, losses by cause, states, sinks, files and reloads are there under their labels, also where a file has an odd
/// name; Prometheus' own checker finds nothing to say, and the counts add up.
#[test]
fn a_scrape_says_everything() {
    need!(bpf(), tool("promtool"));
    let lab = Lab::new();
    fs::create_dir(lab.path("conf")).unwrap();
    let (out, marker) = (lab.text("out.jsonl"), lab.text("missing"));
    let yaml = format!(
        "version: 1\nprobes:\n  - name: opens\n    hook: {{ tracepoint: \"syscalls:sys_enter_openat\" }}\n    \
         limits: {{ rate_limit: 5/h }}\n    sinks: [\"jsonl:{out}\"]\n  - name: full\n    \
         hook: {{ tracepoint: \"syscalls:sys_enter_openat\" }}\n    sinks: [\"jsonl:/dev/full\"]\n"
    );
    fs::write(lab.path("conf/an \"odd\" \\ näme\n.yaml"), yaml).unwrap();
    let waits = "version: 1\nprobes:\n  - { name: nobody, hook: { xdp: { interface: nosuch0 } } }\n";
    fs::write(lab.path("conf/waits.yaml"), waits).unwrap();
    fs::write(lab.path("conf/bad.yaml"), "version: 1\nprobes: nonsense\n").unwrap();
    let (run, address) = daemon(&lab, "127.0.0.1:0");
    for _ in 0..100 {
        open_missing(&marker);
    }
    let of_full = ["probe=\"full\""];
    wait_for("failed writes", || value(&scrape(&address), "ebpf_run_sink_write_errors_total", &["/dev/full"]) > 0.0);
    let opens = [r#"file="conf/an \"odd\" \\ näme\n.yaml",probe="opens",target="""#];
    wait_for("five lines", || value(&scrape(&address), "ebpf_run_probe_events_delivered_total", &opens) == 5.0);
    let text = scrape(&address);
    promtool(&text);

    let lost = |cause: &str| value(&text, "ebpf_run_probe_events_lost_total", &[opens[0], cause]);
    let produced = value(&text, "ebpf_run_probe_events_total", &opens);
    assert!(produced >= 100.0 && lost("rate_limited") >= 95.0, "{text}");
    assert_eq!((lost("ring_full"), lost("sink_error")), (0.0, 0.0));
    let full = value(&text, "ebpf_run_probe_events_lost_total", &[of_full[0], "sink_error"]);
    assert!(full > 0.0 && value(&text, "ebpf_run_probe_events_delivered_total", &of_full) == 0.0);
    assert_eq!(value(&text, "ebpf_run_sink_written_bytes_total", &["/dev/full"]), 0.0);
    let written = value(&text, "ebpf_run_sink_written_bytes_total", &[&format!("destination=\"{out}\"")]);
    assert_eq!(written, fs::metadata(&out).unwrap().len() as f64);
    assert!(value(&text, "ebpf_run_probe_kernel_memory_bytes", &opens) > 4096.0);

    for (state, count) in [("running", 2.0), ("waiting", 1.0), ("failed", 0.0), ("outdated", 0.0), ("stopped", 0.0)] {
        assert_eq!(value(&text, "ebpf_run_probes", &[state]), count, "{state}");
        let nobody = f64::from(u8::from(state == "waiting"));
        assert_eq!(value(&text, "ebpf_run_probe_state", &["\"nobody\"", state]), nobody, "{state}");
    }
    assert!(!text.contains("events_total{file=\"conf/waits.yaml\""), "what never ran has no events");
    assert_eq!(value(&text, "ebpf_run_config_file_ok", &["bad.yaml"]), 0.0);
    assert_eq!(value(&text, "ebpf_run_config_file_ok", &["waits.yaml"]), 1.0);
    assert_eq!(value(&text, "ebpf_run_reloads_total", &["failed"]), 1.0);
    assert_eq!(value(&text, "ebpf_run_last_reload_success_timestamp_seconds", &[]), 0.0);
    assert_eq!(value(&text, "ebpf_run_config_generation", &[]), 1.0);

    // Everything mended: the next reload is a good one.
    fs::remove_file(lab.path("conf/bad.yaml")).unwrap();
    fs::remove_file(lab.path("conf/waits.yaml")).unwrap();
    wait_for("a good reload", || value(&scrape(&address), "ebpf_run_reloads_total", &["ok"]) >= 1.0);
    let later = scrape(&address);
    promtool(&later);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((now - value(&later, "ebpf_run_last_reload_success_timestamp_seconds", &[])).abs() < 60.0);
    let hash = |text: &str| text.lines().find(|line| line.starts_with("ebpf_run_config_info")).unwrap().to_owned();
    assert_ne!(hash(&text), hash(&later));
    run.interrupt().code(0);
}

/// Two files may have a sink of the same name: each counts for itself, and the end of one is no fall of a counter.
#[test]
fn sinks_of_one_name() {
    need!(bpf());
    let lab = Lab::new();
    fs::create_dir(lab.path("conf")).unwrap();
    let outs = ["a", "b"].map(|name| lab.text(&format!("{name}.jsonl")));
    for (name, out) in ["a", "b"].iter().zip(&outs) {
        let yaml = format!(
            "version: 1\nsinks:\n  events: {{ file: {{ path: {out} }} }}\nprobes:\n  - name: {name}\n    \
             hook: {{ tracepoint: \"syscalls:sys_enter_openat\" }}\n    sinks: [events]\n"
        );
        fs::write(lab.path(&format!("conf/{name}.yaml")), yaml).unwrap();
    }
    let (run, address) = daemon(&lab, "127.0.0.1:0");
    open_missing(&lab.text("missing"));
    let written = |text: &str, out: &str| value(text, "ebpf_run_sink_written_bytes_total", &["sink=\"events\"", out]);
    wait_for("bytes of both", || outs.iter().all(|out| written(&scrape(&address), out) > 0.0));
    let before = written(&scrape(&address), &outs[0]);
    fs::remove_file(lab.path("conf/b.yaml")).unwrap();
    wait_for("the end of one", || !scrape(&address).contains(&outs[1]));
    assert!(written(&scrape(&address), &outs[0]) >= before);
    run.interrupt().code(0);
}

/// Other pages, other methods and what is no HTTP get their status; one who is slow or sends too much is cut off, and
/// meanwhile everybody else is served.
#[test]
fn every_request_gets_its_answer() {
    need!(bpf());
    let lab = Lab::new();
    fs::create_dir(lab.path("conf")).unwrap();
    let (run, address) = daemon(&lab, "127.0.0.1:0");
    let status = |request: &[u8]| exchange(&address, request).split("\r\n").next().unwrap().to_owned();
    let slow = TcpStream::connect(&address).unwrap();
    (&slow).write_all(b"GET /metrics HTTP/1.1\r\nX: ").unwrap();
    let began = Instant::now();
    assert_eq!(status(b"GET / HTTP/1.0\r\n\r\n"), "HTTP/1.0 404 Not Found");
    assert_eq!(status(b"GET /metrics HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 Bad Request");
    assert_eq!(status(b"DELETE /metrics HTTP/1.0\r\n\r\n"), "HTTP/1.0 405 Method Not Allowed");
    assert_eq!(status(b"\x16\x03\x01\r\n\r\n"), "HTTP/1.1 400 Bad Request");
    let long = [&b"GET /metrics HTTP/1.1\r\nX: "[..], &[b'x'; 100_000]].concat();
    assert_eq!(status(&long), "HTTP/1.1 431 Request Header Fields Too Large");
    let head = exchange(&address, b"HEAD /metrics HTTP/1.1\r\nHost: [::1]\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    // Far more than are served at once, each gone before its answer.
    for _ in 0..100 {
        let stream = TcpStream::connect(&address).unwrap();
        (&stream).write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
        drop(stream.shutdown(Shutdown::Both));
    }
    assert!(scrape(&address).contains("ebpf_run_probes"));
    assert!(began.elapsed() < Duration::from_secs(4), "the slow one held up the others");
    slow.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut answer = String::new();
    (&slow).read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
    run.interrupt().code(0);
}

/// Nobody keeps a scrape waiting by holding connections open: the oldest that asks nothing has to go, and is told.
#[test]
fn idle_connections_hold_up_nobody() {
    need!(bpf());
    let lab = Lab::new();
    fs::create_dir(lab.path("conf")).unwrap();
    let (run, address) = daemon(&lab, "127.0.0.1:0");
    let mut idle: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(&address).unwrap()).collect();
    for stream in idle.iter().step_by(2) {
        drop((&mut &*stream).write_all(b"GET /metrics HTTP/1.1\r\nX: "));
    }
    let began = Instant::now();
    assert!(scrape(&address).contains("ebpf_run_probes"));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let mut answer = String::new();
    // What it had sent was not read: then it is told by a reset.
    if let Err(error) = idle[0].read_to_string(&mut answer) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
    run.interrupt().code(0);
}

/// Under a name that could be anybody's nothing is read; an address, this machine's own name and one that was given are served.
#[test]
fn only_own_hosts() {
    need!(bpf());
    let lab = Lab::new();
    fs::create_dir(lab.path("conf")).unwrap();
    let socket = lab.text("control.sock");
    let arguments = ["daemon", "--config-dir", "conf", "--socket", &socket, "--metrics", "127.0.0.1:0"];
    let run = Run::start(lab.command(&[&arguments[..], &["--metrics-host", "Metrics.Example"]].concat()));
    wait_for("ready", || run.stderr_now().lines().any(|line| line == "ready"));
    let said = run.stderr_now();
    let address =
        said.lines().find_map(|line| line.strip_prefix("metrics at http://")?.strip_suffix("/metrics")).unwrap();
    let own = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    for (host, status) in [
        (address, "200 OK"),
        ("localhost:9435", "200 OK"),
        ("[2001:db8::1]", "200 OK"),
        (own.trim(), "200 OK"),
        ("metrics.example:80", "200 OK"),
        ("evil.example", "421 Misdirected Request"),
        ("localhost.evil.example", "421 Misdirected Request"),
    ] {
        let answer = exchange(address, format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{host}: {answer}");
        assert_eq!(answer.contains("ebpf_run_"), status == "200 OK", "{host}: {answer}");
    }
    let refused = exchange(address, b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    assert!(refused.contains("\r\n\r\nuse an IP address, localhost or"), "{refused}");
    run.interrupt().code(0);
}

/// Files whose names are no UTF-8 have series of their own, which no other name can take, and a terminal is not acted on.
#[test]
fn names_that_are_no_utf8() {
    need!(bpf(), tool("promtool"));
    let lab = Lab::new();
    fs::create_dir(lab.path("conf")).unwrap();
    let names = [
        &b"a\xff.yaml"[..],
        b"a\xfe.yaml",
        br"a\xff.yaml",
        b"a\x1b[31m.yaml",
        br"a\u{1b}[31m.yaml",
        "a\u{9b}.yaml".as_bytes(),
    ];
    for (at, name) in names.into_iter().enumerate() {
        let text = if at == 0 { "version: 1\nprobes: nonsense\n" } else { "version: 1\nprobes: []\n" };
        fs::write(lab.dir.path().join("conf").join(OsStr::from_bytes(name)), text).unwrap();
    }
    let (run, address) = daemon(&lab, "127.0.0.1:0");
    let text = scrape(&address);
    promtool(&text);
    let series: Vec<&str> = text.lines().filter(|line| line.starts_with("ebpf_run_config_file_ok{")).collect();
    assert_eq!(series.len(), names.len(), "{series:#?}");
    let bad: Vec<&&str> = series.iter().filter(|line| line.ends_with(" 0")).collect();
    assert_eq!(bad, [&r#"ebpf_run_config_file_ok{file="conf/a\\xff.yaml"} 0"#]);
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    let status = lab.run(&["status", "--format", "json", "--socket", &lab.text("control.sock")]).code(0);
    let status: serde_json::Value = serde_json::from_str(&status.stdout.join("\n")).unwrap();
    let paths: std::collections::BTreeSet<&str> =
        status["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(paths.len(), names.len(), "{paths:?}");
    run.interrupt().code(0);
}

/// An address that others can reach is taken because it was named, and a warning says what that means; one that is
/// taken already is an error that names it.
#[test]
fn addresses() {
    need!(bpf());
    let lab = Lab::new();
    fs::create_dir(lab.path("conf")).unwrap();
    let (run, address) = daemon(&lab, "0.0.0.0:0");
    assert!(run.stderr_now().contains("warning: anyone who can reach 0.0.0.0"), "{}", run.stderr_now());
    let second = ["daemon", "--config-dir", "conf", "--socket", "second.sock", "--metrics", &address];
    lab.run(&second).code(1).says(&format!("error: failed to listen for metrics at {address}: Address already in use"));
    run.interrupt().code(0);
    lab.run(&["daemon", "--metrics", "localhost"]).code(2).says("expected an IP address and a port, such as 127.0.0.1");
    let (run, _) = daemon(&lab, "127.0.0.1:0");
    assert!(!run.stderr_now().contains("warning"), "{}", run.stderr_now());
    run.interrupt().code(0);
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! The daemon as a service: what the service manager and the journal hear. Sockets of the test stand in for both.

use std::fs;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::lab::{BOUND, Lab, Run, bpf, need, tool, wait_for};

const OPENS: &str = "version: 1\nprobes:\n  - { name: opens, hook: { tracepoint: \"syscalls:sys_enter_openat\" }, \
                     sinks: [\"jsonl:/dev/null\"] }\n";
const NOBODY: &str = "version: 1\nprobes:\n  - { name: nobody, hook: { xdp: { interface: nosuch0 } } }\n";

/// A daemon's files and the socket that it reports to.
struct Manager {
    lab: Lab,
    socket: UnixDatagram,
}

impl Manager {
    fn new() -> Self {
        let lab = Lab::new();
        fs::create_dir(lab.path("conf")).unwrap();
        let socket = UnixDatagram::bind(lab.path("notify")).unwrap();
        Self { lab, socket }
    }

    fn command(&self) -> Command {
        let mut command = self.lab.command(&["daemon", "--config-dir", "conf", "--socket", "control.sock"]);
        command.env("NOTIFY_SOCKET", self.lab.path("notify"));
        command
    }

    /// The next message, as lines.
    fn next(&self) -> Vec<String> {
        receive(&self.socket).lines().map(str::to_owned).collect()
    }

    /// The next message within some time.
    fn next_within(&self, time: Duration) -> Option<String> {
        try_receive(&self.socket, time).ok()
    }
}

fn receive(socket: &UnixDatagram) -> String {
    try_receive(socket, BOUND).expect("a message")
}

fn try_receive(socket: &UnixDatagram, time: Duration) -> std::io::Result<String> {
    let until = Instant::now() + time;
    let mut bytes = vec![0; 1 << 16];
    loop {
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        socket.set_read_timeout(Some(left)).unwrap();
        match socket.recv(&mut bytes) {
            Ok(count) => return Ok(String::from_utf8(bytes[..count].to_vec()).unwrap()),
            // A receive with a timeout is not begun again after the process was stopped for a moment (signal(7)).
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn monotonic_us() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes a local of its type.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1000
}

/// Ready after everything that can be attached is; a new state is told when it changes; SIGHUP is a reload with its
/// beginning, which is no older than the signal, and its end; the end begins with a word.
#[test]
fn the_manager_hears_everything_in_order() {
    need!(bpf());
    let manager = Manager::new();
    fs::write(manager.lab.path("conf/opens.yaml"), OPENS).unwrap();
    fs::write(manager.lab.path("conf/nobody.yaml"), NOBODY).unwrap();
    let mut run = Run::start(manager.command());
    assert_eq!(manager.next(), ["READY=1", "STATUS=1 probe running, 1 waiting"]);
    run.said(|line| line.contains("`opens` started"));
    fs::write(manager.lab.path("conf/bad.yaml"), "nonsense").unwrap();
    assert_eq!(manager.next(), ["STATUS=1 probe running, 1 waiting; 1 file has a mistake"]);
    fs::remove_file(manager.lab.path("conf/nobody.yaml")).unwrap();
    assert_eq!(manager.next(), ["STATUS=1 probe running; 1 file has a mistake"]);

    let before = monotonic_us();
    run.signal(libc::SIGHUP);
    let reloading = manager.next();
    assert_eq!((reloading.len(), reloading[0].as_str()), (2, "RELOADING=1"), "{reloading:?}");
    let at: u64 = reloading[1].strip_prefix("MONOTONIC_USEC=").unwrap().parse().unwrap();
    assert!((before..=monotonic_us()).contains(&at), "{before} {at}");
    assert_eq!(manager.next(), ["READY=1", "STATUS=1 probe running; 1 file has a mistake"]);

    run.signal(libc::SIGTERM);
    assert_eq!(manager.next(), ["STOPPING=1"]);
    run.end().code(0);
    assert_eq!(manager.next_within(Duration::from_millis(1)), None);
}

/// A manager that listens in the abstract namespace (`@name`) hears the same.
#[test]
fn the_manager_may_be_abstract() {
    need!(bpf());
    let manager = Manager::new();
    fs::write(manager.lab.path("conf/opens.yaml"), OPENS).unwrap();
    let name = format!("ebpf-run/test/{}", std::process::id());
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let mut command = manager.command();
    command.env("NOTIFY_SOCKET", format!("@{name}"));
    let run = Run::start(command);
    assert_eq!(receive(&socket), "READY=1\nSTATUS=1 probe running\n");
    run.signal(libc::SIGTERM);
    assert_eq!(receive(&socket), "STOPPING=1\n");
    run.end().code(0);
}

/// The watchdog is fed at least twice in its time, and only while the loop turns: where the loop alone stands still, and all
/// other threads go on, it is not said to live.
#[test]
fn the_watchdog_hears_a_loop_that_turns() {
    need!(bpf());
    let manager = Manager::new();
    let mut command = manager.command();
    command.env("WATCHDOG_USEC", "400000");
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    assert_eq!(manager.next(), ["READY=1", "STATUS=0 probes running"]);
    let began = Instant::now();
    for _ in 0..5 {
        assert_eq!(manager.next(), ["WATCHDOG=1"]);
    }
    let took = began.elapsed();
    assert!((Duration::from_millis(900)..Duration::from_secs(3)).contains(&took), "{took:?}");

    let main_thread = child.id() as i32;
    trace(libc::PTRACE_SEIZE, main_thread);
    trace(libc::PTRACE_INTERRUPT, main_thread);
    // SAFETY: waits for our own child to stand still; without a place for its status.
    assert_eq!(unsafe { libc::waitpid(main_thread, std::ptr::null_mut(), libc::__WALL) }, main_thread);
    // What was sent before, and then nothing.
    wait_for("silence", || manager.next_within(Duration::from_millis(1500)).is_none());
    trace(libc::PTRACE_DETACH, main_thread);
    assert!(manager.next_within(BOUND).is_some(), "it goes on");
    // SAFETY: signals a child that has not been waited for.
    unsafe { libc::kill(main_thread, libc::SIGTERM) };
    assert!(child.wait().unwrap().success());
}

/// ptrace(2) of one thread; the others are not touched.
fn trace(request: libc::c_uint, thread: i32) {
    let null = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: these requests take no memory.
    assert_eq!(unsafe { libc::ptrace(request, thread, null, null) }, 0, "{}", std::io::Error::last_os_error());
}

/// Another process's watchdog, or none, is not fed.
#[test]
fn a_watchdog_of_somebody_else() {
    need!(bpf());
    let manager = Manager::new();
    let mut command = manager.command();
    command.env("WATCHDOG_USEC", "200000").env("WATCHDOG_PID", "1");
    let run = Run::start(command);
    assert_eq!(manager.next(), ["READY=1", "STATUS=0 probes running"]);
    assert_eq!(manager.next_within(Duration::from_millis(600)), None);
    run.interrupt().code(0);
}

/// The fields of an entry, by the journal's native protocol: `NAME=value`, or `NAME`, its length in 8 bytes, and the value.
fn fields(mut entry: &[u8]) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    while let Some(end) = entry.iter().position(|byte| *byte == b'\n') {
        let line = &entry[..end];
        entry = &entry[end + 1..];
        if let Some(equals) = line.iter().position(|byte| *byte == b'=') {
            fields.push((text(&line[..equals]), text(&line[equals + 1..])));
        } else {
            let (length, rest) = entry.split_at(8);
            let (value, rest) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
            fields.push((text(line), text(value)));
            entry = &rest[1..];
        }
    }
    fields
}

/// Where standard error leads to the journal, what is said goes there as entries with fields, and nothing to standard
/// error. The daemon has a /run of its own, in which the test listens at the journal's place.
#[test]
fn the_journal_gets_fields() {
    need!(bpf(), tool("unshare"));
    let manager = Manager::new();
    let journal = UnixDatagram::bind(manager.lab.path("journal")).unwrap();
    fs::write(manager.lab.path("conf/opens.yaml"), OPENS).unwrap();
    fs::write(manager.lab.path("conf/bad.yaml"), "version: 1\nprobes:\n  - { name: x, hooc: 1 }\n").unwrap();
    let script = "mount -t tmpfs none /run && mkdir -p /run/systemd/journal && \
                  ln -s \"$PWD/journal\" /run/systemd/journal/socket && \
                  JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec \"$@\"";
    let daemon = manager.command();
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-ec", script, "sh"]).arg(daemon.get_program()).args(daemon.get_args());
    command.current_dir(manager.lab.dir.path()).stdin(Stdio::null());
    command.env_remove("RUST_LOG").env("NOTIFY_SOCKET", manager.lab.path("notify"));
    let run = Run::start(command);
    assert_eq!(manager.next(), ["READY=1", "STATUS=1 probe running; 1 file has a mistake"]);
    let mut entries: Vec<Vec<(String, String)>> = Vec::new();
    let has = |entry: &[(String, String)], name: &str, value: &str| entry.iter().any(|(n, v)| n == name && v == value);
    while !entries.last().is_some_and(|entry| has(entry, "MESSAGE", "ready")) {
        entries.push(fields(receive(&journal).as_bytes()));
    }
    let find = |name: &str, value: &str| {
        let found = entries.iter().find(|entry| has(entry, name, value));
        found.unwrap_or_else(|| panic!("no {name}={value}: {entries:#?}")).as_slice()
    };
    let started = find("PROBE", "opens");
    assert!(has(started, "PRIORITY", "6") && has(started, "SYSLOG_IDENTIFIER", "ebpf-run"), "{started:?}");
    assert!(has(started, "MESSAGE", "`opens` started: tracepoint syscalls:sys_enter_openat"), "{started:?}");
    let bad = find("FILE", "conf/bad.yaml");
    assert!(has(bad, "PRIORITY", "3") && has(bad, "LINE", "3"), "{bad:?}");
    let (_, code) = bad.iter().find(|(name, _)| name == "CODE").unwrap();
    let (_, message) = bad.iter().find(|(name, _)| name == "MESSAGE").unwrap();
    assert!(code.starts_with('E') && message.starts_with(&format!("error[{code}]: ")), "{bad:?}");
    run.signal(libc::SIGTERM);
    let ended = run.end().code(0);
    assert_eq!(ended.stderr, "");
}

/// A `JOURNAL_STREAM` that is not about this standard error, as after a redirection, changes nothing.
#[test]
fn the_journal_of_somebody_else() {
    need!(bpf());
    let manager = Manager::new();
    let mut command = manager.command();
    command.env("JOURNAL_STREAM", "1:2");
    let run = Run::start(command);
    assert_eq!(manager.next()[0], "READY=1");
    run.interrupt().code(0).says("ready");
}

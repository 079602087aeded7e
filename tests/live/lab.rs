// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the tests on the live kernel share: starting the program, waiting for what it says, network namespaces, and
//! proof that nothing stays attached.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use libbpf_rs::MapType;
use libbpf_rs::query::{LinkInfoIter, MapInfoIter, ProgInfoIter};
use serde_json::Value;
use tempfile::TempDir;

#[allow(unused_imports, reason = "not every suite follows a file")]
pub(crate) use self::lines::Follow;
use self::lines::Lines;

// The tests of the daemon share this file from another folder.
#[path = "lines.rs"]
mod lines;

/// How long anything may take; far more than it does.
pub(crate) const BOUND: Duration = Duration::from_secs(30);

/// Ends the test, as skipped, where this machine cannot run it.
macro_rules! need {
    ($($what:expr),+) => {
        $(if let Err(reason) = $what {
            $crate::lab::skip(&reason);
            return;
        })+
    };
}
pub(crate) use need;

/// Says that a test was skipped; with `CI=true` that is a failure.
pub(crate) fn skip(reason: &str) {
    let test = thread::current().name().unwrap_or("?").to_owned();
    // Not eprintln!: the harness would keep it to itself.
    drop(writeln!(io::stderr(), "skipped: {test}: {reason}"));
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "skipped in CI: {reason}");
}

/// Ok where BPF objects can be made and tracefs can be read.
pub(crate) fn bpf() -> Result<(), String> {
    static FOUND: OnceLock<Result<(), String>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            // SAFETY: reads the process's credentials.
            if unsafe { libc::geteuid() } != 0 {
                return Err("it takes root".to_owned());
            }
            let options = libbpf_sys::bpf_map_create_opts {
                sz: size_of::<libbpf_sys::bpf_map_create_opts>() as u64,
                ..Default::default()
            };
            let map = libbpf_rs::MapHandle::create(MapType::RingBuf, None::<&str>, 0, 0, 4096, &options);
            map.map_err(|error| format!("this machine makes no ring buffer: {error:#}"))?;
            let events = Path::new("/sys/kernel/tracing/events");
            if !events.exists() {
                let done = Command::new("mount").args(["-t", "tracefs", "nodev", "/sys/kernel/tracing"]).status();
                done.map_err(|error| format!("no mount(8): {error}"))?;
            }
            if events.exists() { Ok(()) } else { Err("tracefs cannot be mounted".to_owned()) }
        })
        .clone()
}

/// Ok where this program is installed.
pub(crate) fn tool(name: &str) -> Result<(), String> {
    let found = Command::new("sh").args(["-c", &format!("command -v {name}")]).stdout(Stdio::null()).status();
    if found.is_ok_and(|status| status.success()) { Ok(()) } else { Err(format!("there is no `{name}`")) }
}

/// Waits until a condition holds.
pub(crate) fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < BOUND, "waited in vain for: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// A directory for one test, with a YAML file in it.
pub(crate) struct Lab {
    pub(crate) dir: TempDir,
}

impl Lab {
    /// An empty directory whose name nobody else has; readable by everybody.
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("ebpf-run-live-").tempdir().unwrap();
        Command::new("chmod").arg("755").arg(dir.path()).status().unwrap();
        Self { dir }
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The same as text.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Writes `probes.yaml`: the version, then this text.
    pub(crate) fn yaml(&self, text: &str) -> PathBuf {
        let path = self.path("probes.yaml");
        fs::write(&path, format!("version: 1\n{text}")).unwrap();
        path
    }

    /// The program with these arguments, to be started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ebpf-run"));
        command.current_dir(self.dir.path()).args(arguments).stdin(Stdio::null());
        command.env_remove("RUST_LOG").env_remove("NO_COLOR");
        // A test that fails leaves no daemon behind.
        // SAFETY: one system call, between fork and exec.
        unsafe { command.pre_exec(end_with_parent) };
        command
    }

    /// Runs a command of the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Run::start(self.command(arguments)).end()
    }

    /// The same as a user who may do nothing.
    pub(crate) fn run_as_nobody(&self, arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments);
        command.uid(65534).gid(65534);
        Run::start(command).end()
    }

    /// Starts the program on `probes.yaml` with this text.
    pub(crate) fn start(&self, yaml: &str, arguments: &[&str]) -> Run {
        self.yaml(yaml);
        Run::start(self.command(&[&["probes.yaml"], arguments].concat()))
    }

    /// The same, and waits until everything is attached.
    pub(crate) fn ready(&self, yaml: &str, arguments: &[&str]) -> Run {
        let mut run = self.start(yaml, arguments);
        run.wait_until_ready();
        run
    }

    /// The same for a run that may end at any moment: what it held is not looked at.
    pub(crate) fn attached(&self, yaml: &str, arguments: &[&str]) -> Run {
        let mut run = self.start(yaml, arguments);
        run.wait_until_attached();
        run
    }

    /// Runs the program on `probes.yaml` with this text to its end.
    pub(crate) fn whole(&self, yaml: &str, arguments: &[&str]) -> Ended {
        self.start(yaml, arguments).end()
    }
}

/// The program while it runs. Killed when dropped.
pub(crate) struct Run {
    child: Option<Child>,
    stdout: Lines,
    stderr: Lines,
    seen: usize,
    #[allow(dead_code, reason = "the daemon's tests")]
    heard: usize,
    objects: Objects,
    newest: u32,
}

/// What the program said and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: String,
}

impl Run {
    /// Starts a command with pipes where nothing else was chosen for its output.
    pub(crate) fn start(mut command: Command) -> Self {
        Self::start_with(command.stdout(Stdio::piped()))
    }

    /// The same with the standard output that the command has.
    pub(crate) fn start_with(command: &mut Command) -> Self {
        let newest = programs().into_iter().map(|(id, _)| id).max().unwrap_or(0);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().map(Lines::gather).unwrap_or_default();
        let stderr = Lines::gather(child.stderr.take().unwrap());
        Self { child: Some(child), stdout, stderr, seen: 0, heard: 0, objects: Objects::default(), newest }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Waits for the line `ready: …` and returns it. Notes what the process holds in the kernel.
    pub(crate) fn wait_until_ready(&mut self) -> String {
        let (_, line) = self.stderr.find(0, BOUND, |line| line.starts_with("ready: ").then(|| line.to_owned()));
        let line = line.unwrap_or_else(|| panic!("not ready: {}", self.stderr_now()));
        self.objects = Objects::of(self.pid());
        assert!(!self.objects.is_empty(), "the process holds no BPF object");
        line
    }

    /// The same where another process than the one that was started holds it, or where it may have ended by now.
    pub(crate) fn wait_until_attached(&mut self) {
        let (_, line) = self.stderr.find(0, BOUND, |line| line.starts_with("ready: ").then_some(()));
        assert!(line.is_some(), "not ready: {}", self.stderr_now());
    }

    /// Its status, once it has ended.
    pub(crate) fn try_wait(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().unwrap().try_wait().unwrap()
    }

    /// Waits until standard error has a line that `wanted` picks, since the last one that was asked for.
    #[allow(dead_code, reason = "the daemon's tests")]
    pub(crate) fn said(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        let pick = |line: &str| wanted(line).then(|| line.to_owned());
        let (heard, line) = self.stderr.find(self.heard, BOUND, pick);
        self.heard = heard;
        line.unwrap_or_else(|| panic!("not said; stderr: {}", self.stderr_now()))
    }

    /// Notes what the process holds in the kernel by now: none of it may be there after its end.
    #[allow(dead_code, reason = "the daemon's tests")]
    pub(crate) fn note_objects(&mut self) {
        self.objects.0.extend(Objects::of(self.pid()).0);
    }

    pub(crate) fn stderr_now(&self) -> String {
        self.stderr.now().join("\n")
    }

    /// The events on standard output by now.
    #[allow(dead_code, reason = "the comparison with other tools")]
    pub(crate) fn events_now(&self) -> Vec<Value> {
        self.stdout.now().iter().map(|line| json(line)).collect()
    }

    /// The next line of standard output that is JSON and that `wanted` picks.
    pub(crate) fn event(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        self.try_event(BOUND, wanted).unwrap_or_else(|| panic!("no such event; stderr: {}", self.stderr_now()))
    }

    /// The same within some time.
    pub(crate) fn try_event(&mut self, patience: Duration, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        let pick = |line: &str| Some(json(line)).filter(|event| wanted(event));
        let (seen, event) = self.stdout.find(self.seen, patience, pick);
        self.seen = seen;
        event
    }

    /// The next line of standard output that `wanted` picks.
    pub(crate) fn line(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        let (seen, line) = self.stdout.find(self.seen, BOUND, |line| wanted(line).then(|| line.to_owned()));
        self.seen = seen;
        line.unwrap_or_else(|| panic!("no such line; stderr: {}", self.stderr_now()))
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: i32) {
        // SAFETY: signals a child that has not been waited for.
        assert_eq!(unsafe { libc::kill(self.pid() as i32, signal) }, 0);
    }

    /// Ends the run as Ctrl-C does.
    pub(crate) fn interrupt(self) -> Ended {
        self.signal(libc::SIGINT);
        self.end()
    }

    /// Waits for the end. Nothing may stay in the kernel, whatever the end was.
    pub(crate) fn end(mut self) -> Ended {
        let mut child = self.child.take().unwrap();
        let start = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if start.elapsed() > BOUND {
                drop(child.kill());
                panic!("it does not end: {}", self.stderr_now());
            }
            thread::sleep(Duration::from_millis(2));
        };
        nothing_stays(&self.objects, self.newest);
        Ended { status, stdout: self.stdout.wait_for_end_or_nothing(), stderr: self.stderr.wait_for_end().join("\n") }
    }
}

/// The process is killed when the thread that started it ends.
fn end_with_parent() -> std::io::Result<()> {
    // SAFETY: takes numbers; concerns the calling process only.
    match unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl Ended {
    /// The events and samples on standard output.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.stdout.iter().map(|line| json(line)).collect()
    }

    /// Asserts the exit status, showing what was said if it is another one.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "signal {:?}, stderr:\n{}", self.status.signal(), self.stderr);
        self
    }

    /// Asserts that standard error says this.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "not said: {text}\nstderr:\n{}", self.stderr);
        self
    }

    /// The row of the summary for a probe, or for a sink of a probe that has several (`produced` is 0 then).
    pub(crate) fn totals(&self, name: &str) -> Totals {
        let line = self.stderr.lines().rfind(|line| line.split_whitespace().next() == Some(name));
        let line = line.unwrap_or_else(|| panic!("no row {name}:\n{}", self.stderr));
        let (numbers, causes) = line.split_once('(').unwrap_or((line, ""));
        let numbers: Vec<u64> = numbers
            .split_whitespace()
            .skip(1)
            .filter_map(|word| if word == "-" { Some(0) } else { word.replace(',', "").parse().ok() })
            .collect();
        let (produced, delivered, lost) = match numbers[..] {
            [produced, delivered, lost] => (produced, delivered, lost),
            [delivered, lost] => (0, delivered, lost),
            [produced] => (produced, 0, 0),
            _ => panic!("{line}"),
        };
        Totals { produced, delivered, lost, causes: causes.trim_end_matches(')').to_owned() }
    }
}

/// A row of the summary.
#[derive(Debug)]
pub(crate) struct Totals {
    pub(crate) produced: u64,
    pub(crate) delivered: u64,
    pub(crate) lost: u64,
    pub(crate) causes: String,
}

/// A line of JSON.
pub(crate) fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// True for lines that are events or samples, not notes about losses.
pub(crate) fn counts(event: &Value) -> bool {
    event["type"] != "lost"
}

/// The BPF objects that a process holds: (kind, id).
#[derive(Debug, Default)]
struct Objects(BTreeSet<(&'static str, u32)>);

impl Objects {
    fn of(pid: u32) -> Self {
        let mut objects = BTreeSet::new();
        let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fdinfo")) else { return Self::default() };
        for text in entries.flatten().filter_map(|entry| fs::read_to_string(entry.path()).ok()) {
            for kind in ["prog_id", "link_id", "map_id"] {
                let id = text.lines().find_map(|line| line.strip_prefix(kind)?.strip_prefix(':')?.trim().parse().ok());
                objects.extend(id.map(|id| (kind, id)));
            }
        }
        Self(objects)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn alive(&self) -> Vec<(&'static str, u32)> {
        let programs = ProgInfoIter::default().map(|program| ("prog_id", program.id));
        let links = LinkInfoIter::default().map(|link| ("link_id", link.id));
        // Program arrays go last: a worker of the kernel empties one after the other, each in a grace period of RCU
        // (prog_array_map_clear_deferred). What they held is gone with the programs.
        let maps = MapInfoIter::default().filter(|map| map.ty != MapType::ProgArray).map(|map| ("map_id", map.id));
        let alive: BTreeSet<_> = programs.chain(links).chain(maps).collect();
        self.0.intersection(&alive).copied().collect()
    }
}

/// The loaded programs whose names are those of our functions.
fn programs() -> Vec<(u32, String)> {
    let ours = |name: &str| ["trace_", "exec_", "packet_count", "slot_"].iter().any(|prefix| name.starts_with(prefix));
    let all = ProgInfoIter::default().map(|program| (program.id, program.name.to_string_lossy().into_owned()));
    all.filter(|(_, name)| ours(name)).collect()
}

/// Holds that none of these objects lives on, and that no program newer than `newest` is there that nobody holds. The
/// kernel frees what a process held a moment after it is gone.
fn nothing_stays(objects: &Objects, newest: u32) {
    let mut left = Vec::new();
    let mut strays = Vec::new();
    let start = Instant::now();
    while start.elapsed() < BOUND {
        left = objects.alive();
        strays = programs().into_iter().filter(|(id, _)| *id > newest).collect();
        if !strays.is_empty() {
            let held: BTreeSet<u32> = pids().flat_map(|pid| Objects::of(pid).0).map(|(_, id)| id).collect();
            strays.retain(|(id, _)| !held.contains(id));
        }
        if left.is_empty() && strays.is_empty() {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("left in the kernel: {left:?}; programs that nobody holds: {strays:?}");
}

fn pids() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// This thread's number in the kernel: the `tid` of what it does.
pub(crate) fn tid() -> u64 {
    // SAFETY: takes nothing.
    unsafe { libc::syscall(libc::SYS_gettid) as u64 }
}

/// `openat(dirfd, path, flags, mode)` from this thread; the result is that of the system call, `-errno` in case.
pub(crate) fn openat(dirfd: i32, path: &[u8], flags: i32, mode: u32) -> i64 {
    let path = CString::new(path).unwrap();
    // SAFETY: the path is NUL-terminated and lives across the call.
    let fd = unsafe { libc::syscall(libc::SYS_openat, dirfd, path.as_ptr(), flags, mode) };
    if fd < 0 {
        return -i64::from(io::Error::last_os_error().raw_os_error().unwrap());
    }
    // SAFETY: the descriptor is new and nobody else owns it.
    unsafe { libc::close(fd as i32) };
    fd
}

/// Opens a path that is not there, for reading.
pub(crate) fn open_missing(path: &str) {
    assert_eq!(openat(libc::AT_FDCWD, path.as_bytes(), libc::O_RDONLY, 0), -i64::from(libc::ENOENT));
}

/// Runs a command that must succeed.
pub(crate) fn sh(command: &str) -> String {
    let output = Command::new("sh").args(["-ec", command]).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a part of a test in a network namespace of its own, which ends with it. Inside: `lo` up, and the two ends of a
/// cable, `left` and `right`, up and silent. `Err` where this machine has no such thing.
pub(crate) fn in_namespace(test: impl FnOnce() + Send) {
    let body = || {
        // SAFETY: moves this thread, and no other, into a new network namespace.
        if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
            return Err(format!("no network namespace: {}", io::Error::last_os_error()));
        }
        tool("ip")?;
        for family in ["all", "default"] {
            drop(fs::write(format!("/proc/sys/net/ipv6/conf/{family}/disable_ipv6"), "1"));
        }
        let script = "ip link set lo up; ip link add left type veth peer name right; \
                      ip link set left arp off up; ip link set right arp off up";
        let made = Command::new("sh").args(["-ec", script]).output().map_err(|error| error.to_string())?;
        if !made.status.success() {
            return Err(format!("no veth: {}", String::from_utf8_lossy(&made.stderr).trim()));
        }
        for end in ["left", "right"] {
            wait_for("the cable", || sh(&format!("cat /proc/net/dev; ip -br link show {end}")).contains("LOWER_UP"));
        }
        test();
        assert!(!sh("ip link").contains("xdp"), "an XDP program stays: {}", sh("ip link"));
        Ok(())
    };
    let name = thread::current().name().unwrap_or("?").to_owned();
    let done = thread::scope(|scope| thread::Builder::new().name(name).spawn_scoped(scope, body).unwrap().join());
    match done {
        Ok(Ok(())) => {}
        Ok(Err(reason)) => skip(&reason),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

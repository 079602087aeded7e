// SPDX-License-Identifier: MIT OR Apache-2.0
//! One boot of one kernel: fetch, pack, run qemu, read what came back. Never judges a scenario.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::results::Results;

/// What must be on the machine; without one of these there is no VM.
const TOOLS: [(&str, &str); 4] = [
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("busybox", "busybox-static"),
    ("cpio", "cpio"),
    ("timeout", "coreutils"),
];

/// Lines of the console that are shown when a VM died.
const CONSOLE_LINES: usize = 30;

/// Why there was nothing to judge.
pub(crate) enum NoResults {
    /// Something is missing on this machine; what, and how to get it.
    Skipped(String),
    /// The harness itself went wrong.
    Failed(String),
}

/// A VM that ran, to its end or not.
pub(crate) struct Run {
    pub results: Results,
    /// Why the VM did not come to its end, with the last lines of its console; `None` for a clean power-off.
    pub death: Option<String>,
    /// Console and results; removed by `forget`.
    folder: PathBuf,
}

impl Run {
    /// Keeps the folder for a look at it, and says where it is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Removes what the run left on disk.
    pub(crate) fn forget(self) {
        let _ = fs::remove_dir_all(self.folder);
    }
}

/// One boot.
pub(crate) struct Boot<'b> {
    pub kernel: &'b str,
    /// What the kernel is told beside what it always is.
    pub options: &'b str,
    /// Tells boots of one kernel apart.
    pub number: usize,
}

/// Boots once and runs the scenarios in it, one after another.
pub(crate) fn run(boot: &Boot<'_>, scenarios: &[String], binary: &Path) -> Result<Run, NoResults> {
    if let Some((tool, package)) = TOOLS.iter().find(|(tool, _)| !installed(tool)) {
        return Err(NoResults::Skipped(format!("{tool} is not installed (apt-get install {package})")));
    }
    let kernel = boot.kernel;
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vm");
    let cache = cache();
    fetch(&here, &cache, kernel)?;

    let folder = cache.join("runs").join(format!("{kernel}-{}-{}", std::process::id(), boot.number));
    let failed = |what: &str, error: String| NoResults::Failed(format!("failed to {what}: {error}"));
    fs::create_dir_all(&folder).map_err(|error| failed("make a folder for the run", error.to_string()))?;
    let kernel_folder = cache.join("kernels").join(kernel);
    let mut pack = Command::new(here.join("initramfs"));
    pack.arg(&kernel_folder).arg(binary).arg(folder.join("initrd")).args(scenarios);
    let packed = pack.output().map_err(|error| failed("start tests/vm/initramfs", error.to_string()))?;
    if !packed.status.success() {
        return Err(failed("pack the initramfs", String::from_utf8_lossy(&packed.stderr).into_owned()));
    }

    let seconds = env::var("EBPF_RUN_VM_TIMEOUT").unwrap_or_else(|_| "900".to_owned());
    let output = qemu(&kernel_folder, boot.options, &folder, &seconds).output();
    let output = output.map_err(|error| failed("start qemu", error.to_string()))?;
    // The only big file, and made again in no time; console and results stay when something failed.
    let _ = fs::remove_file(folder.join("initrd"));
    let read = |name: &str| String::from_utf8_lossy(&fs::read(folder.join(name)).unwrap_or_default()).into_owned();
    let results = Results::parse(&read("results"));
    let death = (!results.done).then(|| {
        let how = match output.status.code() {
            Some(124 | 137) => format!("the VM hung and was stopped after {seconds} s"),
            Some(0) => "the VM ended before all scenarios were run (kernel panic?)".to_owned(),
            _ => format!("qemu failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim_end()),
        };
        format!("{how}; end of the console:\n{}", tail(&read("console"), CONSOLE_LINES))
    });
    Ok(Run { results, death, folder })
}

/// True when bpftool, which sees links and programs from outside, could be taken into the VM.
pub(crate) fn has_bpftool() -> bool {
    installed("bpftool")
}

/// The first program that a scenario needs and this machine lacks, with its package.
pub(crate) fn lacks(scenario: &Path) -> Option<String> {
    let programs = fs::read_to_string(scenario.join("programs")).unwrap_or_default();
    let missing = programs.lines().filter_map(|line| line.split_once(' ')).find(|(program, _)| !installed(program));
    missing.map(|(program, package)| format!("{program} is not installed (apt-get install {package})"))
}

/// The folder of kernels and runs; `tests/vm/fetch` uses the same.
fn cache() -> PathBuf {
    env::var_os("EBPF_RUN_VM_CACHE")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/vm"), PathBuf::from)
}

fn fetch(here: &Path, cache: &Path, kernel: &str) -> Result<(), NoResults> {
    let mut fetch = Command::new(here.join("fetch"));
    let output = fetch.arg(kernel).env("EBPF_RUN_VM_CACHE", cache).stdin(Stdio::null()).output();
    let output = output.map_err(|error| NoResults::Failed(format!("failed to start tests/vm/fetch: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(NoResults::Skipped(stderr.lines().last().unwrap_or("tests/vm/fetch failed").to_owned()))
}

/// The first serial port is the console, the second carries the results. Two CPUs, so that per-CPU values are on more
/// than one; emulated in one thread, because with `thread=multi` about one boot in seven ended in an RCU stall.
/// Without `erms` and `fsrm` the kernel copies and clears memory by words, which takes emulation an eighth of what bytes do;
/// `init_on_alloc=0`: it clears less, of which the verifier allocates much.
/// `no_timer_check`: on a busy machine the kernel takes the emulated timer for broken, and panics. `timeout` bounds the VM even when
/// this process is killed. A kernel that is in trouble panics, and a panic ends qemu.
fn qemu(kernel: &Path, options: &str, folder: &Path, seconds: &str) -> Command {
    let accelerator = match env::var("EBPF_RUN_VM_ACCEL").as_deref() {
        Ok("kvm") => "kvm",
        _ => "tcg,thread=single",
    };
    let file = |name: &str| format!("file:{}", folder.join(name).display());
    let mut command = Command::new("timeout");
    command.args(["--foreground", "--kill-after=5", seconds, "qemu-system-x86_64"]);
    command.args(["-M", "q35", "-accel", accelerator, "-cpu", "max,-erms,-fsrm", "-smp", "2", "-m", "1G"]);
    command.arg("-kernel").arg(kernel.join("vmlinuz")).arg("-initrd").arg(folder.join("initrd"));
    let always = "console=ttyS0 quiet panic=-1 oops=panic softlockup_panic=1 sysctl.kernel.panic_on_rcu_stall=1 mitigations=off no_timer_check init_on_alloc=0";
    command.arg("-append").arg(format!("{always} {options}"));
    command.args(["-display", "none", "-monitor", "none", "-no-reboot", "-nodefaults"]);
    command.args(["-serial", &file("console"), "-serial", &file("results")]);
    command.stdin(Stdio::null());
    command
}

fn installed(tool: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    // Debian keeps bpftool where the path of an ordinary user does not look.
    let mut folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.any(|folder| folder.join(tool).is_file())
}

fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

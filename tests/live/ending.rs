// SPDX-License-Identifier: MIT OR Apache-2.0
//! The end of a run that has many hooks, which the kernel takes seconds to close: nobody waits who does not want to.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::lab::{Lab, Run, bpf, need, wait_for};

/// So many tracepoints of a file system that nothing here uses, each a probe that reads a field of the record: those are perf
/// events, which the kernel takes long to close. Without a field, and at system calls, raw tracepoints run underneath.
fn many(count: usize) -> String {
    let events = fs::read_dir("/sys/kernel/tracing/events/xfs").unwrap().flatten();
    let has_device = |event: &fs::DirEntry| {
        fs::read_to_string(event.path().join("format")).is_ok_and(|format| format.contains("field:dev_t dev;"))
    };
    let names = events.filter(has_device).filter_map(|event| event.file_name().into_string().ok());
    let probe = |(index, name): (usize, String)| {
        format!(
            "  - name: p{index}\n    hook: {{ tracepoint: \"xfs:{name}\" }}\n    capture: {{ disk: dev }}\n    buffer: 4KiB\n"
        )
    };
    let probes: Vec<String> = names.take(count).enumerate().map(probe).collect();
    assert_eq!(probes.len(), count, "this kernel has too few tracepoints of xfs");
    format!("probes:\n{}", probes.concat())
}

fn has_summary(run: &Run) -> bool {
    run.stderr_now().lines().any(|line| line.starts_with("p39 "))
}

/// The summary comes at once; then it is said what the kernel is still detaching; then nothing is attached.
#[test]
fn the_summary_waits_for_nobody() {
    need!(bpf());
    for arguments in [&[][..], &["--duration", "100ms"]] {
        let lab = Lab::new();
        let run = lab.attached(&many(40), arguments);
        let start = Instant::now();
        if arguments.is_empty() {
            run.signal(libc::SIGINT);
        }
        wait_for("the summary", || has_summary(&run));
        let took = start.elapsed();
        // 50 ms with a release build. The kernel takes 40 ms for each, one after the other.
        assert!(took < Duration::from_secs(1), "{took:?}");
        let ended = run.end().code(0);
        assert!(start.elapsed() > took);
        ended.says("note: no more events; the kernel is still detaching ");
    }
}

/// A second Ctrl-C ends the process at once, and the hooks all the same.
#[test]
fn twice() {
    need!(bpf());
    let lab = Lab::new();
    let run = lab.ready(&many(40), &[]);
    run.signal(libc::SIGINT);
    wait_for("what is still to be done", || run.stderr_now().contains("the kernel is still detaching "));
    assert!(has_summary(&run));
    let (pid, start) = (run.pid(), Instant::now());
    run.signal(libc::SIGINT);
    wait_for("its end", || fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") Z "));
    let took = start.elapsed();
    assert!(took < Duration::from_millis(500), "{took:?}");
    assert_eq!(run.end().status.signal(), Some(libc::SIGINT));
}

/// The first process of a PID namespace promises no way out that it does not have.
#[test]
fn the_first_process() {
    need!(bpf());
    let lab = Lab::new();
    let yaml = lab.yaml(&many(40));
    let arguments = ["-pf", env!("CARGO_BIN_EXE_ebpf-run"), &yaml.display().to_string(), "--duration", "100ms"];
    let ended = Run::start_with(Command::new("unshare").args(arguments)).end().code(0);
    let note = ended.stderr.lines().find(|line| line.contains("the kernel is still detaching")).unwrap();
    assert!(note.ends_with(" of 40 hooks"), "{note}");
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! `-` is standard input, for every command that reads files once.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

const GOOD: &str = "version: 1\nprobes:\n  - { name: execs, program: exec }\n";
const BAD: &str = "version: 1\nprobes:\n  - { name: packets, hook: { xdp: { interfase: eth0 } } }\n";

/// Runs it with this on standard input.
fn fed(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ebpf-run"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that has read enough closes its end.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `check`, `plan` and `show` read it, and messages say where something is.
#[test]
fn commands() {
    let checked = fed(&["check", "-"], GOOD.as_bytes());
    assert_eq!((checked.status.code(), text(&checked.stdout).as_str()), (Some(0), "ok: 1 file, 1 probe\n"));
    let shown = fed(&["show", "-"], GOOD.as_bytes());
    assert!(text(&shown.stdout).contains("name: execs"), "{shown:?}");
    let planned = fed(&["plan", "-"], GOOD.as_bytes());
    assert!(text(&planned.stdout).contains("<stdin>:3:"), "{planned:?}");
    for command in [&["check", "-"][..], &["-"], &["show", "-"], &["plan", "-"]] {
        let refused = fed(command, BAD.as_bytes());
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        let said = text(&refused.stdout) + &text(&refused.stderr);
        assert!(said.contains("<stdin>:3:37") && said.contains("did you mean `interface`?"), "{said}");
    }
}

/// It is read once, however often it is named, and beside files.
#[test]
fn once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.yaml");
    std::fs::write(&file, GOOD.replace("execs", "others")).unwrap();
    let checked = fed(&["check", "-", file.to_str().unwrap(), "-"], GOOD.as_bytes());
    assert_eq!(text(&checked.stdout), "ok: 2 files, 2 probes\n");
}

/// What is no configuration is said to be none.
#[test]
fn refused() {
    let large = vec![b'#'; (1 << 20) + 1];
    for (input, code, said) in [
        (&b""[..], "E0002", "it is empty"),
        (b" \n\n", "E0002", "it is empty"),
        (b"version: 1\n\xff\xfe\0", "E0004", "the first invalid byte is in line 2"),
        (&large, "E0104", "it is larger than 1 MiB"),
        (b"\x7fELF\x02\x01\x01\0\0\0", "E01", "<stdin>"),
    ] {
        let ended = fed(&["check", "-"], input);
        let out = text(&ended.stdout);
        assert_eq!(ended.status.code(), Some(2), "{out}");
        assert!(out.starts_with(&format!("error[{code}")) && out.contains(said), "{out}");
    }
}

/// A terminal is not waited for.
#[test]
fn terminal() {
    let mut command = Command::new("script");
    let run = format!("{} check -", env!("CARGO_BIN_EXE_ebpf-run"));
    let Ok(ended) = command.args(["-qc", &run, "/dev/null"]).stdin(Stdio::null()).output() else {
        eprintln!("skipped: no script(1)");
        return;
    };
    assert!(text(&ended.stdout).contains("it is a terminal"), "{ended:?}");
}

/// Nothing can be followed there.
#[test]
fn not_watched() {
    let ended = fed(&["--watch", "-"], GOOD.as_bytes());
    assert_eq!(ended.status.code(), Some(2));
    assert!(text(&ended.stderr).starts_with("error: `--watch` follows files"), "{ended:?}");
}

/// A picture can go to a device, which has no length that could be cut; in a file nothing of a longer one stays.
#[test]
fn pictures() {
    let drawn = fed(&["flame", "-", "-o", "/dev/null"], b"app;main 3\n");
    assert_eq!(drawn.status.code(), Some(0), "{drawn:?}");
    let file = std::env::temp_dir().join(format!("ebpf-run-picture-{}.svg", std::process::id()));
    std::fs::write(&file, vec![b'x'; 1 << 20]).unwrap();
    let drawn = fed(&["flame", "-", "-o", file.to_str().unwrap()], b"app;main 3\n");
    let picture = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(drawn.status.success() && picture.trim_end().ends_with("</svg>"), "{drawn:?}");
}

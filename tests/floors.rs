// SPDX-License-Identifier: MIT OR Apache-2.0
//! The floors of design.md §2 as src/lib.rs draws them, and the other rules that a compiler does not hold. Each rule is
//! tried on a text that breaks it as well.

#![allow(clippy::unwrap_used, reason = "a test may")]

#[path = "support/circles.rs"]
mod circles;

use std::fs;
use std::path::{Path, PathBuf};

use self::circles::Crate;

/// Module, floor, and the modules of the same floor that it may use.
const FLOORS: [(&str, u8, &[&str]); 21] = [
    ("spec", 0, &[]),
    ("status", 0, &["spec", "words"]),
    ("words", 0, &[]),
    ("catalog", 1, &[]),
    ("expr", 1, &["catalog"]),
    ("record", 1, &[]),
    ("format", 1, &["record"]),
    ("meter", 1, &["format", "record"]),
    ("hook", 1, &["config", "expr"]),
    ("config", 1, &["catalog", "expr", "format", "hook", "key"]),
    ("key", 1, &["catalog", "expr", "config", "hook"]),
    ("plan", 1, &["catalog", "config", "hook"]),
    ("trust", 2, &[]),
    ("symbols", 2, &[]),
    ("kernel", 2, &["trust"]),
    ("sink", 2, &["trust"]),
    ("files", 2, &["trust"]),
    ("control", 2, &["trust"]),
    ("metrics", 2, &["control"]),
    ("runner", 3, &[]),
    ("cli", 3, &["runner"]),
];

/// Words, the places (beginnings of paths) where they may stand, and why nowhere else.
const WORDS: [(&[&str], &[&str], &str); 6] = [
    (&["libbpf_rs", "libbpf_sys"], &["src/kernel/"], "only `kernel` uses libbpf"),
    (
        &["std::fs", "std::net", "std::process", "tokio::", "libc::"],
        &[
            "src/kernel/",
            "src/sink/",
            "src/files/",
            "src/control/",
            "src/metrics/",
            "src/trust/",
            "src/symbols/",
            "src/runner/",
            "src/cli/",
            "src/main.rs",
        ],
        "pure floors ask neither files nor network nor processes",
    ),
    (&["println!", "print!", "eprintln!", "eprint!", "dbg!"], &[], "use the functions of cli/terminal.rs"),
    // The sink opens a copy of the descriptor; it prints nothing of its own.
    (
        &["stdout()", "stderr()", "io::stderr", "io::stdout"],
        &["src/cli/", "src/sink/output/stream.rs"],
        "only `cli` prints",
    ),
    (&["process::exit", "process::abort"], &[], "only `main` ends the process, by returning"),
    (
        &["catalog.get("],
        &[
            "src/catalog/",
            "src/cli/programs.rs",
            "src/config/effective.rs",
            "src/config/schema.rs",
            "src/config/starter.rs",
            "src/kernel/doctor/tries.rs",
            "src/key/program.rs",
        ],
        "only what a person wrote, or the usual program of a hook, is looked up by name: a checked probe carries its program",
    ),
];

/// Functions of libc that rustix has without `unsafe`.
const RUSTIX_HAS: &str = "\
    accept accept4 bind clock_gettime clock_nanosleep close connect dup dup2 dup3 epoll_create1 epoll_ctl epoll_wait \
    eventfd fallocate fchmod fchown fcntl fdatasync fgetxattr flock fstat fstatat fstatfs fsync ftruncate getegid geteuid \
    getgid getpid getppid getpriority getrandom getrlimit getsockname getsockopt gettid getuid getxattr if_indextoname \
    if_nametoindex inotify_add_watch inotify_init1 inotify_rm_watch ioctl isatty kill lgetxattr link linkat listen lseek \
    lstat madvise memfd_create mkdir mkdirat mlock mmap mount mprotect munmap nanosleep open openat pidfd_open pipe pipe2 \
    poll ppoll prctl pread preadv prlimit pwrite pwritev read readlink readlinkat readv recv recvfrom recvmsg rename \
    renameat renameat2 rmdir sched_setaffinity sched_yield select send sendfile sendmsg sendto setns setpriority setrlimit \
    setsockopt setxattr shutdown socket socketpair splice stat statfs statvfs statx symlink symlinkat sync sysconf \
    tcgetattr tcsetattr timerfd_create timerfd_settime umask umount umount2 uname unlink unlinkat unshare usleep utimensat \
    wait wait4 waitid waitpid write writev";

/// Where libc does it nonetheless, and why.
const LIBC_DOES: [(&str, &[&str], &str); 6] = [
    ("src/control/server.rs", &["getsockopt"], "credentials of a peer whose process is 0"),
    ("src/kernel/attach/detach.rs", &["close", "usleep", "wait"], "the child of a fork, which may allocate nothing"),
    ("src/kernel/site/binary/held.rs", &["fcntl"], "F_SETLEASE"),
    ("src/kernel/site/interface/netdev.rs", &["ioctl"], "SIOCETHTOOL"),
    ("src/kernel/site/interface/watch.rs", &["setsockopt"], "NETLINK_ADD_MEMBERSHIP"),
    ("src/sink/regular.rs", &["fcntl"], "F_OFD_SETLK"),
];

/// Most lines of a file in src/ and bpf/.
const MAX_LINES: usize = 500;

/// Files below a folder whose names end in one of these.
fn files(folder: &str, ends: &[&str]) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if ends.iter().any(|end| path.to_str().unwrap().ends_with(end)) {
                found.push(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The lines without comments, numbered from 1.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(at, line)| (at + 1, line.split("//").next().unwrap_or_default()))
}

/// The modules of this crate that a line names: `crate::a::b`, `use crate::{a, b::c}`.
fn modules(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, begin) in line.match_indices("crate::") {
        let rest = &line[at + begin.len()..];
        let list = rest.strip_prefix('{').map_or(rest, |list| list.split('}').next().unwrap_or_default());
        let many = rest.starts_with('{');
        for item in list.split(',').take(if many { usize::MAX } else { 1 }) {
            let item = item.trim();
            let end = item.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(item.len());
            found.push(&item[..end]);
        }
    }
    found
}

fn floor(module: &str) -> Option<(u8, &'static [&'static str])> {
    FLOORS.iter().find(|(name, ..)| *name == module).map(|(_, floor, siblings)| (*floor, *siblings))
}

/// What is wrong with one source file of src/.
fn problems(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let mut add = |line: usize, what: String| problems.push(format!("{path}:{line}: {what}"));
    let module = path.strip_prefix("src/").unwrap().split(['/', '.']).next().unwrap();
    let own = floor(module);
    if own.is_none() && !matches!(module, "lib" | "main") {
        add(1, format!("the module `{module}` has no floor: add it to tests/floors.rs and src/lib.rs"));
    }
    for (number, line) in code(text) {
        for used in modules(line).into_iter().filter(|used| *used != module) {
            match (own, floor(used)) {
                (Some((own, siblings)), Some((other, _))) if other >= own && !siblings.contains(&used) => {
                    add(number, format!("`{module}` is on floor {own} and uses `{used}` of floor {other}"));
                }
                (Some(_), None) => add(number, format!("`crate::{used}` is not a module with a floor")),
                _ => {}
            }
        }
        for function in RUSTIX_HAS.split(' ').filter(|function| says(line, &format!("libc::{function}("))) {
            let is_known = |(place, functions, _): &(&str, &[&str], _)| *place == path && functions.contains(&function);
            if !LIBC_DOES.iter().any(is_known) {
                add(number, format!("`libc::{function}`: rustix has it without `unsafe`"));
            }
        }
        for (words, places, why) in WORDS {
            let found = words.iter().find(|word| says(line, word));
            if let (Some(word), false) = (found, places.iter().any(|place| path.starts_with(place))) {
                add(number, format!("`{word}`: {why}"));
            }
        }
    }
    problems
}

/// True where the word stands in the line and no longer word ends in it.
fn says(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
}

#[track_caller]
fn none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// Imports go downwards, libbpf stays in `kernel`, pure floors are pure, only `cli` prints, only `main` exits.
#[test]
fn floors_hold() {
    let sources = files("src", &[".rs"]);
    assert!(sources.len() > 50, "{}", sources.len());
    let of = |path: &PathBuf| problems(path.to_str().unwrap(), &read(path));
    none(&sources.iter().flat_map(of).collect::<Vec<_>>());
}

/// No two files need each other, over however many others.
#[test]
fn no_circles() {
    let sources: Vec<(String, String)> = files("src", &[".rs"])
        .iter()
        .map(|path| (path.strip_prefix("src").unwrap().to_str().unwrap().to_owned(), read(path)))
        .collect();
    let found = Crate::new(sources.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    none(
        &found.circles().iter().map(|files| format!("they need each other: {}", files.join(", "))).collect::<Vec<_>>(),
    );
}

/// Circles are found through what modules give on, renamed names and paths in the code; comments, unit tests and what a `mod.rs`
/// gives on are none.
#[test]
fn circles_bite() {
    let beside = [
        (
            "a/mod.rs",
            "mod one;\nmod two;\nmod three;\npub use one::One;\npub(crate) use self::two::{Two as Second, more};\n",
        ),
        ("a/one.rs", "use super::{Second, three::{self, Three}};\n"),
        ("a/three.rs", "pub struct Three;\n// use super::One;\npub(in crate::a) fn f() {}\n"),
        ("b.rs", "use crate::a::One;\nuse std::fs::{self, File};\n"),
    ];
    for (two, circle) in [
        ("fn f(one: &crate::a::One) {}", &["a/one.rs", "a/two.rs"][..]),
        ("use super::One as First;", &["a/one.rs", "a/two.rs"]),
        ("use crate::{b::{self, B}, spec};", &["a/one.rs", "a/two.rs", "b.rs"]),
        ("use super::three::Three;", &[]),
        ("// use super::One;", &[]),
        ("#[cfg(test)]\nmod tests {\n    use crate::a::One;\n}", &[]),
    ] {
        let found = Crate::new(beside.into_iter().chain([("a/two.rs", two)]));
        let wanted: &[&[&str]] = if circle.is_empty() { &[] } else { &[circle] };
        assert_eq!(found.circles(), wanted, "{two}");
    }
}

/// What libc does is still done there.
#[test]
fn libc_does_no_more() {
    for (place, functions, why) in LIBC_DOES {
        let text = read(Path::new(place));
        for function in functions {
            let is_there = code(&text).any(|(_, line)| says(line, &format!("libc::{function}(")));
            assert!(is_there, "{place}: `libc::{function}` ({why}) is gone: take it off the list");
        }
    }
}

/// The table here and the drawing in src/lib.rs are about the same modules, on the same floors.
#[test]
fn the_drawing_is_true() {
    let text = read(Path::new("src/lib.rs"));
    for (module, floor, _) in FLOORS {
        let begin = format!("//! {floor}");
        // A floor may take several lines; those after the first begin with spaces.
        let mut inside = false;
        let drawn = text.lines().any(|line| {
            if let Some(rest) = line.strip_prefix("//! ") {
                inside = if rest.starts_with(|c: char| c.is_ascii_digit()) { line.starts_with(&begin) } else { inside };
            }
            inside && line.split_whitespace().any(|word| word == module)
        });
        assert!(drawn, "`{module}` is not drawn on floor {floor} of src/lib.rs");
        assert!(text.contains(&format!("pub mod {module};")), "{module}");
    }
    let declared = text.lines().filter(|line| line.starts_with("pub mod ")).count();
    assert_eq!(declared, FLOORS.len());
}

/// Files stay small enough to be read.
#[test]
fn no_long_files() {
    let long = |path: &PathBuf| {
        let lines = read(path).lines().count();
        (lines > MAX_LINES).then(|| format!("{}: {lines} lines, {MAX_LINES} at most", path.display()))
    };
    let files = [files("src", &[".rs"]), files("bpf", &[".c", ".h"])].concat();
    none(&files.iter().filter_map(long).collect::<Vec<_>>());
}

/// Whether the licence stands where it must: on line 1, or on line 2 where line 1 says how the file is run or read.
fn licensed(text: &str) -> bool {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let taken = first.starts_with("#!") || first.starts_with("# yaml-language-server:");
    let line = if taken { lines.next().unwrap_or_default() } else { first };
    line.contains("SPDX-License-Identifier: ")
}

/// Every source file begins with its licence.
#[test]
fn licences() {
    let mut all = vec![PathBuf::from("build.rs")];
    for folder in ["src", "bpf", "tests", "benches"] {
        all.extend(files(folder, &[".rs", ".c", ".h", ".sh"]));
    }
    let without =
        |path: &PathBuf| (!licensed(&read(path))).then(|| format!("{}: no licence on line 1", path.display()));
    none(&all.iter().filter_map(without).collect::<Vec<_>>());
}

/// A test that does not run is no test.
#[test]
fn nothing_is_ignored() {
    let mark = concat!("#[", "ignore");
    let ignored = |path: &PathBuf| {
        let text = read(path);
        let lines: Vec<usize> = code(&text).filter(|(_, line)| line.contains(mark)).map(|(number, _)| number).collect();
        (!lines.is_empty()).then(|| format!("{}: lines {lines:?}", path.display()))
    };
    let files = [files("src", &[".rs"]), files("tests", &[".rs"])].concat();
    none(&files.iter().filter_map(ignored).collect::<Vec<_>>());
}

/// The rules bite: each is broken once here.
#[test]
fn rules_bite() {
    for (path, line, said) in [
        ("src/spec/hook.rs", "use crate::words::nearest;", "`spec` is on floor 0 and uses `words` of floor 0"),
        ("src/format/text.rs", "use crate::catalog::Btf;", "uses `catalog` of floor 1"),
        ("src/expr/scope.rs", "use crate::config::Problem;", "uses `config` of floor 1"),
        ("src/catalog/btf.rs", "let x = crate::kernel::Host::default();", "uses `kernel` of floor 2"),
        ("src/kernel/load.rs", "use crate::{spec::Hook, sink::Sink};", "`kernel` is on floor 2 and uses `sink`"),
        ("src/runner/start.rs", "use crate::cli::main;", "uses `cli` of floor 3"),
        ("src/catalog/new.rs", "use crate::nonsense::X;", "`crate::nonsense` is not a module"),
        ("src/extra/mod.rs", "", "the module `extra` has no floor"),
        ("src/runner/mod.rs", "let map: libbpf_rs::MapHandle;", "only `kernel` uses libbpf"),
        ("src/catalog/elf.rs", "let bytes = std::fs::read(path);", "pure floors"),
        ("src/spec/sink.rs", "fn f() { libc::getpid(); }", "pure floors"),
        ("src/config/mod.rs", "use tokio::time;", "pure floors"),
        ("src/trust/walk.rs", "let fd = unsafe { libc::openat(at, name, flags) };", "rustix has it"),
        ("src/sink/mod.rs", "unsafe { libc::fcntl(fd, libc::F_SETFL, 0) };", "rustix has it"),
        ("src/cli/run.rs", "eprintln!(\"x\");", "cli/terminal.rs"),
        ("src/runner/mod.rs", "writeln!(io::stderr(), \"x\")", "only `cli` prints"),
        ("src/kernel/mod.rs", "std::process::exit(1);", "only `main` ends the process"),
        ("src/cli/check.rs", "catalog.get(&probe.spec.program)", "carries its program"),
    ] {
        let found = problems(path, &format!("// SPDX\n{line}\n"));
        assert!(found.iter().any(|problem| problem.contains(said)), "{path}: {line}: {found:?}");
    }
    let good = "use crate::spec::Hook; // crate::cli\nuse crate::catalog::{Btf, Type};\nlet x = core::net::Ipv4Addr::from(y);\n";
    assert_eq!(problems("src/expr/parse.rs", good), Vec::<String>::new());
    assert!(licensed("// SPDX-License-Identifier: MIT\n") && licensed("#!/bin/sh\n# SPDX-License-Identifier: MIT\n"));
    assert!(!licensed("\n// SPDX-License-Identifier: MIT\n") && !licensed(""));
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run check` through its command line: what it prints, in three formats, and how it ends; files that cannot be read or
//! that are written to hurt.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

const GOOD: &str = "version: 1\nprobes:\n  - { name: execs, program: exec }\n";
const BAD: &str = "version: 1\nprobes:\n  - { name: packets, hook: { xdp: { interfase: eth0 } } }\n";
const WARNS: &str = "version: 1\nprobes: []\n";

/// How a check ended.
struct Ended {
    status: i32,
    stdout: String,
    stderr: String,
}

/// A directory with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn command(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ebpf-run"));
    command.args(arguments).current_dir(folder.path()).stdin(Stdio::null()).env_remove("FILE_OF_THE_TEST");
    command
}

fn ended(mut command: Command) -> Ended {
    let begin = Instant::now();
    let output = command.output().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(10), "it took {:?}", begin.elapsed());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { status: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn check(folder: &TempDir, arguments: &[&str]) -> Ended {
    ended(command(folder, &[&["check"], arguments].concat()))
}

/// Holds that a check of the folder's `name` is an error of this code that says so.
fn refuses(folder: &TempDir, name: &str, code: &str, said: &str) {
    let ended = check(folder, &[name]);
    assert_eq!(ended.status, 2, "{name}: {}", ended.stdout);
    assert!(ended.stdout.starts_with(&format!("error[{code}]: ")), "{name}: {}", ended.stdout);
    assert!(ended.stdout.contains(said), "{name}: {}", ended.stdout);
    assert!(ended.stdout.ends_with("1 error in 1 file\n"), "{name}: {}", ended.stdout);
    assert_eq!(ended.stderr, "");
}

/// Good files are summed up; files named together are checked together; a file named twice is one file.
#[test]
fn good_files() {
    let folder = folder(&[("a.yaml", GOOD), ("b.yaml", &GOOD.replace("execs", "more"))]);
    let ended = check(&folder, &["."]);
    assert_eq!((ended.status, ended.stdout.as_str()), (0, "ok: 2 files, 2 probes\n"));
    let ended = check(&folder, &["a.yaml", "./a.yaml"]);
    assert_eq!((ended.status, ended.stdout.as_str()), (0, "ok: 1 file, 1 probe\n"));
}

/// Warnings are no errors, and change the exit status with `--strict` only.
#[test]
fn warnings() {
    let folder = folder(&[("a.yaml", WARNS), ("b.yaml", GOOD)]);
    let ended = check(&folder, &["."]);
    assert_eq!(ended.status, 0);
    assert!(ended.stdout.ends_with("\n1 warning in 2 files\n") && !ended.stdout.contains("error"), "{}", ended.stdout);
    assert_eq!(check(&folder, &["--strict", "."]).status, 2);
    assert_eq!(check(&folder, &["--strict", "b.yaml"]).status, 0);
}

/// All problems of all files are told in one go, those of files that cannot be read as well.
#[test]
fn all_at_once() {
    let folder = folder(&[("a.yaml", BAD), ("b.yaml", WARNS), ("c.yaml", BAD)]);
    let ended = check(&folder, &[".", "nowhere.yaml", "c.yaml"]);
    assert_eq!(ended.status, 2);
    for said in ["--> ./a.yaml:3:37", "--> ./c.yaml:3:37", "--> ./b.yaml:2:9", "failed to read `nowhere.yaml`"] {
        assert!(ended.stdout.contains(said), "{said}: {}", ended.stdout);
    }
    assert!(ended.stdout.ends_with("\n4 errors, 1 warning in 4 files\n"), "{}", ended.stdout);
}

/// `--format json` is one object a problem and line, with null places for a file as a whole, and nothing where all is well.
#[test]
fn json() {
    let folder = folder(&[("a b.yaml", &format!("# é✓\n{BAD}")), ("good.yaml", GOOD)]);
    let ended = check(&folder, &["--format", "json", "a b.yaml", "nowhere.yaml"]);
    assert_eq!(ended.status, 2);
    let lines: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [missing, unknown] = lines.as_slice() else { panic!("{}", ended.stdout) };
    assert_eq!((&missing["code"], &missing["path"]), (&"E0001".into(), &"nowhere.yaml".into()));
    assert!(missing["line"].is_null() && missing["end_column"].is_null());
    for (key, value) in [
        ("code", "E0201".into()),
        ("severity", "error".into()),
        ("path", "a b.yaml".into()),
        ("line", 4.into()),
        ("column", 37.into()),
        ("end_line", 4.into()),
        ("end_column", 46.into()),
        ("message", "unknown key `interfase` in `xdp`".into()),
        ("help", "did you mean `interface`?".into()),
        ("notes", serde_json::json!(["keys here: `interface`, `mode`"])),
        ("related", serde_json::json!([])),
    ] {
        assert_eq!(unknown[key], value, "{key}");
    }
    let ended = check(&folder, &["--format", "json", "good.yaml"]);
    assert_eq!((ended.status, ended.stdout.as_str()), (0, ""));
}

/// `--format sarif` is a log with all rules; results point at rules, files as URIs and places.
#[test]
fn sarif() {
    let folder = folder(&[("a b.yaml", BAD), ("c.yaml", WARNS), ("good.yaml", GOOD)]);
    let ended = check(&folder, &["--format", "sarif", ".", "nowhere.yaml"]);
    assert_eq!(ended.status, 2);
    let log: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let results = run["results"].as_array().unwrap();
    for result in results {
        let rule = &run["tool"]["driver"]["rules"][usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(rule["shortDescription"]["text"].is_string() && result["message"]["text"].is_string());
    }
    let levels: Vec<_> = results.iter().map(|result| result["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["error", "error", "warning"]);
    let place = &results[1]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "a%20b.yaml");
    assert_eq!((&place["region"]["startLine"], &place["region"]["startColumn"]), (&3.into(), &37.into()));
    assert!(results[0]["locations"][0]["physicalLocation"].get("region").is_none());
    let clean: Value = serde_json::from_str(&check(&folder, &["--format", "sarif", "good.yaml"]).stdout).unwrap();
    assert_eq!(clean["runs"][0]["results"], serde_json::json!([]));
}

/// Everything that cannot be read is a problem with a code, at once.
#[test]
fn unreadable() {
    let folder = folder(&[("latin.yaml", "")]);
    let path = |name: &str| folder.path().join(name);
    refuses(&folder, "nowhere.yaml", "E0001", "there is no such file");
    fs::create_dir_all(path("dir/x.yaml")).unwrap();
    refuses(&folder, "dir", "E0003", "it is a directory");
    refuses(&folder, "dir/x.yaml", "E0005", "no *.yaml or *.yml file");
    assert!(Command::new("mkfifo").arg(path("fifo.yaml")).status().unwrap().success());
    refuses(&folder, "fifo.yaml", "E0003", "not a regular file");
    refuses(&folder, "/dev/null", "E0003", "not a regular file");
    fs::write(path("latin.yaml"), b"version: 1\n# \xe9\n").unwrap();
    refuses(&folder, "latin.yaml", "E0004", "the first invalid byte is in line 2");
    File::create(path("sparse.yaml")).unwrap().set_len(1 << 30).unwrap();
    refuses(&folder, "sparse.yaml", "E0104", "larger than 1 MiB");
    std::os::unix::fs::symlink("loop.yaml", path("loop.yaml")).unwrap();
    refuses(&folder, "loop.yaml", "E0002", "failed to read `loop.yaml`");
}

/// A file without read permission is a problem; the others are checked.
#[test]
fn permission() {
    let folder = folder(&[("a.yaml", GOOD), ("bad.yaml", BAD)]);
    let allow = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    allow(folder.path(), 0o755);
    allow(&folder.path().join("a.yaml"), 0o000);
    let mut command = command(&folder, &["check", "."]);
    // SAFETY: reads the process's credentials.
    if unsafe { libc::geteuid() } == 0 {
        // Root reads everything: as nobody, from a copy that nobody may run.
        let copy = folder.path().join("ebpf-run");
        fs::copy(env!("CARGO_BIN_EXE_ebpf-run"), &copy).unwrap();
        allow(&copy, 0o755);
        command = Command::new(copy);
        command.args(["check", "."]).current_dir(folder.path()).uid(65534).gid(65534);
    }
    let ended = ended(command);
    assert_eq!(ended.status, 2);
    assert!(ended.stdout.starts_with("error[E0002]: failed to read `./a.yaml`: permission denied"), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("error[E0201]") && ended.stdout.ends_with("2 errors in 2 files\n"),
        "{}",
        ended.stdout
    );
}

/// Files that are written to hurt are a clear error at once.
#[test]
fn hostile_files() {
    let laughs: String =
        (1..10).map(|at| format!("l{at}: &l{at} [{}]\n", format!("*l{},", at - 1).repeat(10))).collect();
    let blocks: String = (0..3000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    for (name, text, said) in [
        ("laughs.yaml", format!("l0: &l0 lol\n{laughs}"), "with this alias the file has more than 100000 values"),
        ("brackets.yaml", "[".repeat(100_000), "more than 65536 commas and brackets"),
        ("deep.yaml", "[".repeat(60_000), "nested too deep"),
        ("blocks.yaml", blocks.chars().take(1 << 20).collect(), "nested more than 64 levels deep"),
        ("dashes.yaml", "- ".repeat(3000), "nested more than 64 levels deep"),
    ] {
        let folder = folder(&[(name, &text)]);
        refuses(&folder, name, "E0104", said);
    }
}

/// Names of files and values that hold terminal sequences and line ends are shown, not obeyed.
#[test]
fn hostile_names() {
    let text = "version: 1\nprobes:\n  - name: x\n    program: \"a\\e[31m\"\n";
    let folder = folder(&[("a\x1b[31m\nb.yaml", text)]);
    let ended = check(&folder, &["."]);
    assert!(ended.stdout.contains(" --> ./a\\u{1b}[31m\\nb.yaml:4:14\n"), "{}", ended.stdout);
    assert!(!ended.stdout.contains('\x1b'), "{}", ended.stdout);
}

/// The largest files that are read at all, each full of something else.
fn full_files() -> Vec<(&'static str, String)> {
    let full = |head: &str, piece: &dyn Fn(usize) -> String| {
        let mut text = head.to_owned();
        for at in 0.. {
            let piece = piece(at);
            if text.len() + piece.len() > 1 << 20 {
                return text;
            }
            text += &piece;
        }
        text
    };
    let probes = "version: 1\nprobes:\n";
    let laughs: String =
        (1..10).map(|at| format!("l{at}: &l{at} [{}]\n", format!("*l{},", at - 1).repeat(10))).collect();
    vec![
        ("probes", full(probes, &|at| format!("  - {{ name: p{at}, program: exec }}\n"))),
        ("wrong probes", full(probes, &|at| format!("  - {{ nam: p{at}, programm: exek }}\n"))),
        ("one name", full(probes, &|_| "  - { name: p, program: exec }\n".to_owned())),
        ("sinks", full("version: 1\nprobes: []\nsinks:\n", &|at| format!("  s{at}: jsonl:{at}\n"))),
        ("keys", full("version: 1\n", &|at| format!("k{at}: 1\n"))),
        ("one key", full("version: 1\n", &|_| "k: 1\n".to_owned())),
        ("a line", full("version: 1\nprobes: [\"", &|_| "x".to_owned())),
        ("commas", full("[", &|_| ",".to_owned())),
        ("numbers", full("[", &|_| "1,".to_owned())),
        ("as many as are read", format!("[{}]", "1,".repeat(65_535))),
        ("lists", format!("[{}]", "[],".repeat(32_767))),
        ("mappings", format!("[{}]", "{a: b},".repeat(32_767))),
        ("anchors", full("a: &a { b: c }\n", &|at| format!("k{at}: {{ <<: *a }}\n"))),
        ("references", full("version: 1\nprobes:\n", &|_| "- ${env:A:-${env:B}}\n".to_owned())),
        ("laughs", full(&format!("l0: &l0 lol\n{laughs}"), &|at| format!("k{at}: *l1\n"))),
        ("escapes", full("version: 1\nprobes: \"", &|_| "\\u2028".to_owned())),
        ("colons", full("", &|_| "? : ".to_owned())),
    ]
}

/// Whatever the file, a check ends, without a panic and within 64 MB.
#[test]
fn bounded_memory() {
    for (what, text) in full_files() {
        let folder = folder(&[("full.yaml", &text)]);
        let mut command = command(&folder, &["check", "full.yaml"]);
        #[expect(clippy::zombie_processes, reason = "wait4 below also tells how much memory it took")]
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let (mut status, mut usage) = (0, std::mem::MaybeUninit::<libc::rusage>::zeroed());
        // SAFETY: waits for a child of ours that nobody else waits for; both places are valid for writing.
        let pid = unsafe { libc::wait4(child.id().cast_signed(), &mut status, 0, usage.as_mut_ptr()) };
        assert_eq!(pid, child.id().cast_signed());
        // SAFETY: zeroed, and filled by the call.
        let kilobytes = unsafe { usage.assume_init() }.ru_maxrss;
        assert!(libc::WIFEXITED(status) && [0, 2].contains(&libc::WEXITSTATUS(status)), "{what}: status {status}");
        assert!(kilobytes <= 64 << 10, "{what}: {kilobytes} KB");
    }
}

/// Values of the environment of the process arrive, and do not become structure.
#[test]
fn environment() {
    let text =
        "version: 1\nprobes:\n  - name: execs\n    program: exec\n    sinks: [\"jsonl:${env:FILE_OF_THE_TEST}\"]\n";
    let folder = folder(&[("a.yaml", text)]);
    refuses(&folder, "a.yaml", "E0112", "the environment variable `FILE_OF_THE_TEST` is not set");
    for value in ["events.jsonl", "x\", stdout]\nprobes: [", "{a: b}"] {
        let mut command = command(&folder, &["check", "a.yaml"]);
        command.env("FILE_OF_THE_TEST", value);
        let ended = ended(command);
        assert_eq!((ended.status, ended.stdout.as_str()), (0, "ok: 1 file, 1 probe\n"), "{value}");
    }
}

/// `--kernel` asks this machine about every probe that says where it attaches, whatever else is wrong with it or with other files.
#[test]
fn kernel_despite_errors() {
    let probe = |name: &str, rest: &str| {
        format!("  - {{ name: {name}, hook: {{ xdp: {{ interface: nope-{name}, mode: generic }} }}{rest} }}\n")
    };
    let head = "version: 1\nprobes:\n";
    let more = "  - { name: gone, hook: { xdp: { interfase: nope-gone } } }\n  \
                - { name: off, hook: { xdp: { interface: nope-off } }, enabled: no }\n  \
                - { name: own, hook: { xdp: { interface: nope-own } }, program: exec }\n";
    let a = format!(
        "{head}{}{}{}{}{more}",
        probe("sink", ", sinks: [nowhere]"),
        probe("program", ", program: packet_cont"),
        probe("gate", ", interval: 5"),
        probe("mode", "").replace("generic", "fast"),
    );
    let folder = folder(&[("a.yaml", &a), ("b.yaml", &(head.to_owned() + &probe("good", ""))), ("c.yaml", "a: [")]);
    let ended = check(&folder, &["--kernel", ".", "nowhere.yaml"]);
    assert_eq!(ended.status, 2);
    for name in ["sink", "program", "gate", "mode", "good"] {
        let said = format!("there is no network interface `nope-{name}`");
        assert_eq!(ended.stdout.matches(&said).count(), 1, "{name}: {}", ended.stdout);
    }
    // Where the hook is in doubt, nothing is asked.
    assert_eq!(ended.stdout.matches("error[E0402]").count(), 5, "{}", ended.stdout);
    // Files first, then the machine; without `--kernel`, the files only.
    let files = check(&folder, &[".", "nowhere.yaml"]).stdout;
    let (told, _sum) = files.trim_end().rsplit_once('\n').unwrap();
    assert!(ended.stdout.starts_with(told) && !files.contains("E0402"), "{files}");
    // A run has all errors of the files to refuse, and asks nothing.
    let run = self::ended(command(&folder, &["."]));
    assert!(run.status == 2 && run.stdout.is_empty() && !run.stderr.contains("E0402"), "{}", run.stderr);
}

/// A mistyped command is taken for a path, and called by its name.
#[test]
fn mistyped_command() {
    let folder = folder(&[("a.yaml", GOOD), ("chek.yaml", BAD)]);
    let run = |arguments: &[&str]| ended(command(&folder, arguments));
    let mistyped = run(&["chek", "a.yaml"]);
    assert_eq!(mistyped.status, 2);
    assert!(mistyped.stderr.contains("did you mean the command `check`?"), "{}", mistyped.stderr);
    for paths in [["chek.yaml"], ["missing.yaml"], ["./chek"], ["nothing-like-it"]] {
        let other = run(&paths);
        assert!(!other.stderr.contains("command"), "{paths:?}: {}", other.stderr);
    }
}

/// A run says the same about files that cannot be read, and about all the others.
#[test]
fn a_run_says_the_same() {
    let folder = folder(&[("bad.yaml", BAD)]);
    let ended = ended(command(&folder, &["nowhere.yaml", "bad.yaml"]));
    assert_eq!((ended.status, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("error[E0001]") && ended.stderr.contains("error[E0201]"), "{}", ended.stderr);
}

/// A parameter takes what its program means by it, which may be less than its type holds.
#[test]
fn ranges_of_parameters() {
    let text = |uid: &str| {
        format!("version: 1\nprobes:\n  - {{ name: execs, program: exec, params: {{ only_uid: {uid} }} }}\n")
    };
    let folder =
        folder(&[("most.yaml", &text("4294967294")), ("more.yaml", &text("4294967296")), ("less.yaml", &text("-2"))]);
    for name in ["more.yaml", "less.yaml"] {
        refuses(&folder, name, "E0307", "must be from -1 to 4294967294");
    }
    assert_eq!(check(&folder, &["most.yaml"]).status, 0);
}

/// A name of 900 KB is near to none: what is said of it takes no time, wherever it stands.
#[test]
fn endless_names() {
    let long = "a".repeat(900_000);
    for (at, text) in [
        format!("{long}: 1\n"),
        format!("probes:\n  - {{ name: x, program: {long} }}\n"),
        format!("probes:\n  - {{ name: x, hook: {{ {long}: y }} }}\n"),
        format!("probes:\n  - {{ name: x, program: exec, sinks: [{long}] }}\n"),
        format!("probes:\n  - {{ name: x, program: exec, params: {{ {long}: 1 }} }}\n"),
        format!("probes:\n  - {{ name: x, hook: {{ kprobe: f }}, capture: {{ a: arg0 as {long} }} }}\n"),
        format!("probes: &a []\nsinks: *{long}\n"),
    ]
    .into_iter()
    .enumerate()
    {
        let folder = folder(&[("long.yaml", &format!("version: 1\n{text}"))]);
        let began = std::time::Instant::now();
        assert_eq!(check(&folder, &["long.yaml"]).status, 2, "{at}");
        assert!(began.elapsed() < std::time::Duration::from_secs(6), "{at}: {:?}", began.elapsed());
    }
}

/// `--set` replaces variables of the files for `check`, `plan` and a run; what it is wrong with is said in each of them.
#[test]
fn variables_are_set() {
    let text = "version: 1\nvars: { program: exce }\nprobes:\n  - { name: execs, program: \"${var:program}\" }\n";
    let folder = folder(&[("a.yaml", text)]);
    assert_eq!(check(&folder, &["a.yaml"]).status, 2);
    let good = check(&folder, &["a.yaml", "--set", "program=exec"]);
    assert_eq!((good.stdout.as_str(), good.status), ("ok: 1 file, 1 probe\n", 0));
    for command_words in [&["check"][..], &["plan"], &[], &["--watch"]] {
        for (setting, said) in [
            ("program", "must be NAME=VALUE"),
            ("1st=exec", "the name of a variable has letters, digits and `_`, and no digit first"),
            ("=exec", "the name of a variable has letters, digits and `_`, and no digit first"),
        ] {
            let ended = ended(command(&folder, &[command_words, &["a.yaml", "--set", setting]].concat()));
            assert_eq!(ended.status, 2, "{command_words:?} {setting}: {}", ended.stderr);
            assert!(ended.stderr.contains(said), "{command_words:?} {setting}: {}", ended.stderr);
        }
    }
    for command_words in [&["check"][..], &["plan"], &[]] {
        let settings = ["a.yaml", "--set", "program=exec", "--set", "progam=exec"];
        let ended = ended(command(&folder, &[command_words, &settings].concat()));
        assert_eq!(ended.status, 2, "{command_words:?}: {}", ended.stderr);
        let text = ended.stdout + &ended.stderr;
        assert!(text.contains("error[E0113]: no file declares the variable `progam`\n --> --set:1:1\n"), "{text}");
        assert!(text.contains("did you mean `program`?"), "{text}");
    }
}

/// The file of a set is read too: what a run would say of it is a warning, at the line of that file or where it is named.
#[test]
fn files_of_sets() {
    let yaml = "version: 1\nsets:\n  ports: { number: { file: lists/ports.txt } }\n  watched: { text: { file: gone.txt } }\n  \
                none: { text: { file: none.txt } }\nprobes:\n  - name: opens\n    hook: { syscall: openat }\n    where:\n      \
                - retval in ports\n      - filename in watched || filename in none\n";
    let folder = folder(&[("a.yaml", yaml), ("none.txt", "# nothing\n\n")]);
    fs::create_dir(folder.path().join("lists")).unwrap();
    fs::write(folder.path().join("lists/ports.txt"), "\u{feff}53\r\n 0x1bb\r\nhttp\r\n").unwrap();
    let text = ended(command(&folder, &["check", "a.yaml"]));
    for part in [
        "warning[W0406]: `http` is not a whole number of 64 bits\n --> lists/ports.txt:3:1\n",
        "the set `ports` is in it",
        "the other lines count, and old entries stay",
        "warning[W0405]: cannot read `gone.txt`: there is no such file\n --> a.yaml:4:28\n",
        "empty until it can be read",
        "warning[W0405]: `none.txt` has no entries",
    ] {
        assert!(text.stdout.contains(part), "{part}:\n{}", text.stdout);
    }
    assert_eq!(text.status, 0, "{}", text.stderr);
    assert_eq!(ended(command(&folder, &["check", "--strict", "a.yaml"])).status, 2);
    // Not everybody may read it: nothing of it is shown.
    fs::write(folder.path().join("lists/ports.txt"), "s3cret\n").unwrap();
    fs::set_permissions(folder.path().join("lists/ports.txt"), Permissions::from_mode(0o600)).unwrap();
    for format in ["text", "json", "sarif"] {
        let found = ended(command(&folder, &["check", "--format", format, "a.yaml"])).stdout;
        assert!(found.contains("W0406") && !found.contains("s3cret"), "{found}");
    }
}

/// Lines without end are told by the first ten and their number; what is too much is not read.
#[test]
fn large_files_of_sets() {
    let yaml = "version: 1\nsets:\n  ports: { number: { file: ports.txt } }\nprobes:\n  - name: opens\n    \
                hook: { syscall: openat }\n    where: retval in ports\n";
    let folder = folder(&[("a.yaml", yaml), ("ports.txt", &"x\n".repeat(100_000))]);
    let found = ended(command(&folder, &["check", "a.yaml"])).stdout;
    assert_eq!(found.matches("warning[W0406]").count(), 10, "{found}");
    assert!(found.contains("99990 more lines are bad; the other lines count"), "{found}");
    File::create(folder.path().join("ports.txt")).unwrap().set_len(1 << 30).unwrap();
    let found = ended(command(&folder, &["check", "a.yaml"])).stdout;
    assert!(found.contains("cannot read `ports.txt`: it is larger than 256 MiB"), "{found}");
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! `kstack` and `ustack`: functions of programs as they run, wherever their files are by now, in events and as keys of what is counted.

use std::ffi::CString;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::lab::{Lab, Run, bpf, need, sh, tool, wait_for};

const PROBE: &str = "probes:\n  - name: chain\n    hook: { syscall: openat }\n    capture: { path: filename, user: ustack, kernel: kstack(8) }\n    \
                     where: path == \"/nonexistent-chain\"\n";

/// A program with a known chain of calls.
pub(crate) fn compile(lab: &Lab, name: &str) -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/chain.c");
    let binary = lab.text(name);
    sh(&format!("cc -O1 -fno-omit-frame-pointer -fno-optimize-sibling-calls -o {binary} {}", source.display()));
    binary
}

/// The program while it runs.
struct Chain {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Chain {
    fn start(program: &mut Command) -> Self {
        let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, said }
    }

    /// Returns when it went through the chain so many times; below 0: from so many depths.
    fn go(&mut self, times: i32) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{times}").unwrap();
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        assert_eq!(line, "done\n");
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

/// The stack of the process at the event that the program makes; `meanwhile` runs while it waits to make it.
fn stack_of(run: &mut Run, program: &mut Command, meanwhile: impl FnOnce()) -> Vec<Value> {
    let mut chain = Chain::start(program);
    meanwhile();
    chain.go(1);
    let pid = chain.child.id();
    let event = run.event(|event| event["pid"] == pid);
    assert!(event["kernel"].as_array().is_some_and(|frames| !frames.is_empty() && frames.len() <= 8), "{event}");
    event["user"].as_array().unwrap().clone()
}

fn symbols(stack: &Value) -> Vec<&str> {
    stack.as_array().into_iter().flatten().filter_map(|frame| frame["symbol"].as_str()).collect()
}

/// Functions have their names: of a file that is there, that was deleted under the process, that another root has; code that no file has
/// those of the perf map. Of a stripped file the place in it is told.
#[test]
fn functions_of_programs() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab, "chain");
    let [stripped, gone] = ["stripped", "gone"].map(|name| lab.text(name));
    sh(&format!("strip -o {stripped} {binary} && cp {binary} {gone}"));
    let mut run = lab.ready(PROBE, &[]);
    let has = |stack: &[Value], symbol: &str, module: Value| {
        stack.iter().any(|frame| frame["symbol"] == symbol && frame["module"] == module)
    };
    let native = stack_of(&mut run, &mut Command::new(&binary), || {});
    assert_eq!((&native[0]["symbol"], &native[0]["module"]), (&"inner".into(), &"chain".into()), "{native:?}");
    assert!(native[0]["offset"].is_u64() && has(&native, "main", "chain".into()), "{native:?}");
    let nameless = stack_of(&mut run, &mut Command::new(&stripped), || {});
    assert!(nameless[0].get("symbol").is_none() && nameless[0]["module"] == "stripped", "{nameless:?}");
    assert!(nameless[0]["offset"].as_u64().is_some_and(|offset| offset < 1 << 20), "{nameless:?}");
    let deleted = stack_of(&mut run, &mut Command::new(&gone), || fs::remove_file(&gone).unwrap());
    assert!(has(&deleted, "inner", "gone".into()) && has(&deleted, "main", "gone".into()), "{deleted:?}");
    // As in a container.
    let root = lab.text("root");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/chain.c");
    sh(&format!(
        "mkdir {root} && cc -O1 -static -fno-omit-frame-pointer -fno-optimize-sibling-calls -o {root}/inside {}",
        source.display()
    ));
    let mut inside = Command::new("/inside");
    let root = CString::new(root).unwrap();
    // SAFETY: one system call, between fork and exec.
    unsafe {
        inside.pre_exec(move || match libc::chroot(root.as_ptr()) {
            0 => Ok(()),
            _failed => Err(std::io::Error::last_os_error()),
        });
    }
    let rooted = stack_of(&mut run, &mut inside, || {});
    assert!(has(&rooted, "inner", "inside".into()) && has(&rooted, "main", "inside".into()), "{rooted:?}");
    let made = stack_of(&mut run, Command::new(&binary).arg("jit"), || {});
    assert!(has(&made, "made code", Value::Null) && has(&made, "main", "chain".into()), "{made:?}");
    run.interrupt().code(0);
}

/// A stack is a key: each call is in the row of where it came from, while tables are exchanged, up to the last before Ctrl-C; processes
/// that have ended meanwhile have names all the same, and look like one another.
#[test]
fn calls_by_stack() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab, "chain-calls");
    let run = lab.ready(
        "probes:\n  - name: chain\n    hook: { syscall: openat }\n    where: filename == \"/nonexistent-chain\" && comm == \"chain-calls\"\n    interval: 100ms\n    \
         aggregate: { by: { user: ustack, kernel: kstack(4), comm: comm }, values: { calls: count() } }\n",
        &[],
    );
    for _process in 0..3 {
        let mut chain = Chain::start(&mut Command::new(&binary));
        (0..20).for_each(|_round| chain.go(100));
        let before = run.events_now().len();
        // While it still runs.
        wait_for("a report", || run.events_now().len() > before);
        chain.go(-3);
    }
    let ended = run.interrupt().code(0);
    let mut of_stack = std::collections::BTreeMap::new();
    for row in ended.events().iter().filter(|row| row["type"] == "sample") {
        let stack = symbols(&row["user"]);
        let ours: Vec<&str> = stack.into_iter().take_while(|name| !name.starts_with("__libc_start")).collect();
        assert!(!symbols(&row["kernel"]).is_empty() && symbols(&row["kernel"]).len() <= 4, "{row}");
        *of_stack.entry(ours.join(" ")).or_insert(0) += row["calls"].as_u64().unwrap();
    }
    let calls = |deep: usize| {
        of_stack.iter().filter(|(stack, _)| stack.matches("deeper").count() == deep).map(|(_, n)| n).sum::<u64>()
    };
    assert_eq!(([1, 2, 3].map(calls), calls(0)), ([3, 3, 3], 6000), "{of_stack:#?}");
    assert!(of_stack.keys().all(|stack| stack.starts_with("inner ") && stack.contains("outer")), "{of_stack:#?}");
    assert_eq!(ended.totals("chain").lost, 0, "{}", ended.stderr);
}

/// More stacks than there is room for are a loss: what is produced is what is counted and lost.
#[test]
fn more_stacks_than_room() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab, "chain-room");
    let run = lab.ready(
        "probes:\n  - name: chain\n    hook: { syscall: openat }\n    where: filename == \"/nonexistent-chain\" && comm == \"chain-room\"\n    interval: end\n    \
         aggregate: { by: [ustack], values: { calls: count() }, max_keys: 16 }\n",
        &[],
    );
    let mut chain = Chain::start(&mut Command::new(&binary));
    chain.go(-40);
    chain.go(1);
    let ended = run.interrupt();
    let rows: Vec<Value> = ended.events().into_iter().filter(|row| row["type"] == "sample").collect();
    let calls: u64 = rows.iter().filter_map(|row| row["calls"].as_u64()).sum();
    let totals = ended.totals("chain");
    assert_eq!((rows.len(), calls, totals.lost), (16, 16, 25), "{}", ended.stderr);
    let said =
        "the table has room for 16 keys, and the key that grew most is `ustack` with 16 values; set `max_keys: 64`";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
}

/// The stack of the start of a span is a key of what is counted at its end.
#[test]
fn stack_of_a_start() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab, "chain-start");
    let run = lab.ready(
        "probes:\n  - name: chain\n    hook: { span: { start: { raw_tracepoint: sys_enter, where: \"id == 257 && comm == 'chain-start'\" }, \
         end: { raw_tracepoint: sys_exit }, key: [tid] } }\n    interval: end\n    \
         aggregate: { by: { from: start.ustack, to: end.ustack(3) }, values: { calls: count() } }\n",
        &[],
    );
    let mut chain = Chain::start(&mut Command::new(&binary));
    chain.go(500);
    let ended = run.interrupt().code(0);
    let is_ours = |row: &&Value| symbols(&row["from"]).first() == Some(&"inner");
    let events = ended.events();
    let rows: Vec<&Value> = events.iter().filter(is_ours).collect();
    let [row] = rows[..] else { panic!("one row: {events:?}") };
    assert_eq!(
        (&row["calls"], &symbols(&row["from"])[1], symbols(&row["to"]).len()),
        (&500.into(), &"outer", 3),
        "{row}"
    );
}

/// A function that a key has the address of has its name, whichever process it is of; those of several processes are one row. It works
/// where events are counted, and for what the start of a span was given.
#[test]
fn functions_as_keys() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = lab.text("tasks-run");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/tasks.c");
    sh(&format!("cc -O1 -fno-ipa-icf -o {binary} {}", source.display()));
    let run = lab.ready(
        &format!(
            "probes:\n  - name: run\n    hook: {{ uprobe: \"{binary}:run\" }}\n    interval: end\n    \
             aggregate: {{ by: {{ what: arg0 as usym, comm: comm }}, values: {{ calls: count() }} }}\n  \
             - name: took\n    hook: {{ function: {{ binary: {binary}, symbol: run, at: span }} }}\n    interval: end\n    \
             aggregate: {{ by: {{ what: arg0 as usym }}, values: {{ took: count() }} }}\n"
        ),
        &[],
    );
    let mut several: Vec<Chain> = (0..3).map(|_process| Chain::start(&mut Command::new(&binary))).collect();
    several.iter_mut().for_each(|tasks| tasks.go(10));
    let ended = run.interrupt().code(0);
    let rows = |probe: &str, value: &str| {
        let rows = ended.events();
        let mut rows: Vec<(String, u64)> = rows
            .iter()
            .filter(|row| row["probe"] == probe)
            .map(|row| (row["what"].as_str().unwrap().to_owned(), row[value].as_u64().unwrap()))
            .collect();
        rows.sort();
        rows
    };
    let expected = [("first".to_owned(), 30), ("second".to_owned(), 33)];
    assert_eq!((rows("run", "calls"), rows("took", "took")), (expected.to_vec(), expected.to_vec()));
}

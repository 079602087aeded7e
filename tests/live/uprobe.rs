// SPDX-License-Identifier: MIT OR Apache-2.0
//! `uprobe` and `uretprobe`: every call is one event, values and texts are those of the process, and what is not there is
//! said before anything is attached.

use std::fs;

use serde_json::json;

use crate::called::{Called, compile};
use crate::lab::{Lab, bpf, need, sh, tool};

/// Exactly one event for each call and each return, from processes that ran before and that start later; integers have
/// their sign, texts and bytes come from the process's memory.
#[test]
fn calls_and_returns() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab);
    let mut before = Called::start(&binary, "früher");
    let run = lab.ready(
        &format!(
            "probes:\n  - name: calls\n    hook: {{ uprobe: \"{binary}:answer\" }}\n    capture:\n      number: arg0 as i32\n      \
             text: arg1 as string\n      also: arg1 as user_string\n      cut: arg1 as string[3]\n      \
             head: arg2 as bytes[2]\n      address: arg2 as ipv6\n      port: arg3 as u16\n      pointer: arg1 as hex\n  \
             - name: returns\n    hook: {{ uretprobe: {{ binary: {binary}, symbol: answer }} }}\n    capture: {{ result: retval }}\n  \
             - name: texts\n    hook: {{ uretprobe: \"{binary}:answer_text\" }}\n    capture: {{ text: retval as string }}\n"
        ),
        &[],
    );
    before.call(1000);
    Called::start(&binary, "later").call(7);
    let ended = run.interrupt().code(0);
    for probe in ["calls", "returns", "texts"] {
        let totals = ended.totals(probe);
        assert_eq!((totals.produced, totals.delivered, totals.lost), (1007, 1007, 0), "{probe}");
    }
    let events = ended.events();
    let of = |probe: &str| events.iter().filter(|event| event["probe"] == *probe).cloned().collect::<Vec<_>>();
    for (at, event) in of("calls").iter().enumerate() {
        let (number, text) = if at < 1000 { (at, "früher") } else { (at - 1000, "later") };
        assert_eq!((&event["number"], &event["text"], &event["also"]), (&json!(number), &json!(text), &json!(text)));
        assert_eq!((&event["head"], &event["address"]), (&json!("2001"), &json!("2001:db8::1")), "{event}");
        assert_eq!((&event["port"], &event["comm"]), (&json!(0x5000), &json!("called")), "{event}");
        assert!(event["pointer"].as_str().unwrap().starts_with("0x7f"), "{event}");
    }
    assert_eq!((&of("calls")[1000]["cut"], &of("calls")[1000]["cut_truncated"]), (&json!("lat"), &json!(true)));
    assert_eq!(of("calls")[0]["pid"], before.pid());
    for (at, event) in of("returns").iter().enumerate() {
        assert_eq!(event["result"], -2 * (if at < 1000 { at } else { at - 1000 }) as i64, "{event}");
    }
    assert!(of("texts").iter().take(1000).all(|event| event["text"] == "früher"));
}

/// With `pid`, calls of that process are seen, and none of another one that runs the same file.
#[test]
fn one_process() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab);
    let (mut wanted, mut other) = (Called::start(&binary, "wanted"), Called::start(&binary, "other"));
    let yaml = format!(
        "probes:\n  - name: calls\n    hook: {{ uprobe: {{ binary: {binary}, symbol: answer, pid: {0} }} }}\n    \
         capture: {{ text: arg1 as string }}\n  - name: returns\n    hook: {{ uretprobe: {{ binary: {binary}, \
         symbol: answer, pid: {0} }} }}\n",
        wanted.pid()
    );
    let run = lab.ready(&yaml, &[]);
    other.call(50);
    wanted.call(20);
    other.call(50);
    let ended = run.interrupt().code(0);
    assert_eq!((ended.totals("calls").produced, ended.totals("returns").produced), (20, 20), "{}", ended.stderr);
    assert!(ended.events().iter().all(|event| event["pid"] == wanted.pid()));
    drop(wanted);
    lab.whole(&yaml, &[]).code(1).says("error[E0402]: there is no process ");
}

/// How far into the file a function begins.
fn place_of_answer(binary: &str) -> u64 {
    let address = sh(&format!("nm {binary} | awk '$3 == \"answer\" {{ print $1 }}'"));
    // The linker puts the code of a position-independent program at the same place in file and memory.
    u64::from_str_radix(address.trim(), 16).unwrap()
}

/// Lists, globs and `first_of` name functions of the binary, and events say which; a place in the file is one of a function
/// of a binary without symbols.
#[test]
fn several_functions_and_places() {
    need!(bpf(), tool("cc"), tool("strip"), tool("nm"));
    let lab = Lab::new();
    let binary = compile(&lab);
    let stripped = lab.text("stripped");
    sh(&format!("strip -o {stripped} {binary}"));
    let offset = place_of_answer(&binary);
    let run = lab.ready(
        &format!(
            "probes:\n  - name: glob\n    hook: {{ uprobe: \"{binary}:answer*\" }}\n  - name: list\n    \
             hook: {{ uretprobe: {{ binary: {binary}, symbol: [answer, answer_text] }} }}\n  - name: first\n    \
             hook: {{ uprobe: {{ binary: {binary}, first_of: [no_such, answer_text, answer] }} }}\n    \
             capture: {{ text: arg0 as string }}\n  - name: place\n    \
             hook: {{ uprobe: {{ binary: {stripped}, offset: {offset:#x} }} }}\n    capture: {{ text: arg1 as string }}\n"
        ),
        &[],
    );
    Called::start(&binary, "whole").call(3);
    Called::start(&stripped, "naked").call(5);
    let ended = run.interrupt().code(0);
    let count = |probe: &str, symbol: Option<&str>| {
        let of = |event: &&serde_json::Value| event["probe"] == *probe && event["symbol"].as_str() == symbol;
        ended.events().iter().filter(of).count()
    };
    for probe in ["glob", "list"] {
        assert_eq!((count(probe, Some("answer")), count(probe, Some("answer_text"))), (3, 3), "{probe}");
    }
    assert_eq!((count("first", None), count("place", None)), (3, 5));
    assert!(ended.events().iter().all(|event| event["probe"] != "first" || event["text"] == "whole"));
    assert!(ended.events().iter().all(|event| event["probe"] != "place" || event["text"] == "naked"));
}

/// After `kill -9` nothing is left, and the probed program goes on.
#[test]
fn killed() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab);
    let mut called = Called::start(&binary, "x");
    let mut run = lab.ready(&format!("probes:\n  - {{ name: calls, hook: {{ uprobe: \"{binary}:answer\" }} }}\n"), &[]);
    called.call(1);
    run.event(|event| event["probe"] == "calls");
    run.signal(libc::SIGKILL);
    run.end();
    called.call(1000);
}

/// What is not there is said with what is nearest, all at once, by `check --kernel` and by a run alike.
#[test]
fn refusals() {
    need!(bpf(), tool("cc"), tool("strip"), tool("nm"));
    let lab = Lab::new();
    let binary = compile(&lab);
    let answer = place_of_answer(&binary);
    let stripped = lab.text("stripped");
    sh(&format!("strip -o {stripped} {binary}"));
    fs::write(lab.path("script"), "#!/bin/sh\n").unwrap();
    fs::write(lab.path("one.c"), "static __attribute__((used)) int twin(void) { return 1; }\n").unwrap();
    fs::write(
        lab.path("two.c"),
        "static __attribute__((used)) int twin(void) { return 2; }\nint main(void) { return 0; }\n",
    )
    .unwrap();
    let folder = lab.dir.path().display();
    sh(&format!("cc -o {folder}/twins {folder}/one.c {folder}/two.c"));
    let info = "__attribute__((section(\".go.buildinfo\"), used)) static const char info[32];\n";
    fs::write(lab.path("go.c"), format!("{info}int main(void) {{ return 0; }}\n")).unwrap();
    sh(&format!("cc -o {folder}/go {folder}/go.c"));
    // On x86 mov $0x12345678,%eax is the first of its instructions, and has five bytes.
    fs::write(lab.path("long.c"), "int main(void) { return 0x12345678; }\n").unwrap();
    sh(&format!("cc -O2 -fcf-protection=none -o {folder}/long {folder}/long.c"));
    let hooks = [
        format!("uprobe: \"{folder}/caled:answer\""),
        format!("uprobe: \"{folder}/none/called:answer\""),
        "uprobe: no-such-program:main".to_owned(),
        "uprobe: libnosuch.so.1:main".to_owned(),
        format!("uprobe: \"{folder}:main\""),
        format!("uprobe: \"{folder}/script:main\""),
        format!("uretprobe: \"{binary}:answr\""),
        format!("uprobe: {{ binary: {binary}, symbol: answer, offset: 4096 }}"),
        format!("uprobe: {{ binary: {binary}, offset: 0x7fffffff }}"),
        format!("uprobe: \"{stripped}:answer\""),
        format!("uprobe: \"{folder}/twins:twin\""),
        format!("uprobe: \"{binary}:no_such*\""),
        format!("uprobe: {{ binary: {binary}, first_of: [a, b] }}"),
        format!("uprobe: {{ binary: {binary}, first_of: [none_here, answer_txt] }}"),
        "uprobe: bahs:main".to_owned(),
        format!("uprobe: \"{binary}:ns::answer(int)\""),
        "uprobe: libc.so.6:strlen".to_owned(),
        format!("uretprobe: \"{binary}:_start\""),
        format!("uretprobe: \"{folder}/go:main\""),
        format!("uretprobe: {{ binary: {binary}, offset: {:#x} }}", answer + 1),
        format!("uprobe: {{ binary: {folder}/long, symbol: main, offset: 2 }}"),
        format!("uprobe: {{ binary: {folder}/long, symbol: main, offset: 5 }}"),
        "uprobe: libc:strlen".to_owned(),
    ];
    let probes: String =
        hooks.iter().enumerate().map(|(at, hook)| format!("  - {{ name: p{at}, hook: {{ {hook} }} }}\n")).collect();
    let path = lab.yaml(&format!("probes:\n{probes}"));
    let checked = lab.run(&["check", "--kernel", path.to_str().unwrap()]).code(1);
    let said = [
        format!("there is no file `{folder}/caled`"),
        format!("did you mean `{folder}/called`?"),
        format!("there is no directory `{folder}/none`"),
        "there is no program `no-such-program` in the directories of PATH".to_owned(),
        "did you mean `libc.so.6`?".to_owned(),
        "there is no library `libnosuch.so.1` in the directories of libraries".to_owned(),
        format!("`{folder}` is a directory, not a program or library"),
        "it is a script: probe the program that runs it".to_owned(),
        format!("`{binary}` has no function `answr`"),
        "did you mean `answer`?".to_owned(),
        "bytes: this offset is past its end".to_owned(),
        format!("there is no code 0x7fffffff bytes into `{binary}`"),
        format!("`{stripped}` has no function symbols: it is stripped"),
        format!("`{folder}/twins` has 2 functions named `twin`"),
        format!("no function of `{binary}` matches `no_such*`"),
        format!("`{binary}` has none of the functions `a`, `b`"),
        "did you mean `answer_text`?".to_owned(),
        "did you mean `bash`?".to_owned(),
        format!("`ebpf-run hooks '*answer*' --binary {binary}` shows what it has"),
        format!("`{binary}` starts to run here: nothing calls this code, so it does not return"),
        "is the middle of `answer`\n".to_owned(),
        "the middle of an instruction of `main`: a uprobe would break the program".to_owned(),
        "instructions begin at 0x0 and 0x5 (`objdump -d` shows them)".to_owned(),
        format!("`{folder}/go` is a Go program: it moves its stacks, and a uretprobe would crash it"),
        format!("a uretprobe must be at the start of a function: {answer:#x}"),
    ];
    let all = checked.stdout.join("\n") + &checked.stderr;
    for text in said {
        assert!(all.contains(&text), "not said: {text}\n{all}");
    }
    // The caret is under the part that is to blame.
    let offset = format!(
        "probes:\n  - name: x\n    hook:\n      uprobe:\n        {}\n",
        hooks[7].trim_start_matches("uprobe: ")
    );
    let ended = lab.whole(&offset, &[]).code(1).says("is past its end");
    assert!(ended.stderr.lines().any(|line| line.trim_end().ends_with(" ^^^^")), "{}", ended.stderr);
    let single = format!("probes:\n  - {{ name: x, hook: {{ {} }} }}\n", hooks[6]);
    lab.whole(&single, &[]).code(1).says("did you mean `answer`?").says(":3:");
    let long = format!(
        "probes:\n  - name: x\n    hook:\n      uprobe:\n        binary: {folder}/caled\n        symbol: answer\n"
    );
    lab.whole(&long, &[]).code(1).says("probes.yaml:6:17").says("there is no file");
}

/// A library keeps several versions of a function: the plain name is the default one, with and without the symbols for
/// debuggers; the others carry their version.
#[test]
fn versions_of_a_function() {
    need!(bpf(), tool("cc"), tool("strip"));
    let lab = Lab::new();
    let folder = lab.dir.path().display();
    let source = "__asm__(\".symver old_twofold, twofold@V1\\n.symver new_twofold, twofold@@V2\");\nint old_twofold(void) { return 1; }\nint new_twofold(void) { return 2; }\n";
    fs::write(lab.path("lib.c"), source).unwrap();
    fs::write(lab.path("versions"), "V1 { };\nV2 { } V1;\n").unwrap();
    let whole = lab.text("libf.so.1");
    let naked = lab.text("libnaked.so.1");
    sh(&format!(
        "cc -shared -fPIC -Wl,--version-script={folder}/versions -o {whole} {folder}/lib.c; strip -o {naked} {whole}"
    ));
    for library in [&whole, &naked] {
        let ended = lab.run(&["hooks", "twofold*", "--binary", library]).code(0);
        let line = |symbol: &str| format!("uprobe: {{ binary: \"{library}\", symbol: \"{symbol}\" }}");
        assert_eq!(ended.stdout, [line("twofold"), line("twofold@V1")]);
        let yaml = format!(
            "probes:\n  - {{ name: x, hook: {{ uprobe: {{ binary: {library}, symbol: [twofold, \"twofold@@V2\", twofold@V1] }} }} }}\n"
        );
        lab.whole(&yaml, &["--duration", "1ms"]).code(0);
    }
}

/// Without privileges, the file and its functions are checked all the same; a run says what it takes.
#[test]
fn as_nobody() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab);
    let good = lab.yaml(&format!("probes:\n  - {{ name: x, hook: {{ uprobe: \"{binary}:answer\" }} }}\n"));
    let good = good.to_str().unwrap();
    lab.run_as_nobody(&["check", "--kernel", good]).code(0);
    lab.run_as_nobody(&[good]).code(1).says("run it as root, or with");
    let bad = lab.yaml(&format!("probes:\n  - {{ name: x, hook: {{ uprobe: \"{binary}:answr\" }} }}\n"));
    let ended = lab.run_as_nobody(&["check", "--kernel", bad.to_str().unwrap()]).code(1);
    let all = ended.stdout.join("\n") + &ended.stderr;
    assert!(all.contains("did you mean `answer`?"), "{all}");
}

/// A plan says the place, the mechanism and what it takes; captures come from the memory of the process.
#[test]
fn plan() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab);
    let path = lab.yaml(&format!(
        "probes:\n  - {{ name: x, hook: {{ uprobe: \"{binary}:answer\" }}, capture: {{ text: arg1 as string }} }}\n"
    ));
    let ended = lab.run(&["plan", path.to_str().unwrap()]).code(0);
    let text = ended.stdout.join("\n");
    for wanted in [
        format!("function trace_uprobe at uprobe {binary}:answer"),
        "perf event of a uprobe".to_owned(),
        "ok      a kernel with uprobes (CONFIG_UPROBE_EVENTS)".to_owned(),
        "argument 1 → text in process memory at +0".to_owned(),
    ] {
        assert!(text.contains(&wanted), "{wanted}\n{text}");
    }
    assert!(!text.contains("BTF"), "{text}");
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! `usdt`: every place of a probe, arguments wherever the compiler has put them, and programs that ask whether anybody looks.

use std::path::Path;

use serde_json::{Value, json};

use crate::lab::{Lab, bpf, need, sh, tool};

/// A program with probes, compiled for one test; the first argument says how.
fn compile(lab: &Lab, how: &str) -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/probes.c");
    let binary = lab.text("probes");
    sh(&format!("cc {how} -o {binary} {}", source.display()));
    binary
}

fn feed(binary: &str, numbers: &[i32]) {
    let lines: String = numbers.iter().map(|number| format!("{number}\\n")).collect();
    sh(&format!("printf '{lines}' | {binary} >/dev/null"));
}

/// However it was compiled: each place of a probe, with its arguments of any size, in registers, memory or constants; a probe behind a
/// semaphore fires.
#[test]
fn arguments_of_each_place() {
    need!(bpf(), tool("cc"));
    for how in ["-O0", "-O2", "-O2 -static", "-O2 -no-pie", "-O2 -s"] {
        let lab = Lab::new();
        let binary = compile(&lab, how);
        let run = lab.ready(
            &format!(
                "probes:\n  - name: forms\n    hook: {{ usdt: {{ binary: {binary}, provider: test, name: forms }} }}\n    capture: \
                 {{ a: arg0, b: arg1 as string, c: arg2, d: arg3, e: arg4, f: arg5, g: arg6 }}\n  \
                 - name: inlined\n    hook: {{ usdt: \"{binary}:test:inlined\" }}\n    capture: {{ n: arg0, text: arg1 as string }}\n  \
                 - name: guarded\n    hook: {{ usdt: \"{binary}:test:guarded\" }}\n    capture: {{ n: arg0 as i32 }}\n  \
                 - name: all\n    hook: {{ usdt: \"{binary}:test:*\" }}\n  \
                 - name: first\n    hook: {{ usdt: {{ binary: {binary}, provider: test, first_of: [none, work] }} }}\n"
            ),
            &[],
        );
        feed(&binary, &[1, -2, 3]);
        let ended = run.interrupt().code(0);
        let of = |probe: &str| -> Vec<Value> {
            ended.events().iter().filter(|event| event["probe"] == *probe).cloned().collect()
        };
        if cfg!(target_arch = "x86_64") {
            let seen: Vec<Value> = of("forms")
                .iter()
                .map(|event| ["a", "b", "c", "d", "e", "f", "g"].map(|name| event[name].clone()).to_vec().into())
                .collect();
            let row = |n: i64, at: i64| json!([n, n.to_string(), 200, -56, 5, -1, n + at]);
            assert_eq!(seen, [row(1, 1), row(-2, 0), row(3, 1)], "{how}");
        }
        let seen: Vec<String> = of("inlined").iter().map(|event| format!("{} {}", event["n"], event["text"])).collect();
        let wanted =
            ["1 \"1\"", "10 \"again\"", "-2 \"-2\"", "-20 \"again\"", "3 \"3\"", "30 \"again\"", "33 \"third\""];
        assert_eq!(seen, wanted, "{how}");
        assert_eq!(of("guarded").iter().map(|event| event["n"].clone()).collect::<Vec<_>>(), [1, -2, 3], "{how}");
        assert_eq!(of("first").len(), 3, "{how}");
        let of_all = |name: &str| of("all").iter().filter(|event| event["event"] == format!("test:{name}")).count();
        assert_eq!(["work", "guarded", "plain", "inlined"].map(of_all), [3, 3, 3, 7], "{how}");
    }
}

/// A variable of the program is an argument where its symbol says where it lies, and has its name; a floating-point number is refused,
/// and takes nothing from the others.
#[test]
fn variables() {
    need!(bpf(), tool("cc"));
    if cfg!(not(target_arch = "x86_64")) {
        return crate::lab::skip("only notes of x86-64 have variables");
    }
    for how in ["-O0", "-O2", "-O2 -static", "-O2 -no-pie", "-O2 -s"] {
        let lab = Lab::new();
        let binary = compile(&lab, how);
        let yaml = |capture: &str, clause: &str| {
            format!(
                "probes:\n  - name: v\n    hook: {{ usdt: \"{binary}:test:variables\" }}\n    capture: {{ {capture} }}\n{clause}"
            )
        };
        let refused = |capture: &str| lab.whole(&yaml(capture, ""), &[]).code(1);
        let fraction = "`arg2` of `test:variables` cannot be read: it is a floating-point number (`8f@%xmm";
        refused("half: arg2, n: arg3").says(fraction).says("capture the probe's other arguments");
        if how.ends_with("-s") {
            refused("a: arg0")
                .says("it is a variable (`-4@shared(%rip)`), and the binary has no symbol, or several, of that name");
            refused("a: shared").says("`shared` of `test:variables` cannot be read");
            let run = lab.ready(&yaml("n: arg3", ""), &[]);
            feed(&binary, &[4]);
            assert_eq!(run.interrupt().code(0).events()[0]["n"], 4);
            continue;
        }
        let run = lab.ready(&yaml("a: arg0, b: arg1, c: shared, n: arg3", "    where: shared != 6\n"), &[]);
        feed(&binary, &[1, 2, -3]);
        let events = run.interrupt().code(0).events();
        let seen: Vec<Value> =
            events.iter().map(|event| ["a", "b", "c", "n"].map(|name| event[name].clone()).to_vec().into()).collect();
        assert_eq!(seen, [1, -3].map(|n| json!([n * 3, (1_i64 << 40) + n, n * 3, n])), "{how}");
    }
}

/// What is not there is said with what there is.
#[test]
fn refusals() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let binary = compile(&lab, "-O1");
    let hook = |hook: &str, capture: &str| {
        lab.whole(&format!("probes:\n  - {{ name: x, hook: {{ usdt: {hook} }}{capture} }}\n"), &[]).code(1)
    };
    let short = |rest: &str| format!("\"{binary}:{rest}\"");
    hook(&short("tset:work"), "").says("has no USDT probes of the provider `tset`").says("did you mean `test`?");
    hook(&short("test:wrok"), "").says("has no USDT probe `test:wrok`").says("did you mean `test:work`?");
    hook(&short("test:x*"), "").says("matches `test:x*`");
    hook("\"/bin/true:a:b\"", "").says("`/bin/true` has no USDT probes").says("`<sys/sdt.h>`");
    let first = format!("{{ binary: {binary}, provider: test, first_of: [wrok, more] }}");
    hook(&first, "").says("has none of the USDT probes `test:wrok`, `test:more`");
    hook(&short("test:work"), ", capture: { a: arg2 }").says("`test:work` has 2 arguments, there is no `arg2`");
    hook(&short("test:plain"), ", capture: { a: arg0 }").says("`test:plain` has 0 arguments");
    hook(&short("test:work"), ", capture: { a: number }")
        .says("there is no `number`: a USDT probe stores no argument names, but those of global variables");
    let listed = lab.run(&["hooks", "*", "--kind", "usdt", "--binary", &binary]).code(0);
    let line = format!(
        "usdt: {{ binary: \"{binary}\", provider: \"test\", name: \"inlined\" }}  # 2 arguments; 3 places; in `main`, `work`"
    );
    assert!(listed.stdout.contains(&line), "{:?}", listed.stdout);
}

/// Where the kernel would count in a wrong place that somebody looks, as some linkers lay out a file, the probe does not fire: said
/// beforehand.
#[test]
fn a_semaphore_in_a_shared_page() {
    need!(bpf(), tool("cc"));
    // In the page of the file that the end of `.data` is in, and far from it in memory.
    for (how, fires) in [("-O2", true), ("-O2 -Wl,--section-start=.probes=0x200800", false)] {
        let lab = Lab::new();
        let binary = compile(&lab, how);
        let yaml = format!("probes:\n  - {{ name: guarded, hook: {{ usdt: \"{binary}:test:guarded\" }} }}\n");
        lab.yaml(&yaml);
        let ended = lab.run(&["check", "--kernel", "probes.yaml"]).code(0);
        let warning =
            "programs may never come by `test:guarded`: its semaphore lies in a page of the file that they map twice";
        let said = ended.stdout.join("\n");
        assert_eq!(said.contains(warning), !fires, "{how}: {said}");
        let run = lab.ready(&yaml, &[]);
        feed(&binary, &[1]);
        assert_eq!(run.interrupt().code(0).events().len(), usize::from(fires), "{how}");
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Functions by the names of their sources: C++, versions, assembly; help that works when it is followed; what a uretprobe does to
//! exceptions.

use std::fs;
use std::process::{Command, Stdio};

use ebpf_run::catalog::demangle;

use crate::lab::{Lab, bpf, need, sh, tool};

const SOURCE: &str = "#include <unistd.h>\n\
    namespace ns { __attribute__((noipa)) int answer(int x) { if (x > 99) throw x; return x; }\n\
    __attribute__((noipa)) int answer(const char *s) { return s[0]; }\n\
    __attribute__((noipa)) int only(int x) { return x + 1; }\n\
    __attribute__((noipa)) int empty() { return 5; } }\n\
    __asm__(\".globl bare\\nbare:\\n ret\\n\");\n\
    int main(int n, char **words) { char c; read(0, &c, 1);\n\
    return ns::answer(n) + ns::answer(words[0]) + ns::only(n) + ns::empty() > 1000; }\n";

fn compiled(lab: &Lab) -> String {
    let binary = lab.text("cpp");
    fs::write(lab.path("cpp.cc"), SOURCE).unwrap();
    sh(&format!("g++ -O1 -o {binary} {}", lab.text("cpp.cc")));
    binary
}

fn uprobe(kind: &str, binary: &str, symbol: &str) -> String {
    let symbol = serde_json::Value::from(symbol);
    format!("probes:\n  - {{ name: x, hook: {{ {kind}: {{ binary: {binary:?}, symbol: {symbol} }} }} }}\n")
}

/// What is between backticks in the help of the only problem.
fn advised(text: &str) -> Vec<String> {
    let help = text.lines().find_map(|line| line.split("= help: ").nth(1)).unwrap_or_else(|| panic!("{text}"));
    help.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Names of sources find their functions, with and without parameters; where several are meant, each that the help names is found;
/// a search shows them, and what it prints is found as well.
#[test]
fn names_of_sources() {
    need!(bpf(), tool("g++"));
    let lab = Lab::new();
    let binary = compiled(&lab);
    let check = |symbol: &str| {
        lab.yaml(&uprobe("uprobe", &binary, symbol));
        lab.run(&["check", "--kernel", "--strict", "probes.yaml"])
    };
    for symbol in ["ns::only", "ns::only(int)", "ns::only( int )", "ns::empty", "ns::empty()", "_ZN2ns4onlyEi", "main"]
    {
        check(symbol).code(0);
    }
    for symbol in ["ns::answer", "ns::only(long)", "bare", "onyl", "ns::onyl"] {
        let text = check(symbol).code(1).stdout.join("\n");
        match symbol {
            "ns::answer" => {
                assert_eq!(advised(&text), ["ns::answer(int)", "ns::answer(char const*)"], "{text}");
                advised(&text).iter().for_each(|symbol| drop(check(symbol).code(0)));
            }
            "bare" => {
                assert!(text.contains("the symbol has no type"), "{text}");
                let place = advised(&text)[0].clone();
                lab.yaml(&format!(
                    "probes:\n  - {{ name: x, hook: {{ uprobe: {{ binary: {binary:?}, {place} }} }} }}\n"
                ));
                lab.run(&["check", "--kernel", "probes.yaml"]).code(0);
            }
            "ns::onyl" | "ns::only(long)" => {
                assert!(text.contains("has no function") && advised(&text)[0].starts_with("ebpf-run hooks"), "{text}");
            }
            _plain => assert!(text.contains("has no function `onyl`"), "{text}"),
        }
    }
    for pattern in ["answer", "ns::answer", "ns::ans*", "answer(char"] {
        let found = lab.run(&["hooks", pattern, "--binary", &binary]).code(0).stdout.join("\n");
        assert!(found.contains("# ns::answer(char const*)"), "{pattern}: {found}");
    }
    let found = lab.run(&["hooks", "ns::*", "--binary", &binary]).code(0).stdout;
    assert_eq!(found.len(), 4, "{found:?}");
    for line in found {
        lab.yaml(&format!("probes:\n  - {{ name: x, hook: {{ {} }} }}\n", line.split("  #").next().unwrap()));
        lab.run(&["check", "--kernel", "probes.yaml"]).code(0);
    }
    // Events of a probe with several targets say the names of the source.
    let mut run = lab.ready(&uprobe("uprobe", &binary, "ns::*"), &[]);
    sh(&format!("echo | {binary}"));
    let mut names: Vec<String> =
        (0..4).map(|_| run.event(|event| event["pid"].is_u64())["symbol"].as_str().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!(names, ["ns::answer(char const*)", "ns::answer(int)", "ns::empty()", "ns::only(int)"]);
    run.interrupt().code(0);
}

/// A version behind a name chooses among the functions of that name; one that is not there is told from those that are.
#[test]
fn versions() {
    need!(bpf(), tool("cc"));
    let lab = Lab::new();
    let (library, folder) = (lab.text("libv.so"), lab.dir.path().display());
    let source = "int old_f(void) { return 1; }\nint new_f(void) { return 2; }\nint gone(void) { return 3; }\n\
        __asm__(\".symver old_f,f@V1\");\n__asm__(\".symver new_f,f@@V2\");\n__asm__(\".symver gone,g@V1\");\n";
    fs::write(lab.path("v.c"), source).unwrap();
    fs::write(lab.path("v.map"), "V1 { global: f; g; };\nV2 { global: f; } V1;\n").unwrap();
    sh(&format!("cc -shared -fPIC -o {library} {folder}/v.c -Wl,--version-script={folder}/v.map"));
    let places = |symbol: &str| {
        lab.yaml(&uprobe("uprobe", &library, symbol));
        lab.run(&["check", "--kernel", "--strict", "probes.yaml"])
    };
    for symbol in ["f", "f@V1", "f@V2", "f@@V2", "g@V1"] {
        places(symbol).code(0);
    }
    let text = places("f@V3").code(1).stdout.join("\n");
    assert!(text.contains("has no function `f@V3`") && text.contains("older ones are `f@V1`"), "{text}");
    advised(&text).iter().for_each(|symbol| drop(places(symbol).code(0)));
    let text = places("g").code(1).stdout.join("\n");
    assert!(text.contains("it only has `g@V1`"), "{text}");
}

/// Where an exception can leave a function, its uretprobe is warned of by the check and by the run; a program of C has none.
#[test]
fn exceptions() {
    need!(bpf(), tool("g++"), tool("cc"));
    let lab = Lab::new();
    let binary = compiled(&lab);
    let said = "would end the program";
    lab.yaml(&uprobe("uretprobe", &binary, "ns::only"));
    let text = lab.run(&["check", "--kernel", "probes.yaml"]).code(0).stdout.join("\n");
    assert!(text.contains("warning[W0404]") && text.contains(said), "{text}");
    lab.run(&["check", "--kernel", "--strict", "probes.yaml"]).code(1);
    let run = lab.ready(&uprobe("uretprobe", &binary, "ns::only"), &[]);
    sh(&format!("echo | {binary}"));
    run.interrupt().code(0).says(said);
    lab.yaml(&uprobe("uprobe", &binary, "ns::only"));
    lab.run(&["check", "--kernel", "--strict", "probes.yaml"]).code(0);
    fs::write(lab.path("plain.c"), "int main(void) { return 0; }\n").unwrap();
    let (plain, whole) = (lab.text("plain"), lab.text("whole"));
    sh(&format!("cc -o {plain} {plain}.c && cc -static -o {whole} {plain}.c"));
    for (binary, symbol) in [(plain.as_str(), "main"), (&whole, "main"), ("libc.so.6", "getaddrinfo")] {
        lab.yaml(&uprobe("uretprobe", binary, symbol));
        lab.run(&["check", "--kernel", "--strict", "probes.yaml"]).code(0);
    }
}

/// A part that a compiler has put aside is not what its function is called by, and nothing returns from it.
#[test]
fn parts_that_are_put_aside() {
    need!(bpf(), tool("g++"));
    let lab = Lab::new();
    let binary = lab.text("parts");
    let source = "#include <cstdlib>\nnamespace ns { __attribute__((noipa, cold)) void rare(int x) { exit(x); }\n\
        __attribute__((noipa)) int work(int x) { if (x > 1000) { rare(x); rare(x + 1); } return x * 3; } }\n\
        int main(int n, char **) { return ns::work(n); }\n";
    fs::write(lab.path("parts.cc"), source).unwrap();
    sh(&format!("g++ -O2 -o {binary} {binary}.cc && nm {binary} | grep -q '_ZN2ns4workEi\\.cold'"));
    let check = |kind: &str, symbol: &str| {
        lab.yaml(&uprobe(kind, &binary, symbol));
        lab.run(&["check", "--kernel", "probes.yaml"])
    };
    for (kind, symbol) in [("uprobe", "ns::work"), ("uretprobe", "ns::work(int)"), ("uprobe", "_ZN2ns4workEi.cold")] {
        check(kind, symbol).code(0);
    }
    // A glob stands for functions.
    for glob in ["ns::*", "_ZN2ns*"] {
        check("uretprobe", glob).code(0);
        let text = lab.run(&["plan", "probes.yaml"]).code(0).stdout.join("\n");
        assert!(text.contains("_ZN2ns4workEi") && !text.contains(".cold"), "{text}");
    }
    for symbol in ["_ZN2ns4workEi.cold", "ns::work(int) [clone .cold]"] {
        let text = check("uretprobe", symbol).code(1).stdout.join("\n");
        assert!(text.contains(&format!("`{symbol}` is a part that its function jumps to")), "{text}");
    }
}

/// The names are those that c++filt shows.
#[test]
fn as_others_show_them() {
    need!(tool("c++filt"));
    for name in ["_ZN2ns6answerEi", "_ZNK3Foo3getEv", "_Z6answerPKcj", "_ZN3FooclEi"] {
        let shown = Command::new("c++filt").arg(name).stdin(Stdio::null()).output().unwrap();
        assert_eq!(demangle(name).unwrap(), String::from_utf8(shown.stdout).unwrap().trim());
    }
}

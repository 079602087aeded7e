// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run show`: what it prints is checked and run like the files that it was made from. `UPDATE=1 cargo test --test show`
//! rewrites the example in `tests/show`.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use ebpf_run::catalog::{Catalog, builtin};
use ebpf_run::config::{Config, Environment, SourceFile, check, effective, render};
use ebpf_run::spec::{ProbeSpec, SetName, SinkSpec};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

fn variables(name: &str) -> Option<OsString> {
    match name {
        "IFACE" => Some("eth0".into()),
        "NODE" => Some("node-17".into()),
        "NUMBER" => Some("17".into()),
        "YES" => Some("true".into()),
        "EMPTY" => Some("".into()),
        "TRICK" => Some("a: [b]\n- c # d ${env:NODE}".into()),
        _not_set => None,
    }
}

fn environment() -> Environment<'static> {
    Environment::new(&variables)
}

fn configuration(files: &[SourceFile], catalog: &Catalog) -> Config {
    let checked = check(files, catalog, &environment());
    let problems: String = checked.problems.iter().map(|problem| render(problem, false) + "\n").collect();
    checked.config.unwrap_or_else(|| panic!("{problems}\n{}", files[0].text))
}

fn shown(files: &[SourceFile], catalog: &Catalog) -> SourceFile {
    let text = serde_yaml::to_string(&effective(files, catalog, &environment())).unwrap();
    SourceFile::new("shown.yaml", text)
}

/// Holds that files and what is shown of them run the same probes, with the same sinks but for their names; and that what is
/// shown of that is the same text. Gives it.
fn runs_alike(files: &[SourceFile], catalog: &Catalog) -> String {
    let shown_file = shown(files, catalog);
    let (written, read) = (configuration(files, catalog), configuration(std::slice::from_ref(&shown_file), catalog));
    let specs = |config: &Config| config.probes.iter().map(|probe| of_any_file(&probe.spec)).collect::<Vec<_>>();
    assert_eq!(specs(&written), specs(&read), "{}\n{}", files[0].text, shown_file.text);
    let nameless = |sink: &SinkSpec| SinkSpec { name: String::new(), ..sink.clone() };
    let sinks = |config: &Config| config.sinks.iter().map(nameless).collect::<Vec<_>>();
    assert_eq!(sinks(&written), sinks(&read), "{}\n{}", files[0].text, shown_file.text);
    assert_eq!(written.parked, read.parked);
    assert_eq!(shown(std::slice::from_ref(&shown_file), catalog).text, shown_file.text);
    shown_file.text.to_string()
}

/// The probe with names of sets that do not tell in which file they are declared.
fn of_any_file(spec: &ProbeSpec) -> ProbeSpec {
    let mut spec = spec.clone();
    spec.sets.iter_mut().for_each(|set| set.name = SetName(set.word.as_str().into()));
    spec
}

fn files_of(folder: &str) -> Vec<SourceFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    assert!(!paths.is_empty());
    let read = |path: &PathBuf| SourceFile::new(path.file_name().unwrap(), fs::read_to_string(path).unwrap());
    paths.iter().map(read).collect()
}

/// Every example, every file that a package installs (as it is and with its probes enabled) and every good file of the tests
/// runs like what is shown of it.
#[test]
fn every_good_file_runs_alike() {
    let catalog = builtin().unwrap();
    for file in files_of("examples").into_iter().chain(files_of("probes.d")).chain(files_of("tests/show")) {
        let enabled = SourceFile::new("enabled.yaml", file.text.replace("enabled: false", "enabled: true"));
        runs_alike(&[file], &catalog);
        runs_alike(&[enabled], &catalog);
    }
    for file in files_of("tests/config/good") {
        runs_alike(&[file], &support::catalog());
    }
}

/// Defaults, values of the environment, anchors, merge keys and short forms are written out as the example shows.
#[test]
fn everything_is_written_out() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/show/everything.txt");
    let text = shown(&files_of("tests/show"), &builtin().unwrap()).text;
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &*text).unwrap();
    }
    assert_eq!(*text, *fs::read_to_string(path).unwrap());
}

/// Files that run together become one document; sinks of one name in two of them stay two.
#[test]
fn several_files() {
    let file = |name: &str, sink: &str| {
        let text = format!(
            "version: 1\nsinks: {{ out: {sink}, same: stderr }}\ndefaults: {{ sinks: [out, same] }}\n\
             probes: [{{ name: {name}, program: exec }}]\n"
        );
        SourceFile::new(format!("{name}.yaml"), text)
    };
    let long = "s".repeat(64);
    let with_long = |name: &str, path: &str| {
        let sinks = format!("sinks: {{ {long}: \"jsonl:{path}\" }}");
        let text = format!("version: 1\n{sinks}\nprobes: [{{ name: {name}, program: exec, sinks: [{long}] }}]\n");
        SourceFile::new(format!("{name}.yaml"), text)
    };
    let files =
        [file("a", "stdout"), file("b", "'jsonl:b'"), file("c", "stdout"), with_long("d", "d"), with_long("e", "e")];
    let text = runs_alike(&files, &builtin().unwrap());
    let document: Value = serde_yaml::from_str(&text).unwrap();
    let sinks: Vec<&String> = document["sinks"].as_object().unwrap().keys().collect();
    assert_eq!(sinks, ["out", "same", "out-2", &long, &format!("{}-2", "s".repeat(62))]);
}

/// Texts that YAML reads as something else where they stand without quotes, or that mean something to the language.
fn text() -> impl Strategy<Value = String> {
    let awkward = [
        "",
        " ",
        "yes",
        "on",
        "~",
        "null",
        "true",
        "0640",
        "0x1F",
        "0o17",
        "1_000",
        "1.50",
        ".inf",
        "1e3",
        "12:30",
        "=x",
        "<<",
        "a: b",
        "a #b",
        "#",
        "- a",
        "* b",
        "&a",
        "!x",
        "|",
        ">",
        "%",
        "@x",
        "`",
        "'",
        "\"",
        "\\",
        "{",
        "[a, b]",
        "a\nb",
        "\n",
        "\t",
        "a\n\n b \n",
        "\u{7}",
        "\u{85}",
        "\u{a0}",
        "\u{202e}x",
        "\u{feff}",
        "ä😀",
        "$${env:NODE}",
        "$$$${x",
        "${env:NODE}",
        "${env:TRICK}",
        "x${env:EMPTY}",
        "---",
        "...",
        "? a",
        ": a",
        "a:",
        "-",
    ];
    prop_oneof![
        proptest::sample::select(awkward.to_vec()).prop_map(str::to_owned),
        "[ -~]{0,12}".prop_map(|text| text.replace('$', "S"))
    ]
}

fn labels() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        text().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(json!(1.5)),
    ];
    proptest::collection::btree_map("l[a-d]", value, 0..4).prop_map(|labels| json!(labels))
}

/// The mapping of these keys, each of them there or not.
fn some_of(keys: Vec<(&'static str, BoxedStrategy<Value>)>) -> impl Strategy<Value = Value> {
    let keys: Vec<_> = keys.into_iter().map(|(key, value)| (Just(key), proptest::option::of(value))).collect();
    keys.prop_map(|keys| keys.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect())
}

fn one_of(values: &[Value]) -> BoxedStrategy<Value> {
    proptest::sample::select(values.to_vec()).boxed()
}

fn sinks() -> BoxedStrategy<Value> {
    one_of(&[json!(["out"]), json!(["stdout", "log"]), json!(["jsonl:x.jsonl", "stderr"]), json!(["text:y"])])
}

fn limits() -> BoxedStrategy<Value> {
    one_of(&[
        json!({ "sample": "1/10" }),
        json!({ "rate_limit": "5/m" }),
        json!({ "sample": "1/3", "rate_limit": "7/h" }),
    ])
}

/// The keys that make sense at every probe, and these.
fn with(keys: Vec<(&'static str, BoxedStrategy<Value>)>, fixed: Value) -> impl Strategy<Value = Value> {
    let general = vec![
        ("description", text().prop_map(Value::from).boxed()),
        ("enabled", flag()),
        ("labels", labels().boxed()),
        ("sinks", sinks()),
    ];
    some_of([general, keys].concat()).prop_map(move |mut probe| {
        probe.as_object_mut().unwrap().extend(fixed.as_object().unwrap().clone());
        probe
    })
}

fn flag() -> BoxedStrategy<Value> {
    any::<bool>().prop_map(Value::from).boxed()
}

/// A probe without its name: what runs where, with keys that its program has a use for.
fn probe() -> impl Strategy<Value = Value> {
    let events = || vec![("buffer", one_of(&[json!("4KiB"), json!("1MiB")])), ("limits", limits())];
    let captures = vec![("include_self", flag()), ("program", Just(json!("trace")).boxed())];
    let traced = one_of(&[
        json!({ "kprobe": "vfs_read" }),
        json!({ "kprobe": ["vfs_read", "vfs_write"] }),
        json!({ "kprobe": { "symbol": "vfs_*" } }),
        json!({ "kprobe": { "first_of": ["a", "b"] } }),
        json!({ "kretprobe": "vfs_*" }),
        json!({ "tracepoint": "sched:sched_switch" }),
        json!({ "raw_tracepoint": "${env:NODE}x" }),
        json!({ "uprobe": "/usr/bin/bash:readline" }),
        json!({ "uretprobe": "libstdc++.so.6:std::terminate()" }),
        json!({ "uprobe": { "binary": "bash", "symbol": ["a", "b"], "pid": 1 } }),
    ]);
    let trace = (with([events(), captures].concat(), json!({})), traced).prop_map(|(mut probe, hook)| {
        probe["hook"] = hook;
        probe
    });
    let exec = with(events(), json!({ "program": "exec", "params": { "failed": true } }));
    let interval = vec![("interval", one_of(&[json!("100ms"), json!("1h")]))];
    let xdp = one_of(&[json!({ "interface": "" }), json!({ "interface": "", "mode": "generic" })]);
    let count = (with(interval, json!({})), xdp).prop_map(|(mut probe, xdp)| {
        probe["hook"] = json!({ "xdp": xdp });
        probe
    });
    prop_oneof![4 => trace, 1 => exec, 1 => count]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any good file runs like what is shown of it, whatever its texts are made of.
    #[test]
    fn random_files_run_alike(
        defaults in some_of(vec![
            ("sinks", sinks()), ("labels", labels().boxed()), ("limits", limits()), ("interval", Just(json!("5s")).boxed()),
            ("buffer", Just(json!("64KiB")).boxed()), ("include_self", flag()),
        ]),
        probes in proptest::collection::vec(probe(), 0..4),
    ) {
        let named: Vec<Value> = probes.into_iter().enumerate().map(|(at, mut probe)| {
            probe["name"] = format!("p{at}").into();
            if let Some(interface) = probe.pointer_mut("/hook/xdp/interface") {
                // An interface runs one XDP program.
                *interface = json!([format!("eth{at}"), format!("${{env:IFACE}}-{at}")]);
            }
            probe
        }).collect();
        let sinks = json!({
            "out": "stdout", "log": { "file": { "path": "${env:NODE}.log", "mode": "0600" }, "format": "text" }, "spare": "text:spare",
        });
        let document = json!({ "version": 1, "sinks": sinks, "defaults": defaults, "probes": named });
        runs_alike(&[SourceFile::new("random.yaml", document.to_string())], &builtin().unwrap());
    }
}

fn show(folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ebpf-run"));
    command.arg("show").args(arguments).current_dir(folder.path()).stdin(Stdio::null()).env("NODE", "node-17");
    command.output().unwrap()
}

/// The command prints YAML that `check` accepts, or the same as JSON, with values of the environment.
#[test]
fn the_command() {
    let folder = TempDir::new().unwrap();
    let text =
        "version: 1\ndefaults: { labels: { node: \"${env:NODE}\" } }\nprobes: [{ name: execs, program: exec }]\n";
    fs::write(folder.path().join("a.yaml"), text).unwrap();
    let yaml = show(&folder, &["a.yaml"]);
    let expected =
        "version: 1\nprobes:\n- name: execs\n  program: exec\n  labels:\n    node: node-17\n  sinks:\n  - stdout\n";
    assert_eq!((yaml.status.code(), String::from_utf8(yaml.stdout).unwrap().as_str()), (Some(0), expected));
    let json = show(&folder, &["a.yaml", "--format", "json"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json, serde_yaml::from_str::<Value>(expected).unwrap());
}

/// What is wrong with files is said as `check` says it, and nothing is printed.
#[test]
fn wrong_files() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.yaml"), "version: 1\nprobes: [{ name: execs, program: \"${env:NODE}\" }]\n")
        .unwrap();
    let refused = show(&folder, &["a.yaml"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!((refused.status.code(), refused.stdout.as_slice()), (Some(2), [].as_slice()));
    assert!(said.starts_with("error[E0"), "{said}");
    assert!(!said.contains("node-17"), "{said}");
}

/// A file that a link leads to, out of the directory that was named, is not printed.
#[test]
fn withheld_files() {
    let (folder, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let text = "version: 1\nprobes: [{ name: execs, program: exec, labels: { secret: xyzzy } }]\n";
    fs::write(elsewhere.path().join("b.yaml"), text).unwrap();
    fs::create_dir(folder.path().join("probes.d")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path().join("b.yaml"), folder.path().join("probes.d/a.yaml")).unwrap();
    let refused = show(&folder, &["probes.d"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!((refused.status.code(), refused.stdout.as_slice()), (Some(2), [].as_slice()));
    assert!(said.contains("its text is not shown: a link leads to it") && !said.contains("xyzzy"), "{said}");
}

/// Separators of lines and paragraphs are a part of their string, also where they stand in what is shown.
#[test]
fn separators() {
    let folder = TempDir::new().unwrap();
    let text =
        |label: &str| format!("version: 1\nprobes: [{{ name: a, program: exec, labels: {{ l: \"{label}\" }} }}]\n");
    for label in ["a\u{2028}b", "\u{2029}", " \u{2028} "] {
        fs::write(folder.path().join("a.yaml"), text(label)).unwrap();
        fs::write(folder.path().join("b.yaml"), show(&folder, &["a.yaml"]).stdout).unwrap();
        let json = show(&folder, &["b.yaml", "--format", "json"]).stdout;
        let document: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(document["probes"][0]["labels"]["l"], label);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! The language, file by file: `tests/config/good` checks clean, each of `tests/config/bad` says exactly what stands beside
//! it. `UPDATE=1 cargo test --test config` rewrites what is beside them, and the schema.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use ebpf_run::config::{self, Checked, Environment, Severity, SourceFile, check, codes, render};
use ebpf_run::spec::{Destination, Format, ParamValue, Place};
use proptest::prelude::*;
use support::catalog;

fn folder(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(name);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    files
}

fn read(path: &Path) -> SourceFile {
    let name = PathBuf::from(path.file_name().unwrap());
    SourceFile::new(name, fs::read_to_string(path).unwrap())
}

/// The environment of the test files.
fn variables(name: &str) -> Option<std::ffi::OsString> {
    match name {
        "IFACE" => Some("eth0".into()),
        "NODE" => Some("node-17".into()),
        "NUMBER" => Some("17".into()),
        "YES" => Some("true".into()),
        "EMPTY" => Some("".into()),
        "TRICK" => Some("a: [b]\n- c # d".into()),
        "HUGE" => Some("x".repeat(700_000).into()),
        "BYTES" => Some(std::os::unix::ffi::OsStringExt::from_vec(vec![0xff])),
        _not_set => None,
    }
}

fn check_files(files: &[SourceFile]) -> Checked {
    check(files, &catalog(), &Environment::new(&variables))
}

fn check_text(text: &str) -> Checked {
    check_files(&[SourceFile::new("t.yaml", text)])
}

fn rendered(checked: &Checked) -> String {
    checked.problems.iter().map(|problem| render(problem, false) + "\n\n").collect()
}

/// Compares a text with a committed file, or rewrites the file.
fn golden(path: &Path, actual: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, actual).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(actual, expected, "{} differs; UPDATE=1 rewrites it", path.display());
}

/// Each bad file says exactly what stands beside it.
#[test]
fn bad_files() {
    for path in folder("bad") {
        let checked = check_files(&[read(&path)]);
        assert!(!checked.problems.is_empty(), "{} has no problem", path.display());
        let any_error = checked.problems.iter().any(config::Problem::is_error);
        assert_eq!(checked.config.is_none(), any_error, "{}", path.display());
        golden(&path.with_extension("txt"), &rendered(&checked));
    }
}

/// Every code of the configuration occurs in a bad file, and none that is not in the registry.
#[test]
fn every_code_has_a_bad_file() {
    let checked = folder("bad").into_iter().map(|path| check_files(&[read(&path)]));
    let seen: BTreeSet<&str> = checked.flat_map(|checked| checked.problems).map(|problem| problem.code).collect();
    let ours = |code: &&str| ("0100".."0400").contains(&&code[1..]);
    let known: BTreeSet<&str> = codes::CODES.iter().map(|code| code.code).filter(ours).collect();
    assert_eq!(seen, known);
}

/// Good files have no problem at all.
#[test]
fn good_files() {
    for path in folder("good") {
        let checked = check_files(&[read(&path)]);
        assert_eq!(rendered(&checked), "", "{}", path.display());
        assert!(checked.config.is_some());
    }
}

/// What is written arrives in the specs: order, defaults, units, the text of labels, shared sinks.
#[test]
fn specs_of_the_quickstart() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/good/quickstart.yaml");
    let config = check_files(&[read(&path)]).config.unwrap();
    let [execs, opens, packets] = config.probes.as_slice() else { panic!("{config:?}") };
    assert_eq!(execs.spec.id.name, "execs");
    assert_eq!(execs.spec.hook, None);
    let names: Vec<&str> = opens.spec.capture.iter().map(|capture| capture.name.as_str()).collect();
    assert_eq!(names, ["path", "flags", "sock", "head"]);
    let labels: Vec<&str> = opens.spec.labels.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(labels, ["network", "17", "1.50", "true", "2"]);
    assert_eq!((opens.spec.program.as_str(), opens.spec.ring_bytes()), ("trace", 256 << 10));
    assert_eq!((packets.spec.program.as_str(), packets.spec.interval.as_millis()), ("packet_count", 500));
    assert_eq!(config.sinks.len(), 4);
    assert_eq!(execs.spec.sinks[1], opens.spec.sinks[0]);
    let events = &config.sinks[execs.spec.sinks[1].0];
    assert_eq!(events.destination, Destination::File("/var/log/ebpf-run/events.jsonl".into()));
    assert_eq!(events.format, Some(Format::Jsonl));
}

/// A later complaint finds the part of the file that it is about, or the nearest thing around it.
#[test]
fn places() {
    let text = "version: 1\nprobes:\n  - name: packets\n    hook: { xdp: { interface: eth0 } }\n";
    let config = check_text(text).config.unwrap();
    for (place, expected) in [
        (Place::Probe, "t.yaml:3:11"),
        (Place::Hook, "t.yaml:4:13"),
        (Place::Target, "t.yaml:4:31"),
        (Place::Mode, "t.yaml:4:31"),
        (Place::Program, "t.yaml:4:13"),
        (Place::Param("x".into()), "t.yaml:4:13"),
        (Place::Capture("x".into()), "t.yaml:4:13"),
        (Place::Sink("stdout".into()), "t.yaml:3:11"),
    ] {
        assert_eq!(config.probes[0].locate(&place).to_string(), expected, "{place:?}");
    }
}

/// A word of an expression is found where it stands; all of it, where it is not written as it is read.
#[test]
fn places_of_words() {
    let text = "version: 1\nprobes:\n  - name: one\n    hook: { tracepoint: \"sched:sched_switch\" }\n    capture:\n      \
                plain: next_pid as u8\n      quoted: \"next_pid as u8\"\n      escaped: \"next_pid\\x20as u8\"\n";
    let config = check_text(text).config.unwrap();
    for (name, range, expected) in
        [("plain", 9..11, "t.yaml:6:23"), ("quoted", 12..14, "t.yaml:7:28"), ("escaped", 9..11, "t.yaml:8:16")]
    {
        let place = Place::Capture(name.into()).part(Some(range));
        assert_eq!(config.probes[0].locate(&place).to_string(), expected, "{name}");
    }
}

/// One of several targets is found where it stands; what a glob or `@default-route` stands for, at that.
#[test]
fn places_of_entries() {
    let text = "version: 1\nprobes:\n  - name: packets\n    hook: { xdp: { interface: [eth0, \"veth*\", \"@default-route\"] } }\n  \
                - name: opens\n    hook: { kprobe: { first_of: [do_sys_openat2, do_sys_open] } }\n  \
                - name: one\n    hook: { kretprobe: \"tcp_*\" }\n";
    let config = check_text(text).config.unwrap();
    for (probe, name, expected) in [
        (0, "eth0", "t.yaml:4:32"),
        (0, "veth*", "t.yaml:4:38"),
        (0, "veth17", "t.yaml:4:38"),
        (0, "wlan0", "t.yaml:4:47"),
        (1, "do_sys_open", "t.yaml:6:50"),
        (2, "tcp_connect", "t.yaml:8:24"),
    ] {
        assert_eq!(config.probes[probe].locate(&Place::Entry(name.into())).to_string(), expected, "{name}");
    }
}

/// Files that run together are checked together: one name, one owner of an interface, one format of a file.
#[test]
fn files_together() {
    let files = ["a", "b"].map(|stem| {
        SourceFile::new(
            format!("probes.d/{stem}.yaml"),
            format!(
                "version: 1\nsinks: {{ out: {{ file: {{ path: all.log }}, format: {} }} }}\nprobes:\n  \
             - {{ name: packets, hook: {{ xdp: {{ interface: lo }} }}, sinks: [out] }}\n",
                if stem == "a" { "jsonl" } else { "text" }
            ),
        )
    });
    let checked = check_files(&files);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/together.txt");
    golden(&path, &rendered(&checked));
    assert_eq!(checked.problems.len(), 3);
}

/// `enabled: false` takes a probe out of the run, not out of the check.
#[test]
fn parked_probes() {
    let parked = |program: &str| {
        check_text(&format!("version: 1\nprobes:\n  - {{ name: p, program: {program}, enabled: false }}\n"))
    };
    let config = parked("exec").config.unwrap();
    assert_eq!((config.probes.len(), config.sinks.len(), config.parked.len()), (0, 0, 1));
    assert!(parked("exce").config.is_none());
}

/// Every key that takes free text has an example, a default or a list of words.
fn shows_an_example(schema: &serde_json::Value, path: &str) {
    for (name, property) in schema.get("properties").and_then(|map| map.as_object()).into_iter().flatten() {
        let free = ["string", "number"].iter().any(|kind| property["type"] == *kind);
        let shown = ["examples", "enum", "default"].iter().any(|keyword| property.get(keyword).is_some());
        assert!(!free || shown, "{path}.{name} has no example");
        shows_an_example(property, &format!("{path}.{name}"));
    }
    for inner in ["items", "additionalProperties"].into_iter().filter_map(|key| schema.get(key)) {
        shows_an_example(inner, path);
    }
}

/// The schema uses only what gives exact errors in editors, and says something about every key.
#[test]
fn schema_has_no_alternatives() {
    fn walk(schema: &serde_json::Value, path: &str) {
        let schema = schema.as_object().unwrap();
        for keyword in ["anyOf", "oneOf", "$ref", "not", "nullable"] {
            assert!(!schema.contains_key(keyword), "{path}: {keyword}");
        }
        for rule in schema.get("allOf").and_then(|rules| rules.as_array()).into_iter().flatten() {
            let keywords: Vec<&String> = rule.as_object().unwrap().keys().collect();
            assert!(keywords == ["if", "then"] || keywords == ["maxProperties"], "{path}: {keywords:?}");
            if let Some(then) = rule.get("then") {
                walk(then, path);
            }
        }
        for (name, property) in schema.get("properties").and_then(|map| map.as_object()).into_iter().flatten() {
            assert!(property.get("description").is_some(), "{path}.{name} has no description");
            walk(property, &format!("{path}.{name}"));
        }
        for inner in ["items", "additionalProperties"].into_iter().filter_map(|key| schema.get(key)) {
            if inner.is_object() {
                walk(inner, path);
            }
        }
    }
    walk(&config::schema(&catalog()), "");
    shows_an_example(&config::described(&catalog()), "");
}

/// What one parameter may be given: right for one of them, at the edges of their ranges, or wrong.
fn param_value() -> impl Strategy<Value = serde_json::Value> {
    let edges = vec![
        serde_json::json!(-1),
        serde_json::json!(u32::MAX),
        serde_json::json!(u64::from(u32::MAX) + 1),
        serde_json::json!(u64::MAX),
        serde_json::json!(i64::MIN),
        serde_json::json!(1.5),
        serde_json::json!([1]),
        serde_json::json!({ "a": 1 }),
    ];
    prop_oneof![
        any::<bool>().prop_map(serde_json::Value::from),
        (0..100).prop_map(serde_json::Value::from),
        "[a-z]{0,18}".prop_map(serde_json::Value::from),
        prop::sample::select(edges),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 500, ..ProptestConfig::default() })]

    /// What editors say of a program's name and parameters, by the published schema, is what `check` says.
    #[test]
    fn schema_and_check_agree_on_params(
        program in prop::sample::select(vec![Some("exec"), Some("packet_count"), Some("trace"), Some("exce"), None]),
        hook in prop::sample::select(vec![None, Some("kprobe"), Some("xdp")]),
        params in prop::collection::btree_map(prop::sample::select(vec![
            "min_duration_ns", "uid", "ignore_failed", "comm", "uids",
        ]), param_value(), 0..4),
    ) {
        static VALIDATOR: LazyLock<jsonschema::Validator> =
            LazyLock::new(|| jsonschema::draft7::new(&config::schema(&catalog())).unwrap());
        let mut probe = serde_json::json!({ "name": "x", "params": params });
        if let Some(program) = program {
            probe["program"] = program.into();
        }
        if let Some(hook) = hook {
            let target = if hook == "xdp" { serde_json::json!({ "interface": "lo" }) } else { "f".into() };
            probe["hook"] = serde_json::json!({ hook: target });
        }
        let document = serde_json::json!({ "version": 1, "probes": [probe] });
        let checked = check_text(&document.to_string());
        let relevant = [codes::UNKNOWN_PROGRAM, codes::UNKNOWN_PARAM, codes::PARAM_VALUE, codes::WRONG_TYPE];
        let ours = checked.problems.iter().filter(|problem| relevant.contains(&problem.code)).count();
        // A program that does not fit its hook is all that is said of a probe; the schema knows nothing of hooks.
        prop_assume!(ours > 0 || checked.config.is_some());
        let theirs = VALIDATOR.iter_errors(&document).count();
        prop_assert_eq!(ours > 0, theirs > 0, "{}", document);
    }
}

/// Files that are written to hurt end in a moment.
#[test]
fn hostile_files() {
    let entries =
        |line: &str, count: usize| (0..count).map(|at| line.replace('N', &at.to_string())).collect::<String>();
    let head = "version: 1\nprobes:\n";
    for text in [
        format!("version: 1\nprobes: [{}]", "a,".repeat(45_000)),
        format!("version: 1\nprobes: [{}]", entries("{name: pN, progam: x},", 15_000)),
        format!("{head}  - name: x\n    program: exec\n    labels:\n{}", entries("      a: N\n", 40_000)),
        format!("{head}{}", entries("  - {name: p, program: exec}\n", 15_000)),
        format!("{head}  - name: x\n    hook: {{kprobe: f}}\n    capture: {{{}}}", entries("cN: 'a b',", 20_000)),
        format!("{head}  - name: x\n    description: \"{}\"\n    progam: 1", "é".repeat(400_000)),
        format!("{head}  - name: {}\n", "x".repeat(900_000)),
        format!("{head}  - {{name: x, program: exec, sinks: [{}]}}", entries("sN,", 40_000)),
        "{".repeat(100_000),
        "[".repeat(100_000),
        "a: ".repeat(100_000),
        "- ".repeat(100_000),
        "&a ".repeat(100_000),
        "!!".repeat(100_000),
        "\"".repeat(100_001),
        "\n".repeat(1_000_000),
        "? ".repeat(100_000),
        "# c\n".repeat(200_000),
        "\u{feff}".repeat(1000),
    ] {
        let begin = std::time::Instant::now();
        holds(&text);
        let took = begin.elapsed();
        assert!(took.as_secs() < 10, "{took:?} for {:?}", text.chars().take(80).collect::<String>());
        if std::env::var_os("TIMES").is_some() {
            println!("{took:?} for {:?}", text.chars().take(60).collect::<String>());
        }
    }
}

/// Colour is a matter of the caller alone.
#[test]
fn colour() {
    let problem = &check_text("version: 3").problems[0];
    assert!(render(problem, true).contains("\u{1b}["));
    assert!(!render(problem, false).contains("\u{1b}["));
}

/// Pieces of real files, for mutation.
fn good_texts() -> Vec<String> {
    folder("good").iter().chain(&folder("bad")).map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// Checks a text and holds what every check promises.
fn holds(text: &str) {
    let checked = check_text(text);
    for problem in &checked.problems {
        for place in std::iter::once(&problem.primary).chain(problem.related.iter().map(|(place, _)| place)) {
            let span = place.span;
            assert!(text.get(span.start..span.end).is_some(), "{span:?} of {text:?}");
        }
        let _ = render(problem, false);
    }
    assert_eq!(checked.config.is_none(), checked.problems.iter().any(config::Problem::is_error));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    /// Whatever the text, a check ends without a panic and blames places that exist.
    #[test]
    fn any_text(text in "(\\PC|[ \n\r\t:\\-{}\\[\\]#&*!|>'\"%@`?,~<]|version: 1\n|probes:\n|  - name: a\n){0,60}") {
        holds(&text);
    }

    /// The same for good and bad files with a piece cut out, doubled or replaced.
    #[test]
    fn mutated_files(
        which in any::<prop::sample::Index>(),
        from in any::<prop::sample::Index>(),
        length in 0usize..40,
        insert in "(&a |\\*a|<<: \\*a|\\$\\{env:NODE\\}|\\$\\{var:team\\}|\\$\\{|\\PC|[ \n\t:\\-{}\\[\\]#&*!|>'\",]|null|- |\\{a: b\\}|1e400|0x|é){0,6}",
    ) {
        let texts = good_texts();
        let text: Vec<char> = which.get(&texts).chars().collect();
        let from = from.index(text.len() + 1);
        let to = (from + length).min(text.len());
        let mutated: String = text[..from].iter().copied().chain(insert.chars()).chain(text[to..].iter().copied()).collect();
        holds(&mutated);
    }

    /// Capture expressions: any text ends in an expression or in an error inside the text.
    #[test]
    fn any_expression(text in "(\\PC|[a-z0-9_]{1,5}|->|\\.|\\[|\\]| as |u8|bytes){0,12}") {
        if let Err(error) = ebpf_run::expr::parse(&text) {
            prop_assert!(text.get(error.range.clone()).is_some(), "{:?} of {text:?}", error.range);
        }
    }
}

/// What we accept and another YAML reader accepts too, both read alike: the labels arrive as that reader shows them.
fn read_alike(text: &str) {
    use serde_yaml::Value;
    let Ok(mut theirs) = serde_yaml::from_str::<Value>(text) else { return };
    if text.contains("${") || text.contains("\ndefaults:") || theirs.apply_merge().is_err() {
        return;
    }
    let Some(config) = check_text(text).config else { return };
    let Some(probes) = theirs["probes"].as_sequence() else { panic!("{text:?}") };
    for (checked, theirs) in config.probes.iter().zip(probes) {
        assert_eq!(checked.spec.id.name, theirs["name"].as_str().unwrap(), "{text:?}");
        for (name, ours) in &checked.spec.labels {
            match &theirs["labels"][name.as_str()] {
                Value::String(text) => assert_eq!(ours, text),
                Value::Bool(value) => assert_eq!(ours.to_lowercase(), value.to_string()),
                Value::Number(number) => assert_eq!(as_number(ours), number.as_f64(), "{ours} in {text:?}"),
                other => panic!("{ours:?} is {other:?} for the other reader: {text:?}"),
            }
        }
        for (name, ours) in &checked.spec.params {
            match (ours, &theirs["params"][name.as_str()]) {
                (ParamValue::Int(ours), Value::Number(theirs)) => {
                    assert_eq!(Some(*ours), theirs.as_u64().map(i128::from), "{text:?}");
                }
                (ParamValue::Bool(ours), Value::Bool(theirs)) => assert_eq!(ours, theirs),
                (ParamValue::Text(ours), Value::String(theirs)) => assert_eq!(ours, theirs),
                (ours, theirs) => panic!("{ours:?} is {theirs:?} for the other reader: {text:?}"),
            }
        }
    }
}

/// A label's written text as a number.
fn as_number(text: &str) -> Option<f64> {
    let radix = |digits: &str, radix| u64::from_str_radix(digits, radix).ok().map(|value| value as f64);
    match (text.strip_prefix("0x"), text.strip_prefix("0o")) {
        (Some(digits), _) => radix(digits, 16),
        (None, Some(digits)) => radix(digits, 8),
        (None, None) => text.replace(".inf", "inf").parse().ok(),
    }
}

/// The good files are read alike.
#[test]
fn good_files_read_alike() {
    for path in folder("good") {
        read_alike(&fs::read_to_string(path).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1000, ..ProptestConfig::default() })]

    /// Scalars of every style are read alike, in block and in flow.
    #[test]
    fn scalars_read_alike(
        scalar in "true|False|TRUE|yes|on|[1-9][0-9]{0,18}|-[1-9][0-9]{0,17}|0x[0-9a-f]{1,8}|0o[0-7]{1,8}|[0-9]\\.[0-9]{1,3}|\
                   [1-9]e[0-9]|'[a-z0-9 :]{0,8}'|\"[a-z0-9 :]{0,8}\"|\"\\\\x4[0-9]\\\\n\"|[a-z][a-z0-9_./-]{0,8}|\
                   [a-z]{1,4}:[a-z]{1,4}|[a-z]{1,3} #c|[a-z]{1,3}#c|é✓[a-z]{0,3}",
        flow in any::<bool>(),
        ends in prop::sample::select(vec!["\n", "\r\n"]),
    ) {
        let labels = if flow { format!("labels: {{ a: {} }}", scalar.replace(" #c", "")) } else {
            format!("labels:\n      a: {scalar}\n      b: >-\n        two\n        lines")
        };
        let params = "params: { uid: 0x10, comm: 'it''s', ignore_failed: True }";
        let text = format!("version: 1\nprobes:\n  - name: x\n    program: exec\n    {params}\n    {labels}\n");
        let text = text.replace('\n', ends);
        let problems = check_text(&text).problems;
        prop_assert!(problems.is_empty(), "{} {text}", render(&problems[0], false));
        read_alike(&text);
    }
}

/// Anchors, merge keys, defaults and the environment arrive in the specs as they are meant.
#[test]
fn specs_of_the_language() {
    let specs = |file: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/good").join(file);
        check_files(&[read(&path)]).config.unwrap()
    };
    let labels = |config: &config::Config, probe: usize| {
        let labels = config.probes[probe].spec.labels.iter();
        labels.map(|(name, text)| format!("{name}={text}")).collect::<Vec<_>>().join(" ")
    };

    let config = specs("anchors.yaml");
    let names: Vec<&str> = config.probes[1].spec.capture.iter().map(|capture| capture.name.as_str()).collect();
    assert_eq!(names, ["flags", "path", "mode"]);
    assert_eq!(labels(&config, 1), "level=2 team=network extra=yes");
    assert_eq!(labels(&config, 2), "called=execs execs=key");
    assert_eq!(config.sinks[0].destination, Destination::File("all.jsonl".into()));

    let config = specs("defaults.yaml");
    assert_eq!(labels(&config, 0), "team=network level=1");
    assert_eq!(labels(&config, 1), "team=network level=2 rack=7");
    let numbers = |probe: usize| {
        let spec = &config.probes[probe].spec;
        (spec.interval.as_secs(), spec.ring_bytes() >> 10, spec.sinks.len())
    };
    // A program that counts nothing has no interval, one that emits nothing no ring of the size that the file says.
    assert_eq!([0, 1, 2, 3].map(numbers), [(1, 1024, 2), (1, 4096, 1), (1, 64, 2), (5, 4096, 2)]);
    assert_eq!(config.probes[2].locate(&Place::Sink("stderr".into())).to_string(), "defaults.yaml:5:19");

    let config = specs("vars.yaml");
    assert_eq!(config.probes[0].spec.id.name, "network-packets");
    assert_eq!((config.probes[0].spec.interface(), config.probes[0].spec.interval.as_secs()), (Some("eth0"), 10));
    assert_eq!(config.probes[1].spec.params, [("uid".to_owned(), ParamValue::Int(1000))]);
    assert_eq!(labels(&config, 1), "team=network all=${var:team} user=1000 text=17 place=here and node-17");

    let config = specs("limits.yaml");
    let limits = |probe: usize| {
        let limits = config.probes[probe].spec.limits;
        (limits.sample.unwrap_or(0), limits.rate.map(|rate| rate.to_string()).unwrap_or_default())
    };
    let expected =
        [(100, "1000/s"), (100, "20/m"), (1, "1000/s"), (9_999_999, "999999999/h"), (100, "1000/s"), (0, "")];
    assert_eq!([0, 1, 2, 3, 4, 5].map(limits), expected.map(|(sample, rate)| (sample, rate.to_owned())));

    let config = specs("environment.yaml");
    assert_eq!(config.probes[0].spec.id.name, "packets-node-17");
    assert_eq!(config.sinks[0].destination, Destination::File("/tmp/node-17.jsonl".into()));
    let expected = "number=17 text=17 trick=a: [b]\n- c # d empty= default=1.50 shell=$HOME ${HOME}";
    assert_eq!(labels(&config, 0), expected);
    assert_eq!(
        config.probes[1].spec.hook.as_ref().map(ToString::to_string).as_deref(),
        Some("kprobe tcp_sendmsg+0x11")
    );
}

/// Checks a text with values for its variables, as `--set` gives them; what is wrong in words.
fn check_set(text: &str, settings: &[(&str, &str)], unknown: Severity) -> (Checked, String) {
    let settings: Vec<_> = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let files = [SourceFile::new("t.yaml", text)];
    let checked = check(&files, &catalog(), &Environment::new(&variables).set(&settings, unknown));
    let said = rendered(&checked);
    (checked, said)
}

/// `--set` replaces what a file says, also where that comes from the environment; what it gives is read as it would be there.
#[test]
fn variables_are_set() {
    let text = "version: 1\nvars:\n  every: 10s\n  uid: 1\n  rack: \"1\"\n  host: ${env:NODE}\nprobes:\n  - name: a\n    \
                hook: { xdp: { interface: eth0 } }\n    interval: ${var:every}\n  - name: b\n    program: exec\n    \
                params:\n      uid: ${var:uid}\n      comm: ${var:rack}\n    labels: { host: \"${var:host}\" }\n";
    let told = [("every", "1s"), ("every", "20ms"), ("uid", "0x10"), ("rack", "2"), ("host", "x=y")];
    let (checked, said) = check_set(text, &told, Severity::Error);
    assert_eq!(said, "");
    let probes = checked.config.unwrap().probes;
    assert_eq!(probes[0].spec.interval.as_millis(), 20);
    let params = [("uid".to_owned(), ParamValue::Int(16)), ("comm".to_owned(), ParamValue::Text("2".to_owned()))];
    assert_eq!(probes[1].spec.params, params);
    assert_eq!(probes[1].spec.labels, [("host".to_owned(), "x=y".to_owned())]);
    let (_, said) = check_set(text, &[("every", "soon")], Severity::Error);
    assert!(said.contains("with these variables `${var:every}` is \"soon\""), "{said}");
}

/// A name that no file declares is an error, which shows the command line; for files that come and go it is a warning.
#[test]
fn variables_that_no_file_has() {
    let text = "version: 1\nvars: { every: 10s }\nprobes:\n  - name: a\n    hook: { xdp: { interface: eth0 } }\n    interval: ${var:every}\n";
    let (checked, said) = check_set(text, &[("evry", "1s")], Severity::Error);
    assert!(checked.config.is_none());
    let expected = "error[E0113]: no file declares the variable `evry`\n --> --set:1:1\n  |\n1 | evry=1s\n  | ^^^^\n  |\n  \
                    = note: variables: `every`\n  = help: did you mean `every`?\n\n";
    assert_eq!(said, expected);
    let (checked, said) = check_set(text, &[("evry", "1s")], Severity::Warning);
    assert!(checked.config.is_some() && said.starts_with("warning[E0113]"), "{said}");
    let (_, said) = check_set("version: 1\nprobes: [\n", &[("evry", "1s")], Severity::Error);
    assert!(!said.contains("evry"), "what cannot be read may declare it: {said}");
}

/// Variables of one file are not known in another.
#[test]
fn variables_are_of_one_file() {
    let one = "version: 1\nvars: { program: exec }\nprobes:\n  - { name: one, program: \"${var:program}\" }\n";
    let two = "version: 1\nprobes:\n  - { name: two, program: \"${var:program}\" }\n";
    let checked = check_files(&[SourceFile::new("one.yaml", one), SourceFile::new("two.yaml", two)]);
    let messages: Vec<String> = checked.problems.iter().map(|problem| problem.message.clone()).collect();
    assert_eq!(messages, ["unknown variable `program`"]);
    assert_eq!(checked.problems[0].primary.to_string(), "two.yaml:3:28");
}

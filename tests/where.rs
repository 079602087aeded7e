// SPDX-License-Identifier: MIT OR Apache-2.0
//! `where` and calculated captures: what is refused, with which words and where (`tests/where/bad`), who decides what, and by which
//! tests (`tests/where/plan`); the same of `aggregate` (`tests/where/tables`) and of hooks of spans (`tests/where/spans`). `UPDATE=1 cargo test --test where` rewrites what is expected.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use ebpf_run::catalog::builtin;
use ebpf_run::expr::{
    Blame, Decided, Machine, RecordScope, Resolved, Scope, SpanBlame, SpanPoint, SpanWanted, ValueForm, Wanted, parse,
    parse_format, parse_value, resolve_probe, resolve_span, resolve_tables,
};
use ebpf_run::spec::{
    Aggregate, AggregateKey, AggregateValue, Capture, Expr, SetKind, SetName, SetUse, SpanRole, Step, StepNext,
    StepTest, Widening,
};
use ebpf_run::words::Refusal;

/// The fields of a tracepoint, of every kind.
const FORMAT: &str = "format:\n\
    \tfield:u8 a;\toffset:8;\tsize:1;\tsigned:0;\n\
    \tfield:s8 b;\toffset:9;\tsize:1;\tsigned:1;\n\
    \tfield:u16 c;\toffset:10;\tsize:2;\tsigned:0;\n\
    \tfield:u32 d;\toffset:12;\tsize:4;\tsigned:0;\n\
    \tfield:int ret;\toffset:16;\tsize:4;\tsigned:1;\n\
    \tfield:bool last;\toffset:20;\tsize:1;\tsigned:0;\n\
    \tfield:u64 g;\toffset:24;\tsize:8;\tsigned:0;\n\
    \tfield:long h;\toffset:32;\tsize:8;\tsigned:1;\n\
    \tfield:char task_comm[16];\toffset:40;\tsize:16;\tsigned:0;\n\
    \tfield:__u8 saddr[4];\toffset:56;\tsize:4;\tsigned:0;\n\
    \tfield:__u8 daddr[16];\toffset:64;\tsize:16;\tsigned:0;\n\
    \tfield:__u16 dport;\toffset:80;\tsize:2;\tsigned:0;\n\
    \tfield:uid_t owner;\toffset:84;\tsize:4;\tsigned:0;\n\
    \tfield:const char * filename;\toffset:88;\tsize:8;\tsigned:0;\n\
    \tfield:pid_t pid;\toffset:96;\tsize:4;\tsigned:1;\n\
    \tfield:u64 took_ns;\toffset:104;\tsize:8;\tsigned:0;\n";

/// What `where` can name beside them.
const CAPTURES: &[(&str, &str)] = &[
    ("path", "filename as string"),
    ("short", "filename as string(64)"),
    ("buf", "filename as bytes(16)"),
    ("counted", "filename as string(len=d)"),
    ("error", "ret as errno"),
    ("sig", "a as signal"),
    ("flags", "d as open_flags"),
    ("caps", "g as caps"),
    ("ip", "saddr as ipv4"),
    ("ip6", "daddr as ipv6"),
    ("port", "dport as port"),
    ("took", "took_ns as duration"),
    ("mac", "daddr as mac"),
    ("exit_code", "d >> 8 & 255"),
    ("ms", "(took_ns as duration) / 1ms"),
    ("disk", "d as dev"),
];

const SETS: &[(&str, SetKind)] = &[
    ("private", SetKind::Ip),
    ("watched", SetKind::Text),
    ("ports", SetKind::Number),
    ("build", SetKind::Pid),
    ("descendants(1234)", SetKind::Pid),
];

fn captures() -> Vec<Capture> {
    let capture = |(name, text): &(&str, &str)| Capture { name: (*name).into(), expr: parse(text).unwrap() };
    CAPTURES.iter().map(capture).collect()
}

fn sets() -> Vec<SetUse> {
    SETS.iter()
        .map(|(word, kind)| SetUse { word: (*word).into(), name: SetName((*word).into()), kind: *kind })
        .collect()
}

fn resolved(captures: &[Capture], filter: &[Expr]) -> Result<Resolved, Vec<(Blame, Refusal)>> {
    let scope = Scope::Record(RecordScope { name: "test:thing".to_owned(), fields: parse_format(FORMAT) });
    let sets = sets();
    let head = builtin().unwrap().get("trace").unwrap().event.clone().unwrap();
    resolve_probe(Wanted { captures, filter, sets: &sets }, &scope, &Machine::of_types(None), &head)
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/where").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "where"));
    files.sort();
    assert!(!files.is_empty());
    files
}

fn golden(path: &Path, actual: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, actual).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(actual, expected, "{} differs; UPDATE=1 rewrites it", path.display());
}

/// What is said about a text, with a caret.
fn said(text: &str, refusal: &Refusal) -> String {
    let range = refusal.range.clone().unwrap_or(0..text.len());
    let carets = "^".repeat(range.len().max(1));
    let mut said = format!("{text}\n{}{carets} {}\n", " ".repeat(range.start), refusal.message);
    if let Some(help) = &refusal.help {
        writeln!(said, "  help: {help}").unwrap();
    }
    said
}

/// Each line of a file is refused, with these words. A line that begins with `capture ` is a capture.
#[test]
fn bad() {
    for file in files("bad") {
        let mut actual = String::new();
        for line in fs::read_to_string(&file).unwrap().lines() {
            let (text, is_capture) = line.strip_prefix("capture ").map_or((line, false), |text| (text, true));
            let expr = parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
            let (mut captures, mut filter) = (captures(), Vec::new());
            if is_capture {
                captures.push(Capture { name: "new".into(), expr });
            } else {
                filter.push(expr);
            }
            match resolved(&captures, &filter) {
                Err(errors) => errors.iter().for_each(|(_, refusal)| actual += &said(text, refusal)),
                Ok(_) => writeln!(actual, "{text}\nNOT REFUSED").unwrap(),
            }
            actual += "\n";
        }
        golden(&file.with_extension("txt"), &actual);
    }
}

/// Each line of a file is refused as a value of `aggregate`, or as a key of it where it begins with `by `. One that begins with `and ` is
/// counted beside those before it.
#[test]
fn tables() {
    for file in files("tables") {
        let mut actual = String::new();
        let mut values: Vec<AggregateValue> = Vec::new();
        for line in fs::read_to_string(&file).unwrap().lines() {
            let text = line.strip_prefix("and ").unwrap_or(line);
            if text == line {
                values.clear();
            }
            let key = text.strip_prefix("by ");
            let form =
                parse_value(key.map_or(text, |_| "count()"), &[]).unwrap_or_else(|error| panic!("{text}: {error:?}"));
            let ValueForm { statistic, of, condition } = form;
            values.push(AggregateValue {
                name: format!("v{}", values.len()),
                statistic,
                of,
                condition,
                of_times: None,
            });
            let keys = key.map(|key| AggregateKey { name: "k".to_owned(), expr: parse(key).unwrap() });
            match counted(keys.into_iter().collect(), values.clone()) {
                Err(errors) => errors.iter().for_each(|(_, refusal)| actual += &said(key.unwrap_or(text), refusal)),
                Ok(()) => writeln!(actual, "{text}\ncounted").unwrap(),
            }
            actual += "\n";
        }
        golden(&file.with_extension("txt"), &actual);
    }
}

fn counted(keys: Vec<AggregateKey>, values: Vec<AggregateValue>) -> Result<(), Vec<(Blame, Refusal)>> {
    let scope = Scope::Record(RecordScope { name: "test:thing".to_owned(), fields: parse_format(FORMAT) });
    let table = Aggregate { name: None, keys, values, top: None, cumulative: false, max_keys: 1 };
    let (captures, sets) = (captures(), sets());
    let wanted = Wanted { captures: &captures, filter: &[], sets: &sets };
    resolve_tables(&[table], wanted, &scope, &Machine::of_types(None)).map(drop)
}

/// Each line of a file is refused as a condition of a hook of a span: `HOOK: CONDITION`, or `HOOK key: KEY`.
#[test]
fn spans() {
    for file in files("spans") {
        let mut actual = String::new();
        for line in fs::read_to_string(&file).unwrap().lines() {
            let (place, text) = line.split_once(": ").unwrap();
            let (role, is_key) = place.strip_suffix(" key").map_or((place, false), |role| (role, true));
            let expr = parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
            writeln!(actual, "{place}:").unwrap();
            match paired(role, is_key, expr) {
                Err(errors) => errors.iter().for_each(|(_, refusal)| actual += &said(text, refusal)),
                Ok(()) => writeln!(actual, "{text}\npaired").unwrap(),
            }
            actual += "\n";
        }
        golden(&file.with_extension("txt"), &actual);
    }
}

/// A span from and to the same tracepoint, with one condition or key at one of its ends, or of the whole probe.
fn paired(role: &str, is_key: bool, expr: Expr) -> Result<(), Vec<(SpanBlame, Refusal)>> {
    let scope = Scope::Record(RecordScope { name: "test:thing".to_owned(), fields: parse_format(FORMAT) });
    let machine = Machine::of_types(None);
    let (own, usual) = (vec![expr], vec![parse("d").unwrap()]);
    let point = |of: SpanRole| SpanPoint {
        role: of,
        scope: &scope,
        machine: &machine,
        key: if is_key && of.word() == role { &own } else { &usual },
        filter: if !is_key && of.word() == role { &own } else { &[] },
    };
    let event = Wanted { captures: &[], filter: if role == "probe" { &own } else { &[] }, sets: &[] };
    let points = [point(SpanRole::End), point(SpanRole::Start)];
    let head = builtin().unwrap().get("trace").unwrap().event.clone().unwrap();
    resolve_span(&SpanWanted { event, in_thread: false, aggregates: &[] }, &points, &head).map(drop)
}

/// Each line of a file is one clause: who decides it, and by which tests.
#[test]
fn plan() {
    for file in files("plan") {
        let mut actual = String::new();
        for line in fs::read_to_string(&file).unwrap().lines() {
            let expr = parse(line).unwrap_or_else(|error| panic!("{line}: {error:?}"));
            writeln!(actual, "{line}").unwrap();
            match resolved(&captures(), &[expr]) {
                Ok(resolved) => actual += &shown(&resolved),
                Err(errors) => errors.iter().for_each(|(_, refusal)| actual += &said(line, refusal)),
            }
            actual += "\n";
        }
        golden(&file.with_extension("txt"), &actual);
    }
}

fn shown(resolved: &Resolved) -> String {
    let mut shown = String::new();
    for clause in &resolved.clauses {
        match &clause.decided {
            Decided::Kernel { tests, nanoseconds } => {
                writeln!(shown, "  kernel: {} ({tests} tests, {nanoseconds} ns)", clause.text).unwrap();
            }
            Decided::UserSpace { why } => writeln!(shown, "  user space: {}, because {why}", clause.text).unwrap(),
        }
    }
    resolved.steps.iter().enumerate().for_each(|(number, step)| shown += &format!("  {number} {}\n", step_text(step)));
    if let Some(filter) = &resolved.layout.filter {
        writeln!(shown, "  {filter:?}").unwrap();
    }
    shown
}

fn step_text(step: &Step) -> String {
    let next = |next: StepNext| match next {
        StepNext::Step(number) => number.to_string(),
        StepNext::Pass => "pass".to_owned(),
        StepNext::Reject => "reject".to_owned(),
    };
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let test = match &step.test {
        StepTest::Range { low, mask, span } => format!("range {low:#x} {mask:#x} {span:#x}"),
        StepTest::Bits { mask, low, span } => format!("bits {mask:#x} {low:#x} {span:#x}"),
        StepTest::Bytes { bytes, mask } if mask.iter().all(|byte| *byte == 0xff) => {
            format!("bytes {:?}", bytes.escape_ascii().to_string())
        }
        StepTest::Bytes { bytes, mask } => format!("bytes {} {}", hex(bytes), hex(mask)),
        StepTest::Suffix(bytes) => format!("suffix {:?}", bytes.escape_ascii().to_string()),
        StepTest::Contains(bytes) => format!("contains {:?}", bytes.escape_ascii().to_string()),
        StepTest::Set(name, Widening::NONE) => format!("set {}", name.0),
        StepTest::Set(name, Widening { shift, mask, sign }) => format!("set {} {shift} {mask:#x} {sign:#x}", name.0),
        StepTest::Exists => "exists".to_owned(),
    };
    let fetch = &step.fetch;
    let swapped = if step.swapped { " swapped" } else { "" };
    let from = format!("{:?}{:?}+{} {:?} {}", fetch.source, fetch.hops, fetch.offset, fetch.copy, fetch.size);
    format!("{from}{swapped}: {test} → {} | {} | {}", next(step.yes), next(step.no), next(step.fault))
}

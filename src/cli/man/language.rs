// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run.yaml(5)`: the language, from the schema, the catalogue and the types of captures.

use roff::{Roff, bold, italic, roman};
use serde_json::Value;

use super::capture::capture;
use super::expressions::expressions;
use super::parts::{paragraph, section, see_also, term, title, verbatim, words};
use crate::catalog::{Catalog, HookDecl, Program};
use crate::cli::programs::kind;
use crate::config::{HookForm, described, flow, hook_forms};
use crate::spec::{Field, LossCause, RESERVED_FIELDS};

const LIMITS: &str = "`sample` applies first, then `rate_limit`. The BPF program counts the events that do not pass; the summary shows them as `sampled out` and `rate limited`. Under `defaults`, limits do not apply to programs without events, such as `packet_count`. The limit is never exceeded. When several CPUs meet at the end of a window, up to one event for each CPU may be held back although the limit had room for it.";

const PROBES: &str = "/properties/probes/items/properties";

pub(super) fn page(catalog: &Catalog) -> Vec<u8> {
    let schema = described(catalog);
    let mut page = Roff::new();
    section(&mut page, "NAME");
    page.text([roman("ebpf-run.yaml - the language of ebpf-run: hooks, programs, captures, sinks")]);
    section(&mut page, "DESCRIPTION");
    paragraph(&mut page, schema["description"].as_str().unwrap_or_default());
    paragraph(
        &mut page,
        "A file is one YAML 1.2 document in UTF-8, at most 1 MiB. Unknown keys are errors. From a directory, ebpf-run reads the files `*.yaml` and `*.yml` in the order of their names. Times have one of the units ms, s, m, h; sizes KiB, MiB, GiB. Integers need no quotes. Indexes count from 0.",
    );
    paragraph(&mut page, "The smallest useful file:");
    verbatim(&mut page, "version: 1\nprobes:\n  - name: execs\n    program: exec");
    page.control("SS", ["Values from the environment"]);
    paragraph(
        &mut page,
        "In a value, `${env:NAME}` is replaced by the environment variable NAME, and `${env:NAME:-default}` by the default if NAME is unset or empty. The replacement happens after the file is parsed: it cannot add keys, lists or mappings. Write `$${env:` for a literal `${env:`. Error messages name the variable but not its value; names of probes, labels, targets and paths are shown in full.",
    );
    page.control("SS", ["Variables of the file"]);
    paragraph(
        &mut page,
        "`vars` names values that are used in several places or differ from machine to machine; `${var:NAME}` in a value of the \
         same file is replaced by one, wherever `${env:NAME}` may be used. As there, without quotes `8` is a number, in quotes it is a \
         string; a variable declared in quotes is a string as well. `--set NAME=VALUE` replaces the value for a run, `check`, \
         `plan` and `show`; it is an error if no file declares the variable. A value of `vars` may come from the environment, but not from \
         another variable.",
    );
    verbatim(
        &mut page,
        "vars:\n  every: 1s\n  interface: { value: eth0, help: where packets are counted }\nprobes:\n  - name: packets\n    \
         hook: { xdp: { interface: \"${var:interface}\" } }\n    interval: ${var:every}",
    );
    sets(&mut page);
    page.control("SS", ["Anchors and defaults"]);
    paragraph(
        &mut page,
        "`&name` marks a value, `*name` repeats it, and `<<: *name` merges the keys of a marked mapping, except those already set. `defaults` applies to all probes of the file.",
    );
    keys(&mut page, &schema);
    hooks(&mut page, &schema, &hook_forms(catalog));
    capture(&mut page);
    expressions(&mut page);
    programs(&mut page, &schema, catalog);
    sinks(&mut page, &schema);
    output(&mut page);
    whole_files(&mut page);
    let pages = ["ebpf-run(1)", "ebpf-run-new(1)", "ebpf-run-programs(1)", "ebpf-run-schema(1)"];
    see_also(&mut page, &pages.map(str::to_owned));
    format!("{}{}", title("ebpf-run.yaml", 5), page.to_roff()).into_bytes()
}

fn keys(page: &mut Roff, schema: &Value) {
    section(page, "KEYS");
    page.control("SS", ["The file"]);
    properties(page, schema);
    page.control("SS", ["Under defaults"]);
    properties(page, &schema["properties"]["defaults"]);
    page.control("SS", ["A probe (an entry of probes)"]);
    if let Some(probe) = schema.pointer("/properties/probes/items") {
        properties(page, probe);
        page.control("SS", ["Under limits"]);
        paragraph(page, LIMITS);
        properties(page, &probe["properties"]["limits"]);
    }
}

/// Every key of a mapping, with its type, what it can be, and an example.
fn properties(page: &mut Roff, schema: &Value) {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        let mut facts = vec![type_words(inner)];
        if required.contains(&key.as_str()) {
            facts.push("required".to_owned());
        }
        if let Some(words) = inner["enum"].as_array() {
            let words: Vec<String> = words.iter().map(flow).collect();
            facts.push(format!("one of {}", words.join(" ")));
        }
        let said = inner["description"].as_str().is_some_and(|text| text.contains("The default is"));
        if let Some(default) = inner.get("default").filter(|_| !said) {
            facts.push(format!("default {}", flow(default)));
        }
        let name = vec![bold(key), roman("  "), italic(facts.join("; "))];
        let text = inner["description"].as_str().unwrap_or_default();
        term(page, name, text);
        let examples = inner["examples"].as_array().filter(|_| inner.get("enum").is_none());
        if let Some(examples) = examples {
            page.control("IP", []);
            page.text(words(if examples.len() == 1 { "Example:" } else { "Examples:" }));
            page.control("nf", []);
            for example in examples {
                page.text([bold(in_context(key, example))]);
            }
            page.control("fi", []);
        }
    }
}

/// `key: value`, on one line.
fn in_context(key: &str, value: &Value) -> String {
    format!("{key}: {}", flow(value))
}

fn type_words(schema: &Value) -> String {
    let word = |name: &str| match name {
        "boolean" => "true or false",
        "integer" => "integer",
        "number" => "number",
        "array" => "list",
        "object" => "mapping",
        _string => "string",
    };
    match &schema["type"] {
        Value::String(one) => word(one).to_owned(),
        Value::Array(several) => several.iter().filter_map(Value::as_str).map(word).collect::<Vec<_>>().join(" or "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => "value".to_owned(),
    }
}

fn hooks(page: &mut Roff, schema: &Value, forms: &[HookForm]) {
    section(page, "HOOKS");
    paragraph(page, schema.pointer(PROBES).map_or("", |probe| probe["hook"]["description"].as_str().unwrap_or("")));
    for form in forms {
        term(page, vec![bold(&form.example)], &form.doc);
        let inner = schema.pointer(PROBES).map(|probe| &probe["hook"]["properties"][&form.kind]);
        if let Some(inner) = inner.filter(|inner| inner["properties"].is_object()) {
            page.control("RS", []);
            properties(page, inner);
            page.control("RE", []);
        }
    }
    page.control("SS", ["Spans"]);
    paragraph(
        page,
        "`at: span` makes one event of the entry and the return of a function or system call, at the return, with `duration`. Each \
         path is read at the entry, its index and length with it; one that names `retval` or `duration` or begins with `end.`, and \
         the memory of a system call, at the return: an argument is what it was at the entry, what it points to as it is then. What `where` \
         can decide at the entry starts nothing. Recursion is right; of functions of programs, up to 64 calls within one another: Linux keeps so \
         many return addresses of a thread, and the calls below them are never seen to return: they count as repeated or open.",
    );
    paragraph(
        page,
        "`span: { start, via, cancel, end, key }` does the same across hooks. Each part is a hook or a list of them, with a `key` of its \
         own or the span's, up to 4 numbers, and a `where` that the kernel decides. Keys are compared by value: widths may differ, kinds not. \
         A path takes `start.`, `via.` or `end.` and is read there, unless it begins with a name of the key (then it is read at the end) or one \
         that only start or only end has. `start.X` must exist at every start, with one type; `via.X` is of the last hook on the way, or \
         null. The process of the event is the start's, its `ts` the end's. One hook may be several parts: it ends, then cancels, \
         starts, leaves.",
    );
    paragraph(
        page,
        "All that began is accounted for, in the summary, the status and the metrics: started = paired + repeated + cancelled + expired + \
         full + open. `repeated` is what met an open span of its key (`repeat: replace` or `keep`), `full` what found `max_open` of them, \
         `expired` what was older than `expire`, or whose thread has ended: where the key is of one thread (`at: span`, `tid`), or one process \
         (`pid`). What another thread may end stays open. A key that cannot be read starts and ends nothing, and is `undecided`.",
    );
    page.control("SS", ["Trusted binaries"]);
    paragraph(
        page,
        "A uprobe makes the kernel write a breakpoint into the mapped binary of every process that runs it, so anyone who can \
         change or replace the file controls where. A daemon refuses a binary that users other than root and its own can change, \
         directly or through a directory or link on its path, unless the probe sets `build_id` or `allow_untrusted`. A one-shot \
         run, `--watch`, `check --kernel` and `plan` warn. The file is opened once: what was checked is what is hooked.",
    );
    paragraph(
        page,
        "A build id identifies a build: after an upgrade, or if the path leads to another file, the probe is refused instead of \
         hooking the wrong place. It does not prove who made the file, since anyone can create a file with the same id, and its \
         owner can change it later. If that matters, copy the binary to a place only root can write to.",
    );
    paragraph(
        page,
        "A probe sees the processes that run this very file. A container has files of its own: name them by \
         `/proc/PID/root/…`.",
    );
}

fn programs(page: &mut Roff, schema: &Value, catalog: &Catalog) {
    section(page, "PROGRAMS");
    for program in catalog.programs() {
        page.control("SS", [program.name.as_str()]);
        paragraph(page, &program.doc);
        let mut hooks: Vec<String> = program.hooks.iter().filter(|decl| decl.only_if.is_none()).map(place).collect();
        // A kind may have several functions in a program.
        hooks.dedup();
        let own = if program.has_own_hooks() { "This program has hooks of its own; leave out `hook`" } else { "Hooks" };
        paragraph(page, &format!("{own}: {}.", hooks.join(", ")));
        let mut conditions: Vec<&str> = program.hooks.iter().filter_map(|decl| decl.only_if.as_deref()).collect();
        conditions.dedup();
        for param in conditions {
            let of = |decl: &&HookDecl| decl.only_if.as_deref() == Some(param);
            let hooks: Vec<String> = program.hooks.iter().filter(of).map(place).collect();
            paragraph(page, &format!("With `{param}`, also: {}.", hooks.join(", ")));
        }
        params(page, schema, program);
        if let Some(event) = &program.event {
            paragraph(page, "Fields of an event:");
            fields(page, event.process.iter().chain(&event.fields));
            if program.captures() {
                paragraph(page, "and the fields of `capture`.");
            }
        }
        if let Some(counters) = &program.counters {
            paragraph(page, "Counters, reported each `interval`:");
            fields(page, counters.row.fields.iter());
        }
    }
}

/// Where a function belongs, or what kind of place.
fn place(decl: &HookDecl) -> String {
    decl.target().unwrap_or_else(|| decl.kind.to_string())
}

fn params(page: &mut Roff, schema: &Value, program: &Program) {
    let rules = schema.pointer("/properties/probes/items/allOf").and_then(Value::as_array).into_iter().flatten();
    let of = |rule: &&Value| rule.pointer("/if/properties/program/const").is_some_and(|name| *name == program.name);
    let params = rules.clone().find(of).and_then(|rule| rule.pointer("/then/properties/params"));
    if let Some(params) = params.filter(|_| !program.params.is_empty()) {
        paragraph(page, "Under `params`:");
        properties(page, params);
    }
}

fn fields<'f>(page: &mut Roff, fields: impl Iterator<Item = &'f Field>) {
    for field in fields {
        let unit = if field.unit.is_empty() { String::new() } else { format!(" ({})", field.unit) };
        let name = vec![bold(&field.name), roman("  "), italic(kind(field).replace('|', " | "))];
        term(page, name, &format!("{}{unit}", field.doc));
    }
}

fn sinks(page: &mut Roff, schema: &Value) {
    section(page, "SINKS");
    paragraph(page, schema.pointer(PROBES).map_or("", |probe| probe["sinks"]["description"].as_str().unwrap_or("")));
    paragraph(page, "A sink declared under `sinks` has these keys:");
    if let Some(sink) = schema.pointer("/properties/sinks/additionalProperties") {
        properties(page, sink);
        for (key, inner) in sink["properties"].as_object().into_iter().flatten() {
            if inner["properties"].as_object().is_some_and(|inner| !inner.is_empty()) {
                paragraph(page, &format!("Under `{key}`:"));
                page.control("RS", []);
                properties(page, inner);
                page.control("RE", []);
            }
        }
    }
    PLACES.iter().for_each(|text| paragraph(page, text));
    page.control("SS", ["Metrics"]);
    paragraph(page, METRICS);
}

/// What the statistics of `aggregate` become.
const METRICS: &str = "Of a table, the sink `metrics` has a series for each row. `count` is a counter, and so is `sum`, unless what is added \
     can be negative: then it is a gauge, as it may fall. `min`, `max` and `avg` are gauges of the last interval. A histogram is one, with \
     `_bucket` and `_count` but without `_sum`, which the kernel does not keep: for averages put `sum(x)` beside `histogram(x)`, and divide its \
     rate by that of `_count`.";

/// Where a sink does not write, and what happens to lines that cannot be written.
const PLACES: [&str; 3] = [
    "A sink never writes through a link that users other than root and the one who runs ebpf-run could have made, to a file that \
     other users own or can write to, or to a file with a second name in a directory where others can create names. Set `owner` to \
     allow one more owner. FIFOs, terminals and /dev/null are allowed; block devices and other character devices are not. In a \
     directory of another user a file is created with a warning, because that user can remove it.",
    "When a file is moved or deleted, the next line goes to a new file, so logrotate(8) needs no signal. A truncated file is \
     continued at its new end. If a directory, FIFO, link or another user's file takes its place, events are lost and counted as \
     `sink_error` until a regular file, or nothing, is there again.",
    "Each line is written whole or counted as lost. On a full disk a partial line is removed; a partial line left by a killed \
     process is removed when the file is next opened. `ebpf-run status` and `status --check` report sinks that cannot write, and \
     sinks whose reader or file system has accepted nothing for 5 s. A failed sink is retried with each event, and twice a second \
     without events.",
];

fn output(page: &mut Roff) {
    section(page, "OUTPUT");
    let reserved = RESERVED_FIELDS.map(|name| format!("`{name}`")).join(", ");
    let news = LossCause::ALL.into_iter().filter(|cause| cause.is_news());
    let causes = news.map(|cause| format!("`{}`", cause.name())).collect::<Vec<_>>().join(", ");
    paragraph(
        page,
        &format!(
            "An event in JSON is one flat object on one line: `ts` (wall time in UTC, RFC 3339 with nanoseconds), \
             `probe`, the process (`pid`, `tid`, `uid`, `comm`) where the program records it, the labels, then the \
             program's or the captured fields in the order of the file. Other lines have \
             a field `type`: `sample` (the counters of an interval; `left_out` says how many more rows there were than `top` reports, `cumulative` that \
             they are those since the start), `lost` (the number of lost events and the cause: {causes}), \
             `spans_full` and `spans_expired` (the number of spans that began and will have no end: there were `max_open` of them already, \
             or they were given up), \
             `undecided` (the number of events that `where` could not decide because memory could not be read), and \
             with the daemon or `--watch` also `probe_state` (`state`, with `change` and `mechanism`, or `code` and `message`) and \
             `reload` (`file` and `result`: `ok`, or `refused` with `code` and `message`). The names {reserved} are \
             reserved: they cannot be captured or used as labels.",
        ),
    );
    paragraph(page, "For example:");
    verbatim(
        page,
        "{\"ts\":\"2026-11-21T08:18:13.103917088Z\",\"probe\":\"opens\",\"pid\":4711,\"tid\":4711,\"uid\":0,\n \
         \"comm\":\"cat\",\"path\":\"/etc/hostname\",\"flags\":\"0x0\"}",
    );
    paragraph(
        page,
        "`missed` counts the times the kernel skipped the program: at a tracepoint or kprobe while another program runs on the same \
         CPU, for instance after an interrupt; at a kprobe inside a kprobe; and at a kretprobe when too many calls are pending. Linux \
         counts this from 6.7 on; on older kernels the summary and `status` show `missed unknown`. At raw tracepoints it is always \
         known and almost always 0. At system calls, and tracepoints of them, it counts those of every name: all such probes share one \
         program, and what is skipped cannot look which call it is.",
    );
    paragraph(
        page,
        "Names and command lines can contain any bytes. In JSON a string is literal unless a field `NAME_escaped` with the value true \
         follows it (`path_escaped`, `comm_escaped`): then it was not UTF-8, `\\xff` is the byte 0xff and `\\\\` a backslash. A file \
         named \"a\" followed by that byte is reported as `\"path\":\"a\\\\xff\",\"path_escaped\":true`, a file named `a\\xff` as the same \
         string alone. The formats `text` and `pretty` always write `\\xff` for the byte and `\\\\` for a backslash.",
    );
    paragraph(
        page,
        "Output never contains characters that a terminal would act on. Control characters, line ends, bidirectional marks and \
         invisible characters are written as `\\u001b` in JSON, which parses to the same character, and as `\\n`, `\\x1b` or \
         `\\u{202e}` elsewhere.",
    );
    paragraph(
        page,
        "A `sock` is an object: `family`, `protocol`, `source` and `destination`, each end as `10.0.0.1:443`, `[::1]:53` or \
         `unix:/run/x`. A `packet` is one as well: `length`, `protocol`, `source`, `destination`. Numbers that have names are strings, flags \
         are joined by `|`, and bits without a name follow in hexadecimal. A duration is a number of nanoseconds in JSON and is written \
         with a unit elsewhere (`7.1ms`). Disks, functions, cgroups and containers are called as this machine calls them when the event is \
         read; an address without a name is written in hexadecimal, a disk without one as `8:16`.",
    );
    paragraph(
        page,
        "Every event that the kernel produced is delivered, refused by `where`, or counted as lost: `produced = delivered + filtered + \
         undecided + lost`. `undecided` events are those that `where` refused after something it asked for could not be read, or not to \
         its end. The summary at the end of a run, `status` and the metrics show all of these. What `where` refuses is no loss.",
    );
}

fn whole_files(page: &mut Roff) {
    section(page, "EXAMPLES");
    for text in [
        include_str!("../../../examples/execve.yaml"),
        include_str!("../../../examples/tcp-connect.yaml"),
        include_str!("../../../examples/packet-count.yaml"),
    ] {
        // The line for editors and the empty comment after it are for the file only.
        let text = text.split_once("\n#\n").map_or(text, |(_, rest)| rest);
        verbatim(page, text.trim_end());
    }
}

fn sets(page: &mut Roff) {
    page.control("SS", ["Sets"]);
    paragraph(
        page,
        "`sets` names values that expressions compare with: `ip` has addresses and networks, `text` strings of at most 126 bytes, \
         `number` integers of 64 bits, `pid` processes. A set lists its values, or names a `file` with one on each line, which is \
         followed: a change counts within a second, touches no probe and loses no event. Empty lines and lines that begin with `#` \
         do not count. While the file is missing or cannot be read, the set stays as it was. While a line is invalid, that line is \
         reported, the others count, and nothing is removed; `ebpf-run check` reports both beforehand. A file may have 256 MiB and \
         4,194,304 entries; of a larger one nothing is taken over. The kernel's map grows with the set: at most 200 bytes of memory for \
         each number, 450 for each string, 130 for each network. A daemon does not read a file that users other than root could \
         change. `pid: { descendants: N }` is process N with its children and theirs, those \
         that exist and those to come, at most 65,536; `pid in descendants(N)` in an expression is the same. A set belongs to the file that \
         declares it; `ebpf-run plan` shows how much is in it, and whether the kernel decides by it.",
    );
    verbatim(
        page,
        "sets:\n  private: { ip: [10.0.0.0/8, 192.168.0.0/16, \"fd00::/8\"] }\n  watched: { text: { file: \
         /etc/ebpf-run/watched.txt } }\n  build: { pid: { descendants: 1234 } }",
    );
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run.yaml(5)`: the language, from the schema, the catalogue and the types of captures.

use roff::{Inline, Roff, bold, italic, roman};
use serde_json::Value;

use super::parts::{section, see_also, title, verbatim, words};
use crate::catalog::{Catalog, HookDecl, Program};
use crate::cli::programs::kind;
use crate::config::{HookForm, described, flow, hook_forms};
use crate::expr::{BUILTINS, CASTS};
use crate::spec::{Field, LossCause, RESERVED_FIELDS};

const LIMITS: &str = "First `sample` chooses, then `rate_limit` holds. What does not pass is counted by the program in the kernel and goes \
                      no further; the summary at the end has it as `sampled out` and `rate limited`. Under `defaults`, programs that \
                      emit no events (`packet_count`) are left alone. Where CPUs meet at the very end of a window, up to one event for \
                      each of them may be held back although there was room: never is one too many let through.";

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
        "A file is one YAML 1.2 document in UTF-8, at most 1 MiB. Keys that are not described here are errors. Of a \
         directory, the files `*.yaml` and `*.yml` are read, in the order of their names. Times are written with one \
         of the units ms, s, m, h; sizes with KiB, MiB, GiB; integers need no quotes; indexes count from 0.",
    );
    paragraph(&mut page, "The smallest useful file:");
    verbatim(&mut page, "version: 1\nprobes:\n  - name: execs\n    program: exec");
    page.control("SS", ["Values from the environment"]);
    paragraph(
        &mut page,
        "In a single value, `${env:NAME}` stands for the value of the variable NAME, and `${env:NAME:-default}` for the \
         default where it is not set or empty. It is put in after the file was read: it never becomes a key, a list or a mapping. \
         `$${env:` is the text itself. Messages about mistakes name the variable and leave out what it says; \
         a probe's own name, labels, targets and files are shown as they are.",
    );
    page.control("SS", ["What is written once"]);
    paragraph(
        &mut page,
        "`&name` marks a value, `*name` repeats it, and `<<: *name` takes the keys of a marked mapping that are not given here. \
         `defaults` holds for all probes of the file.",
    );
    keys(&mut page, &schema);
    hooks(&mut page, &schema, &hook_forms(catalog));
    capture(&mut page);
    programs(&mut page, &schema, catalog);
    sinks(&mut page, &schema);
    output(&mut page);
    whole_files(&mut page);
    let pages = ["ebpf-run(1)", "ebpf-run-new(1)", "ebpf-run-programs(1)", "ebpf-run-schema(1)"];
    see_also(&mut page, &pages.map(str::to_owned));
    format!("{}{}", title("ebpf-run.yaml", 5), page.to_roff()).into_bytes()
}

fn paragraph(page: &mut Roff, text: &str) {
    for part in text.split("\n\n") {
        page.control("PP", []);
        page.text(words(part));
    }
}

/// A term and what it means.
fn term(page: &mut Roff, term: Vec<Inline>, text: &str) {
    page.control("TP", []);
    page.text(term);
    let mut parts = text.split("\n\n");
    page.text(words(parts.next().unwrap_or_default()));
    for part in parts {
        page.control("IP", []);
        page.text(words(part));
    }
}

fn keys(page: &mut Roff, schema: &Value) {
    section(page, "KEYS");
    page.control("SS", ["The file"]);
    properties(page, schema);
    page.control("SS", ["Under defaults"]);
    properties(page, &schema["properties"]["defaults"]);
    page.control("SS", ["A probe, each entry of probes"]);
    if let Some(probe) = schema.pointer("/properties/probes/items") {
        properties(page, probe);
        page.control("SS", ["Under limits, of a probe or of defaults"]);
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
        _text => "text",
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
    page.control("SS", ["Whose binary it is"]);
    paragraph(
        page,
        "The kernel writes a breakpoint into what all processes map of a binary: whoever can change the file, or put another in \
         its place, decides where. A file is opened once, and what was looked into is what is hooked. A daemon refuses a binary \
         that others than root and its own user can change, by the file itself or by a directory or link on the way to it, \
         unless the probe has `build_id` or `allow_untrusted`. `ebpf-run` PATH, `--watch`, `check --kernel` and `plan` warn.",
    );
    paragraph(
        page,
        "A build id tells builds apart: after an upgrade, or where a path leads to something else, the probe is refused instead \
         of being somewhere else. It is no proof of who made a file, as anybody can write one with the same id, and whoever owns \
         the file can write to it later. Where that matters, copy the binary to a place that is root's.",
    );
}

fn capture(page: &mut Roff) {
    section(page, "CAPTURE");
    paragraph(
        page,
        "On the left the name of a field in the output, on the right what is read: a name, then any number of members \
         and elements, then the type.",
    );
    verbatim(
        page,
        "capture:\n  path: filename as user_string\n  flags: how->flags as hex\n  peer: sk->__sk_common.skc_daddr as \
         ipv4\n  first: arg0\n  result: retval",
    );
    let builtins = BUILTINS.map(|name| format!("`{name}`")).join(", ");
    for (name, text) in [
        (
            "NAME",
            format!(
                "A parameter of the function by its name in the kernel's source, a field of the tracepoint, or one of {builtins}."
            ),
        ),
        ("arg0, arg1 …", "An argument by number, where the kernel has no name for it.".to_owned()),
        ("retval", "What the function returns, at `kretprobe` and `uretprobe`.".to_owned()),
        ("->member", "Follows a pointer, then takes the member.".to_owned()),
        (".member", "Takes a member of a struct that is already there.".to_owned()),
        ("[N]", "Takes an element of an array, or of what a pointer points to, counted from 0.".to_owned()),
    ] {
        term(page, vec![bold(name)], &text);
    }
    page.control("SS", ["as TYPE"]);
    paragraph(
        page,
        "Types come from the kernel's own type information (BTF), or from the format of the tracepoint. `as` overrides them:",
    );
    for (word, text) in CASTS {
        term(page, vec![bold(*word)], text);
    }
    paragraph(
        page,
        "Arguments are read from registers: `arg0` to `arg5` on x86-64, to `arg7` on arm64; further ones lie on the stack and cannot be \
         captured. A pointer of the kernel may lead into the memory of the process (`__user` in its source), as in \
         `prev->robust_list->futex_offset`: such members and texts are read there.",
    );
    paragraph(
        page,
        "A binary tells neither the names nor the types of its arguments: `uprobe` has `arg0` and so on, `uretprobe` has \
         `retval`, eight bytes each. `string` and `bytes[N]` read the memory of the process at that address; `u32`, `hex`, \
         `port` or `ipv4` read the value itself; there are no members. What the process has not touched yet may not be in \
         memory, and is null then.",
    );
    paragraph(
        page,
        "A text that was cut says so with a field `NAME_truncated`. What could not be read is null, and so is a \
         user or group id that is not set (-1 for the kernel); `as u32` gives its number.",
    );
}

fn programs(page: &mut Roff, schema: &Value, catalog: &Catalog) {
    section(page, "PROGRAMS");
    for program in catalog.programs() {
        page.control("SS", [program.name.as_str()]);
        paragraph(page, &program.doc);
        let hooks: Vec<String> = program.hooks.iter().filter(|decl| decl.only_if.is_none()).map(place).collect();
        let own = if program.has_own_hooks() { "It brings its own hooks, and takes no `hook`" } else { "Hooks" };
        paragraph(page, &format!("{own}: {}.", hooks.join(", ")));
        let mut conditions: Vec<&str> = program.hooks.iter().filter_map(|decl| decl.only_if.as_deref()).collect();
        conditions.dedup();
        for param in conditions {
            let of = |decl: &&HookDecl| decl.only_if.as_deref() == Some(param);
            let hooks: Vec<String> = program.hooks.iter().filter(of).map(place).collect();
            paragraph(page, &format!("With `{param}` also: {}.", hooks.join(", ")));
        }
        params(page, schema, program);
        if let Some(event) = &program.event {
            paragraph(page, "Fields of an event:");
            fields(page, event.process.iter().chain(&event.fields));
            if program.captures() {
                paragraph(page, "and what `capture` names.");
            }
        }
        if let Some(counters) = &program.counters {
            paragraph(page, "Counted, and reported each `interval`:");
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
    paragraph(page, "A sink that a file declares under `sinks` has these keys:");
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
}

/// What is never written to, and what becomes of lines that find no room.
const PLACES: [&str; 3] = [
    "A sink does not write through a link that anybody but root and the user who runs ebpf-run could have made, nor to a file \
     that others own or can write, nor to one with a second name in a directory where others make names. `owner` of the sink \
     names another user whose file it may be. FIFOs and terminals are good, and so is /dev/null; block devices, and devices \
     that are no terminal, are not. In a directory of somebody else a file can be made, with a warning: they can take it away.",
    "A file that is moved or deleted is followed by a new one at the next line. Where something else takes its place, a \
     directory, a FIFO, a link or a file of another user, events are lost, counted as `sink_error` and said to be, until a \
     file or nothing is there again. A file that is truncated goes on at its new end.",
    "Each line is written whole or counted as lost: where the disk is full, what was written of a line is taken back, and \
     what a process that was killed left of one is taken out when the file is opened the next time. `ebpf-run status` and \
     `status --check` say which sinks cannot write; a sink is tried again with each event, and twice a second without.",
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
             program's or the captured fields in the order of the file. What \
             is not an event says so in `type`: `sample` (the counters of an interval), `lost` (how many events were \
             lost, and why: {causes}); of the daemon and of `--watch` also `probe_state` (what a probe does now, and why) \
             and `reload` (what became of a file that changed). The names {reserved} cannot be captured or used as labels.",
        ),
    );
    paragraph(
        page,
        "`missed` is what the kernel skips: it runs no program at a tracepoint or kprobe while another one runs on the same CPU (an \
         interrupt came, say), handles no kprobe within a kprobe, and has places for so many calls of a kretprobe. Linux counts that \
         from 6.7 on; before, the summary and `status` say `missed unknown`, and there is no such metric. At raw tracepoints it is \
         always known, and rarely anything.",
    );
    paragraph(
        page,
        "Names and command lines can be any bytes. In JSON a string is what it reads like, unless a field `NAME_escaped` with the \
         value true follows it (`path_escaped`, `comm_escaped`): then the text is not UTF-8, and in the string `\\xff` stands \
         for the byte 0xff, `\\\\` for a backslash. A file whose name is \"a\" and that byte is reported as \
         `\"path\":\"a\\\\xff\",\"path_escaped\":true`, one that is really called `a\\xff` as the same string alone. The formats `text` and \
         `pretty` write `\\xff` for the byte and `\\\\` for every backslash.",
    );
    paragraph(
        page,
        "No format, message or table passes on a character that a terminal would act on: controls, line ends, bidirectional \
         marks and what cannot be seen are written as `\\u001b` in JSON, which reads back as the same character, and as `\\n`, \
         `\\x1b` or `\\u{202e}` elsewhere.",
    );
    paragraph(
        page,
        "Every event that the kernel produced is delivered or counted as lost; the summary at the end of a run says so.",
    );
}

fn whole_files(page: &mut Roff) {
    section(page, "EXAMPLES");
    for text in [
        include_str!("../../../examples/execve.yaml"),
        include_str!("../../../examples/tcp-connect.yaml"),
        include_str!("../../../examples/packet-count.yaml"),
    ] {
        // The line for editors and the empty comment behind it are for the file only.
        let text = text.split_once("\n#\n").map_or(text, |(_, rest)| rest);
        verbatim(page, text.trim_end());
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file to begin with: what a program or a hook needs, and all else that can be said, commented out with its
//! description. Made from the schema and the catalogue.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::flow::flow;
use super::schema::described;
use crate::catalog::{Catalog, HookDecl, Program};
use crate::hook;
use crate::key::KEYS;
use crate::spec::HookKind;
use crate::words;

/// Columns that comments are filled to.
const WIDTH: usize = 100;

/// One kind of hook as the schema describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookForm {
    /// The key under `hook`.
    pub kind: String,
    /// `kprobe: do_sys_openat2`
    pub example: String,
    /// What it is.
    pub doc: String,
}

/// The kinds of hooks, in the order of the schema.
pub fn hook_forms(catalog: &Catalog) -> Vec<HookForm> {
    let schema = described(catalog);
    let kinds = schema.pointer("/properties/probes/items/properties/hook/properties").and_then(Value::as_object);
    let form = |(kind, schema): (&String, &Value)| HookForm {
        kind: kind.clone(),
        example: format!("{kind}: {}", flow(&example_of(schema))),
        doc: doc(schema),
    };
    kinds.into_iter().flatten().map(form).collect()
}

/// A commented, valid file for a program or a kind of hook; the error is what a person is told of another word.
pub fn starter(word: &str, catalog: &Catalog) -> Result<String, String> {
    let forms = hook_forms(catalog);
    let known = || catalog.programs().iter().map(|program| program.name.as_str());
    let runs_at = |program: &Program, kind: &str| match kind {
        hook::SPAN => program.span.is_some(),
        kind => program.kinds().iter().any(|known| known.word() == kind),
    };
    let (program, kind) = if let Some(program) = catalog.get(word) {
        let kind = program.kinds().first().map(|kind| kind.word());
        (program, kind.filter(|_| !program.has_own_hooks()))
    } else if let Some(form) = forms.iter().find(|form| form.kind == word) {
        let mut fitting = catalog.programs().iter().filter(|program| runs_at(program, word));
        let capturing = fitting.clone().find(|program| program.captures());
        let program = capturing.or_else(|| fitting.next());
        (program.ok_or_else(|| format!("no program runs at `{word}`"))?, Some(form.kind.as_str()))
    } else {
        let all = known().chain(forms.iter().map(|form| form.kind.as_str()));
        let nearest = words::nearest(word, all).map(|word| format!("did you mean `{word}`? "));
        let kinds = words::list(forms.iter().map(|form| form.kind.as_str()), 32);
        let programs = words::list(known(), 32);
        return Err(format!(
            "`{}` is neither a program nor a kind of hook\nhelp: {}programs: {programs}; hooks: {kinds}",
            words::shown(word),
            nearest.unwrap_or_default()
        ));
    };
    Ok(file(word, program, kind, &forms, &described(catalog)))
}

fn file(word: &str, program: &Program, kind: Option<&str>, forms: &[HookForm], schema: &Value) -> String {
    let mut out = Writer { text: String::new() };
    let form = forms.iter().find(|form| Some(form.kind.as_str()) == kind);
    out.prose(0, &program.doc);
    out.prose(0, "");
    out.text.push_str(&format!("#     sudo ebpf-run {word}.yaml\n#\n"));
    out.prose(
        0,
        "Remove the `#` before a key to use it; for a nested key, also the `#` before the outer one. The man page \
         `ebpf-run.yaml(5)` describes the language. For completion in an editor, run `ebpf-run schema > \
         ebpf-run.schema.json` and make this the first line:",
    );
    out.text.push_str("#     # yaml-language-server: $schema=./ebpf-run.schema.json\n");
    let empty = Map::new();
    let top = schema["properties"].as_object().unwrap_or(&empty);
    out.text.push_str("version: 1\n");
    for (key, inner) in top.iter().filter(|(key, _)| !matches!(key.as_str(), "version" | "vars" | "sets" | "probes")) {
        out.text.push('\n');
        out.prose(0, &doc(inner));
        out.value(0, true, key, &example_of(inner));
    }
    let _ = writeln!(out.text, "\nprobes:\n  - name: {}", word.replace('_', "-"));
    let probe = schema.pointer("/properties/probes/items/properties").and_then(Value::as_object).unwrap_or(&empty);
    for (key, inner) in probe {
        match key.as_str() {
            "name" | "description" => {}
            "hook" => out.hook(schema, form, program),
            "program" => {
                out.text.push('\n');
                out.prose(4, &format!("`ebpf-run programs {}` lists its parameters and fields.", program.name));
                out.value(4, false, key, &program.name.as_str().into());
            }
            "params" => out.params(schema, program),
            "capture" if program.captures() => {
                out.text.push('\n');
                out.prose(4, &doc(inner));
                let capture = match kind {
                    Some(hook::SPAN) => ("took", "duration"),
                    kind => kind.and_then(HookKind::of_word).map_or(("on_cpu", "cpu"), |kind| hook::kind(kind).capture),
                };
                let _ = writeln!(out.text, "    capture:\n      {}: {}", capture.0, capture.1);
            }
            word if KEYS.iter().any(|key| key.word == word && !key.makes_sense_at(program, kind.and_then(kind_of))) => {
            }
            _optional => {
                out.text.push('\n');
                out.prose(4, &doc(inner));
                out.value(4, true, key, &example_of(inner));
            }
        }
    }
    out.text
}

/// The kind of a hook; of a span, that of its end.
fn kind_of(word: &str) -> Option<HookKind> {
    HookKind::of_word(if word == hook::SPAN { "tracepoint" } else { word })
}

/// A kind of hook with two keys of which it takes one: the one that is shown, and the other.
const ONE_OF_TWO: (&str, &str, &str) = ("cgroup", "call", "direction");

struct Writer {
    text: String,
}

impl Writer {
    /// A comment, filled.
    fn prose(&mut self, indent: usize, text: &str) {
        let start = format!("{:indent$}#", "");
        let mut line = start.clone();
        for paragraph in text.split("\n\n") {
            for word in paragraph.split_whitespace() {
                if line.len() + 1 + word.len() > WIDTH && line.len() > start.len() {
                    self.text.push_str(&line);
                    self.text.push('\n');
                    line.clone_from(&start);
                }
                line.push(' ');
                line.push_str(word);
            }
            self.text.push_str(&line);
            self.text.push('\n');
            line.clone_from(&start);
        }
    }

    /// `key: value`, or `#key: value`.
    fn value(&mut self, indent: usize, off: bool, key: &str, value: &Value) {
        let mark = if off { "#" } else { "" };
        let _ = writeln!(self.text, "{:indent$}{mark}{key}: {}", "", flow(value));
    }

    fn hook(&mut self, schema: &Value, form: Option<&HookForm>, program: &Program) {
        self.text.push('\n');
        let Some(form) = form else {
            let targets: Vec<String> = program.hooks.iter().filter_map(HookDecl::target).collect();
            self.prose(4, &format!("It has hooks of its own, so there is no `hook` here: {}.", targets.join(", ")));
            return;
        };
        let kinds = program.kinds();
        let others = kinds.iter().map(|kind| kind.word()).filter(|kind| *kind != form.kind);
        let others = words::list(others, 32);
        self.prose(4, &form.doc);
        if !others.is_empty() {
            self.prose(4, &format!("`{}` also runs at {others}: `ebpf-run new KIND` shows one.", program.name));
        }
        let inner = schema.pointer(&format!("/properties/probes/items/properties/hook/properties/{}", form.kind));
        let mapping = inner.filter(|inner| inner["type"] == "object").and_then(|inner| inner["properties"].as_object());
        let Some(mapping) = mapping else {
            let _ = writeln!(self.text, "    hook:\n      {}", form.example);
            return;
        };
        let _ = writeln!(self.text, "    hook:\n      {}:", form.kind);
        let required = inner.map(|inner| &inner["required"]).and_then(Value::as_array);
        // A whole one, of which the parts fit together.
        let whole = inner.and_then(|inner| inner.pointer("/examples/0"));
        for (key, inner) in mapping {
            let (_, shown, other) = ONE_OF_TWO;
            let is_choice = ONE_OF_TWO.0 == form.kind;
            if is_choice && key == other {
                continue;
            }
            let is_required = required.is_some_and(|required| required.contains(&key.as_str().into()));
            let off = !(is_required || is_choice && key == shown);
            let value = whole.and_then(|whole| whole.get(key)).cloned().unwrap_or_else(|| example_of(inner));
            self.prose(8, &doc(inner));
            self.value(8, off, key, &value);
        }
    }

    /// Every parameter with its description and default, commented out.
    fn params(&mut self, schema: &Value, program: &Program) {
        let rules = schema.pointer("/properties/probes/items/allOf").and_then(Value::as_array);
        let own = |rule: &&Value| {
            rule.pointer("/if/properties/program/const").and_then(Value::as_str) == Some(program.name.as_str())
        };
        let rule = rules.into_iter().flatten().find(own);
        let params = rule.and_then(|rule| rule.pointer("/then/properties/params/properties")?.as_object());
        let Some(params) = params.filter(|params| !params.is_empty()) else { return };
        self.text.push_str("\n    # Parameters of the program, with their defaults.\n    #params:\n");
        for (name, inner) in params {
            self.prose(6, &doc(inner));
            self.value(6, true, name, &inner["default"]);
        }
    }
}

fn doc(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().to_owned()
}

/// What a key could be given: its default, its first example, its first word, or a mapping of what it requires.
fn example_of(schema: &Value) -> Value {
    let first = |keyword: &str| schema.get(keyword).and_then(|list| list.get(0)).cloned();
    let default = schema.get("default").cloned();
    if let Some(value) = default.or_else(|| first("examples")).or_else(|| first("enum")) {
        return value;
    }
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let entries: Map<String, Value> =
        required.map(|key| (key.to_owned(), example_of(&schema["properties"][key]))).collect();
    Value::Object(entries)
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run programs`: what the catalogue knows.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};

use super::args::Listing;
use super::exit::{BAD_CONFIGURATION, FAILED};
use super::terminal::{print, print_json, tell, tell_lines};
use crate::catalog::{Catalog, HookDecl, Param, ParamType, Program, builtin};
use crate::spec::{Field, FieldType, ParamValue};
use crate::words::{shown, suggest};

pub(super) fn programs(name: Option<&str>, format: Listing) -> ExitCode {
    let catalog = match builtin() {
        Ok(catalog) => catalog,
        Err(error) => {
            tell(&format!("error: a built-in program is broken: {error}"));
            return ExitCode::from(FAILED);
        }
    };
    let Some(name) = name else {
        return match format {
            Listing::Text => print(&list(&catalog)),
            Listing::Json => print_json(&format!(
                "{:#}\n",
                Value::from_iter(catalog.programs().iter().map(|program| program_json(program)))
            )),
        };
    };
    match find(&catalog, name) {
        Ok(program) => match format {
            Listing::Text => print(&page(&program)),
            Listing::Json => print_json(&format!("{:#}\n", program_json(&program))),
        },
        Err(message) => {
            tell_lines(&format!("error: {message}"));
            ExitCode::from(BAD_CONFIGURATION)
        }
    }
}

/// Names of a number that are shown.
const MOST_NAMES: usize = 16;

/// A built-in program, or one described by the object file of that path.
fn find(catalog: &Catalog, name: &str) -> Result<Arc<Program>, String> {
    if let Some(program) = catalog.get(name) {
        return Ok(Arc::clone(program));
    }
    let quoted = shown(name);
    if !name.contains('/') && !name.ends_with(".o") {
        let help = suggest(name, catalog.programs().iter().map(|program| program.name.as_str()), "there are");
        let help = help.map_or_else(String::new, |help| format!("\nhelp: {help}"));
        return Err(format!("there is no program `{quoted}`{help}"));
    }
    let path = Path::new(name);
    let bytes = fs::read(path).map_err(|error| format!("failed to read `{quoted}`: {error}"))?;
    Program::from_file(path, &bytes)
        .map(Arc::new)
        .map_err(|error| format!("failed to describe `{quoted}`: {}", shown(&error.to_string())))
}

fn list(catalog: &Catalog) -> String {
    let width = catalog.programs().iter().map(|program| program.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for program in catalog.programs() {
        let _ = writeln!(text, "{:width$}  {}", program.name, program.doc);
        let _ = writeln!(text, "{:width$}  hooks: {}\n", "", hooks(program).join(", "));
    }
    text.push_str("`ebpf-run programs NAME` describes one: its parameters and the fields of its events.\n");
    text
}

fn hooks(program: &Program) -> Vec<String> {
    let hook = |hook: &HookDecl| {
        let condition = hook.only_if.iter().map(|param| format!(" (with `{param}`)")).collect::<String>();
        match &hook.site {
            Some(target) => format!("{} {target}{condition}", hook.kind),
            None => format!("{}{condition}", hook.kind),
        }
    };
    let own = program.hooks.iter().filter(|hook| hook.site.is_some() || hook.only_if.is_some()).map(hook);
    program.kinds().iter().map(|kind| kind.word().to_owned()).chain(own).collect()
}

fn page(program: &Program) -> String {
    let mut text = format!("{}\n  {}\n\nhooks\n", shown(&program.name), shown(&program.doc));
    let own = if program.has_own_hooks() { "  (its own: leave out `hook` in YAML)" } else { "" };
    let _ = writeln!(text, "  {}{own}", shown(&hooks(program).join(", ")));
    if !program.params.is_empty() {
        text.push_str("\nparams\n");
        table(
            &mut text,
            program.params.iter().map(|p| [p.name.clone(), param_type(p), default(&p.default), p.doc.clone()]),
        );
    }
    if let Some(event) = &program.event {
        text.push_str("\nfields of an event\n");
        table(&mut text, event.process.iter().chain(&event.fields).map(field_row));
        if program.captures() {
            text.push_str("  … and what `capture` names\n");
        }
    }
    if let Some(counters) = &program.counters {
        text.push_str("\ncounted, and reported each interval\n");
        table(&mut text, counters.row.fields.iter().map(field_row));
    }
    text
}

fn field_row(field: &Field) -> [String; 4] {
    [field.name.clone(), kind(field), field.unit.clone(), field.doc.clone()]
}

/// Rows in columns as wide as they need to be.
fn table(text: &mut String, rows: impl Iterator<Item = [String; 4]>) {
    // An object file of somebody else says these.
    let rows: Vec<[String; 4]> = rows.map(|row| row.map(|cell| shown(&cell).into_owned())).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    for [a, b, c, d] in rows {
        let line = format!("  {a:0$}  {b:1$}  {c:2$}  {d}", widths[0], widths[1], widths[2]);
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

fn param_type(param: &Param) -> String {
    match param.ty {
        ParamType::Bool => "bool".to_owned(),
        ParamType::Int { size, signed, .. } => format!("{}{}", if signed { 'i' } else { 'u' }, u32::from(size) * 8),
        ParamType::Text { size } => format!("string of at most {} bytes", size.saturating_sub(1)),
    }
}

fn default(value: &ParamValue) -> String {
    match value {
        ParamValue::Bool(value) => format!("= {value}"),
        ParamValue::Int(value) => format!("= {value}"),
        ParamValue::Text(text) => format!("= {text:?}"),
    }
}

/// The word for how a field is shown.
pub(super) fn kind(field: &Field) -> String {
    match &field.kind {
        FieldType::Unsigned => format!("u{}", field.size * 8),
        FieldType::Signed => format!("i{}", field.size * 8),
        FieldType::Id => "id".to_owned(),
        FieldType::Bool => "bool".to_owned(),
        FieldType::Flag => "flag".to_owned(),
        FieldType::Hex => "hex".to_owned(),
        FieldType::Text { .. } => "text".to_owned(),
        FieldType::Path => "path".to_owned(),
        FieldType::Errno => "errno".to_owned(),
        FieldType::Argv => "command line".to_owned(),
        FieldType::Bytes => format!("bytes[{}]", field.size),
        FieldType::Ipv4 => "ipv4".to_owned(),
        FieldType::Ipv6 => "ipv6".to_owned(),
        FieldType::Port => "port".to_owned(),
        FieldType::Named(table) => format!("{table:?}"),
        FieldType::Duration | FieldType::Timespec => "duration".to_owned(),
        FieldType::Ktime => "ktime".to_owned(),
        FieldType::Ip => "ip".to_owned(),
        FieldType::Mac => "mac".to_owned(),
        FieldType::Uuid => "uuid".to_owned(),
        FieldType::Endpoint => "sockaddr".to_owned(),
        FieldType::Sock => "sock".to_owned(),
        FieldType::Packet => "packet".to_owned(),
        FieldType::Counted { text: true } => "text".to_owned(),
        FieldType::Counted { text: false } => "bytes".to_owned(),
        FieldType::Dev => "dev".to_owned(),
        FieldType::Ksym => "ksym".to_owned(),
        FieldType::Usym => "usym".to_owned(),
        FieldType::Cgroup => "cgroup".to_owned(),
        FieldType::Container => "container".to_owned(),
        FieldType::Stack { .. } => "stack".to_owned(),
        FieldType::Histogram(_) => "histogram".to_owned(),
        FieldType::Computed(..) => "computed".to_owned(),
        FieldType::Enum(values) => {
            let names: Vec<&str> = values.iter().map(|(_, name)| name.as_str()).take(MOST_NAMES).collect();
            let more = values.len() - names.len();
            names.join("|") + &if more > 0 { format!("|… ({more} more)") } else { String::new() }
        }
    }
}

fn program_json(program: &Program) -> Value {
    let param = |param: &Param| {
        let default = match &param.default {
            ParamValue::Bool(value) => json!(value),
            ParamValue::Int(value) => i64::try_from(*value).map_or_else(|_| json!(*value as u64), |value| json!(value)),
            ParamValue::Text(text) => json!(text),
        };
        json!({ "name": param.name, "type": param_type(param), "default": default, "unit": param.unit, "doc": param.doc })
    };
    let field =
        |field: &Field| json!({ "name": field.name, "type": kind(field), "unit": field.unit, "doc": field.doc });
    let hook = |hook: &HookDecl| json!({ "kind": hook.kind.word(), "target": hook.target(), "function": hook.function, "only_if": hook.only_if });
    let event =
        program.event.as_ref().map(|event| event.process.iter().chain(&event.fields).map(field).collect::<Vec<_>>());
    let counters = program.counters.as_ref().map(|counters| counters.row.fields.iter().map(field).collect::<Vec<_>>());
    json!({
        "name": program.name,
        "doc": program.doc,
        "hooks": program.hooks.iter().map(hook).collect::<Vec<_>>(),
        "params": program.params.iter().map(param).collect::<Vec<_>>(),
        "event": event,
        "counters": counters,
        "captures": program.captures(),
    })
}

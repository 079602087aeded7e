// SPDX-License-Identifier: MIT OR Apache-2.0
//! Problems for machines: JSON lines, and SARIF 2.1.0 for code review.
//!
//! ```json
//! {"code":"E0201","severity":"error","path":"web.yaml","line":4,"column":19,"end_line":4,"end_column":28,"message":"…",
//!  "label":"","help":"did you mean `interface`?","notes":["…"],"related":[]}
//! ```
//!
//! Lines and columns count from 1, columns count characters (Unicode code points), the end is one after the last
//! character. For a problem of a file as a whole they are null. A path that is no UTF-8 is text as [`path_text`] makes it; what
//! a terminal would act on is written as `\u009b`.

use std::path::Path;

use serde_json::{Value, json};

use super::codes::CODES;
use super::problem::{Problem, Severity};
use super::source::Location;
use crate::words::{json_text, path_text};

/// One problem as a JSON object on one line, without a line end.
pub fn json_line(problem: &Problem) -> String {
    let mut object = json!({ "code": problem.code, "severity": severity(problem) });
    put_place(&mut object, &problem.primary, problem.is_about_file());
    object["message"] = json!(problem.message);
    object["label"] = json!(problem.label);
    object["help"] = json!(problem.help);
    object["notes"] = json!(problem.notes);
    let related = problem.related.iter().map(|(location, message)| {
        let mut related = json!({});
        put_place(&mut related, location, false);
        related["message"] = json!(message);
        related
    });
    object["related"] = related.collect();
    json_text(&object.to_string()).into_owned()
}

fn severity(problem: &Problem) -> &'static str {
    match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn put_place(object: &mut Value, location: &Location, whole_file: bool) {
    let ((line, column), (end_line, end_column)) = (location.line_column(), location.end_line_column());
    object["path"] = json!(path_text(&location.source.path));
    for (name, number) in [("line", line), ("column", column), ("end_line", end_line), ("end_column", end_column)] {
        object[name] = if whole_file { Value::Null } else { json!(number) };
    }
}

/// All problems as one SARIF 2.1.0 log, with a final line end.
pub fn sarif(problems: &[Problem]) -> String {
    let rules: Vec<Value> = CODES
        .iter()
        .map(|code| {
            json!({
                "id": code.code,
                "shortDescription": { "text": code.title },
                "help": { "text": code.explanation, "markdown": code.explanation },
            })
        })
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "ebpf-run", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": problems.iter().map(result).collect::<Vec<_>>(),
        }],
    });
    json_text(&format!("{log:#}\n")).into_owned()
}

fn result(problem: &Problem) -> Value {
    let related: Vec<Value> = problem
        .related
        .iter()
        .map(|(location, message)| {
            json!({ "physicalLocation": physical(location, false), "message": { "text": message } })
        })
        .collect();
    let mut result = json!({
        "ruleId": problem.code,
        "level": severity(problem),
        "message": { "text": message(problem) },
        "locations": [{ "physicalLocation": physical(&problem.primary, problem.is_about_file()) }],
    });
    if let Some(index) = CODES.iter().position(|code| code.code == problem.code) {
        result["ruleIndex"] = json!(index);
    }
    if !related.is_empty() {
        result["relatedLocations"] = json!(related);
    }
    result
}

/// All that a problem says, a line each: a code review shows nothing else.
fn message(problem: &Problem) -> String {
    let mut message = problem.message.clone();
    if !problem.label.is_empty() {
        message += &format!(" ({})", problem.label);
    }
    for note in &problem.notes {
        message += &format!("\nnote: {note}");
    }
    if let Some(help) = &problem.help {
        message += &format!("\nhelp: {help}");
    }
    message
}

fn physical(location: &Location, whole_file: bool) -> Value {
    let mut physical = json!({ "artifactLocation": { "uri": uri(&location.source.path) } });
    if !whole_file {
        let ((line, column), (end_line, end_column)) = (location.line_column(), location.end_line_column());
        physical["region"] =
            json!({ "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column });
    }
    physical
}

/// A path as a URI reference: `a%20b.yaml` of `./a b.yaml`, `file:///etc/x.yaml`.
fn uri(path: &Path) -> String {
    let mut uri = String::new();
    if path.is_absolute() {
        uri.push_str("file://");
    }
    let path = path.strip_prefix("./").unwrap_or(path);
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! `params: { port: 443 }`: what the program is told.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::definition::{Checking, Key, Need};
use crate::catalog::{Param, ParamType, Program};
use crate::config::{Cx, Ordered, Problem, Scalar, codes, unknown};
use crate::spec::{ParamValue, Place};
use crate::words;

pub(super) const PARAMS: Key = Key {
    word: "params",
    schema: |schemas| schemas.subschema_for::<Form>(),
    // Each one is refused by its name.
    needs: Some(Need { met: |program| !program.params.is_empty(), refuse: |_, _| None }),
    by_entry: true,
    check,
    ..Key::PLAIN
};

/// The program's own parameters; `ebpf-run programs NAME` lists them.
#[derive(Deserialize, JsonSchema)]
struct Form(#[schemars(schema_with = "values")] Ordered<Scalar>);

fn values(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": { "type": ["boolean", "integer", "string"] },
    })
}

/// Without a program nothing can be said of them.
fn check(checking: &mut Checking<'_>) {
    let (Some(Form(params)), Some(program)) = (checking.own("params"), checking.program) else { return };
    let params = values_of(&mut checking.cx, program, &params);
    checking.then(move |draft| draft.spec.params.clone_from(&params));
}

fn values_of(cx: &mut Cx<'_>, program: &Program, params: &Ordered<Scalar>) -> Vec<(String, ParamValue)> {
    let mut checked = Vec::new();
    for (name, value) in &params.0 {
        let Some(param) = program.params.iter().find(|param| param.name == *name) else {
            let span = cx.key(&["params", name]);
            let message = format!("`{}` has no parameter `{name}`", program.name);
            let problem = cx.error(codes::UNKNOWN_PARAM, span, message);
            let known = program.params.iter().map(|param| param.name.as_str());
            cx.report(if program.params.is_empty() {
                problem.help("remove `params`: this program has none")
            } else {
                unknown(problem, name, &format!("parameters of `{}`", program.name), known)
            });
            continue;
        };
        let span = cx.value(&["params", name]);
        match value_of(param, value) {
            Ok(value) => {
                cx.note_place(Place::Param(name.clone()), span);
                checked.push((name.clone(), value));
            }
            Err(label) => {
                let problem = wrong_value(cx, program, param, label);
                cx.report(problem);
            }
        }
    }
    checked
}

fn wrong_value(cx: &Cx<'_>, program: &Program, param: &Param, label: String) -> Problem {
    let (name, span) = (&param.name, cx.value(&["params", &param.name]));
    let message = format!("invalid value for parameter `{name}` of `{}`", program.name);
    let problem = cx.error(codes::PARAM_VALUE, span, message).label(label);
    let written = cx.source.text.get(span.start..span.end).unwrap_or_default();
    let bare = written.trim_matches(['"', '\'']);
    let quoted = bare.len() < written.len()
        && (bare.contains("${env:") || bare.contains("${var:"))
        && !matches!(param.ty, ParamType::Text { .. });
    let help = || format!("in quotes it is a string: write it on a line of its own, without them: `{name}: {bare}`");
    let problem = problem.maybe_help(quoted.then(help));
    if param.doc.is_empty() { problem } else { problem.note(format!("`{name}`: {}", param.doc)) }
}

/// The value in the parameter's type, or what is expected instead.
fn value_of(param: &Param, value: &Scalar) -> Result<ParamValue, String> {
    match (param.ty, value) {
        (ParamType::Bool, Scalar::Bool(value)) => Ok(ParamValue::Bool(*value)),
        (ParamType::Bool, Scalar::Text(text)) if words::truth(text).is_some() => {
            let truth = words::truth(text) == Some(true);
            Err(format!("YAML 1.2 has only `true` and `false`: write `{truth}`"))
        }
        (ParamType::Bool, Scalar::Int(_) | Scalar::Float | Scalar::Text(_)) => {
            Err("expected `true` or `false`".to_owned())
        }
        (ParamType::Int { least, most, .. }, Scalar::Int(value)) => {
            if (least..=most).contains(value) {
                return Ok(ParamValue::Int(*value));
            }
            Err(format!("must be from {least} to {most}{}", unit(param)))
        }
        (ParamType::Int { .. }, Scalar::Bool(_) | Scalar::Float | Scalar::Text(_)) => {
            Err(format!("expected an integer{}", unit(param)))
        }
        (ParamType::Text { size }, Scalar::Text(text)) => {
            let most = usize::try_from(size).unwrap_or(usize::MAX).saturating_sub(1);
            if text.contains('\0') {
                return Err("text with a NUL cannot be given to a program".to_owned());
            }
            if text.len() <= most {
                return Ok(ParamValue::Text(text.clone()));
            }
            Err(format!("it has {} bytes, {most} at most fit", text.len()))
        }
        (ParamType::Text { .. }, Scalar::Bool(_) | Scalar::Int(_) | Scalar::Float) => {
            Err("expected a string: put it in quotes".to_owned())
        }
    }
}

fn unit(param: &Param) -> String {
    if param.unit.is_empty() { String::new() } else { format!(" ({})", param.unit) }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! The values of `aggregate`: `count() if retval < 0`, `{ histogram: duration, buckets: [1ms, 10ms] }`

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value as Json, json};

use super::definition::Checking;
use super::expression;
use super::fields::wrong_field_of_row;
use super::set_names::note_sets;
use crate::config::{Node, codes};
use crate::expr::{self, ValueForm};
use crate::spec::{AggregatePart, AggregateValue, Buckets, Expr, ExprNode, Place, Statistic, UnaryOp};

/// A statistic, or a histogram with edges of its own.
pub(super) struct ValueText;

impl JsonSchema for ValueText {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "AggregateValue".into()
    }
    /// As for `StringOr`: each keyword touches one type only.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let edge = json!({ "type": ["integer", "string"] });
        schemars::json_schema!({
            "type": ["string", "object"],
            "additionalProperties": false,
            "required": ["histogram"],
            "properties": {
                "histogram": { "type": "string", "description": "The number that is counted.", "examples": ["retval"] },
                "linear": {
                    "type": "array", "items": edge, "minItems": 3, "maxItems": 3, "examples": [[0, 4096, 512]],
                    "description": "Buckets of equal width: from, to, how wide. What lies outside is counted in open buckets."
                },
                "buckets": {
                    "type": "array", "items": edge, "minItems": 1, "maxItems": Buckets::MAX_EDGES,
                    "examples": [["1ms", "10ms", "100ms"]],
                    "description": "The edges between buckets, in order."
                },
                "if": { "type": "string", "description": "Only events for which this holds count.", "examples": ["retval >= 0"] }
            }
        })
    }
}

/// `values`
pub(super) fn values(checking: &mut Checking<'_>, table: &Node, number: usize) -> Vec<AggregateValue> {
    let mut values = Vec::new();
    for entry in table.at(&["values"]).map(Node::entries).unwrap_or_default() {
        let (name, node) = (entry.key.clone(), &entry.value);
        if wrong_field_of_row(checking, "value", &name, entry.key_span) {
            continue;
        }
        let form = match node.text() {
            Some(text) => from_text(checking, &name, text, node),
            None => from_mapping(checking, &name, node),
        };
        let Some((ValueForm { statistic, of, condition }, of_times)) = form else { continue };
        let known = of.iter().chain(&condition).all(|expr| note_sets(checking, expr, node));
        if !known {
            continue;
        }
        let place = |part| Place::Aggregate(part, number, values.len());
        let of_value = if node.text().is_some() { node } else { node.at(&["histogram"]).unwrap_or(node) };
        let of_condition = if node.text().is_some() { node } else { node.at(&["if"]).unwrap_or(node) };
        checking.cx.note_text(place(AggregatePart::Value), of_value);
        checking.cx.note_text(place(AggregatePart::Condition), of_condition);
        values.push(AggregateValue { name, statistic, of, condition, of_times });
    }
    values
}

/// What is counted, and whether the edges that are written are times.
type Form = (ValueForm, Option<bool>);

fn from_text(checking: &mut Checking<'_>, name: &str, text: &str, node: &Node) -> Option<Form> {
    match expr::parse_value(text, node.opaque()) {
        Ok(form) => Some((form, None)),
        Err(error) => {
            let message = format!("value `{name}`: {}", error.message);
            let problem = checking.cx.error(codes::EXPRESSION, node.part(&error.range), message);
            checking.cx.report(problem.maybe_help(error.help));
            None
        }
    }
}

fn from_mapping(checking: &mut Checking<'_>, name: &str, node: &Node) -> Option<Form> {
    let what = format!("value `{name}`");
    let of = expression::read(&mut checking.cx, node.at(&["histogram"])?, &what)?;
    let condition = match node.at(&["if"]) {
        Some(condition) => Some(expression::read(&mut checking.cx, condition, &what)?),
        None => None,
    };
    let buckets = match (node.at(&["linear"]), node.at(&["buckets"])) {
        (Some(_), Some(buckets)) => {
            let problem = checking.cx.error(codes::KEY_COUNT, buckets.span, "`linear` and `buckets` are both given");
            checking.cx.report(problem.help("remove one of them"));
            return None;
        }
        (Some(linear), None) => self::linear(checking, linear)?,
        (None, Some(buckets)) => edges(checking, buckets)?,
        (None, None) => (Buckets::PowersOfTwo, None),
    };
    let (buckets, of_times) = buckets;
    Some((ValueForm { statistic: Statistic::Histogram(buckets), of: Some(of), condition }, of_times))
}

/// `[0, 4096, 512]`
fn linear(checking: &mut Checking<'_>, node: &Node) -> Option<(Buckets, Option<bool>)> {
    let (numbers, of_times) = numbers(checking, node)?;
    let [low, high, step] = numbers[..] else { return None };
    let message = match (high > low, step > 0) {
        (false, _) if high == low => format!("the buckets begin and end at {high}"),
        (false, _) => format!("the buckets end at {high}, below {low}, where they begin"),
        (true, false) => format!("buckets cannot be {step} wide"),
        (true, true) if (high.abs_diff(low)) % step.unsigned_abs() != 0 => {
            format!("{high} - {low} is no multiple of {step}")
        }
        (true, true) if high.abs_diff(low) / step.unsigned_abs() > Buckets::MAX_LINEAR => {
            format!(
                "there would be {} buckets; at most {} are possible",
                high.abs_diff(low) / step.unsigned_abs(),
                Buckets::MAX_LINEAR
            )
        }
        (true, true) => return Some((Buckets::Linear { low, high, step: step.unsigned_abs() }, of_times)),
    };
    let problem = checking.cx.error(codes::OUT_OF_RANGE, node.span, message);
    checking.cx.report(problem.help("write from where, to where, how wide: `linear: [0, 4096, 512]`"));
    None
}

/// `[1ms, 10ms]`
fn edges(checking: &mut Checking<'_>, node: &Node) -> Option<(Buckets, Option<bool>)> {
    let (edges, of_times) = numbers(checking, node)?;
    if let Some(at) = edges.windows(2).position(|pair| pair[0] >= pair[1]) {
        let span = node.items().get(at + 1).map_or(node.span, |item| item.span);
        let problem = checking.cx.error(codes::OUT_OF_RANGE, span, "an edge is not above the one before it");
        checking.cx.report(problem.help("write the edges in order, each once"));
        return None;
    }
    Some((Buckets::Edges(edges.into()), of_times))
}

/// Integers and sizes of a list, or durations, and whether they are these: nobody knows of zero.
fn numbers(checking: &mut Checking<'_>, node: &Node) -> Option<(Vec<i64>, Option<bool>)> {
    let (mut numbers, mut of_times) = (Vec::new(), None);
    for item in node.items() {
        let number = match item.to_json() {
            Json::Number(number) => number.as_i64().map(|number| (number, false)),
            Json::String(text) => expr::parse(&text).ok().and_then(|expr| constant(&expr)),
            _other => None,
        };
        let Some((number, is_time)) = number else {
            if is_too_large(&item.to_json()) {
                let message = format!("an edge cannot be `{}`: it is too large", item.shown(&checking.cx.source.text));
                let problem = checking.cx.error(codes::OUT_OF_RANGE, item.span, message);
                checking.cx.report(problem.help("at most 9223372036854775807 is possible, as a time `2562047h`"));
                return None;
            }
            let problem = checking.cx.error(codes::WRONG_FORM, item.span, "an edge must be a whole number");
            checking.cx.report(problem.help("with or without a unit: `512`, `-1`, `10ms`, `64KiB`"));
            return None;
        };
        if number != 0 && *of_times.get_or_insert(is_time) != is_time {
            let problem = checking.cx.error(codes::WRONG_FORM, item.span, "edges are times, or numbers: not both");
            checking.cx.report(problem.help("write each with a unit of time, or none"));
            return None;
        }
        numbers.push(number);
    }
    Some((numbers, of_times))
}

/// True for a whole number that does not fit 64 bits with a sign.
fn is_too_large(edge: &Json) -> bool {
    match edge {
        Json::Number(number) => number.is_u64(),
        Json::String(text) => {
            let digits = text.trim_start_matches('-').trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let is_whole = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
            // With a number that does fit, its unit is known.
            let (sign, unit) = text.split_once(digits).unwrap_or(("", ""));
            is_whole && expr::parse(&format!("{sign}1{unit}")).is_ok_and(|expr| constant(&expr).is_some())
        }
        _other => false,
    }
}

/// The number, and whether it is a time.
fn constant(expr: &Expr) -> Option<(i64, bool)> {
    match &expr.node {
        ExprNode::Number(number) => Some((i64::try_from(*number).ok()?, false)),
        ExprNode::Duration(ns) => Some((i64::try_from(*ns).ok()?, true)),
        ExprNode::Unary { op: UnaryOp::Minus, of } => {
            constant(of).and_then(|(number, is_time)| Some((number.checked_neg()?, is_time)))
        }
        _other => None,
    }
}

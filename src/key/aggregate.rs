// SPDX-License-Identifier: MIT OR Apache-2.0
//! `aggregate: { by: [comm], values: { calls: count() }, top: 20 }`

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::json;

use super::aggregate_value::{self, ValueText};
use super::definition::{Checking, Key, Need, needless};
use super::expression;
use super::fields::{MAX_NAME_BYTES, is_reserved_in_rows, reserved_in_rows, sibling, wrong_field_of_row};
use super::set_names::note_sets;
use crate::config::forms::Ordered;
use crate::config::{Node, codes, is_identifier};
use crate::spec::{Aggregate, AggregateKey, AggregatePart, AggregateValue, Expr, ExprNode, Place, Top};
use crate::words;

pub(super) const AGGREGATE: Key = Key {
    word: "aggregate",
    schema: |schemas| schemas.subschema_for::<Form>(),
    needs: Some(Need {
        met: |program| program.captures(),
        refuse: |cx, program| needless(cx, program, "aggregate", "reports what it counts itself"),
    }),
    check,
    ..Key::PLAIN
};

/// One table, or a list of them.
struct Form;

impl JsonSchema for Form {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Aggregate".into()
    }
    /// As for `StringOr`: each keyword touches one type only.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<Table>();
        let mut schema = Table::json_schema(generator);
        for (key, value) in [
            ("type", json!(["object", "array"])),
            ("items", table.to_value()),
            ("minItems", json!(1)),
            ("maxItems", json!(Aggregate::MAX_TABLES)),
            ("description", json!(DOC)),
        ] {
            schema.insert(key.to_owned(), value);
        }
        schema
    }
}

const DOC: &str = "Count events in the kernel instead of reporting each: a table, or a list of up to 4 tables that each event is \
                   counted in. Every `interval` the rows are reported, one for each combination of keys that occurred, and counting \
                   begins again. Captures are only names here. `where` must be decided in the kernel.";

/// A table that events are counted in.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [
    { "by": ["comm"], "values": { "calls": "count()" } },
    { "by": { "error": "retval as errno" }, "values": { "took": "histogram(duration)" }, "top": "20 by took" }
]))]
#[expect(dead_code, reason = "for the schema: what is in it is read with its places")]
struct Table {
    /// The name of the table: it stands in `table` of each row. Tables in a list need one.
    #[serde(default)]
    #[schemars(extend("examples" = ["by_command"]))]
    name: Option<String>,
    /// The keys that rows are told apart by: a list of expressions, of which each has the last name in it as its own
    /// (`start.comm`: `comm`; one that is reserved, that of its type: `type as socket_type`: `socket_type`), or a mapping from names to expressions. At most 8, of any type, 512 bytes in all; a text has
    /// 64 bytes unless told otherwise (`string(100)`). Without keys there is one row.
    #[serde(default)]
    by: Option<By>,
    /// What is counted: names, each with `count()`, `sum(x)`, `min(x)`, `max(x)`, `avg(x)` or `histogram(x)`, and perhaps a
    /// condition after `if`. At most 16.
    #[schemars(extend(
        "minProperties" = 1, "maxProperties" = Aggregate::MAX_VALUES,
        "examples" = [{ "calls": "count()", "failed": "count() if retval < 0", "took": "histogram(duration)" }]
    ))]
    values: Ordered<ValueText>,
    /// Report only the first rows: `20`, or `20 by NAME` for the order of another value than the first. How many more there were is said
    /// with them.
    #[serde(default)]
    top: Option<TopText>,
    /// Never begin again: values are those since the start.
    #[serde(default)]
    cumulative: bool,
    /// How many rows there is room for. What would make more is counted as lost.
    #[serde(default)]
    #[schemars(range(min = 1, max = MAX_ROWS), extend("default" = Aggregate::DEFAULT_ROWS))]
    max_keys: Option<u32>,
}

const MAX_ROWS: u32 = 1 << 20;

/// Expressions, with or without names of their own.
struct By;

impl JsonSchema for By {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "AggregateKeys".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let most = Aggregate::MAX_KEYS;
        schemars::json_schema!({
            "type": ["array", "object"],
            "items": { "type": "string" },
            "maxItems": most,
            "additionalProperties": { "type": "string" },
            "maxProperties": most,
            "examples": [["comm"], { "error": "retval as errno", "file": "filename as user_string" }],
        })
    }
}

/// A number, or a number and the name of a value.
struct TopText;

impl JsonSchema for TopText {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Top".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": ["integer", "string"], "minimum": 1, "maximum": MAX_ROWS, "examples": [20, "20 by calls"] })
    }
}

fn check(checking: &mut Checking<'_>) {
    let Some(node) = checking.cx.node.at(&["aggregate"]) else { return };
    let several = !node.items().is_empty();
    let nodes: Vec<&Node> = if several { node.items().iter().collect() } else { vec![node] };
    let mut tables: Vec<Aggregate> = Vec::new();
    for (number, node) in nodes.iter().enumerate() {
        let name = node.at(&["name"]).and_then(Node::text);
        if let Some(problem) = wrong_table_name(checking, node, name, several, &tables) {
            checking.cx.report(problem);
        }
        let (keys, values) = (keys(checking, node, number), aggregate_value::values(checking, node, number));
        for value in &values {
            if keys.iter().any(|key| key.name == value.name) {
                let message = format!("a key and a value have the name `{}`", value.name);
                let place = node.at(&["values"]).and_then(|values| values.get(&value.name));
                let span = place.map_or(node.span, |entry| entry.key_span);
                let problem = checking.cx.error(codes::FIELD_CLASH, span, message);
                checking.cx.report(problem.help("rename one of them"));
            }
        }
        refuse_ambiguous(checking, node, &keys, &values);
        let flag = |word: &str| matches!(node.at(&[word]).map(Node::to_json), Some(serde_json::Value::Bool(true)));
        let rows = node.at(&["max_keys"]).and_then(|node| node.to_json().as_u64());
        tables.push(Aggregate {
            name: name.map(str::to_owned),
            top: top(checking, node, &values),
            keys,
            values,
            cumulative: flag("cumulative"),
            max_keys: rows.and_then(|rows| u32::try_from(rows).ok()).unwrap_or(Aggregate::DEFAULT_ROWS),
        });
    }
    refuse_limits(checking);
    checking.then(move |draft| draft.spec.aggregates.clone_from(&tables));
}

/// What is counted has no events of which only some pass.
fn refuse_limits(checking: &mut Checking<'_>) {
    let cx = &mut checking.cx;
    if cx.node.get("limits").is_none() {
        return;
    }
    let problem = cx.error(codes::NEEDLESS_LIMITS, cx.key(&["limits"]), "`limits` and `aggregate` do not go together");
    let problem = problem.related(cx.at(cx.key(&["aggregate"])), "every event is counted here");
    cx.report(problem.help("remove `limits`; to count only some events, use `where`, or `if` after a value"));
}

/// What is wrong with the name of a table: tables of a list need one each.
fn wrong_table_name(
    checking: &Checking<'_>,
    node: &Node,
    name: Option<&str>,
    several: bool,
    before: &[Aggregate],
) -> Option<crate::config::Problem> {
    let cx = &checking.cx;
    let span = node.at(&["name"]).map_or(node.span, |name| name.span);
    match name {
        None if several => {
            let problem = cx.error(codes::MISSING_KEY, node.span, "a table of a list has no name");
            Some(problem.help("add `name: NAME` to each table"))
        }
        Some(name) if before.iter().any(|table| table.name.as_deref() == Some(name)) => Some(
            cx.error(codes::FIELD_CLASH, span, format!("two tables have the name `{name}`")).help("rename one of them"),
        ),
        Some(name) if !is_identifier(name) || name.len() > MAX_NAME_BYTES => {
            let message = format!("`{name}` is not a valid name of a table");
            let label = format!("letters, digits and `_`, no leading digit, at most {MAX_NAME_BYTES}");
            Some(cx.error(codes::FIELD_NAME, span, message).label(label))
        }
        Some(_) | None => None,
    }
}

/// `by`
fn keys(checking: &mut Checking<'_>, table: &Node, number: usize) -> Vec<AggregateKey> {
    let Some(by) = table.at(&["by"]) else { return Vec::new() };
    let mut keys: Vec<AggregateKey> = Vec::new();
    let listed = by.items().iter().map(|node| (None, node));
    let named = by.entries().iter().map(|entry| (Some(entry), &entry.value));
    for (entry, node) in listed.chain(named) {
        let what = entry.map_or_else(|| "key".to_owned(), |entry| format!("key `{}`", entry.key));
        let Some(expr) = expression::read(&mut checking.cx, node, &what) else { continue };
        let name = match entry {
            Some(entry) => Some((entry.key.clone(), entry.key_span)),
            None => name_in_list(&expr).map(|name| (name, node.span)),
        };
        let Some((name, span)) = name else {
            let message = format!("the key `{expr}` has no name");
            let problem = checking.cx.error(codes::FIELD_NAME, node.span, message);
            checking.cx.report(problem.help(format!("write a mapping: `by: {{ NAME: {expr} }}`")));
            continue;
        };
        if entry.is_none() && is_reserved_in_rows(&name) {
            let message = format!("a key cannot have the reserved name `{name}`");
            let problem = checking.cx.error(codes::FIELD_NAME, span, message).label("reserved");
            checking.cx.report(reserved_in_rows(problem, &format!("write a mapping: `by: {{ my_{name}: {expr} }}`")));
            continue;
        }
        if wrong_field_of_row(checking, "key", &name, span) {
            continue;
        }
        if keys.iter().any(|key| key.name == name) {
            let problem = checking.cx.error(codes::FIELD_CLASH, span, format!("two keys have the name `{name}`"));
            checking.cx.report(problem.help("write a mapping, in which each has a name of its own"));
            continue;
        }
        if note_sets(checking, &expr, node) {
            checking.cx.note_text(Place::Aggregate(AggregatePart::Key, number, keys.len()), node);
            keys.push(AggregateKey { name, expr });
        }
    }
    keys
}

/// Labels stand in each row, and a text that was cut has `NAME_truncated` beside it: no key and no value can be called so.
fn refuse_ambiguous(checking: &mut Checking<'_>, node: &Node, keys: &[AggregateKey], values: &[AggregateValue]) {
    let names = || keys.iter().map(|key| &key.name).chain(values.iter().map(|value| &value.name));
    let place = |name: &str| {
        let entry = |part: &str| node.at(&[part]).and_then(|part| part.get(name));
        entry("by").or_else(|| entry("values")).map_or(node.span, |entry| entry.key_span)
    };
    let labels: Vec<String> =
        checking.cx.node.at(&["labels"]).into_iter().flat_map(Node::entries).map(|label| label.key.clone()).collect();
    for name in names() {
        let marked = sibling(name).filter(|(text, ..)| names().any(|known| known == text));
        let message = match marked {
            _ if labels.contains(name) => format!("a label has the name `{name}` as well"),
            Some((text, what, _)) => format!("`{name}` clashes with the field that marks that `{text}` {what}"),
            None => continue,
        };
        let problem = checking.cx.error(codes::FIELD_CLASH, place(name), message);
        checking.cx.report(problem.help("rename one of them"));
    }
}

/// What a key of a list is called: the last name of its path, or where no field of a row can be called so, what it is read as:
/// `socket_type` of `type as socket_type`.
fn name_in_list(expr: &Expr) -> Option<String> {
    let name = last_name(expr)?;
    match &expr.node {
        ExprNode::Cast { cast, .. } if is_reserved_in_rows(&name) => Some(cast.noun().unwrap_or(name)),
        _other => Some(name),
    }
}

/// The last name of a path: `comm` of `start.comm`, `kstack` of `kstack(5)`.
fn last_name(expr: &Expr) -> Option<String> {
    match &expr.node {
        ExprNode::Name(name) | ExprNode::Member { name, .. } => Some(name.clone()),
        ExprNode::Call { name, .. } if name == "kstack" || name == "ustack" => Some(name.clone()),
        ExprNode::Index { of, .. } | ExprNode::Cast { of, .. } => last_name(of),
        ExprNode::Number(_)
        | ExprNode::Duration(_)
        | ExprNode::Text(_)
        | ExprNode::Bool(_)
        | ExprNode::Null
        | ExprNode::ContainerOf { .. }
        | ExprNode::Call { .. }
        | ExprNode::Method { .. }
        | ExprNode::Unary { .. }
        | ExprNode::Binary { .. }
        | ExprNode::In { .. }
        | ExprNode::List(_) => None,
    }
}

/// `20`, `20 by calls`
fn top(checking: &mut Checking<'_>, table: &Node, values: &[crate::spec::AggregateValue]) -> Option<Top> {
    let node = table.at(&["top"])?;
    let written = match node.to_json() {
        serde_json::Value::String(text) => text,
        number => number.to_string(),
    };
    let (rows, by) = match written.split_once(" by ") {
        Some((rows, by)) => (rows.trim(), Some(by.trim())),
        None => (written.trim(), None),
    };
    let rows = rows.parse().ok().filter(|rows| (1..=MAX_ROWS).contains(rows));
    let by_name = |by: &str| values.iter().position(|value| value.name == by);
    match (rows, by.map(|by| (by, by_name(by)))) {
        (Some(rows), None) => Some(Top { rows, by: 0 }),
        (Some(rows), Some((_, Some(by)))) => Some(Top { rows, by }),
        (Some(_), Some((by, None))) => {
            let problem = checking.cx.error(codes::WRONG_FORM, node.span, format!("there is no value `{by}`"));
            let known = values.iter().map(|value| value.name.as_str());
            checking.cx.report(problem.maybe_help(words::suggest(by, known, "there are")));
            None
        }
        (None, _) => {
            let problem = checking.cx.error(codes::WRONG_FORM, node.span, format!("`top: {written}` is malformed"));
            checking.cx.report(problem.help("write how many rows, and by which value if not the first: `20 by calls`"));
            None
        }
    }
}

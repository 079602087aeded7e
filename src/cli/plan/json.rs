// SPDX-License-Identifier: MIT OR Apache-2.0
//! The plan for machines.

use serde_json::{Map, Value, json};

use super::sets::PlannedSet;
use super::tables::PlannedTable;
use super::{Planned, sets, spans, tables};
use crate::cli::programs::kind;
use crate::config::Config;
use crate::expr::{ClausePlan, Decided};
use crate::hook::leaves_itself_out;
use crate::kernel::{Finding, FunctionOutline, KernelError, Need};
use crate::spec::{Hook, ParamValue, Place, SinkSpec, SpanRole};

/// `{"probes": […], "parked": […]}`
pub(super) fn document(planned: &[Planned<'_>], config: &Config) -> Value {
    json!({
        "probes": planned.iter().map(|probe| probe_json(probe, config)).collect::<Vec<_>>(),
        "parked": config.parked.iter().map(|id| &id.name).collect::<Vec<_>>(),
    })
}

fn probe_json(probe: &Planned<'_>, config: &Config) -> Value {
    let spec = &probe.spec;
    let params: Map<String, Value> = spec.params.iter().map(|(name, value)| (name.clone(), param(value))).collect();
    let labels: Map<String, Value> = spec.labels.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let sinks = spec.sinks.iter().filter_map(|id| config.sinks.get(id.0));
    let ring = probe.program.event.as_ref().map(|_| probe.outline.ring_bytes);
    json!({
        "name": spec.id.name,
        "place": probe.probe.locate(&Place::Probe).to_string(),
        "program": probe.program.name,
        "hook": spec.hook.as_ref().map_or("own", |hook| hook.kind.word()),
        "targets": targets(probe),
        // What the rest is said of, where there are several.
        "target": probe.targets.first(),
        "functions": probe.outline.functions.iter().map(function).collect::<Vec<_>>(),
        "needs": probe.outline.needs.iter().map(need).collect::<Vec<_>>(),
        "params": params,
        "captures": probe.prepared.as_ref().map(|_| captures(probe)),
        "where": probe.prepared.as_ref().map(|prepared| prepared.clauses.iter().map(condition).collect::<Vec<_>>()),
        "spans": spans::of(probe).map(spans::json),
        "tables": tables::of(probe).iter().map(PlannedTable::json).collect::<Vec<_>>(),
        "sets": sets::of(probe, config).iter().map(PlannedSet::json).collect::<Vec<_>>(),
        "counters": probe.program.counters.as_ref().map(|counters| {
            counters.row.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>()
        }),
        "interval_ms": probe.program.counters.as_ref().map(|_| spec.interval.as_millis() as u64),
        "record_bytes": probe.record_bytes(),
        "ring_bytes": ring,
        "include_self": probe.program.captures().then(|| !leaves_itself_out(spec)),
        "limits": probe.program.limit_table.as_ref().map(|_| json!({
            "sample": spec.limits.sample.map(|one_in| format!("1/{one_in}")),
            "rate_limit": spec.limits.rate.map(|rate| rate.to_string()),
        })),
        "maps": probe.outline.maps.iter().map(|(name, bytes)| json!({ "name": name, "bytes": bytes })).collect::<Vec<_>>(),
        "kernel_bytes": probe.kernel_bytes(),
        "kernel_bytes_of_all_targets": probe.kernel_bytes().saturating_mul(probe.targets.len().max(1) as u64),
        "sinks": sinks.map(sink).collect::<Vec<_>>(),
        "labels": labels,
        "user_space": probe.in_user_space(),
        "problems": probe.findings.iter().map(problem).collect::<Vec<_>>(),
    })
}

/// Those that have a program each, or all that the one program is at.
fn targets(probe: &Planned<'_>) -> Vec<String> {
    let together = probe.spec.hook.as_ref().and_then(Hook::several).filter(|_| probe.targets.is_empty());
    together.map_or_else(|| probe.targets.clone(), |all| all.into_iter().map(str::to_owned).collect())
}

fn param(value: &ParamValue) -> Value {
    match value {
        ParamValue::Bool(value) => json!(value),
        ParamValue::Int(value) => i64::try_from(*value).map_or_else(|_| json!(*value as u64), |value| json!(value)),
        ParamValue::Text(text) => json!(text),
    }
}

fn function(one: &FunctionOutline) -> Value {
    json!({ "function": one.function, "at": one.at, "role": one.role.map(SpanRole::word), "mechanism": one.mechanism, "why": one.why })
}

fn need(need: &Need) -> Value {
    let since = Some(need.since).filter(|since| !since.is_empty());
    json!({ "what": need.what, "since": since, "there": need.there })
}

fn captures(probe: &Planned<'_>) -> Vec<Value> {
    let capture = |line: &super::CaptureLine<'_>| {
        json!({
            "name": line.field.name,
            "expression": line.expression,
            "type": kind(line.field),
            "bytes": line.bytes(),
            "from": line.from,
        })
    };
    probe.captures().iter().map(capture).collect()
}

fn condition(clause: &ClausePlan) -> Value {
    let (tests, nanoseconds, why) = match &clause.decided {
        Decided::Kernel { tests, nanoseconds } => (Some(tests), Some(nanoseconds), None),
        Decided::UserSpace { why } => (None, None, Some(why)),
    };
    let place = if why.is_none() { "kernel" } else { "user space" };
    json!({ "condition": clause.text, "in": place, "tests": tests, "nanoseconds": nanoseconds, "because": why })
}

fn sink(sink: &SinkSpec) -> Value {
    json!({
        "name": sink.name,
        "destination": sink.destination.kind().name(),
        "path": sink.destination.path(),
        "format": sink.format.map(crate::spec::Format::name),
        "mode": sink.rights.mode.map(|mode| format!("{mode:04o}")),
        "owner": sink.rights.owner(),
    })
}

fn problem(finding: &Finding) -> Value {
    let (severity, error) = match finding {
        Finding::Wrong(error) => ("error", error),
        Finding::Warning(error) => ("warning", error),
        Finding::Unknown(error) => ("unknown", error),
    };
    let KernelError { message, help, .. } = error;
    json!({ "severity": severity, "message": message, "help": help })
}

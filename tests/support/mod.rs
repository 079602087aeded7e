// SPDX-License-Identifier: MIT OR Apache-2.0
//! A catalogue for tests that are not about programs.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use ebpf_run::catalog::{Catalog, Counters, HookDecl, Param, ParamType, Program};
use ebpf_run::spec::{Field, FieldType, HookKind, Layout, ParamValue, Site};

/// `packet_count`, `trace` and `exec`, much like the built-in ones.
pub(crate) fn catalog() -> Catalog {
    Catalog::new(vec![packet_count(), trace(), exec()])
}

fn hook(kind: &str, target: Option<&str>) -> HookDecl {
    let kind = HookKind::of_word(kind).unwrap();
    let site = target.map(|target| Site::of_section(kind, target).unwrap());
    HookDecl { function: format!("on_{kind}"), kind, site, point: None, end: None, only_if: None }
}

fn field(name: &str) -> Field {
    let (offset, size, kind) = (0, 8, FieldType::Unsigned);
    Field {
        name: name.to_owned(),
        offset,
        size,
        kind,
        absent_bit: None,
        of_end: None,
        bits: None,
        unit: String::new(),
        doc: String::new(),
    }
}

fn layout(names: &[&str]) -> Layout {
    Layout { size: 64, fields: names.iter().map(|name| field(name)).collect(), ..Layout::default() }
}

fn program(name: &str, hooks: Vec<HookDecl>) -> Program {
    let doc = format!("The program {name}.");
    Program {
        name: name.to_owned(),
        doc,
        hooks,
        many: Vec::new(),
        params: Vec::new(),
        event: None,
        counters: None,
        no_link_header: None,
        fetch_table: None,
        syscall_table: None,
        limit_table: None,
        object: [].as_slice().into(),
        light: None,
        span: None,
        counting: None,
    }
}

fn packet_count() -> Program {
    let row = layout(&["protocol", "packets", "bytes"]);
    let counters = Counters { map: "counts".to_owned(), key_size: 4, value_size: 16, row };
    Program { counters: Some(counters), ..program("packet_count", vec![hook("xdp", None)]) }
}

/// The built-in one: what it can capture is written in its object.
fn trace() -> Program {
    ebpf_run::catalog::builtin().unwrap().get("trace").unwrap().as_ref().clone()
}

fn exec() -> Program {
    let param = |name: &str, ty, default, unit: &str, doc: &str| Param {
        name: name.to_owned(),
        ty,
        default,
        unit: unit.to_owned(),
        doc: doc.to_owned(),
        offset: 0,
        sizes: None,
    };
    let int = |size| ParamType::integer(size, false);
    let params = vec![
        param("min_duration_ns", int(8), ParamValue::Int(0), "ns", "Only processes that lived at least as long."),
        param("uid", int(4), ParamValue::Int(0), "", "Only processes of this user."),
        param("ignore_failed", ParamType::Bool, ParamValue::Bool(false), "", "Leave out what could not be started."),
        param(
            "comm",
            ParamType::Text { size: 16 },
            ParamValue::Text(String::new()),
            "",
            "Only processes of this name.",
        ),
    ];
    let hooks = vec![
        hook("tracepoint", Some("sched/sched_process_exec")),
        hook("tracepoint", Some("sched/sched_process_exit")),
    ];
    let event = Some(layout(&["filename", "args", "ppid", "exit_code", "duration"]));
    let limit_table = trace().limit_table;
    Program { params, event, limit_table, ..program("exec", hooks) }
}

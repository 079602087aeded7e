// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run doctor`: what this machine can do.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::args::Listing;
use super::exit::FAILED;
use super::terminal::{print, print_json, stdout_color};
use crate::kernel::{Diagnosis, Facts, Host, Outcome, Try, examine, quiet_libbpf};
use crate::spec::{Hook, Site};
use crate::words::{Refusal, path_text, shown};

const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const RED: &str = "\x1b[31m";
const DIM: &str = "\x1b[2m";

pub(super) fn doctor(format: Listing) -> ExitCode {
    quiet_libbpf();
    let diagnosis = examine(&Host::default());
    let printed = match format {
        Listing::Text => print(&page(&diagnosis, stdout_color())),
        Listing::Json => print_json(&format!("{:#}\n", to_json(&diagnosis))),
    };
    if diagnosis.all_work() { printed } else { ExitCode::from(FAILED) }
}

fn page(diagnosis: &Diagnosis, color: bool) -> String {
    let mut text = String::new();
    for (name, value) in facts(&diagnosis.facts) {
        let _ = writeln!(text, "{name:<17}  {}", shown(&value));
    }
    text.push('\n');
    let rows: Vec<[String; 2]> =
        diagnosis.tries.iter().map(|one| [title(&one.hook), shown(&tried_on(&one.hook)).into_owned()]).collect();
    let widest = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths = [widest(0).max(17), widest(1)];
    for ([hook, target], one) in rows.iter().zip(&diagnosis.tries) {
        let (paint, verdict) = verdict(&one.outcome);
        let (paint, dim, off) = if color { (paint, DIM, "\x1b[0m") } else { ("", "", "") };
        let time = match one.outcome {
            Outcome::Works => format!("  {dim}{:.1} ms{off}", one.took.as_secs_f64() * 1e3),
            Outcome::Needs(_) | Outcome::Refused(..) | Outcome::NotTried(_) => String::new(),
        };
        let [hook_width, width] = widths;
        let verdict = shown(&verdict);
        let _ = writeln!(text, "{hook:hook_width$}  {dim}{target:width$}{off}  {paint}{verdict}{off}{time}");
        if let Outcome::Refused(Refusal { help: Some(help), .. }) = &one.outcome {
            let _ = writeln!(text, "{:1$}  help: {2}", "", hook_width + 2 + width, shown(help));
        }
    }
    text
}

/// Name and value of what the machine says about itself.
fn facts(facts: &Facts) -> Vec<(&'static str, String)> {
    let unknown = || "unknown".to_owned();
    let btf = match facts.btf {
        Some((types, bytes)) => format!("{types} types, {:.1} MiB", bytes as f64 / f64::from(1 << 20)),
        None => "none: arguments have only numbers, no names or types (CONFIG_DEBUG_INFO_BTF)".to_owned(),
    };
    let user = if facts.uid == 0 { "root".to_owned() } else { format!("user {}", facts.uid) };
    let capabilities = match facts.capabilities.is_empty() {
        true => "without capabilities".to_owned(),
        false => facts.capabilities.join(" "),
    };
    let unprivileged = match facts.unprivileged_bpf_disabled {
        Some(0) => "allowed in part".to_owned(),
        Some(value) => format!("not allowed ({value})"),
        None => unknown(),
    };
    let jit = match facts.jit {
        Some(0) => "off: programs are interpreted, which is slow".to_owned(),
        Some(1) => "on".to_owned(),
        Some(_) => "on, and its code is logged: for debugging only".to_owned(),
        None => unknown(),
    };
    let limit =
        facts.memlock.limit_bytes.map_or_else(|| "unlimited".to_owned(), |bytes| format!("{} KiB", bytes >> 10));
    let memlock = match facts.memlock.counted {
        true => format!("counted against RLIMIT_MEMLOCK ({limit}), raised where allowed"),
        false => "not counted against RLIMIT_MEMLOCK".to_owned(),
    };
    let stats = match facts.bpf_stats {
        Some(true) => "on: every run of a program is measured, which costs time".to_owned(),
        Some(false) => "off".to_owned(),
        None => unknown(),
    };
    let path = |path: &std::path::Path| path_text(path).into_owned();
    let tracefs = match &facts.tracefs {
        Ok(Some(mounted)) => path(mounted),
        Ok(None) => "not mounted (not needed)".to_owned(),
        Err(reason) => reason.clone(),
    };
    vec![
        ("kernel", format!("{} {}", facts.release, facts.architecture)),
        ("BTF", btf),
        ("tracefs", tracefs),
        ("bpffs", facts.bpffs.as_deref().map_or_else(|| "not mounted (not needed)".to_owned(), path)),
        ("lockdown", facts.lockdown.clone().unwrap_or_else(|| "unknown: securityfs is not mounted".to_owned())),
        ("privileges", format!("{user}, {capabilities}")),
        ("unprivileged BPF", unprivileged),
        ("JIT", jit),
        ("memory of maps", memlock),
        ("run statistics", stats),
    ]
}

/// `xdp (native)`
fn title(hook: &Hook) -> String {
    match &hook.site {
        Site::Interface { mode, .. } => format!("{} ({})", hook.kind, mode.name()),
        Site::Traffic { direction, .. } => format!("{} ({})", hook.kind, direction.word()),
        Site::Cgroup { point, .. } => format!("{} ({})", hook.kind, point.word()),
        Site::Function { .. }
        | Site::Event(_)
        | Site::RawEvent(_)
        | Site::SecurityHook(_)
        | Site::Binary(_)
        | Site::Call { .. }
        | Site::Syscall(_)
        | Site::Timer(_)
        | Site::Profile(_)
        | Site::Perf { .. }
        | Site::Items(_) => hook.kind.to_string(),
    }
}

fn tried_on(hook: &Hook) -> String {
    match &hook.site {
        Site::Cgroup { path, .. } => path.clone(),
        site => hook.interface().map_or_else(|| site.to_string(), str::to_owned),
    }
}

fn verdict(outcome: &Outcome) -> (&'static str, String) {
    match outcome {
        Outcome::Works => (GREEN, "works".to_owned()),
        Outcome::Needs(what) => (YELLOW, format!("needs {what}")),
        Outcome::Refused(why) => (RED, format!("refused: {}", why.message)),
        Outcome::NotTried(why) => (DIM, format!("not tested: {why}")),
    }
}

fn to_json(diagnosis: &Diagnosis) -> Value {
    let facts = &diagnosis.facts;
    json!({
        "ok": diagnosis.all_work(),
        "kernel": { "release": facts.release, "architecture": facts.architecture },
        "btf": facts.btf.map(|(types, bytes)| json!({ "types": types, "bytes": bytes })),
        "tracefs": { "path": facts.tracefs.as_ref().ok(), "error": facts.tracefs.as_ref().err() },
        "bpffs": facts.bpffs,
        "lockdown": facts.lockdown,
        "uid": facts.uid,
        "capabilities": facts.capabilities,
        "unprivileged_bpf_disabled": facts.unprivileged_bpf_disabled,
        "jit": facts.jit,
        "memlock": { "counted": facts.memlock.counted, "limit_bytes": facts.memlock.limit_bytes },
        "bpf_stats": facts.bpf_stats,
        "hooks": diagnosis.tries.iter().map(try_json).collect::<Vec<_>>(),
    })
}

fn try_json(one: &Try) -> Value {
    let (result, detail, help) = match &one.outcome {
        Outcome::Works => ("works", None, None),
        Outcome::Needs(what) => ("needs", Some(what), None),
        Outcome::Refused(why) => ("refused", Some(&why.message), why.help.as_ref()),
        Outcome::NotTried(why) => ("not_tried", Some(why), None),
    };
    let mode = match &one.hook.site {
        Site::Interface { mode, .. } => Some(mode.name()),
        Site::Traffic { direction, .. } => Some(direction.word()),
        Site::Cgroup { point, .. } => Some(point.word()),
        Site::Function { .. }
        | Site::Event(_)
        | Site::RawEvent(_)
        | Site::SecurityHook(_)
        | Site::Binary(_)
        | Site::Call { .. }
        | Site::Syscall(_)
        | Site::Timer(_)
        | Site::Profile(_)
        | Site::Perf { .. }
        | Site::Items(_) => None,
    };
    json!({
        "hook": one.hook.kind.word(),
        "mode": mode,
        "on": Some(tried_on(&one.hook)).filter(|on| !on.is_empty()),
        "result": result,
        "detail": detail,
        "help": help,
        "took_us": one.took.as_micros() as u64,
    })
}

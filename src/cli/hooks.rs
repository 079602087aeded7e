// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run hooks`: what can be hooked on this machine.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::args::Listing;
use super::exit::{BAD_CONFIGURATION, FAILED};
use super::terminal::{print, print_json, stdout_color, tell};
use crate::kernel::{Found, Host, Listed, Pattern, Query, Search, binary_in_yaml, search};
use crate::words::{json_text, shown};

/// Most targets of one kind without `--all`.
const MOST: usize = 50;

#[derive(Debug, Args)]
pub(super) struct HooksArgs {
    /// Part of a name, or a pattern: `openat`, `tcp_*`, `sched:*`; `*` matches any text, `?` one character
    pattern: String,
    /// Show arguments and fields with their types
    #[arg(short, long)]
    verbose: bool,
    /// Only this kind of hook; may be repeated
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Vec<Kind>,
    /// Search this program or library instead of the kernel: a path, or a bare name as in `uprobe`
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Show all matches, not only the first 50 of each kind
    #[arg(long)]
    all: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = Listing::Text)]
    format: Listing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Kind {
    Kprobe,
    Kretprobe,
    Tracepoint,
    RawTracepoint,
    Lsm,
    Uprobe,
}

impl From<Kind> for Listed {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Kprobe => Self::Kprobe,
            Kind::Kretprobe => Self::Kretprobe,
            Kind::Tracepoint => Self::Tracepoint,
            Kind::RawTracepoint => Self::RawTracepoint,
            Kind::Lsm => Self::Lsm,
            Kind::Uprobe => Self::Uprobe,
        }
    }
}

pub(super) fn hooks(args: &HooksArgs) -> ExitCode {
    let host = Host::default();
    let mut kinds: Vec<Listed> = args.kind.iter().copied().map(Listed::from).collect();
    if args.binary.is_some() && kinds.is_empty() {
        kinds = vec![Listed::Uprobe];
    } else if kinds.contains(&Listed::Uprobe) && args.binary.is_none() {
        tell("error: functions of which binary? name it with `--binary FILE`");
        return ExitCode::from(BAD_CONFIGURATION);
    } else if args.binary.is_some() && kinds.iter().any(|kind| *kind != Listed::Uprobe) {
        tell("error: the functions of a binary are for uprobes: leave out `--binary`, or every `--kind` but `uprobe`");
        return ExitCode::from(BAD_CONFIGURATION);
    } else if kinds.is_empty() {
        kinds = vec![Listed::Tracepoint, Listed::RawTracepoint, Listed::Lsm];
        if host.has_kprobes() {
            kinds.push(Listed::Kprobe);
        } else {
            tell("note: this kernel has no kprobes: its functions are left out (`--kind kprobe` lists them)");
        }
    }
    kinds.sort();
    kinds.dedup();
    let most = if args.all { usize::MAX } else { MOST };
    let binary = args.binary.as_deref().map(binary_in_yaml);
    let pattern = Pattern::new(&args.pattern);
    let query = Query { pattern, kinds, details: args.verbose, most, binary: binary.clone() };
    let found = search(&query, &host);
    let printed = match args.format {
        Listing::Text => print(&text(&found, binary.as_deref(), stdout_color())),
        Listing::Json => print_json(&format!("{:#}\n", to_json(&found, binary.as_deref()))),
    };
    found.notes.iter().for_each(|note| tell(&format!("note: {note}")));
    for (kind, more) in &found.more {
        tell(&format!("note: {more} more match as {}: --all lists them", kind.name()));
    }
    if found.found.is_empty() {
        tell(&format!("error: nothing here matches `{}`", args.pattern));
        if let Some((kind, target)) = with_kind(&args.pattern) {
            tell(&format!("help: without the kind: `ebpf-run hooks '{target}' --kind {kind}`"));
        } else if !found.nearest.is_empty() {
            tell(&format!("help: did you mean `{}`?", found.nearest.join("`, `")));
        }
        return ExitCode::from(FAILED);
    }
    printed
}

/// Kind and target of what bpftrace and the YAML call a hook: `tracepoint:sched:sched_switch`, `kprobe: do_exit`.
fn with_kind(pattern: &str) -> Option<(String, &str)> {
    let (word, target) = pattern.split_once(':')?;
    let kind = Kind::from_str(word, true).ok()?.to_possible_value()?.get_name().to_owned();
    let target = target.trim().trim_matches('"');
    (kind != "uprobe" && !target.is_empty()).then_some((kind, target))
}

/// Lines for the YAML; everything else is a comment there.
fn text(search: &Search, binary: Option<&str>, color: bool) -> String {
    let (dim, off) = if color { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
    let mut text = String::new();
    for one in &search.found {
        let remark =
            if one.remark.is_empty() { String::new() } else { format!("  {dim}# {}{off}", shown(&one.remark)) };
        let _ = writeln!(text, "{}{remark}", yaml(one, binary));
        for line in details(one) {
            let _ = writeln!(text, "  {dim}# {}{off}", shown(&line));
        }
    }
    text
}

/// `kprobe: tcp_v4_connect`
fn yaml(found: &Found, binary: Option<&str>) -> String {
    match found.kind {
        Listed::Tracepoint => format!("tracepoint: {}", quoted(&found.target)),
        Listed::Kprobe | Listed::Kretprobe | Listed::RawTracepoint | Listed::Lsm => match &*found.target {
            plain if plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.$".contains(&byte)) => {
                format!("{}: {plain}", found.kind.name())
            }
            odd => format!("{}: {}", found.kind.name(), quoted(odd)),
        },
        Listed::Uprobe => {
            format!("uprobe: {{ binary: {}, symbol: {} }}", quoted(binary.unwrap_or_default()), quoted(&found.target))
        }
    }
}

/// JSON's quotes are YAML's: names of C++ and paths can hold anything.
fn quoted(text: &str) -> String {
    json_text(&json!(text).to_string()).into_owned()
}

/// A function as C declares it; a tracepoint's fields, one a line.
fn details(found: &Found) -> Vec<String> {
    let Some(params) = &found.params else { return Vec::new() };
    let params = params.iter().map(|(name, c_type)| declaration(name, c_type));
    match found.kind {
        Listed::Kprobe | Listed::Kretprobe | Listed::Lsm => {
            let returns = found.returns.as_deref().unwrap_or("void");
            vec![format!("{}({})", declaration(&found.target, returns), params.collect::<Vec<_>>().join(", "))]
        }
        Listed::RawTracepoint => vec![format!("{}({})", found.target, params.collect::<Vec<_>>().join(", "))],
        Listed::Tracepoint | Listed::Uprobe => params.collect(),
    }
}

/// `struct sock *sk`, `char comm[16]`
fn declaration(name: &str, c_type: &str) -> String {
    let (base, brackets) = c_type.find('[').map_or((c_type, ""), |at| c_type.split_at(at));
    let space = if base.ends_with('*') || name.is_empty() { "" } else { " " };
    format!("{base}{space}{name}{brackets}")
}

fn to_json(search: &Search, binary: Option<&str>) -> Value {
    let hook = |found: &Found| {
        let param = |(name, c_type): &(String, String)| json!({ "name": name, "type": c_type });
        json!({
            "kind": found.kind.name(),
            "target": found.target,
            "yaml": yaml(found, binary),
            "params": found.params.as_ref().map(|params| params.iter().map(param).collect::<Vec<_>>()),
            "returns": found.returns,
            "remark": Some(&found.remark).filter(|remark| !remark.is_empty()),
        })
    };
    let more: Map<String, Value> =
        search.more.iter().map(|(kind, count)| (kind.name().to_owned(), json!(count))).collect();
    json!({
        "hooks": search.found.iter().map(hook).collect::<Vec<_>>(),
        "more": more,
        "notes": search.notes,
        "nearest": search.nearest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(kind: Listed, target: &str, params: &[(&str, &str)]) -> Found {
        let params = params.iter().map(|(name, c_type)| ((*name).to_owned(), (*c_type).to_owned())).collect();
        let returns = Some("int".to_owned()).filter(|_| kind == Listed::Kprobe);
        Found { kind, target: target.to_owned(), params: Some(params), returns, remark: String::new() }
    }

    /// A pattern may name its kind in front, as the output does; categories are no kinds.
    #[test]
    fn kinds_in_front() {
        let found = |pattern| with_kind(pattern).map(|(kind, target)| format!("{kind} {target}"));
        assert_eq!(found("kprobe: do_exit").as_deref(), Some("kprobe do_exit"));
        assert_eq!(found("tracepoint:sched:sched_switch").as_deref(), Some("tracepoint sched:sched_switch"));
        assert_eq!(found("sched:sched_switch"), None);
    }

    /// Every line is YAML; functions and fields are written as C does.
    #[test]
    fn lines() {
        let function = found(Listed::Kprobe, "tcp_v4_connect", &[("sk", "struct sock *"), ("addr_len", "int")]);
        let event = found(Listed::Tracepoint, "sched:sched_switch", &[("prev_comm", "char[16]"), ("name", "char[]")]);
        let raw = found(Listed::RawTracepoint, "sched_switch", &[("preempt", "bool"), ("", "struct rq *")]);
        let mut remark = found(Listed::Kretprobe, "a", &[]);
        (remark.params, remark.remark) = (None, "module x".to_owned());
        let search = Search { found: vec![function, event, raw, remark], ..Search::default() };
        let expected = "kprobe: tcp_v4_connect\n  # int tcp_v4_connect(struct sock *sk, int addr_len)\n\
            tracepoint: \"sched:sched_switch\"\n  # char prev_comm[16]\n  # char name[]\n\
            raw_tracepoint: sched_switch\n  # sched_switch(bool preempt, struct rq *)\nkretprobe: a  # module x\n";
        assert_eq!(text(&search, None, false), expected);
    }
}

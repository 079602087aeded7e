// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run hooks`: what can be hooked on this machine.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Map, Value, json};

use super::args::Listing;
use super::exit::{BAD_CONFIGURATION, FAILED};
use super::terminal::{print, print_json, stdout_color, tell};
use crate::kernel::{Declared, FoundHook, Host, Listed, Pattern, Query, Search, Signature, binary_in_yaml, search};
use crate::spec::HookKind;
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
    #[arg(long, value_parser = kinds(), value_name = "KIND")]
    kind: Vec<Listed>,
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

fn kinds() -> impl TypedValueParser<Value = Listed> {
    let words = PossibleValuesParser::new(Listed::all().into_iter().map(Listed::name));
    words.try_map(|word| Listed::of_word(&word).ok_or("no such kind"))
}

pub(super) fn hooks(args: &HooksArgs) -> ExitCode {
    let host = Host::default();
    let mut kinds = args.kind.clone();
    if args.binary.is_some() && kinds.is_empty() {
        kinds = Listed::all().into_iter().filter(|kind| kind.is_in_binary()).collect();
    } else if kinds.iter().any(|kind| kind.is_in_binary()) && args.binary.is_none() {
        let named = kinds.iter().find(|kind| kind.is_in_binary()).map_or("uprobe", |kind| kind.name());
        tell(&format!("error: `--kind {named}` needs `--binary FILE`"));
        return ExitCode::from(BAD_CONFIGURATION);
    } else if args.binary.is_some() && kinds.iter().any(|kind| !kind.is_in_binary()) {
        tell("error: `--binary` lists what `uprobe` and `usdt` can be at: leave it out, or use these kinds only");
        return ExitCode::from(BAD_CONFIGURATION);
    } else if kinds.is_empty() {
        let (unasked, left_out) = Listed::unasked(&host);
        left_out.iter().for_each(|why| tell(&format!("note: {why}")));
        kinds = unasked;
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
        tell(&format!("error: no match for `{}`", args.pattern));
        if let Some((kind, target)) = with_kind(&args.pattern) {
            tell(&format!("help: leave out the kind: `ebpf-run hooks '{target}' --kind {kind}`"));
        } else if !found.nearest.is_empty() {
            tell(&format!("help: did you mean `{}`?", found.nearest.join("`, `")));
        }
        return ExitCode::from(FAILED);
    }
    printed
}

/// Kind and target of what bpftrace and the YAML call a hook: `tracepoint:sched:sched_switch`, `kprobe: do_exit`.
fn with_kind(pattern: &str) -> Option<(&'static str, &str)> {
    let (word, target) = pattern.split_once(':')?;
    let kind = Listed::of_word(word).filter(|kind| !kind.is_in_binary())?;
    let target = target.trim().trim_matches('"');
    (!target.is_empty()).then_some((kind.name(), target))
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
fn yaml(found: &FoundHook, binary: Option<&str>) -> String {
    let (kind, target) = (found.kind.name(), &found.target);
    let binary_name = || quoted(binary.unwrap_or_default());
    if let Some((provider, name)) = target.split_once(':').filter(|_| found.kind.0 == HookKind::Usdt) {
        let (provider, name) = (quoted(provider), quoted(name));
        return format!("{kind}: {{ binary: {}, provider: {provider}, name: {name} }}", binary_name());
    }
    if found.kind.is_in_binary() {
        return format!("{kind}: {{ binary: {}, symbol: {} }}", binary_name(), quoted(target));
    }
    let is_plain = target.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.$".contains(&byte));
    if is_plain { format!("{kind}: {target}") } else { format!("{kind}: {}", quoted(target)) }
}

/// JSON's quotes are YAML's: names of C++ and paths can hold anything.
fn quoted(text: &str) -> String {
    json_text(&json!(text).to_string()).into_owned()
}

/// A function as C declares it; a tracepoint's fields, one a line.
fn details(found: &FoundHook) -> Vec<String> {
    let written =
        |params: &Declared| -> Vec<String> { params.iter().map(|(name, c_type)| declaration(name, c_type)).collect() };
    match &found.signature {
        Some(Signature::Function(params, returns)) => {
            vec![format!("{}({})", declaration(&found.target, returns), written(params).join(", "))]
        }
        Some(Signature::Event(params)) => vec![format!("{}({})", found.target, written(params).join(", "))],
        Some(Signature::Fields(params)) => written(params),
        None => Vec::new(),
    }
}

/// `struct sock *sk`, `char comm[16]`
fn declaration(name: &str, c_type: &str) -> String {
    let (base, brackets) = c_type.find('[').map_or((c_type, ""), |at| c_type.split_at(at));
    let space = if base.ends_with('*') || name.is_empty() { "" } else { " " };
    format!("{base}{space}{name}{brackets}")
}

fn to_json(search: &Search, binary: Option<&str>) -> Value {
    let hook = |found: &FoundHook| {
        let (params, returns) = match &found.signature {
            Some(Signature::Function(params, returns)) => (Some(params), Some(returns)),
            Some(Signature::Event(params) | Signature::Fields(params)) => (Some(params), None),
            None => (None, None),
        };
        let param = |(name, c_type): &(String, String)| json!({ "name": name, "type": c_type });
        json!({
            "kind": found.kind.name(),
            "target": found.target,
            "yaml": yaml(found, binary),
            "params": params.map(|params| params.iter().map(param).collect::<Vec<_>>()),
            "returns": returns,
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

    fn found(kind: HookKind, target: &str, signature: Option<Signature>) -> FoundHook {
        FoundHook { kind: Listed(kind), target: target.to_owned(), signature, remark: String::new() }
    }

    fn declared(params: &[(&str, &str)]) -> Declared {
        params.iter().map(|(name, c_type)| ((*name).to_owned(), (*c_type).to_owned())).collect()
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
        let params = declared(&[("sk", "struct sock *"), ("addr_len", "int")]);
        let signature = Signature::Function(params, "int".to_owned());
        let function = found(HookKind::Kprobe, "tcp_v4_connect", Some(signature));
        let fields = declared(&[("prev_comm", "char[16]"), ("name", "char[]")]);
        let event = found(HookKind::Tracepoint, "sched:sched_switch", Some(Signature::Fields(fields)));
        let params = declared(&[("preempt", "bool"), ("", "struct rq *")]);
        let raw = found(HookKind::RawTracepoint, "sched_switch", Some(Signature::Event(params)));
        let mut remark = found(HookKind::Kretprobe, "a", None);
        remark.remark = "module x".to_owned();
        let search = Search { found: vec![function, event, raw, remark], ..Search::default() };
        let expected = "kprobe: tcp_v4_connect\n  # int tcp_v4_connect(struct sock *sk, int addr_len)\n\
            tracepoint: \"sched:sched_switch\"\n  # char prev_comm[16]\n  # char name[]\n\
            raw_tracepoint: sched_switch\n  # sched_switch(bool preempt, struct rq *)\nkretprobe: a  # module x\n";
        assert_eq!(text(&search, None, false), expected);
    }
}

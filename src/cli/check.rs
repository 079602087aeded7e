// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run check PATH…`: what is wrong with the files, without root; with `--kernel`, what this machine says of them.

use std::collections::HashSet;
use std::process::ExitCode;

use super::args::{CheckArgs, ReportFormat};
use super::examine::{Examined, examine};
use super::exit::{BAD_CONFIGURATION, FAILED};
use super::findings;
use super::set_files;
use super::terminal::{print, print_json, stdout_color, tell};
use crate::catalog::builtin;
use crate::config::{Checked, CheckedProbe, Problem, json_line, render, sarif};
use crate::kernel::{self, Finding, Host, KernelError, quiet_libbpf};
use crate::sink;
use crate::spec::Place;

pub(super) fn check(args: &CheckArgs) -> ExitCode {
    let catalog = match builtin() {
        Ok(catalog) => catalog,
        Err(error) => {
            tell(&format!("error: a built-in program is broken: {error}"));
            return ExitCode::from(FAILED);
        }
    };
    let Examined { checked, files, .. } = examine(&args.paths, &args.settings, &catalog);
    let probes = checked.config.as_ref().map_or(0, |config| config.probes.len() + config.parked.len());
    let about_machine = if args.kernel { ask_kernel(&checked) } else { Vec::new() };
    let mut problems = checked.problems;
    problems.extend(set_files::problems(&checked.set_files));
    let about_files = problems.len();
    problems.extend(about_machine);
    let written = match args.format {
        ReportFormat::Text => print(&text(&problems, files, probes, stdout_color())),
        ReportFormat::Json => print_json(&problems.iter().map(|problem| json_line(problem) + "\n").collect::<String>()),
        ReportFormat::Sarif => print_json(&sarif(&problems)),
    };
    let bad = |problem: &Problem| problem.is_error() || args.strict;
    match problems.iter().position(bad) {
        Some(first) if first < about_files => ExitCode::from(BAD_CONFIGURATION),
        Some(_) => ExitCode::from(FAILED),
        None => written,
    }
}

/// What this machine says about the probes; nothing is attached.
fn ask_kernel(checked: &Checked) -> Vec<Problem> {
    quiet_libbpf();
    let host = Host::default();
    let mut problems: Vec<Problem> = Vec::new();
    // What an alias repeats is said once.
    let mut seen = HashSet::new();
    let mut first = |problem: &Problem| {
        let place = (problem.primary.source.path.clone(), problem.primary.span);
        seen.insert((problem.code, place, problem.message.clone()))
    };
    let probes = checked.probes();
    let claims = kernel::claims(probes.iter().map(|probe| &probe.spec), &host);
    let found = claims.into_iter().map(|(at, error)| findings::problem(&probes[at], &Finding::Wrong(error)));
    problems.extend(found.filter(|problem| first(problem)));
    for probe in probes {
        let findings = kernel::check(&probe.spec, &probe.program, &host);
        let found = findings.iter().map(|finding| findings::problem(probe, finding));
        problems.extend(found.filter(|problem| first(problem)));
        let found = sinks(checked, probe);
        problems.extend(found.filter(|problem| first(problem)));
    }
    problems.extend(set_files::distrusted(&checked.set_files));
    problems
}

/// What is wrong with where a probe's events would go.
fn sinks<'a>(checked: &'a Checked, probe: &'a CheckedProbe) -> impl Iterator<Item = Problem> + 'a {
    // Where something is wrong elsewhere, sinks have no numbers.
    let specs =
        checked.config.iter().flat_map(|config| probe.spec.sinks.iter().filter_map(|id| config.sinks.get(id.0)));
    specs.filter_map(|spec| {
        let error = sink::examine(spec).err()?;
        let error = KernelError::of(Place::Sink(spec.name.clone()), error.refusal());
        Some(findings::problem(probe, &Finding::Wrong(error)))
    })
}

/// The problems for people, and a line that sums them up.
fn text(problems: &[Problem], files: usize, probes: usize, color: bool) -> String {
    let mut text: String = problems.iter().map(|problem| render(problem, color) + "\n\n").collect();
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let counts = [(errors, "error"), (problems.len() - errors, "warning")];
    let counts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| several(*count, word)).collect();
    text += &if counts.is_empty() {
        format!("ok: {}, {}\n", several(files, "file"), several(probes, "probe"))
    } else {
        format!("{} in {}\n", counts.join(", "), several(files, "file"))
    };
    text
}

fn several(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

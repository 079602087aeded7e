// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run plan`: how each probe would run here.

mod json;
mod sets;
mod spans;
mod tables;
mod text;

use std::path::PathBuf;
use std::process::ExitCode;

use super::args::{Listing, Settings};
use super::examine::examine;
use super::exit::{BAD_CONFIGURATION, FAILED};
use super::findings;
use super::report::tell_problems;
use super::terminal::{print, print_json, stdout_color, tell};
use crate::catalog::{Program, builtin};
use crate::config::{CheckedProbe, Config};
use crate::kernel::{
    Finding, Host, KernelError, Outline, Prepared, claims, expand, few_of_each, inspect, left_out, one_link_each,
    outline, quiet_libbpf, together,
};
use crate::spec::{Fetch, FetchCopy, FetchSource, Field, FieldType, ProbeSpec};

/// One probe and everything that is known about how it would run.
struct Planned<'a> {
    probe: &'a CheckedProbe,
    /// The interfaces or functions that it runs at, where the file names several; the plan is that of the first.
    targets: Vec<String>,
    /// Why each of them has a program of its own; `None` where nothing is known to keep them apart.
    apart: Option<&'static str>,
    /// What runs at the first of them.
    spec: ProbeSpec,
    program: &'a Program,
    outline: Outline,
    /// `None` where its captures could not be resolved.
    prepared: Option<Prepared>,
    findings: Vec<Finding>,
}

pub(super) fn plan(paths: &[PathBuf], settings: &Settings, format: Listing) -> ExitCode {
    quiet_libbpf();
    let catalog = match builtin() {
        Ok(catalog) => catalog,
        Err(error) => {
            tell(&format!("error: a built-in program is broken: {error}"));
            return ExitCode::from(FAILED);
        }
    };
    let checked = examine(paths, settings, &catalog).checked;
    tell_problems(&checked.problems);
    let Some(config) = checked.config else { return ExitCode::from(BAD_CONFIGURATION) };
    let planned = plan_all(&config);
    let printed = match format {
        Listing::Text => print(&text::page(&planned, &config, stdout_color())),
        Listing::Json => print_json(&format!("{:#}\n", json::document(&planned, &config))),
    };
    tell_findings(&planned);
    if planned.iter().any(|probe| probe.errors().next().is_some()) { ExitCode::from(FAILED) } else { printed }
}

fn plan_all<'a>(config: &'a Config) -> Vec<Planned<'a>> {
    let host = Host::default();
    let plan = |probe: &'a CheckedProbe| {
        let program = &*probe.program;
        let (spec, targets, prepared, findings) = inspect_all(&probe.spec, program, &host);
        let findings = findings.into_iter().map(|finding| findings::discreet(probe, finding)).collect();
        let outline = outline(&spec, program, prepared.as_ref(), &host);
        let apart = one_link_each(&probe.spec, program, &host);
        Planned { probe, targets, apart, spec, program, outline, prepared, findings }
    };
    let mut planned: Vec<Planned<'_>> = config.probes.iter().map(plan).collect();
    let claims = claims(config.probes.iter().map(|probe| &probe.spec), &host);
    for (at, error) in claims {
        let probe = &config.probes[at];
        let of_probe = planned.iter_mut().filter(|planned| std::ptr::eq(planned.probe, probe));
        of_probe.for_each(|planned| planned.findings.push(Finding::Wrong(error.clone())));
    }
    planned
}

/// The spec at the first target, all targets, how the first would run, and what was found about any of them.
fn inspect_all(
    spec: &ProbeSpec,
    program: &Program,
    host: &Host,
) -> (ProbeSpec, Vec<String>, Option<Prepared>, Vec<Finding>) {
    let expanded = match expand(spec, host) {
        Ok(expanded) => together(spec, expanded, program, host),
        Err(errors) => {
            return (spec.clone(), Vec::new(), None, errors.into_iter().map(Finding::Wrong).collect());
        }
    };
    let targets = expanded.iter().filter_map(|one| one.target.clone()).collect();
    let mut inspected = expanded.iter().map(|one| {
        let (prepared, findings) = inspect(&one.spec, program, host);
        (prepared, findings.into_iter().map(|finding| finding.map(|error| one.blame(error))).collect::<Vec<_>>())
    });
    let (prepared, mut findings) = inspected.next().unwrap_or_default();
    findings.extend(left_out(spec, host).into_iter().map(Finding::Warning));
    for (_, more) in inspected {
        findings.extend(more.into_iter().filter(|finding| !findings.contains(finding)).collect::<Vec<_>>());
    }
    let part = |finding: &Finding| finding.wrong().map(|error| error.place.clone());
    let findings = few_of_each(findings, part, Finding::wrong_mut);
    let first = expanded.into_iter().next().map_or_else(|| spec.clone(), |one| one.spec);
    (first, targets, prepared, findings)
}

/// What is wrong, where the file asks for it. What is only unknown is in the plan itself.
fn tell_findings(planned: &[Planned<'_>]) {
    for probe in planned {
        for finding in probe.findings.iter().filter(|finding| matches!(finding, Finding::Wrong(_))) {
            tell_problems(&[findings::problem(probe.probe, finding)]);
        }
    }
}

/// One value of the output and how it gets there.
struct CaptureLine<'a> {
    field: &'a Field,
    expression: String,
    from: String,
}

impl CaptureLine<'_> {
    /// Most bytes of the value.
    fn bytes(&self) -> u32 {
        if let FieldType::Text { limit: Some(limit) } = self.field.kind { limit } else { self.field.size }
    }
}

impl Planned<'_> {
    fn errors(&self) -> impl Iterator<Item = &KernelError> {
        self.findings.iter().filter_map(|finding| match finding {
            Finding::Wrong(error) => Some(error),
            Finding::Warning(_) | Finding::Unknown(_) => None,
        })
    }

    fn warnings(&self) -> impl Iterator<Item = &KernelError> {
        self.findings.iter().filter_map(|finding| match finding {
            Finding::Warning(error) => Some(error),
            Finding::Wrong(_) | Finding::Unknown(_) => None,
        })
    }

    fn unknown(&self) -> impl Iterator<Item = &KernelError> {
        self.findings.iter().filter_map(|finding| match finding {
            Finding::Unknown(error) => Some(error),
            Finding::Wrong(_) | Finding::Warning(_) => None,
        })
    }

    /// The captures in the order of the file; none where they could not be resolved.
    fn captures(&self) -> Vec<CaptureLine<'_>> {
        let Some((layout, prepared)) = self.prepared.as_ref().and_then(|p| Some((p.layout.as_ref()?, p))) else {
            return Vec::new();
        };
        let captures = &self.spec.capture;
        let fields = &layout.fields[layout.fields.len().saturating_sub(captures.len())..];
        let line = |(field, capture): (_, &crate::spec::Capture)| {
            let field: &Field = field;
            let fetch = field.absent_bit.and_then(|bit| prepared.fetches.get(usize::from(bit)));
            let from = match (fetch, &field.kind) {
                (Some(fetch), _) => origin(fetch),
                (None, FieldType::Computed(..)) => "calculated in user space".to_owned(),
                (None, _read) => "every event has it".to_owned(),
            };
            CaptureLine { field, expression: capture.expr.to_string(), from }
        };
        fields.iter().zip(captures).map(line).collect()
    }

    /// Bytes of the maps in the kernel, at one target.
    fn kernel_bytes(&self) -> u64 {
        self.outline.maps.iter().map(|(_, bytes)| bytes).sum()
    }

    /// Bytes of the record that the program writes for each event; `None` where it writes none, or that is not known.
    fn record_bytes(&self) -> Option<u32> {
        let layout = self.prepared.as_ref()?.layout.as_ref()?;
        self.program.event.as_ref().map(|_| layout.size)
    }

    /// What happens outside the kernel.
    fn in_user_space(&self) -> Vec<String> {
        let mut work = Vec::new();
        if self.program.counts() {
            work.push("rows of all CPUs are read and summed at each interval".to_owned());
        } else if self.program.event.is_some() {
            work.push("wall-clock time of each event".to_owned());
        }
        if self.program.counters.is_some() {
            let interval = self.spec.interval.as_millis();
            work.push(format!("counters of all CPUs are read and summed every {interval} ms"));
        }
        work.push("formats, queues of the sinks".to_owned());
        work
    }
}

/// Where a value comes from, step by step: `argument 0 (register) → pointer at +24 → 2 bytes of kernel memory at +12`.
fn origin(fetch: &Fetch) -> String {
    let mut steps = vec![match fetch.source {
        FetchSource::Argument(index) => format!("argument {index}"),
        FetchSource::Return => "return value".to_owned(),
        FetchSource::Context => "record of the tracepoint".to_owned(),
        FetchSource::DataLoc(at) | FetchSource::RelLoc(at) => {
            format!("dynamic array, located at +{at} of the tracepoint's record")
        }
        FetchSource::Gid => "credentials of the thread".to_owned(),
        FetchSource::Cpu => "number of the CPU".to_owned(),
        FetchSource::Pid => "process id".to_owned(),
        FetchSource::Tid => "thread id".to_owned(),
        FetchSource::Uid => "user id".to_owned(),
        FetchSource::Comm => "name of the thread".to_owned(),
        FetchSource::Task => "current task".to_owned(),
        FetchSource::Ktime => "monotonic clock".to_owned(),
        FetchSource::Random => "random number".to_owned(),
        FetchSource::CgroupId => "id of the cgroup".to_owned(),
        FetchSource::CgroupAncestor(level) => format!("id of the cgroup at level {level}"),
        FetchSource::Constant(number) => format!("{number:#x}"),
        FetchSource::Target => "target of the hook".to_owned(),
        FetchSource::Calculated(_) => "calculation".to_owned(),
        FetchSource::SyscallNumber => "number of the system call".to_owned(),
        FetchSource::Usdt(index) => format!("argument {index} of the USDT"),
        FetchSource::Packet => "packet".to_owned(),
        FetchSource::Stored { at, .. } => format!("kept since the start, at +{at}"),
        FetchSource::Duration => "time since the start".to_owned(),
        FetchSource::PidTgid => "process and thread id".to_owned(),
        FetchSource::StackPointer => "stack pointer".to_owned(),
        FetchSource::Frame => "place on the stack".to_owned(),
        FetchSource::Stack => "call stack".to_owned(),
    }];
    steps.extend(fetch.hops.iter().map(|offset| format!("pointer at +{offset}")));
    let (size, offset) = (fetch.size, fetch.offset);
    steps.extend(match fetch.copy {
        FetchCopy::Value => None,
        FetchCopy::Kernel => Some(format!("{size} bytes at +{offset}")),
        FetchCopy::User => Some(format!("{size} bytes of process memory at +{offset}")),
        FetchCopy::KernelText => Some(format!("text at +{offset}")),
        FetchCopy::UserText => Some(format!("text in process memory at +{offset}")),
        FetchCopy::Comm => None,
        FetchCopy::Sock => Some(format!("socket at +{offset}")),
        FetchCopy::Sockaddr => Some(format!("socket address at +{offset}")),
        FetchCopy::FilePath | FetchCopy::Path | FetchCopy::DentryPath => Some(format!("path at +{offset}")),
        FetchCopy::FdPath => Some("path of that descriptor's file".to_owned()),
        FetchCopy::Packet { .. } => Some("its headers".to_owned()),
        FetchCopy::KernelStack | FetchCopy::UserStack => Some(format!("at most {} addresses", size / 8)),
        FetchCopy::SumOfCpus { cpus, .. } => Some(format!("sum of what {cpus} CPUs have at +{offset}")),
    });
    steps.join(" → ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps of a fetch read from left to right.
    #[test]
    fn origins() {
        let fetch = |source, hops: &[i32], copy| Fetch {
            source,
            user_from: None,
            narrow: crate::spec::Narrow::Same,
            hops: hops.to_vec(),
            offset: 12,
            index: None,
            keep: None,
            length: None,
            copy,
            size: 2,
            slot: 8,
            out: 0,
        };
        for (fetch, said) in [
            (fetch(FetchSource::Argument(0), &[24], FetchCopy::Kernel), "argument 0 → pointer at +24 → 2 bytes at +12"),
            (fetch(FetchSource::Return, &[], FetchCopy::Value), "return value"),
            (
                fetch(FetchSource::Context, &[16], FetchCopy::UserText),
                "record of the tracepoint → pointer at +16 → text in process memory at +12",
            ),
        ] {
            assert_eq!(origin(&fetch), said);
        }
    }
}

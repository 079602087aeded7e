// SPDX-License-Identifier: MIT OR Apache-2.0
//! Compiles every `bpf/NAME.bpf.c` and writes the list of them that the binary includes.
//!
//! The folder is the registry: a new program is a new file there, and nothing else. What the runner attaches for its own
//! purposes is in `bpf/internal`. Each is compiled twice, for the machine that the binary is for and, so that it cannot
//! rot, for the other architecture.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use libbpf_cargo::SkeletonBuilder;

/// Rust's and libbpf's names of the architectures that the programs are written for.
const ARCHITECTURES: [(&str, &str); 2] = [("x86_64", "x86"), ("aarch64", "arm64")];

/// One compilation: a program for an architecture.
struct Job {
    source: PathBuf,
    object: PathBuf,
    /// libbpf's name of the architecture.
    architecture: &'static str,
}

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error.to_string().lines().for_each(|line| println!("cargo::error={line}"));
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=bpf");
    println!("cargo::rerun-if-env-changed=CLANG");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let target = env::var("CARGO_CFG_TARGET_ARCH")?;
    if !ARCHITECTURES.iter().any(|(rust, _)| *rust == target) {
        return Err(format!("ebpf-run runs on x86_64 and aarch64, not on {target}").into());
    }
    let mut jobs = Vec::new();
    for (folder, list) in [("bpf", "objects.rs"), ("bpf/internal", "internal.rs")] {
        fs::write(out.join(list), objects(folder, &out, &target, &mut jobs)?)?;
    }
    compile_all(&jobs)
}

/// Plans the compilation of the programs of a folder; gives the list of them as Rust source.
fn objects(folder: &str, out: &Path, target: &str, jobs: &mut Vec<Job>) -> Result<String, Box<dyn Error>> {
    let mut list = String::from("&[\n");
    for (name, source) in programs(folder)? {
        for (rust, architecture) in ARCHITECTURES {
            let object = out.join(format!("{name}.{architecture}.o"));
            if rust == target {
                writeln!(list, "    Object {{ name: {name:?}, bytes: aligned!({:?}) }},", object.display())?;
            }
            jobs.push(Job { source: source.clone(), object, architecture });
        }
    }
    list.push(']');
    Ok(list)
}

/// Name and source of every program of a folder, by name.
fn programs(folder: &str) -> Result<Vec<(String, PathBuf)>, Box<dyn Error>> {
    let mut programs = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".bpf.c"));
        if let Some(name) = name {
            programs.push((name.to_owned(), path.clone()));
        }
    }
    programs.sort();
    Ok(programs)
}

/// Compiles everything, several at a time. Fails with what clang says of every program that it refuses.
fn compile_all(jobs: &[Job]) -> Result<(), Box<dyn Error>> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut failures = Vec::new();
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = compile(job) {
                failures.push(format!("{} for {}: {error}", job.source.display(), job.architecture));
            }
        }
        failures
    };
    let mut failures: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..parallelism().min(jobs.len())).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    failures.sort();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n\n").into()) }
}

/// As many as cargo lets this script run at once.
fn parallelism() -> usize {
    let jobs = env::var("NUM_JOBS").ok().and_then(|jobs| jobs.parse().ok());
    jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
}

/// Compiles one program; the error is what clang says of it.
fn compile(job: &Job) -> Result<(), String> {
    let arguments = ["-mcpu=v3", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-Ibpf/include"];
    let mut arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    arguments.push(format!("-D__TARGET_ARCH_{}", job.architecture).into());
    let mut builder = SkeletonBuilder::new();
    if let Some(clang) = env::var_os("CLANG") {
        builder.clang(clang);
    }
    builder.source(&job.source).obj(&job.object).clang_args(arguments).build().map_err(|error| format!("{error:#}"))
}

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
use std::path::{Path, PathBuf};

use libbpf_cargo::SkeletonBuilder;

/// Rust's and libbpf's names of the architectures that the programs are written for.
const ARCHITECTURES: [(&str, &str); 2] = [("x86_64", "x86"), ("aarch64", "arm64")];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=bpf");
    println!("cargo::rerun-if-env-changed=CLANG");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let target = env::var("CARGO_CFG_TARGET_ARCH")?;
    if !ARCHITECTURES.iter().any(|(rust, _)| *rust == target) {
        return Err(format!("ebpf-run runs on x86_64 and aarch64, not on {target}").into());
    }
    fs::write(out.join("objects.rs"), objects("bpf", &out, &target)?)?;
    fs::write(out.join("internal.rs"), objects("bpf/internal", &out, &target)?)?;
    Ok(())
}

/// Compiles the programs of a folder; gives the list of them as Rust source.
fn objects(folder: &str, out: &Path, target: &str) -> Result<String, Box<dyn Error>> {
    let mut list = String::from("&[\n");
    for (name, source) in programs(folder)? {
        for (rust, libbpf) in ARCHITECTURES {
            let object = out.join(format!("{name}.{libbpf}.o"));
            compile(&source, &object, libbpf)?;
            if rust == target {
                writeln!(list, "    Object {{ name: {name:?}, bytes: aligned!({:?}) }},", object.display())?;
            }
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

fn compile(source: &Path, object: &Path, architecture: &str) -> Result<(), Box<dyn Error>> {
    let arguments = ["-mcpu=v3", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-Ibpf/include"];
    let mut arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    arguments.push(format!("-D__TARGET_ARCH_{architecture}").into());
    let mut builder = SkeletonBuilder::new();
    if let Some(clang) = env::var_os("CLANG") {
        builder.clang(clang);
    }
    builder.source(source).obj(object).clang_args(arguments).build()?;
    Ok(())
}

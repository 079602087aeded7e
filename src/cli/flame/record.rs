// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stacks of probes that run now: their sinks are replaced by one file, which is drawn at the end.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use super::super::args::{MetricsArgs, RunArgs, Settings};
use super::super::exit::{BAD_CONFIGURATION, FAILED};
use super::super::run::{configuration, run_config};
use super::super::terminal::tell;
use super::{Folded, NoPicture};
use crate::catalog::builtin;
use crate::config::Config;
use crate::expr::has_stack;
use crate::spec::{Destination, Format, Rights, SinkId, SinkSpec};
use crate::words::path_text;

/// Runs the probes until Ctrl-C or for the time given.
pub(super) fn record(paths: &[PathBuf], duration: Option<Duration>, settings: &Settings) -> Result<Folded, NoPicture> {
    let catalog =
        builtin().map_err(|error| NoPicture::failed(format!("error: a built-in program is broken: {error}")))?;
    let args = RunArgs {
        paths: paths.to_vec(),
        duration,
        count: None,
        watch: false,
        metrics: MetricsArgs { metrics: None, metrics_host: Vec::new() },
        settings: Settings { set: settings.set.clone() },
    };
    let Some(mut config) = configuration(paths, settings, &catalog) else {
        return Err(NoPicture::said(BAD_CONFIGURATION));
    };
    refuse_stackless(&config)?;
    let directory = Directory::new()
        .map_err(|error| NoPicture::failed(format!("error: failed to make a temporary directory: {error}")))?;
    let file = directory.0.join("stacks");
    redirect(&mut config, &file);
    // What was recorded until something failed is a picture all the same.
    let ended = run_config(&config, &args);
    let text = match read(&file) {
        Ok(text) => text,
        Err(_) if ended != ExitCode::SUCCESS => return Err(NoPicture::said(FAILED)),
        Err(error) => {
            return Err(NoPicture::failed(format!("error: failed to read `{}`: {error}", path_text(&file))));
        }
    };
    let names: Vec<&str> = config.probes.iter().map(|probe| probe.spec.id.name.as_str()).collect();
    Ok(super::read::folded_of(&text, names.join(", ")))
}

/// All probes must have what is drawn.
fn refuse_stackless(config: &Config) -> Result<(), NoPicture> {
    let Some(probe) = config.probes.iter().find(|probe| !has_stack(&probe.spec)) else { return Ok(()) };
    let name = &probe.spec.id.name;
    tell(&format!("error: the events of `{name}` have no call stack, and a flame graph is made of nothing else"));
    let place = if probe.spec.aggregates.is_empty() { "its `capture`" } else { "`by` of its `aggregate`" };
    Err(NoPicture::usage(format!("help: add one to {place}: `stack: kstack` or `stack: ustack`")))
}

/// Every probe writes to this file alone.
fn redirect(config: &mut Config, file: &Path) {
    config.sinks = vec![SinkSpec {
        name: "flame".to_owned(),
        destination: Destination::File(file.to_owned()),
        format: Some(Format::Folded),
        rights: Rights::default(),
    }];
    for probe in &mut config.probes {
        probe.spec.sinks = vec![SinkId(0)];
    }
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(file)?.read_to_end(&mut text)?;
    Ok(text)
}

/// A directory that nobody else can look into; gone with this.
struct Directory(PathBuf);

impl Directory {
    fn new() -> io::Result<Self> {
        let mut random = [0; 8];
        File::open("/dev/urandom")?.read_exact(&mut random)?;
        let name = format!("ebpf-run-flame-{:016x}", u64::from_ne_bytes(random));
        let path = std::env::temp_dir().join(name);
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What cannot be removed is left to who cleans the directory of temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run flame`: a flame graph of call stacks, recorded now or before.
//!
//! ```text
//! probes.yaml ──run──▶ folded ─┐
//! events.jsonl ────fold────────┼──▶ inferno ──▶ out.svg
//! stacks.folded ───────────────┘
//! ```

mod draw;
mod fold;
mod read;
mod record;

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::args::{Settings, duration};
use super::exit::{BAD_CONFIGURATION, FAILED};
use super::terminal::tell;
use crate::words::path_text;
use draw::{Picture, draw};

#[derive(Debug, Args)]
pub(super) struct FlameArgs {
    /// YAML files or directories of probes to record; or one file of events (JSON lines) or folded stacks to draw, `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write the picture to this file; without it, to standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Record for this time, not until Ctrl-C: 500ms, 10s, 5m, 1h
    #[arg(long, value_name = "TIME", value_parser = duration)]
    duration: Option<Duration>,
    /// The title of the picture
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Of rows of samples, the value that makes a function wide; without it, the first one after the stack
    #[arg(long, value_name = "NAME")]
    value: Option<String>,
    #[command(flatten)]
    settings: Settings,
}

/// Why there is no picture: what to say, and the exit status.
pub(super) struct NoPicture {
    message: String,
    code: u8,
}

impl NoPicture {
    fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: BAD_CONFIGURATION }
    }

    fn failed(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: FAILED }
    }

    /// Everything was said already.
    fn said(code: u8) -> Self {
        Self { message: String::new(), code }
    }
}

/// Stacks to draw.
#[derive(Debug, Default)]
struct Folded {
    /// `comm;main;work 7`, a line each.
    text: Vec<u8>,
    /// The sum of their numbers, without what was lost.
    count: u64,
    /// Events that were lost.
    lost: u64,
    /// What is counted: `events`, `samples`.
    unit: &'static str,
    /// What they are of.
    source: String,
}

pub(super) fn flame(args: &FlameArgs) -> ExitCode {
    let was_there = args.output.as_deref().is_none_or(Path::exists);
    match picture(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(NoPicture { message, code }) => {
            if let Some(path) = args.output.as_deref().filter(|_| !was_there) {
                // The file that was made for the picture; if it cannot be removed, it is only empty.
                drop(std::fs::remove_file(path));
            }
            if !message.is_empty() {
                tell(&message);
            }
            ExitCode::from(code)
        }
    }
}

fn picture(args: &FlameArgs) -> Result<(), NoPicture> {
    let target = Target::open(args.output.as_deref())?;
    let folded = if args.paths.iter().any(|path| is_configuration(path)) {
        record::record(&args.paths, args.duration, &args.settings)?
    } else {
        read::read(&args.paths, args.value.as_deref())?
    };
    if folded.count == 0 {
        let message = format!("error: nothing to draw: {} had no event with a call stack", folded.source);
        return Err(NoPicture::failed(message));
    }
    let title = args.title.clone().unwrap_or_else(|| folded.source.clone());
    let lost = if folded.lost > 0 { format!(", {} lost", folded.lost) } else { String::new() };
    let unit = if folded.count == 1 { folded.unit.trim_end_matches('s') } else { folded.unit };
    let subtitle = format!("{} {unit}{lost}", folded.count);
    let svg = draw(&folded.text, &Picture { title: &title, subtitle: &subtitle, unit: folded.unit });
    target.write(&svg.map_err(|error| NoPicture::failed(format!("error: failed to draw: {error}")))?)?;
    let place =
        args.output.as_deref().map_or_else(|| "standard output".to_owned(), |path| path_text(path).into_owned());
    tell(&format!("wrote {place}: {subtitle}"));
    Ok(())
}

/// True for files of probes, by their names, and for directories.
fn is_configuration(path: &Path) -> bool {
    let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    is_yaml || path.is_dir()
}

/// Where the picture goes; opened before anything is recorded.
enum Target<'a> {
    Stdout,
    File(&'a Path, File),
}

impl<'a> Target<'a> {
    fn open(output: Option<&'a Path>) -> Result<Self, NoPicture> {
        match output {
            Some(path) => match File::options().write(true).create(true).truncate(false).open(path) {
                Ok(file) => Ok(Self::File(path, file)),
                Err(error) => Err(NoPicture::failed(format!("error: failed to write `{}`: {error}", path_text(path)))),
            },
            None if io::stdout().is_terminal() => {
                Err(NoPicture::usage("error: a picture is not for a terminal; write it to a file: `-o flame.svg`"))
            }
            None => Ok(Self::Stdout),
        }
    }

    fn write(self, svg: &[u8]) -> Result<(), NoPicture> {
        use std::io::Write as _;
        let (result, place) = match self {
            Self::Stdout => (io::stdout().write_all(svg), "standard output".into()),
            Self::File(path, mut file) => {
                // Devices and pipes have no length.
                let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
                let emptied = if is_file { file.set_len(0) } else { Ok(()) };
                (emptied.and_then(|()| file.write_all(svg)), format!("`{}`", path_text(path)))
            }
        };
        result.map_err(|error| NoPicture::failed(format!("error: failed to write {place}: {error}")))
    }
}

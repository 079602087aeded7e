// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run PATH…`: one shot.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::CommandFactory as _;

use super::args::{RunArgs, Settings};
use super::command::Cli;
use super::examine::{Examined, examine};
use super::exit::{BAD_CONFIGURATION, FAILED};
use super::report::{tell_end, tell_problems};
use super::set_files;
use super::terminal::{stdout_color, stdout_width, tell, utc_offset_s};
use crate::catalog::{Catalog, builtin};
use crate::config::Config;
use crate::format::Look;
use crate::kernel::quiet_libbpf;
use crate::runner::{Options, Report, StartError, refusal};
use crate::trust::{Breach, Reason};
use crate::words::nearest;

pub(super) fn run(args: &RunArgs) -> ExitCode {
    let catalog = match builtin() {
        Ok(catalog) => catalog,
        Err(error) => {
            tell(&format!("error: a built-in program is broken: {error}"));
            return ExitCode::from(FAILED);
        }
    };
    match configuration(&args.paths, &args.settings, &catalog) {
        Some(config) => run_config(&config, args),
        None => ExitCode::from(BAD_CONFIGURATION),
    }
}

/// Reads and checks the files; says what is wrong with them.
pub(super) fn configuration(paths: &[PathBuf], settings: &Settings, catalog: &Catalog) -> Option<Config> {
    let Examined { checked, breaches, .. } = examine(paths, settings, catalog);
    if let Some(breach) = breaches.iter().find(|breach| is_worth_a_warning(breach)) {
        tell(&format!("warning: {breach}: anyone who can change it controls what runs here"));
    }
    for (file, breach) in set_files::breaches(&checked.set_files).filter(|(_, breach)| is_worth_a_warning(breach)) {
        tell(&format!("warning: {breach}: anyone who can change it controls what is in the set `{}`", file.word));
    }
    tell_problems(&checked.problems);
    if let Some(command) = mistyped_command(paths) {
        tell(&format!("help: did you mean the command `{command}`?"));
    }
    let config = checked.config?;
    if config.probes.is_empty() {
        let parked = config.parked.len();
        tell(&match parked {
            0 => "error: nothing to run: the files have no probes".to_owned(),
            1 => format!("error: nothing to run: `{}` has `enabled: false`", config.parked[0].name),
            _ => format!("error: nothing to run: all {parked} probes have `enabled: false`"),
        });
        return None;
    }
    Some(config)
}

/// False for a user's own files, also where sudo(8) made the user root, as far as not everybody can write them.
fn is_worth_a_warning(breach: &Breach) -> bool {
    let own = rustix::process::geteuid().as_raw();
    let sudo = std::env::var("SUDO_UID").ok().and_then(|uid| uid.parse().ok());
    let owner = std::fs::metadata(&breach.path).map(|about| about.uid());
    let is_own = owner.is_ok_and(|owner| Some(owner) == sudo || owner == own && own != 0);
    breach.reason == Reason::Everybody || !is_own
}

/// The command that the first path is nearly the name of, where it leads to no file: `chek` of `ebpf-run chek probes.yaml`.
fn mistyped_command(paths: &[PathBuf]) -> Option<String> {
    let word = paths.first().filter(|path| !path.exists())?.to_str().filter(|word| !word.contains(['/', '.']))?;
    let cli = Cli::command();
    let commands = cli.get_subcommands().filter(|command| !command.is_hide_set()).map(clap::Command::get_name);
    nearest(word, commands).map(str::to_owned)
}

pub(super) fn run_config(config: &Config, args: &RunArgs) -> ExitCode {
    quiet_libbpf();
    let probe_width = config.probes.iter().map(|probe| probe.spec.id.name.len()).max().unwrap_or(0);
    let look = Look { color: stdout_color(), utc_offset_s: utc_offset_s(), probe_width, width: stdout_width() };
    let options = Options {
        duration: args.duration,
        count: args.count,
        look,
        metrics: args.metrics.metrics,
        metrics_hosts: args.metrics.metrics_host.clone(),
        ..Options::default()
    };
    match crate::runner::run(config, &options, report) {
        Ok(ended) => tell_end(ended),
        Err(errors) => {
            errors.iter().for_each(|error| tell_start_error(config, error));
            ExitCode::from(FAILED)
        }
    }
}

fn report(report: Report<'_>) {
    match report {
        Report::Remark { probe, text } => tell(&format!("note: {probe}: {text}")),
        Report::Metrics(address) => tell(&format!("metrics at http://{address}/metrics")),
        Report::Ready(probes) => {
            let probes: Vec<String> = probes.iter().map(|(name, mechanism)| format!("{name} ({mechanism})")).collect();
            tell(&format!("ready: {}", probes.join(", ")));
        }
    }
}

/// A failure of the kernel or a sink, shown where the file asks for it.
pub(super) fn tell_start_error(config: &Config, error: &StartError) {
    match error.probe.and_then(|index| config.probes.get(index)) {
        Some(probe) => tell_problems(&[refusal(probe, &error.error)]),
        None => tell(&format!("error: {}", error.error.message)),
    }
}

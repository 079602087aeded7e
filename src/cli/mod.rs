// SPDX-License-Identifier: MIT OR Apache-2.0
//! The commands: the only code that writes to the terminal.

mod args;
mod aside;
mod catalog;
mod check;
mod client;
mod command;
mod completions;
mod daemon;
mod doctor;
mod examine;
mod exit;
mod explain;
mod findings;
mod flame;
mod hooks;
mod journal;
mod man;
mod new;
mod plan;
mod programs;
mod report;
mod run;
mod schema;
mod screen;
mod set_files;
mod show;
mod terminal;
mod top;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use self::catalog::with_catalog;
use self::command::{Cli, Command};
use self::exit::BAD_CONFIGURATION;
use crate::words::{path_text, shown};

/// Runs the command line; the result is the exit status of the process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            say_usage(&error);
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(BAD_CONFIGURATION));
        }
    };
    let log = terminal::start_log();
    match cli.command {
        None if cli.run.watch => with_catalog(|catalog| daemon::watch(cli.run, catalog, log)),
        None => run::run(&cli.run),
        Some(Command::Status(args)) => client::status(&args),
        Some(Command::Reload(socket)) => client::reload(&socket),
        Some(Command::Stop { probe, socket }) => client::stop(probe, &socket),
        Some(Command::Start { probe, socket }) => client::start(probe, &socket),
        Some(Command::Top(args)) => with_catalog(|catalog| top::top(&args, catalog)),
        Some(Command::Tail { probe, socket }) => client::tail(probe, &socket),
        Some(Command::Daemon(args)) => with_catalog(|catalog| daemon::daemon(args, catalog, log)),
        Some(Command::Programs { name, format }) => programs::programs(name.as_deref(), format),
        Some(Command::Schema) => schema::schema(),
        Some(Command::New { word, output }) => new::new(&word, output.as_deref()),
        Some(Command::Completions { shell }) => completions::completions(shell),
        Some(Command::Man { directory }) => man::write(&directory),
        Some(Command::Doctor { format }) => doctor::doctor(format),
        Some(Command::Hooks(args)) => hooks::hooks(&args),
        Some(Command::Flame(args)) => flame::flame(&args),
        Some(Command::Plan { paths, format, settings }) => plan::plan(&paths, &settings, format),
        Some(Command::Show { paths, format, settings }) => show::show(&paths, &settings, format),
        Some(Command::Check(args)) => check::check(&args),
        Some(Command::Explain { code }) => explain::explain(code.as_deref()),
    }
}

/// Help and version to standard output, what is wrong with the arguments to standard error. It quotes them as they are, so what
/// is said is said of arguments that are written out. Nobody is left to tell if that fails.
fn say_usage(error: &clap::Error) {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let written: Vec<String> = arguments.iter().map(|word| shown(&path_text(word.as_ref())).into_owned()).collect();
    let is_plain = arguments.iter().zip(&written).all(|(argument, written)| argument == written.as_str());
    match Cli::try_parse_from(&written) {
        _ if is_plain => drop(error.print()),
        Err(error) => drop(error.print()),
        // Their bytes were all that was wrong.
        Ok(_) => terminal::tell_lines(error.render().to_string().trim_end()),
    }
}

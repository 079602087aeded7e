// SPDX-License-Identifier: MIT OR Apache-2.0
//! The commands: the only code that writes to the terminal.

mod aside;
mod check;
mod client;
mod completions;
mod daemon;
mod doctor;
mod explain;
mod findings;
mod hooks;
mod journal;
mod man;
mod new;
mod plan;
mod programs;
mod run;
mod schema;
mod screen;
mod terminal;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use self::client::{SocketArgs, StatusArgs};
use self::daemon::DaemonArgs;
use self::hooks::HooksArgs;
use crate::catalog::{Catalog, builtin};
use crate::config;
use crate::words::{path_text, shown};

/// Exit status for bad usage and bad configuration.
const BAD_CONFIGURATION: u8 = 2;
/// Exit status for failures at run time: the kernel, a sink.
const FAILED: u8 = 1;

/// Runs the eBPF probes that YAML files describe.
#[derive(Debug, Parser)]
#[command(name = "ebpf-run", version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "Examples:\n  ebpf-run probes.yaml                  run until Ctrl-C\n  \
                        ebpf-run probes.yaml --duration 10s   run for ten seconds\n  \
                        ebpf-run probes.yaml | jq .comm       JSON lines when piped\n  \
                        ebpf-run programs exec                what a program does and takes\n\n\
                        Exit status: 0 good, 1 failure at run time, 2 bad usage or configuration.")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// YAML files, or directories of them (*.yaml, *.yml)
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// End after this time, counted from the moment when all probes are attached: 500ms, 10s, 5m, 1h
    #[arg(long, value_name = "TIME", value_parser = duration)]
    duration: Option<Duration>,
    /// End after this many events; the counters of one interval count as one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Follow the files: start, exchange and stop probes as they change, as the daemon does
    #[arg(long, conflicts_with_all = ["duration", "count"])]
    watch: bool,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// YAML files, or directories of them (*.yaml, *.yml)
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Check against this machine too: symbols, arguments, fields, interfaces, and the verifier; nothing is attached
    #[arg(long)]
    kernel: bool,
    /// Let warnings change the exit status as errors do
    #[arg(long)]
    strict: bool,
    /// For people; one JSON object a problem and line; or SARIF 2.1.0 for code review
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    format: ReportFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ReportFormat {
    Text,
    Json,
    Sarif,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Follow a directory: what runs is what its files say
    ///
    /// A file that is added, changed, moved or deleted changes what runs within a fraction of a second. Probes that are not
    /// touched go on without losing an event; a file with a mistake keeps the probes that it had. SIGHUP: look again.
    /// A directory that cannot be read or was unmounted keeps them as well; one that is deleted stops them; both are failures.
    ///
    /// SIGTERM and Ctrl-C: detach everything and write what there is, in less than two seconds. Exit status 0: a signal ended
    /// it; 1: it did not start (another daemon has the socket, no permission, the address of the metrics is taken); 2: bad usage.
    /// A probe or file that fails does not end it: `ebpf-run status` tells.
    #[command(after_help = "Examples:\n  sudo ebpf-run daemon\n  sudo ebpf-run daemon --config-dir ./probes.d\n  \
                            sudo ebpf-run daemon --metrics & curl http://127.0.0.1:9435/metrics")]
    Daemon(DaemonArgs),
    /// Show what a daemon does: its probes, files, events and losses
    #[command(after_help = "Examples:\n  sudo ebpf-run status\n  sudo ebpf-run status --watch\n  \
                            sudo ebpf-run status --check || echo 'something does not run as its file says'\n  \
                            sudo ebpf-run status --format json | jq '.probes[] | select(.state != \"running\")'")]
    Status(StatusArgs),
    /// Have a daemon look at its files now, and try again what failed
    ///
    /// Exit status 1 unless everything is as the files say afterwards; then it says what is not.
    #[command(after_help = "Example:\n  sudo ebpf-run reload")]
    Reload(SocketArgs),
    /// Have a daemon stop a probe until its file changes
    #[command(after_help = "Example:\n  sudo ebpf-run stop opens")]
    Stop {
        /// The name of the probe
        probe: String,
        #[command(flatten)]
        socket: SocketArgs,
    },
    /// Have a daemon start a probe again that was stopped
    #[command(after_help = "Example:\n  sudo ebpf-run start opens")]
    Start {
        /// The name of the probe
        probe: String,
        #[command(flatten)]
        socket: SocketArgs,
    },
    /// Show a live copy of the events of a daemon, as JSON lines
    ///
    /// Also what happens to probes (`probe_state`) and, without a name, to files (`reload`), whatever their sinks are.
    /// A reader that is too slow loses lines of its own copy only, and is told how many. What happened before is in the sinks.
    #[command(after_help = "Examples:\n  sudo ebpf-run tail\n  sudo ebpf-run tail opens | jq .path")]
    Tail {
        /// The name of a probe; all without it
        probe: Option<String>,
        #[command(flatten)]
        socket: SocketArgs,
    },
    /// Find every mistake in YAML files, without root; with --kernel, what this machine does not have
    #[command(
        after_help = "Examples:\n  ebpf-run check probes.yaml\n  ebpf-run check --strict probes.d\n  sudo ebpf-run check --kernel probes.yaml\n  \
                            ebpf-run check --format sarif probes.d > ebpf-run.sarif\n\n\
                            Files that are named together are checked as one run. Exit status: 0 good, 2 a mistake in a file, \
                            1 with --kernel: no mistake, but this machine refuses something."
    )]
    Check(CheckArgs),
    /// Explain the code of an error, with a wrong and a right example; without a code, list all
    #[command(after_help = "Examples:\n  ebpf-run explain E0201\n  ebpf-run explain")]
    Explain {
        /// A code as messages show it
        code: Option<String>,
    },
    /// List the programs, or describe one: hooks, parameters, fields of its events
    #[command(
        after_help = "Examples:\n  ebpf-run programs\n  ebpf-run programs exec\n  ebpf-run programs ./mine.bpf.o --format json"
    )]
    Programs {
        /// A built-in program, or the path of an object file
        name: Option<String>,
        /// For people, or for machines
        #[arg(long, value_enum, default_value_t = Listing::Text)]
        format: Listing,
    },
    /// Say what this machine can do: each kind of hook is tried for real, and taken back at once
    ///
    /// Without root it says what it can. Exit status 0: every kind of hook works; 1: one of them does not.
    #[command(after_help = "Examples:\n  sudo ebpf-run doctor\n  \
                            ebpf-run doctor --format json | jq '.hooks[] | select(.result != \"works\")'")]
    Doctor {
        /// For people, or for machines
        #[arg(long, value_enum, default_value_t = Listing::Text)]
        format: Listing,
    },
    /// List what can be hooked here: kernel functions, tracepoints, raw tracepoints, LSM hooks, functions of a binary
    ///
    /// Each line is what the YAML says under `hook`; a function serves `kprobe` and `kretprobe` alike. Exit status 1: nothing matches.
    #[command(after_help = "Examples:\n  ebpf-run hooks openat\n  ebpf-run hooks 'tcp_*' --kind kprobe -v\n  \
                            ebpf-run hooks 'sched:*' -v\n  ebpf-run hooks sched_switch --format json -v\n  \
                             ebpf-run hooks getaddrinfo --binary libc.so.6")]
    Hooks(HooksArgs),
    /// Say how each probe of the files would run here: program, mechanism, what it takes, what it captures, where it goes
    ///
    /// Nothing is loaded and nothing is attached. Without root it says what it can. Exit status 1: a probe cannot run here.
    #[command(after_help = "Examples:\n  ebpf-run plan probes.yaml\n  \
                            ebpf-run plan probes.d/ --format json | jq '.probes[].captures'")]
    Plan {
        /// YAML files, or directories of them (*.yaml, *.yml)
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// For people, or for machines
        #[arg(long, value_enum, default_value_t = Listing::Text)]
        format: Listing,
    },
    /// Print the JSON schema of the YAML files
    #[command(after_help = "Example:\n  ebpf-run schema > ebpf-run.schema.json\n\n\
                            Then, as the first line of a file, for editors:\n  \
                            # yaml-language-server: $schema=./ebpf-run.schema.json")]
    Schema,
    /// Print a commented file to begin with, for a program or a kind of hook
    #[command(after_help = "Examples:\n  ebpf-run new kprobe\n  ebpf-run new exec --output exec.yaml")]
    New {
        /// A program (`ebpf-run programs` lists them) or a kind of hook: kprobe, tracepoint, xdp …
        #[arg(value_name = "PROGRAM|HOOK")]
        word: String,
        /// Write to this file, which must not exist yet
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Print what makes a shell complete the commands
    #[command(after_help = "Examples:\n  \
                            ebpf-run completions bash > /etc/bash_completion.d/ebpf-run\n  \
                            ebpf-run completions zsh > /usr/local/share/zsh/site-functions/_ebpf-run\n  \
                            ebpf-run completions fish > ~/.config/fish/completions/ebpf-run.fish")]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: completions::Shell,
    },
    /// Write the man pages
    #[command(hide = true)]
    Man {
        /// The directory to write them to
        #[arg(default_value = "man")]
        directory: PathBuf,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Listing {
    Text,
    Json,
}

fn duration(text: &str) -> Result<Duration, String> {
    config::parse_duration(text)
}

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
        Some(Command::Tail { probe, socket }) => client::tail(probe, &socket),
        Some(Command::Daemon(args)) => with_catalog(|catalog| daemon::daemon(args, catalog, log)),
        Some(Command::Programs { name, format }) => programs::programs(name.as_deref(), format),
        Some(Command::Schema) => schema::schema(),
        Some(Command::New { word, output }) => new::new(&word, output.as_deref()),
        Some(Command::Completions { shell }) => completions::completions(shell),
        Some(Command::Man { directory }) => man::write(&directory),
        Some(Command::Doctor { format }) => doctor::doctor(format),
        Some(Command::Hooks(args)) => hooks::hooks(&args),
        Some(Command::Plan { paths, format }) => plan::plan(&paths, format),
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

/// Does something with the programs of the binary.
fn with_catalog(act: impl FnOnce(&Catalog) -> ExitCode) -> ExitCode {
    match builtin() {
        Ok(catalog) => act(&catalog),
        Err(error) => {
            terminal::tell(&format!("error: a built-in program is broken: {error}"));
            ExitCode::from(FAILED)
        }
    }
}

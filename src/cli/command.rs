// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line: each command and what it takes.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use super::args::{CheckArgs, Listing, Notation, RunArgs, Settings, Shell, TopArgs};
use super::client::{SocketArgs, StatusArgs};
use super::daemon::DaemonArgs;
use super::flame::FlameArgs;
use super::hooks::HooksArgs;

/// Run eBPF probes described in YAML.
///
/// Given files or directories, ebpf-run checks them, attaches every probe, and writes events until Ctrl-C. If one probe
/// cannot be attached, none is. When the process ends, nothing stays attached. Events go to standard output unless a probe
/// names other sinks: aligned for people on a terminal, as JSON lines elsewhere.
///
/// The commands below write, check and explain probe files, and run and query a daemon that follows a directory of them.
#[derive(Debug, Parser)]
#[command(name = "ebpf-run", version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "Examples:\n  ebpf-run probes.yaml                  run until Ctrl-C\n  \
                        ebpf-run probes.yaml --duration 10s   run for ten seconds\n  \
                        ebpf-run probes.yaml | jq .comm       JSON lines when piped\n  \
                        ebpf-run new tracepoint               print a file to start from\n\n\
                        Exit status: 0 success; 1 failure at run time; 2 bad usage or configuration.")]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the probes of a directory and follow its files
    ///
    /// When a file is added, changed, moved or deleted, the daemon starts, replaces or stops its probes within a fraction of a
    /// second. Probes that did not change keep running and lose no event. A file with an error keeps its last good probes
    /// running. A failed probe or file never ends the daemon: `ebpf-run status` reports it.
    ///
    /// SIGHUP reloads the files now and retries failed probes. SIGTERM and Ctrl-C detach everything and write pending events,
    /// in less than two seconds.
    #[command(after_help = "Examples:\n  sudo ebpf-run daemon\n  sudo ebpf-run daemon --config-dir ./probes.d\n  \
                            sudo ebpf-run daemon --metrics & curl http://127.0.0.1:9435/metrics\n\n\
                            Exit status: 0 ended by a signal; 1 failed to start: another daemon owns the socket, a missing \
                            privilege, or the metrics address is in use; 2 bad usage.")]
    Daemon(DaemonArgs),
    /// Show the state of the daemon's probes, files and sinks
    ///
    /// One row per probe: its state and since when, events, losses by cause, memory, file and hook. Then the directories, the
    /// files with their errors, and the sinks.
    #[command(after_help = "Examples:\n  sudo ebpf-run status\n  sudo ebpf-run status --watch\n  \
                            sudo ebpf-run status --check || echo 'a probe, file or sink needs attention'\n  \
                            sudo ebpf-run status --format json | jq '.probes[] | select(.state != \"running\")'\n\n\
                            Exit status: 0 success; 1 the daemon cannot be reached or, with --check, something needs attention; \
                            2 bad usage.")]
    Status(StatusArgs),
    /// Reload the files now and retry failed probes
    ///
    /// The daemon follows its files by itself; this skips the waiting time of failed probes, and waits for the result. If
    /// something is still wrong afterwards, it prints the status table on standard error.
    #[command(after_help = "Example:\n  sudo ebpf-run reload\n\n\
                            Exit status: 0 everything runs as configured; 1 a directory, file, probe or sink needs attention, or \
                            the daemon cannot be reached; 2 bad usage.")]
    Reload(SocketArgs),
    /// Stop a probe until its file changes
    ///
    /// The daemon detaches the probe and shows it as `stopped`. It runs again after `ebpf-run start`, when its file changes,
    /// or when the daemon restarts. To stop it for good, set `enabled: false` in its file.
    #[command(after_help = "Example:\n  sudo ebpf-run stop opens\n\n\
                            Exit status: 0 success; 1 the daemon cannot be reached; 2 no such probe, or bad usage.")]
    Stop {
        /// The name of the probe
        probe: String,
        #[command(flatten)]
        socket: SocketArgs,
    },
    /// Start a probe that was stopped
    ///
    /// Undoes `ebpf-run stop`.
    #[command(after_help = "Example:\n  sudo ebpf-run start opens\n\n\
                            Exit status: 0 success; 1 the daemon cannot be reached; 2 no such probe, it failed to start, or bad usage.")]
    Start {
        /// The name of the probe
        probe: String,
        #[command(flatten)]
        socket: SocketArgs,
    },
    /// Print a live copy of the daemon's events, as JSON lines
    ///
    /// Includes state changes of probes (`probe_state`) and, unless a probe is named, of files (`reload`), whatever sinks the
    /// probes write to. A slow reader loses lines of its own copy only; a `lost` line reports how many. Earlier events are in
    /// the sinks.
    #[command(after_help = "Examples:\n  sudo ebpf-run tail\n  sudo ebpf-run tail opens | jq .path")]
    Tail {
        /// The name of a probe; without it, all probes
        probe: Option<String>,
        #[command(flatten)]
        socket: SocketArgs,
    },
    /// Show what probes count as tables that are redrawn at each interval
    ///
    /// Runs the probes of the files that count something, and shows their last interval: one table at a time, sorted by a column, and
    /// the histograms of the selected row as bars. Probes with `interval: end` are shown each second, with all that they have counted.
    /// Nothing is written to the sinks of the probes.
    ///
    /// Keys: left and right choose the column to sort by, `r` reverses the order, `p` or space pauses, up and down select a row,
    /// Tab shows the next table, `q` quits.
    #[command(
        after_help = "Examples:\n  sudo ebpf-run top examples/packet-count.yaml\n  sudo ebpf-run top probes.d/ --duration 1m\n\n\
                            Exit status: 0 success; 1 failure at run time; 2 bad usage or configuration, or not a terminal."
    )]
    Top(TopArgs),
    /// Check YAML files for errors, without root
    ///
    /// Reports all errors of all files at once, each with file, line, column and a suggestion. Files named together are checked
    /// as one run: probe names must be unique. With --kernel it also checks that the hooks, captured fields and interfaces exist
    /// on this machine and that the verifier accepts the programs.
    #[command(
        after_help = "Examples:\n  ebpf-run check probes.yaml\n  ebpf-run check --strict probes.d\n  sudo ebpf-run check --kernel probes.yaml\n  \
                            ebpf-run check --format sarif probes.d > ebpf-run.sarif\n\n\
                            Exit status: 0 no errors; 1 with --kernel: the files are valid, but this machine refuses a probe; \
                            2 an error in a file, or bad usage."
    )]
    Check(CheckArgs),
    /// Explain an error code, or list all codes
    ///
    /// Each explanation has a wrong and a right example.
    #[command(after_help = "Examples:\n  ebpf-run explain E0201\n  ebpf-run explain")]
    Explain {
        /// The code from a message, such as E0201
        code: Option<String>,
    },
    /// List the built-in programs, or describe one
    ///
    /// The description lists the hooks a program attaches to, its parameters, and the fields of its events.
    #[command(
        after_help = "Examples:\n  ebpf-run programs\n  ebpf-run programs exec\n  ebpf-run programs ./mine.bpf.o --format json"
    )]
    Programs {
        /// A built-in program or the path of an object file
        name: Option<String>,
        /// Output format
        #[arg(long, value_enum, default_value_t = Listing::Text)]
        format: Listing,
    },
    /// Test which kinds of hooks work on this machine
    ///
    /// Prints what matters of the kernel and of this process's privileges, then attaches one probe of each kind and detaches it
    /// at once. Without root it reports what it can find out.
    #[command(after_help = "Examples:\n  sudo ebpf-run doctor\n  \
                            ebpf-run doctor --format json | jq '.hooks[] | select(.result != \"works\")'\n\n\
                            Exit status: 0 every kind of hook works; 1 at least one does not; 2 bad usage.")]
    Doctor {
        /// Output format
        #[arg(long, value_enum, default_value_t = Listing::Text)]
        format: Listing,
    },
    /// Search for functions, tracepoints and symbols to hook
    ///
    /// Prints each match as it is written under `hook` in YAML: kernel functions, tracepoints, raw tracepoints, system calls and LSM
    /// hooks, or with --binary the functions and USDT probes of a program or library.
    #[command(after_help = "Examples:\n  ebpf-run hooks openat\n  ebpf-run hooks 'tcp_*' --kind kprobe -v\n  \
                            ebpf-run hooks 'sched:*' -v\n  ebpf-run hooks sched_switch --format json -v\n  \
                             ebpf-run hooks getaddrinfo --binary libc.so.6\n\n\
                            Exit status: 0 something matches; 1 nothing matches; 2 bad usage.")]
    Hooks(HooksArgs),
    /// Show how each probe would run here, without loading it
    ///
    /// For each probe: its program, the mechanism it attaches by, the privileges and memory it needs, what it captures, and where
    /// its events go. Without root it reports what it can find out.
    #[command(after_help = "Examples:\n  ebpf-run plan probes.yaml\n  \
                            ebpf-run plan probes.d/ --format json | jq '.probes[].captures'\n\n\
                            Exit status: 0 every probe can run here; 1 at least one cannot; 2 an error in a file, or bad usage.")]
    Plan {
        /// YAML files or directories of them (*.yaml, *.yml); `-` is standard input
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Output format
        #[arg(long, value_enum, default_value_t = Listing::Text)]
        format: Listing,
        #[command(flatten)]
        settings: Settings,
    },
    /// Draw a flame graph of call stacks, recorded now or before
    ///
    /// Given files of probes, it runs them until Ctrl-C and draws the stacks that they captured (`kstack`, `ustack`) instead of writing
    /// events. Given a file of events as JSON lines, or of folded stacks (`comm;main;work 7`), it only draws. Each function is as wide
    /// as the part of the events in which it was called; open the picture in a browser to search and zoom.
    #[command(after_help = "Examples:\n  sudo ebpf-run flame probes.yaml -o out.svg --duration 10s\n  \
                            ebpf-run flame events.jsonl -o out.svg\n  \
                            ebpf-run flame rows.jsonl --value took -o out.svg\n\n\
                            Exit status: 0 success; 1 no event had a stack, or the probes cannot run; 2 an error in a file, or bad usage.")]
    Flame(FlameArgs),
    /// Print the effective configuration of files, with everything written out
    ///
    /// The output is one YAML document that `check` accepts and that runs the same probes: `defaults` are merged into each probe,
    /// `${env:NAME}` is replaced by its value, and anchors, merge keys and short forms are written in full. The program, interval
    /// and sinks of each probe are included even if they are the default. Unlike messages, it contains values from the
    /// environment.
    #[command(after_help = "Examples:\n  ebpf-run show probes.yaml\n  ebpf-run show probes.d/ > all.yaml\n  \
                            ebpf-run show probes.d/ --format json | jq '.probes[] | {name, hook}'\n\n\
                            Exit status: 0 success; 2 an error in a file, or bad usage.")]
    Show {
        /// YAML files or directories of them (*.yaml, *.yml); `-` is standard input
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Output format
        #[arg(long, value_enum, default_value_t = Notation::Yaml)]
        format: Notation,
        #[command(flatten)]
        settings: Settings,
    },
    /// Print the JSON schema of the YAML files
    ///
    /// Editors with yaml-language-server (VS Code, Neovim, Helix, Emacs) use it to complete, explain and check the files as you
    /// type.
    #[command(after_help = "Example:\n  ebpf-run schema > ebpf-run.schema.json\n\n\
                            Put this in the first line of a file for editors:\n  \
                            # yaml-language-server: $schema=./ebpf-run.schema.json")]
    Schema,
    /// Print a commented file to start from
    ///
    /// The file is valid as it is. Optional keys are in it as comments.
    #[command(after_help = "Examples:\n  ebpf-run new kprobe\n  ebpf-run new exec --output exec.yaml")]
    New {
        /// A program (see `ebpf-run programs`) or a kind of hook: kprobe, tracepoint, xdp …
        #[arg(value_name = "PROGRAM|HOOK")]
        word: String,
        /// Write to this file; fails if it exists
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Print a shell completion script
    #[command(after_help = "Examples:\n  \
                            ebpf-run completions bash > /etc/bash_completion.d/ebpf-run\n  \
                            ebpf-run completions zsh > /usr/local/share/zsh/site-functions/_ebpf-run\n  \
                            ebpf-run completions fish > ~/.config/fish/completions/ebpf-run.fish")]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Write the man pages
    #[command(hide = true)]
    Man {
        /// The directory to write them to
        #[arg(default_value = "man")]
        directory: PathBuf,
    },
}

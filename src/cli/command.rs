// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line: each command and what it takes.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use super::args::{CheckArgs, Listing, RunArgs, Shell};
use super::client::{SocketArgs, StatusArgs};
use super::daemon::DaemonArgs;
use super::hooks::HooksArgs;

/// Runs the eBPF probes that YAML files describe.
#[derive(Debug, Parser)]
#[command(name = "ebpf-run", version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "Examples:\n  ebpf-run probes.yaml                  run until Ctrl-C\n  \
                        ebpf-run probes.yaml --duration 10s   run for ten seconds\n  \
                        ebpf-run probes.yaml | jq .comm       JSON lines when piped\n  \
                        ebpf-run programs exec                what a program does and takes\n\n\
                        Exit status: 0 good, 1 failure at run time, 2 bad usage or configuration.")]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
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

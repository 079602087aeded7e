// SPDX-License-Identifier: MIT OR Apache-2.0
//! Arguments that several commands take.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::config;

/// Values for variables of files, for every command that reads files once or for a run.
#[derive(Debug, Args)]
pub(super) struct Settings {
    /// Replace the value of a variable that the files declare under `vars`; repeat it for several
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub(super) set: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// YAML files or directories of them (*.yaml, *.yml); `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// Stop after this time, counted from when all probes are attached: 500ms, 10s, 5m, 1h
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) duration: Option<Duration>,
    /// Stop after this many events; one report of counters counts as one event
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) count: Option<u64>,
    /// Follow the files: start, replace and stop probes as they change, as the daemon does
    #[arg(long, conflicts_with_all = ["duration", "count"])]
    pub(super) watch: bool,
    #[command(flatten)]
    pub(super) metrics: MetricsArgs,
    #[command(flatten)]
    pub(super) settings: Settings,
}

#[derive(Debug, Args)]
pub(super) struct TopArgs {
    /// YAML files or directories of them (*.yaml, *.yml)
    #[arg(required = true, value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// Stop after this time, counted from when all probes are attached: 500ms, 10s, 5m, 1h
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) duration: Option<Duration>,
    #[command(flatten)]
    pub(super) settings: Settings,
}

/// Where what probes count is read.
#[derive(Debug, Args)]
pub(super) struct MetricsArgs {
    /// Serve Prometheus metrics at http://ADDRESS/metrics [default ADDRESS: 127.0.0.1:9435]
    ///
    /// There is no password and no encryption: anyone who can reach the address can read the metrics.
    #[arg(long, value_name = "ADDRESS", value_parser = address, num_args = 0..=1)]
    #[arg(default_missing_value = crate::metrics::DEFAULT_ADDRESS)]
    pub(super) metrics: Option<SocketAddr>,
    /// Also answer requests for this host name, such as that of a proxy or service; may be repeated
    ///
    /// Without it, a request must name an IP address, localhost or this machine. That protects against DNS rebinding: a web page
    /// that points a name of its own at this address.
    #[arg(long, value_name = "NAME", requires = "metrics")]
    pub(super) metrics_host: Vec<String>,
}

/// `127.0.0.1:9435`, `[::1]:9435`, or a port of 127.0.0.1.
fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.parse().map(|port: u16| SocketAddr::from(([127, 0, 0, 1], port)));
    let address = port.or_else(|_| text.parse().map_err(drop));
    address.map_err(|()| "expected an IP address and a port, such as 127.0.0.1:9435 or [::1]:9435".to_owned())
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// YAML files or directories of them (*.yaml, *.yml); `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// Also check against this machine: symbols, arguments, fields, interfaces and the verifier; attaches nothing
    #[arg(long)]
    pub(super) kernel: bool,
    /// Treat warnings as errors in the exit status
    #[arg(long)]
    pub(super) strict: bool,
    /// Output format: text for people, json with one problem per line, sarif (2.1.0) for code review
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub(super) format: ReportFormat,
    #[command(flatten)]
    pub(super) settings: Settings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    Text,
    Json,
    Sarif,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Listing {
    Text,
    Json,
}

/// How a configuration is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Notation {
    Yaml,
    Json,
}

/// A shell that has a completion script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// `NAME=VALUE`, split at the first `=`.
fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    if config::is_var_name(name) {
        Ok((name.to_owned(), value.to_owned()))
    } else {
        Err("the name of a variable has letters, digits and `_`, and no digit first".to_owned())
    }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    config::parse_duration(text)
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! A daemon from its start to its end.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::runtime::Builder;
use tokio::sync::{Notify, mpsc};

use super::error::DaemonError;
use super::options::DaemonOptions;
use super::said::Said;
use super::state::Daemon;
use super::turns::{RESCAN, Signals};
use crate::config::{Checked, SourceFile};
use crate::control::Listener;
use crate::files::Watcher;
use crate::kernel::InterfaceWatch;
use crate::metrics::Endpoint;
use crate::runner::engine::{Ended, Engine, Purpose};
use crate::runner::process::{let_signals_end_it, raise_file_limit};
use crate::runner::source::{Budget, End};

/// Follows the files until SIGINT or SIGTERM. Returns what each probe that ran at the end did.
pub fn daemon(
    options: &DaemonOptions,
    check: &dyn Fn(&[SourceFile]) -> Checked,
    say: &mut dyn FnMut(&Said<'_>),
) -> Result<Ended, DaemonError> {
    raise_file_limit();
    // First of all: two daemons must not both act on the files.
    let listener = options.socket.as_deref().map(Listener::bind).transpose()?;
    let endpoint = options.metrics.map(|address| serve_metrics(address, &options.metrics_hosts, say)).transpose()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let signals = Signals::new(&runtime)?;
    let changed = Arc::new(Notify::new());
    let watcher = {
        let changed = Arc::clone(&changed);
        Watcher::new(options.roots.clone(), options.debounce, move || changed.notify_one())
    };
    let watcher = watcher.inspect_err(|error| {
        say(&Said::Warning(&format!("{error}; changes are found every {} s", RESCAN.as_secs())));
    });
    let purpose = Purpose::Follow { guarded: options.guarded };
    let mut engine = Engine::new(options.look.clone(), purpose, Budget::new(None), Arc::<End>::default())?;
    if endpoint.is_some() {
        engine.sinks.serve_metrics();
    }
    let mut daemon = Daemon::new(options, check, engine, watcher.ok(), say);
    // Before the first look: what appears while that takes its time is not missed.
    let interfaces = InterfaceWatch::new()?;
    daemon.look();
    (daemon.tell.say)(&Said::Ready);
    daemon.tell_ready();
    let (ask, mut asked) = mpsc::channel(1);
    runtime.block_on(async {
        let scrapes = async {
            match &endpoint {
                Some(endpoint) => endpoint.serve(ask.clone()).await,
                None => std::future::pending().await,
            }
        };
        let serve = async {
            match &listener {
                Some(listener) => listener.serve(ask.clone()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = daemon.run(signals, interfaces, &changed, &mut asked) => ended,
            ended = serve => ended,
            ended = scrapes => ended,
        }
    })?;
    daemon.service.stopping();
    listener.iter().for_each(Listener::close);
    // The end may wait for sinks whose readers do not read.
    let_signals_end_it();
    Ok(daemon.units.finish())
}

/// Listens for those who read metrics.
fn serve_metrics(
    address: SocketAddr,
    hosts: &[String],
    say: &mut dyn FnMut(&Said<'_>),
) -> Result<Endpoint, DaemonError> {
    let endpoint = Endpoint::bind(address, hosts).map_err(|error| DaemonError::Metrics(address, error))?;
    say(&Said::Info(&format!("metrics at http://{}/metrics", endpoint.address())));
    if !address.ip().is_loopback() {
        let text =
            format!("anyone who can reach {} can read the metrics: names of files and probes, and counts", address);
        say(&Said::Warning(&text));
    }
    Ok(endpoint)
}

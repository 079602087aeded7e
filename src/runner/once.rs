// SPDX-License-Identifier: MIT OR Apache-2.0
//! One run of all probes of a configuration, or of none.
//!
//! ```text
//! start     prepare all ─▶ load all ─▶ open sinks ─▶ attach all ─▶ read all     (one failure undoes everything)
//! run       until a signal, the end of the time or of the count, or until the output is closed
//! end       Engine::finish
//! ```

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::engine::{Draft, Ended, Engine, Made, Purpose, Sources, Unit};
use super::process::{is_ignored, let_signals_end_it, raise_file_limit};
use super::source::{Budget, End};
use super::watcher::Watcher;
use crate::catalog::Program;
use crate::config::{CheckedProbe, Config};
use crate::control::{Asked, Reply};
use crate::format::Look;
use crate::kernel::{
    Expanded, Host, KernelError, claimed_twice, disagreements, expand, few_of_each, left_out, together,
};
use crate::metrics::Endpoint;
use crate::plan::{Content, UnitId};
use crate::spec::Place;

/// How often losses are reported on the stream, at most.
const LOSS_INTERVAL: Duration = Duration::from_secs(1);
/// How often to see whether anybody still reads the output.
const CLOSED_INTERVAL: Duration = Duration::from_millis(250);

/// When a run ends by itself, and how `pretty` looks.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// End after this time, counted from the moment when everything is attached.
    pub duration: Option<Duration>,
    /// End after this many events; an interval's counters count as one.
    pub count: Option<u64>,
    /// How `pretty` looks.
    pub look: Look,
    /// Ends the run from outside.
    pub stop: Stop,
    /// Nothing is written: sinks only take what they are given.
    pub discards: bool,
    /// Somebody who looks at samples.
    pub watcher: Option<Watcher>,
    /// Where metrics can be read over HTTP; `None`: nowhere.
    pub metrics: Option<SocketAddr>,
    /// Names of hosts under which they are read, besides those of this machine.
    pub metrics_hosts: Vec<String>,
}

/// Ends a run from another thread, also one that has not begun.
#[derive(Clone, Default)]
pub struct Stop(Arc<End>);

impl Stop {
    /// The run ends as it does by a signal.
    pub fn request(&self) {
        self.0.request_now();
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stop")
    }
}

/// What a run tells people while it goes on.
pub enum Report<'a> {
    /// Something about a probe that a person should know, such as a fallback.
    Remark {
        /// The probe's name.
        probe: &'a str,
        /// One sentence.
        text: &'a str,
    },
    /// Metrics can be read there.
    Metrics(SocketAddr),
    /// Everything is attached. Name and mechanism of each probe.
    Ready(Vec<(&'a str, &'a str)>),
}

/// Why a run did not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartError {
    /// The probe that is to blame, by its index in the configuration; `None` for the machine.
    pub probe: Option<usize>,
    /// What is wrong, and which part of the probe is to blame.
    pub error: KernelError,
}

impl StartError {
    fn machine(error: &io::Error) -> Vec<Self> {
        vec![Self { probe: None, error: KernelError::at(Place::Probe, format!("failed to set up the run: {error}")) }]
    }
}

/// Runs until a signal, `--duration`, `--count`, or until every reader of the output is gone. Returns what every probe did.
pub fn run(config: &Config, options: &Options, mut report: impl FnMut(Report<'_>)) -> Result<Ended, Vec<StartError>> {
    raise_file_limit();
    let end = Arc::clone(&options.stop.0);
    let (look, budget) = (options.look.clone(), Budget::new(options.count));
    let engine = Engine::new(look, Purpose::Once, budget, Arc::clone(&end));
    let mut engine = engine.map_err(|error| StartError::machine(&error))?;
    engine.watcher.clone_from(&options.watcher);
    if options.discards {
        engine.sinks.serve_metrics();
    }
    let endpoint = options.metrics.map(|address| serve_metrics(address, options, &mut engine)).transpose()?;
    // Until here a signal ends the process at once, however long the start takes; nothing outlives it.
    let host = engine.host();
    let (mut units, sources) = start(&mut engine, config, &host)?;
    for probe in &config.probes {
        for left_out in left_out(&probe.spec, &host) {
            report(Report::Remark { probe: &probe.spec.id.name, text: &left_out.message });
        }
    }
    let mut control = Control::new(end).map_err(|error| StartError::machine(&error))?;
    for unit in &units {
        if let Some(remark) = &unit.attached.remark {
            report(Report::Remark { probe: &unit.title, text: remark });
        }
    }
    engine.read(sources);
    report(Report::Ready(units.iter().map(|unit| (&*unit.title, &*unit.attached.mechanism)).collect()));
    if let Some(endpoint) = &endpoint {
        report(Report::Metrics(endpoint.address()));
    }
    control.run(&engine, &mut units, options.duration, endpoint.as_ref());
    // The end may wait for a reader of standard error that does not read.
    let_signals_end_it();
    Ok(engine.finish(units))
}

/// Listens for those who read metrics.
fn serve_metrics(address: SocketAddr, options: &Options, engine: &mut Engine) -> Result<Endpoint, Vec<StartError>> {
    engine.sinks.serve_metrics();
    Endpoint::bind(address, &options.metrics_hosts).map_err(|error| {
        let message = format!("failed to serve metrics at {address}: {error}");
        vec![StartError { probe: None, error: KernelError::at(Place::Probe, message) }]
    })
}

/// One probe with one of its targets, on its way.
struct Starting<'c> {
    /// Its probe's index in the configuration.
    index: usize,
    program: &'c Arc<Program>,
    one: Expanded,
}

impl Starting<'_> {
    fn blame(&self, error: KernelError) -> StartError {
        StartError { probe: Some(self.index), error: self.one.blame(error) }
    }
}

/// Prepares, loads and attaches all probes. If one fails, everything that was done is undone, and all failures of the
/// step are returned.
fn start(engine: &mut Engine, config: &Config, host: &Host) -> Result<(Vec<Unit>, Sources), Vec<StartError>> {
    let all = expand_all(config, host)?;
    let claims = claimed_twice(all.iter().map(|starting| (starting.index, &starting.one)));
    if !claims.is_empty() {
        return Err(claims.into_iter().map(|(probe, error)| StartError { probe: Some(probe), error }).collect());
    }
    follow_sets(engine, config)?;
    let drafts = each(all.iter(), |starting| {
        let blame = |errors: Vec<KernelError>| errors.into_iter().map(|error| starting.blame(error)).collect();
        Engine::prepare(&starting.one.spec, starting.program, host).map_err(blame)
    })?;
    let made = each(all.iter().zip(drafts), |(starting, draft): (&Starting<'_>, Draft)| {
        engine.load(draft, &starting.one.spec, None, host).map_err(|error| vec![starting.blame(error)])
    })?;
    open_sinks(engine, config)?;
    let attached = each(all.iter().zip(made), |(starting, made): (&Starting<'_>, Made)| {
        let content = Content::new(&starting.one.spec, starting.program, &config.sinks);
        let blame = |error| vec![starting.blame(error)];
        let routes = engine.sinks.routes(&content.sinks, &[]);
        let routes = routes.map_err(|errors| errors.into_iter().flat_map(blame).collect::<Vec<_>>())?;
        let id = UnitId { probe: content.spec.id.clone(), target: starting.one.target.clone() };
        engine.attach(id.to_string(), &content, made, routes, host).map_err(blame)
    })?;
    let (units, sources): (Vec<Unit>, Vec<Sources>) = attached.into_iter().unzip();
    Ok((units, sources.into_iter().flatten().collect()))
}

/// Does the same with each: all results, or all errors.
fn each<T, U>(
    items: impl Iterator<Item = T>,
    mut step: impl FnMut(T) -> Result<U, Vec<StartError>>,
) -> Result<Vec<U>, Vec<StartError>> {
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for item in items {
        match step(item) {
            Ok(value) => values.push(value),
            Err(more) => errors.extend(more),
        }
    }
    let part = |failed: &StartError| Some((failed.probe?, failed.error.place.clone()));
    if errors.is_empty() { Ok(values) } else { Err(few_of_each(errors, part, |failed| Some(&mut failed.error))) }
}

/// The probes of the configuration, one for each of their targets.
fn expand_all<'c>(config: &'c Config, host: &Host) -> Result<Vec<Starting<'c>>, Vec<StartError>> {
    let expanded = each(config.probes.iter().enumerate(), |(index, probe)| {
        let blame = |errors: Vec<KernelError>| {
            errors.into_iter().map(|error| StartError { probe: Some(index), error }).collect::<Vec<_>>()
        };
        let all = expand(&probe.spec, host).map_err(blame)?;
        let all = together(&probe.spec, all, &probe.program, host);
        let disagree = disagreements(&all, &probe.program, host);
        if !disagree.is_empty() {
            return Err(blame(disagree));
        }
        Ok(all.into_iter().map(|one| Starting { index, program: &probe.program, one }).collect::<Vec<_>>())
    })?;
    Ok(expanded.into_iter().flatten().collect())
}

/// Makes the sets that probes ask for. One that cannot be made is said of the first probe that asks for it.
fn follow_sets(engine: &mut Engine, config: &Config) -> Result<(), Vec<StartError>> {
    let used = config.used_sets();
    let errors = engine.sets.follow(&config.sets, &used).into_iter().map(|no| {
        let uses = config
            .probes
            .iter()
            .enumerate()
            .flat_map(|(index, probe)| probe.spec.sets.iter().map(move |set| (index, set)));
        let asks = uses.into_iter().find(|(_, set)| set.name == no.name);
        let (probe, word) = asks.map_or((None, "?"), |(index, set)| (Some(index), set.word.as_str()));
        StartError {
            probe,
            error: KernelError::at(Place::Probe, format!("failed to make the set `{word}`: {}", no.why)),
        }
    });
    let errors: Vec<StartError> = errors.collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Opens all sinks of the configuration. One that cannot be opened is said of the first probe that writes to it.
fn open_sinks(engine: &mut Engine, config: &Config) -> Result<(), Vec<StartError>> {
    let opened = each(config.sinks.iter().enumerate(), |(id, spec)| {
        engine.sinks.open(spec).map_err(|error| {
            let uses = |probe: &CheckedProbe| probe.spec.sinks.iter().any(|sink| sink.0 == id);
            vec![StartError { probe: config.probes.iter().position(uses), error }]
        })
    });
    opened.map(drop)
}

/// The main thread while a run goes on: signals, the end of the time, losses on the stream. Signals are caught from its creation on.
struct Control {
    runtime: Runtime,
    signals: [Signal; 2],
    /// The terminal has gone; `None` where it does not matter (nohup).
    hangup: Option<Signal>,
    end: Arc<End>,
}

impl Control {
    fn new(end: Arc<End>) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (signals, hangup) = {
            let _inside = runtime.enter();
            let hangup = if is_ignored(libc::SIGHUP) { None } else { Some(signal(SignalKind::hangup())?) };
            ([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?], hangup)
        };
        Ok(Self { runtime, signals, hangup, end })
    }

    /// Returns when the run is to end; after `duration` at the latest.
    fn run(&mut self, engine: &Engine, units: &mut [Unit], duration: Option<Duration>, endpoint: Option<&Endpoint>) {
        let Self { runtime, signals: [interrupt, terminate], hangup, end } = self;
        let finish = duration.and_then(|duration| Instant::now().checked_add(duration));
        let mut losses = Instant::now() + LOSS_INTERVAL;
        let (ask, mut asked) = mpsc::channel(1);
        let serve = async {
            if let Some(endpoint) = endpoint {
                // When it ends there are no metrics, and the run goes on.
                drop(endpoint.serve(ask).await);
            }
            std::future::pending::<()>().await;
        };
        let run = async {
            loop {
                let next = finish.into_iter().fold(Instant::now() + CLOSED_INTERVAL, Instant::min);
                tokio::select! {
                    biased;
                    _ = interrupt.recv() => return,
                    _ = terminate.recv() => return,
                    Some(()) = async { hangup.as_mut()?.recv().await } => return,
                    () = end.requested() => {
                        if end.is_now() || engine.is_spent() || engine.is_over() {
                            return;
                        }
                    }
                    Some(asked) = asked.recv() => answer(asked, engine),
                    () = tokio::time::sleep_until(next.into()) => {}
                }
                let now = Instant::now();
                if finish.is_some_and(|finish| now >= finish) {
                    return;
                }
                if now >= losses {
                    units.iter_mut().for_each(Unit::report_losses);
                    engine.sets.say_what_is_lacking();
                    losses = now + LOSS_INTERVAL;
                }
                if engine.is_spent() || engine.sinks.iter().all(|(_, sink)| sink.is_closed()) {
                    return;
                }
            }
        };
        runtime.block_on(async {
            tokio::select! {
                () = run => {}
                () = serve => {}
            }
        });
    }
}

/// The metrics, for Prometheus; nobody asks a run for anything else.
fn answer(asked: Asked, engine: &Engine) {
    // Who asked may have gone.
    drop(asked.reply.send(Reply::Metrics { text: engine.sinks.metrics() }));
}

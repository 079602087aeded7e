// SPDX-License-Identifier: MIT OR Apache-2.0
//! The daemon: what runs follows what the files say.
//!
//! ```text
//! files change ┐
//! SIGHUP       ├─▶ look ─▶ accept ─▶ expand ─▶ plan ─▶ execute ─▶ say
//! interfaces,  │    ▲                                     │
//! binaries     │    │                                     │
//! time         ┘    └──────────── retry at … ◀────────────┘
//! ```
//!
//! One thread decides and acts; rings are read by the reader's thread all the while. What never happens here: nothing waits
//! for a sink, and nothing is printed; what people should read goes through [`Said`].

mod binaries;
mod entry;
mod error;
mod execute;
mod follow;
mod former;
mod leave;
mod rates;
mod requests;
mod roots;
mod said;
mod service;
mod snapshot;
mod tell;
mod units;

pub use self::said::Said;

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc};

use self::binaries::BinaryWatch;
use self::error::DaemonError;
use self::follow::{Followed, contents};
use self::rates::Rates;
use self::roots::Roots;
use self::service::Service;
use self::tell::Tell;
use self::units::Units;
use super::process::{let_signals_end_it, raise_file_limit};
use crate::catalog::Catalog;
use crate::config::{Checked, SourceFile};
use crate::control::{Asked, Listener};
use crate::files::{Trust, Watcher};
use crate::format::Look;
use crate::kernel::InterfaceWatch;
use crate::metrics::Endpoint;
use crate::plan::plan;
use crate::runner::engine::{Ended, Engine, News, Purpose};
use crate::runner::source::{Budget, End, now_unix_ns};
use crate::status::Reloads;

/// How often to look without a reason: for file systems whose changes nobody reports, such as NFS.
const RESCAN: Duration = Duration::from_secs(30);
/// How often losses are said, at most.
const LOSS_INTERVAL: Duration = Duration::from_secs(1);
/// How long until a file that is being written is looked at again.
const UNSETTLED: Duration = Duration::from_millis(100);
/// How long interfaces may settle: one that appears is announced several times.
const INTERFACES: Duration = Duration::from_millis(50);
/// How often a look that finds other directories is repeated at once.
const MOST_LOOKS: usize = 4;

/// What a daemon follows.
#[derive(Debug, Clone)]
pub struct DaemonOptions {
    /// Directories and files.
    pub roots: Vec<PathBuf>,
    /// Where commands reach it; `None`: nowhere.
    pub socket: Option<PathBuf>,
    /// Where metrics can be read over HTTP; `None`: nowhere.
    pub metrics: Option<SocketAddr>,
    /// Names of hosts under which they are read, besides those of this machine.
    pub metrics_hosts: Vec<String>,
    /// What becomes of files that users other than root could change.
    pub trust: Trust,
    /// How long nothing may change before files are looked at.
    pub debounce: Duration,
    /// How `pretty` looks.
    pub look: Look,
    /// Refuse programs and libraries that others than root could change, where the file does not allow them.
    pub guarded: bool,
}

/// Follows the files until SIGINT or SIGTERM. Returns what each probe that ran at the end did.
pub fn daemon(
    options: &DaemonOptions,
    catalog: &Catalog,
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
    let engine = Engine::new(catalog, options.look.clone(), purpose, Budget::new(None), Arc::<End>::default())?;
    let mut daemon = Daemon {
        roots: Roots::new(options.roots.clone(), options.trust),
        debounce: options.debounce,
        check,
        followed: Followed::default(),
        units: Units::new(engine),
        watcher: watcher.ok(),
        binaries: BinaryWatch::default(),
        next_retry: None,
        unsettled: false,
        reloads: Reloads::default(),
        started_unix_ns: now_unix_ns(),
        service: Service::from_environment(),
        rates: RefCell::default(),
        news: News::new(),
        say,
    };
    // Before the first look: what appears while that takes its time is not missed.
    let interfaces = InterfaceWatch::new()?;
    daemon.look();
    (daemon.say)(&Said::Ready);
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
            format!("anybody who reaches {} may read the metrics: names of files and probes, and counts", address);
        say(&Said::Warning(&text));
    }
    Ok(endpoint)
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn new(runtime: &Runtime) -> io::Result<Self> {
        let _inside = runtime.enter();
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

struct Daemon<'a> {
    roots: Roots,
    debounce: Duration,
    check: &'a dyn Fn(&[SourceFile]) -> Checked,
    followed: Followed,
    units: Units<'a>,
    watcher: Option<Watcher>,
    binaries: BinaryWatch,
    /// On the clock of the units.
    next_retry: Option<Duration>,
    /// A file was being written.
    unsettled: bool,
    reloads: Reloads,
    started_unix_ns: u64,
    service: Service,
    rates: RefCell<Rates>,
    news: News,
    say: &'a mut dyn FnMut(&Said<'_>),
}

impl Daemon<'_> {
    /// Until a signal ends it.
    async fn run(
        &mut self,
        mut signals: Signals,
        interfaces: InterfaceWatch,
        changed: &Notify,
        asked: &mut mpsc::Receiver<Asked>,
    ) -> io::Result<()> {
        // SAFETY: the socket belongs to the `InterfaceWatch`, which keeps it open and is dropped with this one.
        let interfaces = unsafe { AsyncFd::register_with_interest(interfaces, Interest::READABLE) };
        let mut interfaces = interfaces?;
        let binaries = self.binaries.changed();
        let former = self.units.looking.done();
        let mut rescan = Instant::now() + RESCAN;
        let mut losses: Option<Instant> = None;
        loop {
            interfaces.get_mut().follow_routes(self.followed.follows_routes());
            let wake = self.wake_at(rescan, losses);
            tokio::select! {
                biased;
                _ = signals.interrupt.recv() => return Ok(()),
                _ = signals.terminate.recv() => return Ok(()),
                _ = signals.hangup.recv() => {
                    self.service.reloading();
                    self.units.hurry(false);
                    self.look();
                    self.tell_ready();
                }
                () = changed.notified() => self.look(),
                () = binaries.notified() => {
                    self.units.hurry(true);
                    self.act();
                }
                () = former.notified() => self.units.looking.leave_unused(&mut self.units.entries),
                Some(asked) = asked.recv() => self.answer(asked).await,
                ready = interfaces.readable_mut() => {
                    let mut ready = ready?;
                    let news = ready.get_inner_mut().drain();
                    ready.clear_ready();
                    if news {
                        tokio::time::sleep(INTERFACES).await;
                        self.units.lose_gone(&mut Tell { say: &mut *self.say, news: &mut self.news, look: self.units.engine.look.clone() });
                        self.units.hurry(true);
                        self.act();
                    }
                }
                () = self.units.engine.readers.activity(), if losses.is_none() => losses = Some(Instant::now() + LOSS_INTERVAL),
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            let now = Instant::now();
            if losses.is_some_and(|losses| now >= losses) {
                self.units.report_losses();
                losses = None;
            }
            if now >= rescan || self.unsettled || self.roots.has_answer() {
                rescan = now + RESCAN;
                self.look();
            } else if self.next_retry.is_some_and(|at| self.units.now() >= at) {
                self.act();
            }
            if self.service.listens() {
                let headline = self.headline();
                self.service.turned(Instant::now(), headline);
            }
        }
    }

    fn tell_ready(&mut self) {
        let headline = self.headline();
        self.service.ready(headline);
    }

    /// When there is something to do without anybody saying so.
    fn wake_at(&mut self, rescan: Instant, losses: Option<Instant>) -> Instant {
        let retry = self.next_retry.map(|at| Instant::now() + at.saturating_sub(self.units.now()));
        let unsettled = self.unsettled.then(|| Instant::now() + UNSETTLED);
        let sweep = self.units.engine.sweep().then(|| Instant::now() + LOSS_INTERVAL);
        let next = [retry, unsettled, self.roots.ask_at(), sweep, losses, self.service.next_sign()];
        next.into_iter().flatten().fold(rescan, Instant::min)
    }

    /// Looks at the files, and makes the machine do what they say.
    fn look(&mut self) {
        self.units.looking.begin(&mut self.units.entries);
        for _ in 0..MOST_LOOKS {
            let (found, roots) = self.roots.look(self.debounce, &mut *self.say);
            self.unsettled = found.is_unsettled();
            if let Some(watcher) = &mut self.watcher {
                // To watch one whose file system does not answer would be to wait for it.
                watcher.follow(self.roots.able());
            }
            let changed = self.followed.take(found, self.check);
            if let Some(changed) = &changed {
                let problems = changed.files.iter().flat_map(|(_, problems)| problems);
                let new = problems.filter(|problem| !self.roots.is_said(problem));
                new.for_each(|problem| (self.say)(&Said::Problem(problem)));
                changed.warnings.iter().for_each(|problem| (self.say)(&Said::Problem(problem)));
            }
            self.act();
            if changed.is_some() || !roots.is_empty() {
                self.count_reload();
            }
            for root in roots {
                Tell { say: &mut *self.say, news: &mut self.news, look: self.units.engine.look.clone() }.reload(
                    &root.path,
                    root.problem.as_ref(),
                    std::iter::empty(),
                );
            }
            for (path, problems) in changed.iter().flat_map(|changed| &changed.files) {
                let problem = problems.iter().find(|problem| problem.is_error());
                let units = self.units.of_file(path);
                Tell { say: &mut *self.say, news: &mut self.news, look: self.units.engine.look.clone() }
                    .reload(path, problem, units);
            }
            self.units.copy_news(&mut self.news);
            if !self.watcher.as_mut().is_some_and(Watcher::rearm) {
                break;
            }
        }
    }

    /// Makes the machine do what the files said the last time.
    fn act(&mut self) {
        for _ in 0..MOST_LOOKS {
            self.reconcile();
            if !self.binaries.watch(self.followed.binaries()) {
                break;
            }
        }
    }

    fn reconcile(&mut self) {
        let host = self.units.host();
        let desired = self.followed.desired(&host);
        let wanted = contents(&desired);
        self.units.stay_in_files(&wanted, &host);
        let current = self.units.entries.iter().map(|(id, entry)| (id.clone(), entry.as_planned())).collect();
        let plan_now = plan(&wanted, &current, self.units.now());
        self.units.execute(
            &plan_now,
            &desired,
            &mut Tell { say: &mut *self.say, news: &mut self.news, look: self.units.engine.look.clone() },
        );
        self.units.copy_news(&mut self.news);
        let current = self.units.entries.iter().map(|(id, entry)| (id.clone(), entry.as_planned())).collect();
        self.next_retry = plan(&wanted, &current, Duration::ZERO).next_retry;
    }
}

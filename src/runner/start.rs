// SPDX-License-Identifier: MIT OR Apache-2.0
//! The start of a run: all probes or none.

use std::sync::Arc;
use std::time::Instant;

use crate::catalog::{Catalog, Program};
use crate::config::{CheckedProbe, Config};
use crate::format::Look;
use crate::kernel::{Expanded, Host, KernelError, Loaded, Prepared, claimed_twice, expand, prepare};
use crate::runner::engine::unit::{Making, Unit};
use crate::runner::source::budget::Budget;
use crate::runner::source::counters::Sampler;
use crate::runner::source::ring::Intake;
use crate::sink::Sink;
use crate::spec::Place;

/// Why a run did not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartError {
    /// The probe that is to blame, by its index in the configuration; `None` for the machine.
    pub probe: Option<usize>,
    /// What is wrong, and which part of the probe is to blame.
    pub error: KernelError,
}

impl StartError {
    pub(super) fn other(error: &std::io::Error) -> Self {
        Self { probe: None, error: KernelError::at(Place::Probe, format!("failed to set up the run: {error}")) }
    }

    fn kernel(probe: usize, error: KernelError) -> Self {
        Self { probe: Some(probe), error }
    }
}

/// Everything that runs.
pub(super) struct Live {
    pub(super) units: Vec<Unit>,
    /// For the reader thread, which takes them.
    pub(super) intakes: Vec<Intake>,
    pub(super) sinks: Vec<Arc<Sink>>,
    pub(super) budget: Arc<Budget>,
}

impl Live {
    /// When the next counters are due.
    pub(super) fn next_sample(&self) -> Option<Instant> {
        self.units.iter().filter_map(|unit| unit.sampler.as_ref()).map(Sampler::next).min()
    }

    /// Reports the counters that are due.
    pub(super) fn sample(&mut self, now: Instant) {
        for sampler in self.units.iter_mut().filter_map(|unit| unit.sampler.as_mut()) {
            sampler.tick(now, &self.budget);
        }
    }

    /// Says on the stream what was lost since the last time.
    pub(super) fn report_losses(&mut self) {
        self.units.iter_mut().for_each(Unit::report_losses);
    }

    /// True when every sink is a stream whose reader has gone.
    pub(super) fn nobody_reads(&self) -> bool {
        self.sinks.iter().all(|sink| sink.is_closed())
    }
}

/// One probe on its way.
struct Starting<'a> {
    /// Its index in the configuration.
    index: usize,
    /// What runs.
    one: Expanded,
    program: &'a Program,
    prepared: Prepared,
}

impl Starting<'_> {
    fn blame(&self, error: KernelError) -> StartError {
        StartError::kernel(self.index, self.one.blame(error))
    }
}

/// Prepares, loads and attaches all probes. If one fails, everything that was done is undone, and all failures of the
/// step are returned.
pub(super) fn start(
    config: &Config,
    catalog: &Catalog,
    count: Option<u64>,
    look: &Look,
) -> Result<Live, Vec<StartError>> {
    raise_file_limit();
    let host = Host::default();
    let starting: Vec<Starting<'_>> = all(expand_all(config, catalog, &host))?.into_iter().flatten().collect();
    let claims = claimed_twice(starting.iter().map(|probe| (probe.index, &probe.one)));
    if !claims.is_empty() {
        return Err(claims.into_iter().map(|(probe, error)| StartError::kernel(probe, error)).collect());
    }
    let starting = all(starting.into_iter().map(|probe| prepare_one(probe, &host)))?;
    let loaded = all(starting.iter().map(|probe| load(probe, &host)))?;
    let sinks = open_sinks(config)?;
    let attach = |(number, (probe, loaded)): (usize, (&Starting<'_>, Loaded))| {
        attach(number, probe, loaded, &sinks, look, &host)
    };
    let attached = all(starting.iter().zip(loaded).enumerate().map(attach))?;
    let mut live = Live { units: Vec::new(), intakes: Vec::new(), sinks, budget: Arc::new(Budget::new(count)) };
    for (unit, intake) in attached {
        live.units.push(unit);
        live.intakes.extend(intake);
    }
    Ok(live)
}

/// A probe holds some six descriptors; the usual soft limit of 1,024 is for programs that use select(2). The hard limit is
/// what the administrator set, and a refusal is no error.
pub(super) fn raise_file_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls take a valid pointer to a local.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 && limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}

/// All results, or all errors.
fn all<T>(results: impl Iterator<Item = Result<T, Vec<StartError>>>) -> Result<Vec<T>, Vec<StartError>> {
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(more) => errors.extend(more),
        }
    }
    if errors.is_empty() { Ok(values) } else { Err(errors) }
}

/// The probes of the configuration, one for each of their targets.
fn expand_all<'a>(
    config: &'a Config,
    catalog: &'a Catalog,
    host: &Host,
) -> impl Iterator<Item = Result<Vec<Starting<'a>>, Vec<StartError>>> {
    config.probes.iter().enumerate().map(move |(index, probe)| {
        let Some(program) = catalog.get(&probe.spec.program) else {
            // The configuration was checked against this catalogue.
            let error = std::io::Error::other(format!("no program `{}`", probe.spec.program));
            return Err(vec![StartError::other(&error)]);
        };
        let blame = |errors: Vec<KernelError>| {
            errors.into_iter().map(|error| StartError::kernel(index, error)).collect::<Vec<_>>()
        };
        let expanded = expand(&probe.spec, host).map_err(blame)?;
        let starting = |one| Starting { index, one, program, prepared: Prepared::default() };
        Ok(expanded.into_iter().map(starting).collect())
    })
}

fn prepare_one<'a>(starting: Starting<'a>, host: &Host) -> Result<Starting<'a>, Vec<StartError>> {
    let blame = |error| starting.blame(error);
    let prepared = prepare(&starting.one.spec, starting.program, host);
    let prepared = prepared.map_err(|errors| errors.into_iter().map(blame).collect::<Vec<_>>())?;
    Ok(Starting { prepared, ..starting })
}

fn load(starting: &Starting<'_>, host: &Host) -> Result<Loaded, Vec<StartError>> {
    let loaded = Loaded::load(&starting.one.spec, starting.program, &starting.prepared, host);
    loaded.map_err(|error| vec![starting.blame(error)])
}

fn open_sinks(config: &Config) -> Result<Vec<Arc<Sink>>, Vec<StartError>> {
    let open = |(id, spec)| {
        Sink::open(spec).map(Arc::new).map_err(|error| {
            let uses = |probe: &CheckedProbe| probe.spec.sinks.iter().any(|sink| sink.0 == id);
            let probe = config.probes.iter().position(uses);
            let help = error.help().unwrap_or_default();
            let error = KernelError::new(Place::Sink(spec.name.clone()), error.to_string(), help);
            vec![StartError { probe, error }]
        })
    };
    all(config.sinks.iter().enumerate().map(open))
}

fn attach(
    number: usize,
    starting: &Starting<'_>,
    loaded: Loaded,
    sinks: &[Arc<Sink>],
    look: &Look,
    host: &Host,
) -> Result<(Unit, Option<Intake>), Vec<StartError>> {
    let spec = &starting.one.spec;
    let sinks = spec.sinks.iter().filter_map(|id| sinks.get(id.0));
    let title = match &starting.one.target {
        Some(target) => format!("{}/{target}", spec.id.name),
        None => spec.id.name.clone(),
    };
    let making = Making {
        key: number as u64,
        title,
        spec,
        program: starting.program,
        prepared: &starting.prepared,
        routes: sinks.map(|sink| (Arc::clone(sink), Arc::default())).collect(),
        look,
    };
    making.attach(loaded, false, host).map_err(|error| vec![starting.blame(error)])
}

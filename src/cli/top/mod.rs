// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ebpf-run top PATH`: what probes count, as a table that is drawn again at each interval.
//!
//! One thread runs the probes as `ebpf-run PATH` does, but writes to no sink; this one draws and reads keys. The terminal is itself
//! again however that ends: by a key, a signal, an error or a panic.

mod draw;
mod state;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};

use self::draw::draw;
use self::state::State;
use super::args::TopArgs;
use super::aside;
use super::exit::{BAD_CONFIGURATION, FAILED};
use super::report::tell_end;
use super::run::{configuration, tell_start_error};
use super::terminal::{stdout_color, tell};
use crate::catalog::Catalog;
use crate::config::Config;
use crate::format::View;
use crate::kernel::quiet_libbpf;
use crate::runner::{self, Ended, Options, Report, Seen, StartError, Stop, Watcher};
use crate::spec::{AT_THE_END, DEFAULT_INTERVAL, Destination, Rights, SinkId, SinkSpec};

/// How long a key may wait, and a sample.
const TICK: Duration = Duration::from_millis(50);

type Shared = Arc<Mutex<State>>;
type Outcome = Result<Ended, Vec<StartError>>;

pub(super) fn top(args: &TopArgs, catalog: &Catalog) -> ExitCode {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        tell("error: `top` draws on a terminal, and reads its keys");
        tell("help: `ebpf-run PATH` writes the same samples anywhere, and ends with `--duration`");
        return ExitCode::from(BAD_CONFIGURATION);
    }
    let Some(config) = configuration(&args.paths, &args.settings, catalog) else {
        return ExitCode::from(BAD_CONFIGURATION);
    };
    let Some(config) = what_counts(config) else {
        tell("error: `top` shows what is counted, and these probes have events only");
        tell("help: count them with `aggregate: { by: [comm], values: { events: count() } }`");
        return ExitCode::from(BAD_CONFIGURATION);
    };
    quiet_libbpf();
    let state = Shared::default();
    let stop = Stop::default();
    let options = Options {
        duration: args.duration,
        stop: stop.clone(),
        watcher: Some(watcher(&state)),
        // Nobody reads them: they are discarded.
        discards: true,
        ..Options::default()
    };
    let outcome = thread::scope(|scope| {
        let (ready, is_ready) = std::sync::mpsc::channel();
        let run = {
            let (state, config) = (Arc::clone(&state), &config);
            let report = move |report: Report<'_>| match report {
                Report::Remark { probe, text } => lock(&state).say(vec![format!("note: {probe}: {text}")]),
                Report::Ready(_) => drop(ready.send(())),
                Report::Metrics(_) => {}
            };
            scope.spawn(move || runner::run(config, &options, report))
        };
        // Until then a signal ends the process at once: the terminal is as it was. Hangs up where the start fails.
        let drawn = match is_ready.recv() {
            Ok(()) => on_screen(&state, &stop, || run.is_finished()),
            Err(_) => Ok(()),
        };
        stop.request();
        (run.join(), drawn)
    });
    end(&config, outcome)
}

/// The probes that count, all to a place where nothing is written; `None` where none does.
fn what_counts(config: Config) -> Option<Config> {
    let sink =
        SinkSpec { name: "top".to_owned(), destination: Destination::Metrics, format: None, rights: Rights::default() };
    let mut probes = config.probes;
    probes.retain(|probe| probe.counts());
    for probe in &mut probes {
        probe.spec.sinks = vec![SinkId(0)];
        // What is to be told at the end is of all the time; here it is drawn meanwhile.
        if probe.spec.interval == AT_THE_END {
            probe.spec.interval = DEFAULT_INTERVAL;
            probe.spec.aggregates.iter_mut().for_each(|table| table.cumulative = true);
        }
    }
    (!probes.is_empty()).then_some(Config { probes, sinks: vec![sink], ..config })
}

fn watcher(state: &Shared) -> Watcher {
    let state = Arc::clone(state);
    Watcher::new(move |seen: &Seen<'_>| {
        let view = View::new(seen.layout, seen.rows);
        let words = [seen.probe, seen.target, seen.layout.table().unwrap_or_default()];
        let title = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        lock(&state).take(&title, view, seen.interval);
    })
}

/// Draws until somebody has seen enough, or the run has ended by itself.
fn on_screen(state: &Shared, stop: &Stop, is_over: impl Fn() -> bool) -> io::Result<()> {
    aside::hold();
    // It also restores the terminal before a panic is reported.
    let mut terminal = ratatui::try_init()?;
    let drawn = draw_on(&mut terminal, state, is_over);
    stop.request();
    let restored = ratatui::try_restore();
    aside::release();
    drawn.and(restored)
}

fn draw_on(terminal: &mut DefaultTerminal, state: &Shared, is_over: impl Fn() -> bool) -> io::Result<()> {
    let color = stdout_color();
    lock(state).is_new = true;
    loop {
        {
            let mut state = lock(state);
            state.say(aside::held());
            if std::mem::take(&mut state.is_new) {
                let mut page = 0;
                terminal.draw(|frame| page = draw(frame, &state, color))?;
                state.page = page;
            }
        }
        if event::poll(TICK)? {
            let event = event::read()?;
            let mut state = lock(state);
            // The window has another size, or a key did something.
            state.is_new = true;
            if let Event::Key(key) = event {
                state.press(key);
            }
        }
        if lock(state).wants_end || is_over() {
            return Ok(());
        }
    }
}

fn end(config: &Config, (run, drawn): (thread::Result<Outcome>, io::Result<()>)) -> ExitCode {
    if let Err(error) = drawn {
        tell(&format!("error: failed to draw on the terminal: {error}"));
        return ExitCode::from(FAILED);
    }
    match run {
        Ok(Ok(ended)) => tell_end(ended),
        Ok(Err(errors)) => {
            errors.iter().for_each(|error| tell_start_error(config, error));
            ExitCode::from(FAILED)
        }
        // It has said so itself.
        Err(_) => ExitCode::from(FAILED),
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

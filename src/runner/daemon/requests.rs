// SPDX-License-Identifier: MIT OR Apache-2.0
//! What commands ask of the daemon.

use std::os::fd::OwnedFd;

use super::follow::StoppedAt;
use super::said::Said;
use super::state::Daemon;
use crate::control::{Asked, Reply, Request};
use crate::runner::source::now_unix_ns;
use crate::spec::ProbeId;
use crate::status::metrics;

impl Daemon<'_> {
    /// Does what is wanted, and answers.
    pub(super) async fn answer(&mut self, asked: Asked) {
        let Asked { request, reply, stream } = asked;
        let answer = match &request {
            Request::Status => self.status(),
            Request::Metrics => Reply::Metrics { text: metrics(&self.snapshot()) + &self.units.engine.sinks.metrics() },
            Request::Reload => {
                self.units.hurry(false);
                self.look();
                self.status()
            }
            Request::Stop { probe } => self.stop(probe),
            Request::Start { probe } => self.start(probe),
            Request::Tail { probe } => self.may_tail(probe.as_deref()),
        };
        // Who asked may have gone meanwhile.
        drop(reply.send(answer));
        if let (Request::Tail { probe }, Some(stream)) = (request, stream)
            && let Ok(stream) = stream.await
            && let Err(error) = self.add_tail(stream, probe)
        {
            (self.tell.say)(&Said::Warning(&error));
        }
    }

    fn status(&self) -> Reply {
        Reply::Status { status: Box::new(self.snapshot()) }
    }

    fn stop(&mut self, name: &str) -> Reply {
        let config = self.followed.config.as_ref();
        let Some(probe) = config.and_then(|config| config.probes.iter().find(|probe| probe.spec.id.name == name))
        else {
            return self.unknown(name);
        };
        let (id, text) = (probe.spec.id.clone(), self.followed.texts.get(probe.path()).cloned());
        if self.followed.stopped.contains_key(&id) {
            return Reply::Done { message: format!("`{name}` is already stopped") };
        }
        self.followed.stopped.insert(id, StoppedAt { text, since_unix_ns: now_unix_ns() });
        self.act();
        Reply::Done { message: format!("`{name}` is stopped until its file changes") }
    }

    fn start(&mut self, name: &str) -> Reply {
        let stopped: Option<ProbeId> = self.followed.stopped.keys().find(|id| id.name == name).cloned();
        let Some(id) = stopped else {
            let known = self
                .followed
                .config
                .as_ref()
                .is_some_and(|config| config.probes.iter().any(|probe| probe.spec.id.name == name));
            return match known {
                true => Reply::Done { message: format!("`{name}` was not stopped") },
                false => self.unknown(name),
            };
        };
        self.followed.stopped.remove(&id);
        self.act();
        let failures = || {
            let units = self.units.entries.iter().filter(|(unit, entry)| unit.probe == id && entry.running.is_none());
            units.filter_map(|(unit, entry)| Some((unit, entry.failure.as_ref()?)))
        };
        if let Some((unit, failure)) = failures().find(|(_, failure)| !failure.waiting) {
            return Reply::Error { message: format!("`{unit}` failed to start: {}", failure.message) };
        }
        let message = match failures().next() {
            Some((unit, failure)) => format!("`{name}` is started; `{unit}` is waiting: {}", failure.message),
            None => format!("`{name}` is started"),
        };
        Reply::Done { message }
    }

    fn may_tail(&mut self, name: Option<&str>) -> Reply {
        let mut probes = self.followed.config.iter().flat_map(|config| &config.probes);
        if let Some(name) = name.filter(|name| !probes.any(|probe| probe.spec.id.name == *name)) {
            return self.unknown(name);
        }
        self.units.engine.sweep();
        match self.units.engine.tails.room() {
            Ok(()) => Reply::Tail,
            Err(message) => Reply::Error { message },
        }
    }

    fn add_tail(&mut self, stream: OwnedFd, probe: Option<String>) -> Result<(), String> {
        let units = self.units.entries.values().filter_map(|entry| entry.running.as_ref());
        self.units.engine.add_tail(stream, probe, units)
    }

    fn unknown(&self, name: &str) -> Reply {
        let config = self.followed.config.as_ref();
        if config.is_some_and(|config| config.parked.iter().any(|id| id.name == name)) {
            return Reply::Error { message: format!("`{name}` is parked: its file sets `enabled: false`") };
        }
        let known = config.iter().flat_map(|config| &config.probes).map(|probe| probe.spec.id.name.as_str());
        // As the table calls one target of several.
        let whole = name.split_once('/').and_then(|(whole, _)| known.clone().find(|known| *known == whole));
        let help = match whole {
            Some(whole) => Some(format!("name the whole probe, `{whole}`")),
            None => crate::words::suggest(name, known, "there are"),
        };
        let help = help.map_or_else(String::new, |help| format!(": {help}"));
        Reply::Error { message: format!("there is no probe `{name}`{help}") }
    }

    /// Keeps the books of a change.
    pub(super) fn count_reload(&mut self) {
        if self.snapshot().is_applied() {
            self.reloads.ok += 1;
            self.reloads.last_ok_unix_ns = now_unix_ns();
        } else {
            self.reloads.failed += 1;
        }
    }
}

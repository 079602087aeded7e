// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opens destinations, and waits for no file system that does not answer.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Sink;
use super::error::SinkOpenError;
use super::output::OutputKind;
use super::unwritable::Unwritable;
use crate::spec::{Destination, SinkSpec};

/// How long one may take. Local file systems take microseconds; a server that is that slow is as good as dead.
const PATIENCE: Duration = Duration::from_secs(1);
/// The same while another one does not answer: most likely it is on the same file system.
const LESS_PATIENCE: Duration = Duration::from_millis(100);

/// Opens sinks for somebody whom others wait for. Each is opened on a thread of its own, which is left behind where it does not
/// come back, and until then the same destination is not tried again.
#[derive(Debug, Default)]
pub struct Opener {
    stuck: Vec<(Destination, JoinHandle<()>)>,
}

impl Opener {
    /// As [`Sink::open`], but fails where that takes too long.
    pub fn open(&mut self, spec: &SinkSpec) -> Result<Sink, SinkOpenError> {
        if !OutputKind::of(&spec.destination).may_hang {
            return Sink::open(spec);
        }
        self.stuck.retain(|(_, thread)| !thread.is_finished());
        let no_answer = || Unwritable::said("its file system does not answer");
        let failed = |why: Unwritable| SinkOpenError::new(&spec.destination, &why);
        if self.stuck.iter().any(|(destination, _)| *destination == spec.destination) {
            return Err(failed(no_answer()));
        }
        let (sender, result) = channel();
        let own = spec.clone();
        // What comes when nobody waits for it any more is closed there.
        let work = move || drop(sender.send(Sink::open(&own)));
        let thread =
            thread::Builder::new().name("open".to_owned()).spawn(work).map_err(|error| failed(error.into()))?;
        match result.recv_timeout(if self.stuck.is_empty() { PATIENCE } else { LESS_PATIENCE }) {
            Ok(opened) => opened,
            Err(RecvTimeoutError::Timeout) => {
                self.stuck.push((spec.destination.clone(), thread));
                Err(failed(no_answer()))
            }
            Err(RecvTimeoutError::Disconnected) => Err(failed(Unwritable::said("it could not be examined"))),
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Debounces: waits until the last change is old enough, then says "look again".

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::Event;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::hint::hints;
use super::mounts::mounts;
use super::pending::Pending;
use super::targets::Targets;

/// What is watched, and which changes of it nobody has looked at yet.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) targets: Targets,
    /// Hints were lost. The end of a watch may be one of them.
    pub(super) lost: bool,
    pending: Option<Pending>,
}

/// Shared with the threads of `notify`. Do not ask them for anything while holding the lock: they may be waiting for it.
pub(super) type Shared = Arc<Mutex<Heard>>;

pub(super) fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes events, and wakes the [`Waiter`].
#[derive(Clone)]
pub(super) struct Ear {
    heard: Shared,
    debounce: Duration,
    wake: Arc<UnixStream>,
}

/// Waits for the next look.
pub(super) struct Waiter {
    heard: Shared,
    debounce: Duration,
    woken: UnixStream,
    /// Polls as changed when something is mounted.
    mounts: Option<File>,
}

/// Makes both ends. The waiter ends when every ear has been dropped.
pub(super) fn ends(heard: &Shared, debounce: Duration, mounts: Option<File>) -> io::Result<(Ear, Waiter)> {
    let (wake, woken) = UnixStream::pair()?;
    wake.set_nonblocking(true)?;
    woken.set_nonblocking(true)?;
    let ear = Ear { heard: Arc::clone(heard), debounce, wake: Arc::new(wake) };
    Ok((ear, Waiter { heard: Arc::clone(heard), debounce, woken, mounts }))
}

impl Ear {
    /// Remembers the hints of an event that matter.
    pub(super) fn hear(&self, event: &notify::Result<Event>) {
        let now = Instant::now();
        let mut heard = locked(&self.heard);
        let Heard { targets, lost, pending } = &mut *heard;
        let before = pending.as_ref().map(|pending| pending.due(self.debounce));
        match event {
            Ok(event) if !event.need_rescan() => {
                for hint in hints(event).filter(|hint| targets.matters(hint.path)) {
                    pending.get_or_insert_with(|| Pending::new(now)).add(&hint, now);
                }
            }
            // The queue overflowed (IN_Q_OVERFLOW), or reading it failed.
            Ok(_) | Err(_) => {
                *lost = true;
                pending.get_or_insert_with(|| Pending::new(now)).touch(now);
            }
        }
        let due = pending.as_ref().map(|pending| pending.due(self.debounce));
        // Wake a waiter that would sleep too long; one that wakes too early sleeps again. If the socket is full, it is awake.
        if due.is_some_and(|due| before.is_none_or(|before| due < before)) {
            drop((&*self.wake).write(&[0]));
        }
    }
}

/// Why a wait ended before its time.
struct Woken {
    ended: bool,
    /// Something was mounted or unmounted, anywhere.
    mounts: bool,
}

impl Waiter {
    /// Calls `look_again` whenever a look is due. `catch_up` returns when every event so far has been heard: on a busy machine the
    /// threads of `notify` fall behind.
    pub(super) fn run(&self, catch_up: &impl Fn(), look_again: &impl Fn()) -> io::Result<()> {
        loop {
            let due = locked(&self.heard).pending.as_ref().map(|pending| pending.due(self.debounce));
            let woken = self.wait(due.map(|due| due.saturating_duration_since(Instant::now())))?;
            if woken.ended {
                return Ok(());
            }
            let mut heard = locked(&self.heard);
            if woken.mounts && heard.targets.are_mounted_on_otherwise(&mounts()) {
                let now = Instant::now();
                heard.pending.get_or_insert_with(|| Pending::new(now)).touch(now);
            }
            let is_due = |pending: &mut Pending| pending.due(self.debounce) <= Instant::now();
            if !heard.pending.as_mut().is_some_and(is_due) {
                continue;
            }
            drop(heard);
            catch_up();
            let due = locked(&self.heard).pending.take_if(is_due);
            if due.is_some() {
                look_again();
            }
        }
    }

    fn wait(&self, patience: Option<Duration>) -> io::Result<Woken> {
        let mut all = vec![PollFd::new(&self.woken, PollFlags::IN)];
        all.extend(self.mounts.as_ref().map(|mounts| PollFd::new(mounts, PollFlags::PRI)));
        // If it is too long for the kernel, wait without a limit.
        let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
        match poll(&mut all, patience.as_ref()) {
            Ok(_) => {
                let mounts = all.get(1).is_some_and(|mounts| !mounts.revents().is_empty());
                Ok(Woken { ended: self.has_ended()?, mounts })
            }
            Err(Errno::INTR) => Ok(Woken { ended: false, mounts: false }),
            Err(error) => Err(error.into()),
        }
    }

    /// Empties the socket; true if every ear has been dropped.
    fn has_ended(&self) -> io::Result<bool> {
        let mut room = [0; 64];
        loop {
            match (&self.woken).read(&mut room) {
                Ok(0) => return Ok(true),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use notify::EventKind;
    use notify::event::Flag;

    use super::*;

    /// An overflow of the queue leads to a look, and asks for new watches. Dropping the last ear ends the wait.
    #[test]
    fn lost_hints_lead_to_a_look() {
        let heard = Shared::default();
        let (ear, waiter) = ends(&heard, Duration::from_millis(1), None).unwrap();
        let (look, looks) = channel();
        let waiting = thread::spawn(move || waiter.run(&|| {}, &|| look.send(()).unwrap_or_default()));
        ear.hear(&Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
        looks.recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(locked(&heard).lost);
        ear.hear(&Ok(Event::new(EventKind::Other).add_path("/nothing/that/matters".into())));
        assert!(locked(&heard).pending.is_none());
        drop(ear);
        waiting.join().unwrap().unwrap();
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! The control socket: how commands talk to a daemon.
//!
//! ```text
//! → {"version":1,"command":"status"}
//! ← {"version":1,"result":"status","status":{…}}
//! → {"version":1,"command":"tail","probe":"opens"}
//! ← {"version":1,"result":"tail"}
//! ← {"ts":"2026-11-21T07:40:00.123456789Z","probe":"opens", …}        until one of the two hangs up
//! ```
//!
//! One request a connection, one JSON object a line. Only root and the user that the daemon runs as are answered; others, where
//! they get that far, are told so: `{"version":1,"result":"denied","message":"…"}`.
//! What never happens here: nothing is decided; requests go to the daemon's loop, which answers when it has acted.

mod client;
mod server;

pub use client::{ClientError, ask, tail};
pub use server::{Asked, Listener, SocketError};

use serde::{Deserialize, Serialize};

use crate::status::Status;
use crate::trust::user_name;

/// The version of the protocol. A daemon refuses others.
pub const VERSION: u32 = 1;

/// Where a daemon listens if nobody says.
pub const DEFAULT_SOCKET: &str = "/run/ebpf-run/control.sock";

/// What a command wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Everything at this moment.
    Status,
    /// The metrics, as Prometheus reads them.
    Metrics,
    /// Look at the files again, and try again at once what failed.
    Reload,
    /// Stop a probe until its file changes.
    Stop {
        /// Its name.
        probe: String,
    },
    /// Start it again.
    Start {
        /// Its name.
        probe: String,
    },
    /// A copy of the events from now on.
    Tail {
        /// Of this probe; `None`: of all.
        #[serde(default)]
        probe: Option<String>,
    },
}

/// What a daemon answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Reply {
    /// To [`Request::Status`], and to [`Request::Reload`] afterwards.
    Status {
        /// The snapshot.
        status: Box<Status>,
    },
    /// To [`Request::Metrics`].
    Metrics {
        /// Text format 0.0.4.
        text: String,
    },
    /// Done.
    Done {
        /// What was done, one sentence.
        message: String,
    },
    /// Events follow.
    Tail,
    /// It was not done.
    Error {
        /// Why, one sentence.
        message: String,
    },
    /// Anyone who asks may not.
    Denied {
        /// Who may, one sentence.
        message: String,
    },
}

/// Who may control a daemon that runs as this user, and how the user `asking` becomes one of them.
fn denial(daemon: u32, asking: u32) -> String {
    let name = |uid| user_name(uid).map_or_else(|| format!("the user {uid}"), |name| format!("{name} (user {uid})"));
    let users = if daemon == 0 { "root".to_owned() } else { format!("root and {}", name(daemon)) };
    format!("only {users} may control this daemon, and you are {}: run it with `sudo`", name(asking))
}

/// A line, in one direction or the other.
#[derive(Debug, Serialize, Deserialize)]
struct Line<T> {
    version: u32,
    #[serde(flatten)]
    body: T,
}

impl<T> Line<T> {
    fn new(body: T) -> Self {
        Self { version: VERSION, body }
    }
}

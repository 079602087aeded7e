// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a daemon is told when it starts.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::files::Trust;
use crate::format::Look;

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

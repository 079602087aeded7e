// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a daemon does not start.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use crate::control::SocketError;

/// Why a daemon did not start.
#[derive(Debug)]
pub enum DaemonError {
    /// Another one runs, or its socket cannot be made.
    Socket(SocketError),
    /// Nobody can listen for metrics there.
    Metrics(SocketAddr, io::Error),
    /// The machine refused something that it needs.
    Io(io::Error),
}

impl From<SocketError> for DaemonError {
    fn from(error: SocketError) -> Self {
        Self::Socket(error)
    }
}

impl From<io::Error> for DaemonError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for DaemonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(error) => error.fmt(f),
            Self::Metrics(address, error) => write!(f, "failed to listen for metrics at {address}: {error}"),
            Self::Io(error) => write!(f, "failed to start: {error}"),
        }
    }
}

impl std::error::Error for DaemonError {}

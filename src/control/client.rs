// SPDX-License-Identifier: MIT OR Apache-2.0
//! A command's end of the control socket.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Line, Reply, Request, denial};
use crate::words::path_text;

/// How long a daemon may take to answer: it may be busy with attaching hundreds of probes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest answer: hundreds of bytes for each probe, and messages about files.
const MAX_ANSWER_BYTES: u64 = 256 << 20;

/// Why there is no answer.
#[derive(Debug)]
pub enum ClientError {
    /// Nobody listens there.
    NoDaemon(PathBuf),
    /// We may not ask: why.
    Denied(PathBuf, String),
    /// It has the question, and does not answer.
    Silent(PathBuf),
    /// The connection failed.
    Io(PathBuf, io::Error),
    /// The daemon refused.
    Refused(String),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDaemon(path) => write!(
                f,
                "no daemon listens at `{}`: start one with `ebpf-run daemon`, or name its socket with `--socket`",
                path_text(path)
            ),
            Self::Denied(path, why) => write!(f, "permission denied at `{}`: {why}", path_text(path)),
            Self::Silent(path) => write!(
                f,
                "the daemon at `{}` has not answered for {} s: it is stopped or stuck, or has too many connections",
                path_text(path),
                PATIENCE.as_secs()
            ),
            Self::Io(path, error) => write!(f, "failed to talk to the daemon at `{}`: {error}", path_text(path)),
            Self::Refused(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ClientError {}

/// Asks the daemon at a socket.
pub fn ask(socket: &Path, request: &Request) -> Result<Reply, ClientError> {
    connect(socket, request).map(|(reply, _)| reply)
}

/// Asks for events; they can be read from the stream, one line each.
pub fn tail(socket: &Path, probe: Option<String>) -> Result<BufReader<UnixStream>, ClientError> {
    let (_, stream) = connect(socket, &Request::Tail { probe })?;
    let unlimited = stream.get_ref().set_read_timeout(None);
    unlimited.map_err(|error| ClientError::Io(socket.to_owned(), error))?;
    Ok(stream)
}

fn connect(socket: &Path, request: &Request) -> Result<(Reply, BufReader<UnixStream>), ClientError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ClientError::NoDaemon(socket.to_owned()),
        io::ErrorKind::PermissionDenied => ClientError::Denied(socket.to_owned(), refusal(socket)),
        // What a read says whose time is over (SO_RCVTIMEO, socket(7)).
        io::ErrorKind::WouldBlock => ClientError::Silent(socket.to_owned()),
        _ => ClientError::Io(socket.to_owned(), error),
    };
    let mut stream = UnixStream::connect(socket).map_err(failed)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    let mut line = serde_json::to_vec(&Line::new(request)).map_err(|error| failed(error.into()))?;
    line.push(b'\n');
    let written = stream.write_all(&line);
    let mut stream = BufReader::new(stream);
    let mut answer = String::new();
    // A daemon that hangs up before it has read the request may have said why.
    let count = (&mut stream).take(MAX_ANSWER_BYTES).read_line(&mut answer);
    if count.is_err() || answer.is_empty() {
        written.map_err(failed)?;
    }
    match count.map_err(failed)? {
        0 => return Err(ClientError::Io(socket.to_owned(), io::Error::other("it closed the connection"))),
        _ if answer.len() as u64 == MAX_ANSWER_BYTES => {
            return Err(ClientError::Io(socket.to_owned(), io::Error::other("its answer is incomplete")));
        }
        _ => {}
    }
    let answer: Line<Reply> = serde_json::from_str(&answer).map_err(|error| failed(error.into()))?;
    match answer.body {
        Reply::Error { message } => Err(ClientError::Refused(message)),
        Reply::Denied { message } => Err(ClientError::Denied(socket.to_owned(), message)),
        reply @ (Reply::Status { .. } | Reply::Metrics { .. } | Reply::Done { .. } | Reply::Tail) => {
            Ok((reply, stream))
        }
    }
}

/// Why the kernel lets us not connect: the socket is its owner's alone, and its owner is who the daemon runs as.
fn refusal(socket: &Path) -> String {
    let own = rustix::process::geteuid().as_raw();
    match socket.metadata() {
        Ok(_) if own == 0 => {
            "this environment (a container, a security module) denies even root the connection".to_owned()
        }
        Ok(about) => denial(about.uid(), own),
        // Not even its directory lets us look.
        Err(_) => "run it with `sudo`".to_owned(),
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! The daemon's end of the control socket.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode, OFlags, fchmod, flock, openat};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, socket_with};
use rustix::process::geteuid;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::{Line, Reply, Request, VERSION, denial};
use crate::trust::{self, Walked};

/// The longest request.
const MAX_REQUEST_BYTES: u64 = 64 << 10;
/// How long a client may take to send its request, and to take its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a client that is refused may take to hang up.
const GOODBYE: Duration = Duration::from_millis(500);
/// How long a daemon that was killed may take until the kernel has taken its lock away.
const DYING: Duration = Duration::from_millis(1500);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(25);
/// How long a daemon that is ending may take: more than the two seconds that it has.
const ENDING: Duration = Duration::from_secs(4);
/// Connections that are served at the same time.
const MAX_CONNECTIONS: usize = 64;

/// A request that waits for its answer.
pub struct Asked {
    /// What is wanted.
    pub request: Request,
    /// For the answer. Dropping it hangs up.
    pub reply: oneshot::Sender<Reply>,
    /// For [`Request::Tail`]: to get the connection itself once [`Reply::Tail`] was sent.
    pub stream: Option<oneshot::Receiver<OwnedFd>>,
}

/// Why a daemon cannot listen.
#[derive(Debug)]
pub enum SocketError {
    /// Another daemon has it; its process, where the kernel tells.
    Taken(PathBuf, Option<i32>),
    /// Something else is in the way.
    Io(PathBuf, io::Error),
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(path, Some(pid)) => {
                write!(f, "another daemon (process {pid}) listens at `{}`", path.display())
            }
            Self::Taken(path, None) => write!(f, "another daemon listens at `{}`", path.display()),
            Self::Io(path, error) if error.kind() == io::ErrorKind::PermissionDenied => {
                write!(f, "permission denied at `{}`: run the daemon as root", path.display())
            }
            Self::Io(path, error) => write!(f, "failed to listen at `{}`: {error}", path.display()),
        }
    }
}

impl std::error::Error for SocketError {}

/// The bound socket. Dropping it removes its file.
pub struct Listener {
    path: PathBuf,
    socket: std::os::unix::net::UnixListener,
    /// Locked as long as this daemon lives, however it ends.
    _lock: File,
}

impl Listener {
    /// Binds the socket with mode 0600; takes over a file that a daemon left behind. Waits for one that is ending.
    pub fn bind(path: &Path) -> Result<Self, SocketError> {
        let failed = |error| SocketError::Io(path.to_owned(), error);
        // Before anything is made: a lock beside somebody's file would stay.
        is_free(path).map_err(failed)?;
        let directory = directory(path).map_err(failed)?;
        let began = Instant::now();
        let lock = loop {
            // One that is ending has the lock until its end, and no socket any more.
            let patience = if path.exists() { DYING } else { ENDING };
            match lock(&directory, path).map_err(failed)? {
                Some(lock) => break lock,
                None if began.elapsed() < patience => thread::sleep(LOOK),
                None => return Err(SocketError::Taken(path.to_owned(), owner(path))),
            }
        };
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            Ok(()) | Err(_) => {}
        }
        // Nobody may connect between bind(2) and chmod(2): the socket appears under its name when it is ready.
        let hidden = path.with_extension(format!("{}.tmp", std::process::id()));
        drop(fs::remove_file(&hidden));
        let socket = listen(&hidden).map_err(failed)?;
        let placed = socket.set_nonblocking(true).and_then(|()| fs::rename(&hidden, path));
        if let Err(error) = placed {
            drop(fs::remove_file(&hidden));
            return Err(failed(error));
        }
        Ok(Self { path: path.to_owned(), socket, _lock: lock })
    }

    /// The end begins: nobody can connect any more, and a daemon that starts now waits for the end of this one.
    pub fn close(&self) {
        drop(fs::remove_file(&self.path));
    }

    /// Serves connections for ever; requests go to `asked`. To be polled inside a runtime.
    pub async fn serve(&self, asked: mpsc::Sender<Asked>) -> io::Result<()> {
        let listener = UnixListener::from_std(self.socket.try_clone()?)?;
        let room = std::sync::Arc::new(tokio::sync::Semaphore::new(MAX_CONNECTIONS));
        loop {
            let Ok(permit) = std::sync::Arc::clone(&room).acquire_owned().await else { return Ok(()) };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let asked = asked.clone();
                    tokio::spawn(async move {
                        // A client that hangs up has seen enough.
                        let _ = connection(stream, asked).await;
                        drop(permit);
                    });
                }
                // Out of descriptors, for a while.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.close();
    }
}

/// A socket that a daemon left behind may go; any other file is somebody's.
fn is_free(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => Ok(()),
        Ok(_) => Err(io::Error::other("a file that is not a socket has this name: remove it, or choose another path")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// The directory of the socket, made where it is missing. What root makes in it must not come to lie elsewhere: others may
/// not be able to put another directory, or a link, in its place.
fn directory(path: &Path) -> io::Result<Walked> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let there = directory.ancestors().find(|above| above.as_os_str().is_empty() || above.exists());
    let there = there.filter(|there| !there.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let walked = trust::walk(there)?;
    let breach = if there == directory { walked.replaced_by.as_ref() } else { walked.breach() };
    if let Some(breach) = breach {
        return Err(io::Error::other(format!(
            "{breach}: other users could put a link in its place; choose another directory"
        )));
    }
    if there == directory {
        return Ok(walked);
    }
    fs::DirBuilder::new().recursive(true).mode(0o755).create(directory)?;
    trust::walk(directory)
}

/// `None` where another process has it. The file stays: removing it would let two daemons lock two files of one name.
fn lock(directory: &Walked, path: &Path) -> io::Result<Option<File>> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = openat(&directory.file, &name, flags, Mode::RUSR | Mode::WUSR).map_err(|error| match error {
        Errno::LOOP => foreign(&name, "a link"),
        // In a sticky directory the kernel itself keeps root from it (`fs.protected_symlinks`, `fs.protected_regular`).
        Errno::ACCESS | Errno::PERM => match stranger(directory, &name) {
            Some(what) => foreign(&name, what),
            None => error.into(),
        },
        error => error.into(),
    });
    let file = File::from(opened?);
    let about = file.metadata()?;
    let own = geteuid().as_raw();
    if !about.is_file() {
        return Err(foreign(&name, "not a file"));
    }
    if about.uid() != 0 && about.uid() != own {
        return Err(foreign(&name, "a file of another user"));
    }
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What another user has put there; `None` where nobody has.
fn stranger(directory: &Walked, name: &OsStr) -> Option<&'static str> {
    let path = crate::trust::through(directory.file.as_fd()).join(name);
    let about = fs::symlink_metadata(path).ok()?;
    let own = geteuid().as_raw();
    let what = if about.is_symlink() { "a link" } else { "a file of another user" };
    (own == 0 && about.uid() != own).then_some(what)
}

fn foreign(name: &OsStr, what: &str) -> io::Error {
    io::Error::other(format!("its lock `{}` is {what}: remove it", name.to_string_lossy()))
}

/// A socket with mode 0600 from its first moment: bind(2) takes the mode from the socket itself, so that no name is used twice.
fn listen(path: &Path) -> io::Result<std::os::unix::net::UnixListener> {
    let address = SocketAddrUnix::new(path).map_err(|error| match error {
        Errno::NAMETOOLONG | Errno::INVAL => {
            io::Error::new(io::ErrorKind::InvalidInput, "the path is too long for a socket: at most 107 bytes")
        }
        error => error.into(),
    })?;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    bind(&socket, &address)?;
    rustix::net::listen(&socket, 128)?;
    Ok(socket.into())
}

/// The process that listens at a socket (`SO_PEERCRED`, unix(7)).
fn owner(path: &Path) -> Option<i32> {
    let stream = StdStream::connect(path).ok()?;
    let mut credentials = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut len = size_of::<libc::ucred>() as libc::socklen_t;
    let (level, name) = (libc::SOL_SOCKET, libc::SO_PEERCRED);
    // Not by rustix: it has no process 0, which is what one of another namespace is.
    // SAFETY: the kernel writes at most `len` bytes into a local of that size.
    let code = unsafe {
        libc::getsockopt(stream.as_raw_fd(), level, name, std::ptr::from_mut(&mut credentials).cast(), &mut len)
    };
    (code == 0 && credentials.pid > 0).then_some(credentials.pid)
}

async fn connection(stream: UnixStream, asked: mpsc::Sender<Asked>) -> io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    let own = geteuid().as_raw();
    let mut stream = BufReader::new(stream);
    if peer != 0 && peer != own {
        let message = denial(own, peer);
        answer(stream.get_mut(), Reply::Denied { message }).await?;
        // Who is hung up on while writing does not read why.
        return timeout(GOODBYE, drain(stream)).await.unwrap_or(Ok(()));
    }
    let mut line = Vec::new();
    let mut limited = (&mut stream).take(MAX_REQUEST_BYTES);
    let whole = timeout(PATIENCE, limited.read_until(b'\n', &mut line)).await;
    if let Ok(Ok(0) | Err(_)) = whole {
        return Ok(());
    }
    let request = whole.map_err(|_| format!("no request in {} s", PATIENCE.as_secs())).and_then(|_| parse(&line));
    let request = match request {
        Ok(request) => request,
        Err(message) => return answer(stream.get_mut(), Reply::Error { message }).await,
    };
    let (reply, replied) = oneshot::channel();
    let (hand_over, handed) = oneshot::channel();
    let tail = matches!(request, Request::Tail { .. });
    let question = Asked { request, reply, stream: tail.then_some(handed) };
    if asked.send(question).await.is_err() {
        return Ok(());
    }
    let Ok(reply) = replied.await else { return Ok(()) };
    let follows = reply == Reply::Tail;
    answer(stream.get_mut(), reply).await?;
    if follows {
        let stream = stream.into_inner().into_std()?;
        // The daemon may have ended meanwhile.
        drop(hand_over.send(stream.into()));
    }
    Ok(())
}

/// Reads what a request can have, until its end.
async fn drain(stream: impl AsyncRead + Unpin) -> io::Result<()> {
    tokio::io::copy(&mut stream.take(MAX_REQUEST_BYTES), &mut tokio::io::sink()).await.map(drop)
}

fn parse(line: &[u8]) -> Result<Request, String> {
    if line.len() as u64 >= MAX_REQUEST_BYTES && !line.ends_with(b"\n") {
        return Err(format!("the request is longer than {MAX_REQUEST_BYTES} bytes"));
    }
    let failed = |error: serde_json::Error| format!("invalid request: {error}");
    let mut line: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(line).map_err(failed)?;
    match line.remove("version") {
        Some(version) if version == VERSION => {}
        Some(version) => return Err(format!("this daemon speaks version {VERSION} of the protocol, not {version}")),
        None => return Err(format!("the request has no `version`: it must be {VERSION}")),
    }
    serde_json::from_value(line.into()).map_err(failed)
}

async fn answer(stream: &mut UnixStream, reply: Reply) -> io::Result<()> {
    let mut line = serde_json::to_vec(&Line::new(reply))?;
    line.push(b'\n');
    timeout(PATIENCE, stream.write_all(&line)).await.unwrap_or(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who may not make the socket is told what to do.
    #[test]
    fn no_permission() {
        let error = SocketError::Io("/run/x.sock".into(), io::ErrorKind::PermissionDenied.into());
        assert_eq!(error.to_string(), "permission denied at `/run/x.sock`: run the daemon as root");
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! The metrics over HTTP, for Prometheus: `GET /metrics`, nothing else.
//!
//! ```text
//! → GET /metrics HTTP/1.1
//! ← HTTP/1.1 200 OK
//! ← Content-Type: text/plain; version=0.0.4; charset=utf-8
//! ```
//!
//! One request a connection, and every part of it is bounded: its size, its time, how many there are at once, the oldest idle
//! one goes first. What never happens here: nothing is counted; each request asks the daemon's loop, as commands do.

mod exchange;
mod names;
mod request;
mod seats;

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request as HttpRequest;
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{sleep, timeout};

use self::exchange::{TOO_SLOW, exchange};
use self::names::Names;
use self::request::understand;
use self::seats::{Seat, Seats};
use crate::control::{Asked, Reply, Request};
use crate::status::CONTENT_TYPE;

/// Where Prometheus finds it if nobody says.
pub const DEFAULT_ADDRESS: &str = "127.0.0.1:9435";

/// How long a client may take to send its request, and how long to take its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the daemon's loop may take: it may be busy with attaching. Prometheus waits ten seconds.
const LOOP_PATIENCE: Duration = Duration::from_secs(9);

/// The bound address.
#[derive(Debug)]
pub struct Endpoint {
    listener: StdListener,
    address: SocketAddr,
    names: Arc<Names>,
}

impl Endpoint {
    /// Listens; connections wait until [`Endpoint::serve`]. Requests are answered that name an address, this machine or one of
    /// `hosts`.
    pub fn bind(address: SocketAddr, hosts: &[String]) -> io::Result<Self> {
        let listener = StdListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, names: Arc::new(Names::new(hosts)) })
    }

    /// Where it listens, with the port that the kernel chose for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves connections for ever; questions go to `asked`. To be polled inside a runtime.
    pub async fn serve(&self, asked: mpsc::Sender<Asked>) -> io::Result<()> {
        let listener = TcpListener::from_std(self.listener.try_clone()?)?;
        let mut seats = Seats::default();
        loop {
            while seats.is_crowded() {
                tokio::task::yield_now().await;
            }
            match listener.accept().await {
                Ok((stream, _)) => {
                    let (asked, names) = (asked.clone(), Arc::clone(&self.names));
                    seats.take(|seat| {
                        tokio::spawn(async move {
                            // Who hangs up has seen enough.
                            drop(connection(stream, &asked, &names, seat).await);
                        })
                    });
                }
                // Out of descriptors, for a while.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

async fn connection(
    mut stream: TcpStream,
    asked: &mpsc::Sender<Asked>,
    names: &Names,
    mut seat: Seat,
) -> io::Result<()> {
    match served(&mut stream, asked, names, &mut seat).await {
        Served::Done => {}
        // A new connection has nothing in its buffers: this never waits.
        Served::TooSlow => drop(stream.try_write(TOO_SLOW)),
        Served::MustGo => {
            drop(stream.try_write(TOO_SLOW));
            return Ok(());
        }
    }
    stream.shutdown().await?;
    seat.is_answered();
    // Closing a socket with unread bytes resets the connection, and the answer may be lost on its way.
    let mut rest = [0; 4096];
    let drain = async {
        for _ in 0..64 {
            if stream.read(&mut rest).await.is_ok_and(|count| count > 0) {
                continue;
            }
            break;
        }
    };
    drop(timeout(Duration::from_secs(1), drain).await);
    Ok(())
}

/// How a connection ended.
enum Served {
    /// It got its answer, or does not take it.
    Done,
    /// Its request did not arrive in time.
    TooSlow,
    /// Its request has not arrived, and another connection needs its seat.
    MustGo,
}

/// Reads a request and answers it; each step has its limit.
async fn served(stream: &mut TcpStream, asked: &mpsc::Sender<Asked>, names: &Names, seat: &mut Seat) -> Served {
    let (heard, answered) = (&Notify::new(), &Notify::new());
    let answer = |request: HttpRequest<Incoming>| async move {
        heard.notify_one();
        let answer = understand(&request, &|name| names.has(name));
        let body = if answer.wants_metrics() { body(asked).await } else { None };
        answered.notify_one();
        answer.response(CONTENT_TYPE, body)
    };
    let mut exchange = pin!(exchange(stream, answer));
    tokio::select! {
        // Answered by hyper, or the client hung up.
        _ = &mut exchange => return Served::Done,
        () = heard.notified() => seat.is_busy(),
        () = sleep(PATIENCE) => return Served::TooSlow,
        () = seat.wanted() => return Served::MustGo,
    }
    tokio::select! {
        _ = &mut exchange => return Served::Done,
        () = answered.notified() => {}
    }
    drop(timeout(PATIENCE, exchange).await);
    Served::Done
}

/// The metrics; `None` where the daemon's loop does not answer.
async fn body(asked: &mpsc::Sender<Asked>) -> Option<String> {
    let ask = async {
        let (reply, replied) = oneshot::channel();
        asked.send(Asked { request: Request::Metrics, reply, stream: None }).await.ok()?;
        match replied.await.ok()? {
            Reply::Metrics { text } => Some(text),
            Reply::Status { .. } | Reply::Done { .. } | Reply::Tail | Reply::Error { .. } | Reply::Denied { .. } => {
                None
            }
        }
    };
    timeout(LOOP_PATIENCE, ask).await.ok().flatten()
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! One request and its answer on a connection: hyper speaks HTTP/1.1 (RFC 9112), within our bounds.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The longest head of a request: the smallest limit that hyper takes. It answers a longer one with 431.
pub(super) const MAX_HEAD_BYTES: usize = 8 << 10;

/// The answer to a request that does not arrive in time. hyper would send none.
pub(super) const TOO_SLOW: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nContent-Type: text/plain; charset=utf-8\r\n\
                                     Content-Length: 26\r\nConnection: close\r\n\r\nthe request took too long\n";

/// Reads one request, without its body, and writes the answer. Answers 400 to anything but HTTP/1.0 and HTTP/1.1. Fails if the
/// client hangs up, and after an answer that hyper made itself.
pub(super) async fn exchange<S, F>(stream: &mut S, answer: impl Fn(Request<Incoming>) -> F) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = Response<String>>,
{
    let service = service_fn(|request| {
        let answer = answer(request);
        async { Ok::<_, Infallible>(answer.await) }
    });
    Builder::new()
        .keep_alive(false)
        // A client may shut down its side of the connection before it reads the answer.
        .half_close(true)
        .max_buf_size(MAX_HEAD_BYTES)
        // The caller has its own limits.
        .header_read_timeout(None)
        .auto_date_header(false)
        .title_case_headers(true)
        .serve_connection(Stream(stream), service)
        .await
}

/// Adapts a stream of tokio to hyper.
struct Stream<'s, S>(&'s mut S);

impl<S: AsyncRead + Unpin> Read for Stream<'_, S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, mut into: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let mut room = [0; 1024];
        let most = room.len().min(into.remaining());
        let mut room = ReadBuf::new(&mut room[..most]);
        ready!(Pin::new(&mut *self.get_mut().0).poll_read(cx, &mut room))?;
        into.put_slice(room.filled());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> Write for Stream<'_, S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.get_mut().0).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.get_mut().0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.get_mut().0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::metrics::request::{Answer, understand};

    /// The answer to these bytes, and how the request was judged if hyper took it for one.
    fn sent(bytes: &[u8]) -> (String, Option<Answer>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (mut client, mut server) = tokio::io::duplex(64 << 10);
            client.write_all(bytes).await.unwrap();
            client.shutdown().await.unwrap();
            let understood = std::cell::Cell::new(None);
            let answer = |request: Request<Incoming>| {
                let answer = understand(&request, &|name| name.eq_ignore_ascii_case("box.example"));
                understood.set(Some(answer));
                std::future::ready(answer.response("text/x", Some("a 1\n".to_owned())))
            };
            drop(exchange(&mut server, answer).await);
            drop(server);
            let mut text = String::new();
            client.read_to_string(&mut text).await.unwrap();
            (text, understood.get())
        })
    }

    #[track_caller]
    fn understood(head: &str, wanted: Result<Answer, &str>) {
        let (text, answer) = sent(head.as_bytes());
        match wanted {
            Ok(wanted) => assert_eq!(answer, Some(wanted), "{head}: {text}"),
            Err(status) => {
                assert_eq!(answer, None, "{head}: {text}");
                assert!(text.starts_with(&format!("HTTP/1.1 {status}\r\n")) || text == status, "{head}: {text}");
            }
        }
    }

    const BAD: Result<Answer, &str> = Err("400 Bad Request");

    /// Each first line gets its answer.
    #[test]
    fn first_lines() {
        for (line, wanted) in [
            ("GET /metrics HTTP/1.1", Ok(Answer::Metrics)),
            ("GET /metrics?name[]=x HTTP/1.0", Ok(Answer::Metrics)),
            ("HEAD /metrics HTTP/1.1", Ok(Answer::MetricsHead)),
            ("POST /metrics HTTP/1.1", Ok(Answer::NotAllowed)),
            ("VERSION-CONTROL /metrics HTTP/1.1", Ok(Answer::NotAllowed)),
            ("GET / HTTP/1.1", Ok(Answer::NotFound)),
            ("GET /metrics/ HTTP/1.1", Ok(Answer::NotFound)),
            ("GET /../metrics HTTP/1.1", Ok(Answer::NotFound)),
            ("GET /a?b=http://x HTTP/1.1", Ok(Answer::NotFound)),
            ("OPTIONS * HTTP/1.1", Ok(Answer::NotFound)),
            ("GET http://localhost:9435/metrics HTTP/1.1", Ok(Answer::Metrics)),
            ("GET HTTP://127.0.0.1/metrics?x HTTP/1.1", Ok(Answer::Metrics)),
            ("GET http://localhost HTTP/1.1", Ok(Answer::NotFound)),
            ("GET http://evil.example/metrics HTTP/1.1", Ok(Answer::NotHere)),
            ("GET https://localhost/metrics HTTP/1.1", Ok(Answer::NotHere)),
            ("GET /metrics", BAD),
            ("GET /metrics HTTP/1.9", BAD),
            ("GET /metrics HTTP/2.0", BAD),
            ("GET /metrics HTTP/1.10", BAD),
            ("GET  /metrics HTTP/1.1", BAD),
            ("\u{1}\u{2} /metrics HTTP/1.1", BAD),
            ("", BAD),
        ] {
            understood(&format!("{line}\r\nHost: 127.0.0.1\r\n\r\n"), wanted);
        }
        understood("\r\n\r\nGET /metrics HTTP/1.1\nHost: localhost\n\n", Ok(Answer::Metrics));
        // A client that hangs up in the middle of a request gets no answer.
        understood("GET /metrics HTTP/1.1\r\nHost: localhost\r\n", Err(""));
        assert!(sent(b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n").0.starts_with("HTTP/1.1 400 "));
        let long = format!("GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(MAX_HEAD_BYTES));
        understood(&long, Err("431 Request Header Fields Too Large"));
    }

    /// Addresses and the machine's own names are served, and a request says once for whom it is.
    #[test]
    fn hosts() {
        for (headers, wanted) in [
            ("Host: 192.0.2.7:9435", Ok(Answer::Metrics)),
            ("host:\t[2001:db8::1]:9435 ", Ok(Answer::Metrics)),
            ("Host: [fe80::1%25eth0]", Ok(Answer::Metrics)),
            ("Host: LocalHost", Ok(Answer::Metrics)),
            ("Host: Box.Example.:9435", Ok(Answer::Metrics)),
            ("Accept: */*\r\nHost: localhost", Ok(Answer::Metrics)),
            ("Host: evil.example", Ok(Answer::NotHere)),
            ("Host: localhost.evil.example", Ok(Answer::NotHere)),
            ("Host: 127.0.0.1.evil.example:80", Ok(Answer::NotHere)),
            ("Host: 0x7f000001", Ok(Answer::NotHere)),
            ("Host: user@localhost", Ok(Answer::NotHere)),
            ("Host: localhost:80:80", Ok(Answer::NotHere)),
            ("Host: näme", Ok(Answer::NotHere)),
            ("Host:", Ok(Answer::NotHere)),
            ("Accept: */*", Ok(Answer::Bad)),
            ("Host: localhost\r\nHost: localhost", Ok(Answer::Bad)),
            ("Host : localhost", BAD),
            ("X: 1\r\n Host: localhost", BAD),
            ("Host: localhost\r\nX: a\rb", BAD),
        ] {
            understood(&format!("GET /metrics HTTP/1.1\r\n{headers}\r\n\r\n"), wanted);
        }
        let foreign = sent(b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n").0;
        assert!(foreign.ends_with("; `--metrics-host NAME` allows another name\n"), "{foreign}");
        understood("GET /metrics HTTP/1.0\r\n\r\n", Ok(Answer::Metrics));
        understood("GET /metrics HTTP/1.0\r\nHost: evil.example\r\n\r\n", Ok(Answer::NotHere));
        // A target that names a host does not do without the header, nor is it judged by it.
        understood("GET http://localhost/metrics HTTP/1.1\r\n\r\n", Ok(Answer::Bad));
        understood("GET http://localhost/metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", Ok(Answer::Metrics));
    }

    /// A connection gets one answer, whatever follows the request. The answer gives its length, for HEAD as well; a body is not
    /// waited for.
    #[test]
    fn answers() {
        let get = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let whole = "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: 4\r\nCache-Control: no-store\r\n\
                     Connection: close\r\n\r\na 1\n";
        assert_eq!(sent(get.as_bytes()).0, whole);
        assert_eq!(sent(get.repeat(3).as_bytes()).0, whole);
        let head = sent(b"HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").0;
        assert!(head.contains("Content-Length: 4\r\n") && head.ends_with("\r\n\r\n"), "{head}");
        let waits = "POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\nExpect: 100-continue\r\n\r\n";
        let refused = sent(waits.as_bytes()).0;
        assert!(refused.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"), "{refused}");
        assert!(refused.contains("\r\nAllow: GET, HEAD\r\n") && refused.ends_with("only GET and HEAD\n"), "{refused}");
        let busy = Answer::Metrics.response("text/x", None);
        assert_eq!(busy.status(), hyper::StatusCode::SERVICE_UNAVAILABLE);
        let (head, body) = std::str::from_utf8(TOO_SLOW).unwrap().split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{head}");
    }
}

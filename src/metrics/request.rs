// SPDX-License-Identifier: MIT OR Apache-2.0
//! The little of HTTP/1.1 (RFC 9112) that a scrape takes: a request's first line and its host, and answers.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest head of a request.
pub(super) const MAX_HEAD_BYTES: usize = 8 << 10;

const NOT_HERE: &str = "the metrics are read under an IP address, localhost or the name of this machine; \
                        `ebpf-run daemon --metrics-host NAME` allows another name\n";

/// What a request gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The metrics.
    Metrics,
    /// The metrics' head alone.
    MetricsHead,
    /// There is no such page.
    NotFound,
    /// Only GET and HEAD.
    NotAllowed,
    /// It is for a host of another name.
    NotHere,
    /// It is no HTTP.
    Bad,
    /// The head is too long.
    TooLong,
    /// It did not come in time.
    TooSlow,
}

/// What follows the empty line that ends a head; `None` where that has not come yet. Empty lines before a request are left
/// out (RFC 9112 §2.2).
pub(super) fn head_end(bytes: &[u8]) -> Option<usize> {
    let start = bytes.iter().position(|byte| !b"\r\n".contains(byte))?;
    let at = |end: &[u8]| bytes[start..].windows(end.len()).position(|window| window == end).map(|at| at + end.len());
    at(b"\r\n\r\n").into_iter().chain(at(b"\n\n")).min().map(|end| start + end)
}

/// Reads the first line, `GET /metrics?x=y HTTP/1.1`, and for whom the request is; nothing else of it matters. `is_own` knows
/// the names of this machine.
pub(super) fn understand(bytes: &[u8], is_own: &dyn Fn(&str) -> bool) -> Answer {
    let Some(end) = head_end(bytes).filter(|end| *end <= MAX_HEAD_BYTES) else {
        return if bytes.len() > MAX_HEAD_BYTES { Answer::TooLong } else { Answer::Bad };
    };
    let Some(head) = std::str::from_utf8(&bytes[..end]).ok().and_then(Head::parse) else { return Answer::Bad };
    let (authority, path) = match head.target.split_once("://") {
        // RFC 9112 §3.2.2: what the target names counts, and not the header.
        Some((scheme, rest)) if !head.target.starts_with('/') => {
            let at = rest.find(['/', '?']).unwrap_or(rest.len());
            (Some(rest[..at].to_owned()).filter(|_| scheme.eq_ignore_ascii_case("http")), &rest[at..])
        }
        _ => (head.host.map(str::to_owned), head.target),
    };
    // HTTP/1.0 has no such header, and no browser speaks it.
    let is_ours = match &authority {
        Some(authority) => is_served(authority, is_own),
        None => head.host.is_none(),
    };
    if !is_ours {
        return Answer::NotHere;
    }
    match (path.split('?').next(), head.method) {
        (Some("/metrics"), "GET") => Answer::Metrics,
        (Some("/metrics"), "HEAD") => Answer::MetricsHead,
        (Some("/metrics"), _) => Answer::NotAllowed,
        _ => Answer::NotFound,
    }
}

/// The parts of a request that matter.
struct Head<'r> {
    method: &'r str,
    target: &'r str,
    host: Option<&'r str>,
}

impl<'r> Head<'r> {
    /// `None` where it is no HTTP/1.x, or where others could read it otherwise than we do (RFC 9112 §3.2, §5.1, §5.2).
    fn parse(text: &'r str) -> Option<Self> {
        let mut lines =
            text.trim_start_matches(['\r', '\n']).split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        let words: Vec<&str> = lines.next()?.split(' ').collect();
        let &[method, target, version] = words.as_slice() else { return None };
        let minor = version.strip_prefix("HTTP/1.")?.parse::<u8>().ok().filter(|_| version.len() == 8)?;
        if !is_token(method) || target.is_empty() || target.contains(char::is_control) {
            return None;
        }
        let mut host = None;
        for line in lines.take_while(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').filter(|(name, _)| is_token(name))?;
            if value.contains(|c: char| c.is_ascii_control() && c != '\t') {
                return None;
            }
            if name.eq_ignore_ascii_case("host") && host.replace(value.trim_matches([' ', '\t'])).is_some() {
                return None;
            }
        }
        (host.is_some() || minor == 0).then_some(Self { method, target, host })
    }
}

fn is_token(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// True for addresses, for `localhost` and for the names of this machine, with or without a port. Under another name a page from
/// anywhere could read the metrics in a browser of somebody who reaches them, once its name leads here (DNS rebinding).
fn is_served(authority: &str, is_own: &dyn Fn(&str) -> bool) -> bool {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            let address = address.split('%').next().unwrap_or_default();
            return address.parse::<Ipv6Addr>().is_ok() && is_port(port);
        }
        None => authority.find(':').map_or((authority, ""), |at| authority.split_at(at)),
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    is_port(port) && (host.parse::<Ipv4Addr>().is_ok() || name.eq_ignore_ascii_case("localhost") || is_own(name))
}

/// `:9435`, or nothing.
fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Answer {
    /// True where the daemon has to be asked.
    pub(super) fn wants_metrics(self) -> bool {
        matches!(self, Self::Metrics | Self::MetricsHead)
    }

    /// The whole answer. `body` are the metrics, which nobody gave where it is `None`.
    pub(super) fn bytes(self, content_type: &str, body: Option<&str>) -> Vec<u8> {
        let plain = "text/plain; charset=utf-8";
        let (status, kind, body) = match (self, body) {
            (Self::Metrics | Self::MetricsHead, Some(body)) => ("200 OK", content_type, body),
            (Self::Metrics | Self::MetricsHead, None) => {
                ("503 Service Unavailable", plain, "the daemon is busy with a change of its probes\n")
            }
            (Self::NotFound, _) => ("404 Not Found", plain, "the metrics are at /metrics\n"),
            (Self::NotAllowed, _) => ("405 Method Not Allowed", plain, "only GET and HEAD\n"),
            (Self::NotHere, _) => ("421 Misdirected Request", plain, NOT_HERE),
            (Self::Bad, _) => ("400 Bad Request", plain, "this is no HTTP/1.1 request\n"),
            (Self::TooLong, _) => ("431 Request Header Fields Too Large", plain, "the request is too long\n"),
            (Self::TooSlow, _) => ("408 Request Timeout", plain, "the request took too long\n"),
        };
        let allow = if self == Self::NotAllowed { "Allow: GET, HEAD\r\n" } else { "" };
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nCache-Control: no-store\r\n{allow}Connection: close\r\n\r\n"
        );
        let body = if self == Self::MetricsHead { "" } else { body };
        [head.as_bytes(), body.as_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(head: &str) -> Answer {
        understand(head.as_bytes(), &|name| name.eq_ignore_ascii_case("box.example"))
    }

    /// Each first line gets its answer.
    #[test]
    fn first_lines() {
        for (line, wanted) in [
            ("GET /metrics HTTP/1.1", Answer::Metrics),
            ("GET /metrics?name[]=x HTTP/1.0", Answer::Metrics),
            ("GET /metrics HTTP/1.9", Answer::Metrics),
            ("HEAD /metrics HTTP/1.1", Answer::MetricsHead),
            ("POST /metrics HTTP/1.1", Answer::NotAllowed),
            ("VERSION-CONTROL /metrics HTTP/1.1", Answer::NotAllowed),
            ("GET / HTTP/1.1", Answer::NotFound),
            ("GET /metrics/ HTTP/1.1", Answer::NotFound),
            ("GET /../metrics HTTP/1.1", Answer::NotFound),
            ("GET /a?b=http://x HTTP/1.1", Answer::NotFound),
            ("OPTIONS * HTTP/1.1", Answer::NotFound),
            ("GET http://localhost:9435/metrics HTTP/1.1", Answer::Metrics),
            ("GET HTTP://127.0.0.1/metrics?x HTTP/1.1", Answer::Metrics),
            ("GET http://localhost HTTP/1.1", Answer::NotFound),
            ("GET http://evil.example/metrics HTTP/1.1", Answer::NotHere),
            ("GET https://localhost/metrics HTTP/1.1", Answer::NotHere),
            ("GET /metrics", Answer::Bad),
            ("GET /metrics HTTP/2.0", Answer::Bad),
            ("GET /metrics HTTP/1.10", Answer::Bad),
            ("GET  /metrics HTTP/1.1", Answer::Bad),
            ("\u{1}\u{2} /metrics HTTP/1.1", Answer::Bad),
            ("", Answer::Bad),
        ] {
            assert_eq!(answer(&format!("{line}\r\nHost: 127.0.0.1\r\n\r\n")), wanted, "{line}");
        }
        assert_eq!(answer("GET /metrics HTTP/1.1\r\nHost: localhost\r\n"), Answer::Bad, "it has no end");
        assert_eq!(answer("\r\n\r\nGET /metrics HTTP/1.1\nHost: localhost\n\n"), Answer::Metrics);
        assert_eq!(understand(b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n", &|_| true), Answer::Bad);
        let long = format!("GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(MAX_HEAD_BYTES));
        assert_eq!(answer(&long), Answer::TooLong);
    }

    /// Addresses and the machine's own names are served, and a request says once for whom it is.
    #[test]
    fn hosts() {
        for (headers, wanted) in [
            ("Host: 192.0.2.7:9435", Answer::Metrics),
            ("host:\t[2001:db8::1]:9435 ", Answer::Metrics),
            ("Host: [fe80::1%25eth0]", Answer::Metrics),
            ("Host: LocalHost", Answer::Metrics),
            ("Host: Box.Example.:9435", Answer::Metrics),
            ("Accept: */*\r\nHost: localhost", Answer::Metrics),
            ("Host: evil.example", Answer::NotHere),
            ("Host: localhost.evil.example", Answer::NotHere),
            ("Host: 127.0.0.1.evil.example:80", Answer::NotHere),
            ("Host: 0x7f000001", Answer::NotHere),
            ("Host: user@localhost", Answer::NotHere),
            ("Host: localhost:80:80", Answer::NotHere),
            ("Host:", Answer::NotHere),
            ("Accept: */*", Answer::Bad),
            ("Host: localhost\r\nHost: localhost", Answer::Bad),
            ("Host : localhost", Answer::Bad),
            ("X: 1\r\n Host: localhost", Answer::Bad),
            ("Host: localhost\r\nX: a\rb", Answer::Bad),
        ] {
            assert_eq!(answer(&format!("GET /metrics HTTP/1.1\r\n{headers}\r\n\r\n")), wanted, "{headers}");
        }
        assert_eq!(answer("GET /metrics HTTP/1.0\r\n\r\n"), Answer::Metrics);
        assert_eq!(answer("GET /metrics HTTP/1.0\r\nHost: evil.example\r\n\r\n"), Answer::NotHere);
        // A target that names a host does not do without the header, nor is it judged by it.
        assert_eq!(answer("GET http://localhost/metrics HTTP/1.1\r\n\r\n"), Answer::Bad);
        assert_eq!(answer("GET http://localhost/metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n"), Answer::Metrics);
    }

    /// The length is the body's, also where HEAD leaves that out; what has no answer says so.
    #[test]
    fn answers() {
        let text = |answer: Answer, body| String::from_utf8(answer.bytes("text/x", body)).unwrap_or_default();
        let whole = text(Answer::Metrics, Some("a 1\n"));
        assert!(whole.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: 4\r\n"), "{whole}");
        assert!(whole.ends_with("\r\n\r\na 1\n"), "{whole}");
        let head = text(Answer::MetricsHead, Some("a 1\n"));
        assert!(head.contains("Content-Length: 4\r\n") && head.ends_with("\r\n\r\n"), "{head}");
        assert!(text(Answer::Metrics, None).starts_with("HTTP/1.1 503 "));
        assert!(text(Answer::NotAllowed, None).contains("\r\nAllow: GET, HEAD\r\n"));
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! The little of HTTP/1.1 (RFC 9112) that a scrape takes: a request's first line, and answers.

/// The longest head of a request.
pub(super) const MAX_HEAD_BYTES: usize = 8 << 10;

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
    /// It is no HTTP.
    Bad,
    /// The head is too long.
    TooLong,
    /// It did not come in time.
    TooSlow,
}

/// What follows the empty line that ends a head; `None` where that has not come yet.
pub(super) fn head_end(bytes: &[u8]) -> Option<usize> {
    let at = |end: &[u8]| bytes.windows(end.len()).position(|window| window == end).map(|at| at + end.len());
    at(b"\r\n\r\n").into_iter().chain(at(b"\n\n")).min()
}

/// Reads `GET /metrics?x=y HTTP/1.1`; nothing else of a request matters.
pub(super) fn understand(head: &[u8]) -> Answer {
    if head_end(head).is_none_or(|end| end > MAX_HEAD_BYTES) {
        return if head.len() > MAX_HEAD_BYTES { Answer::TooLong } else { Answer::Bad };
    }
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = std::str::from_utf8(line).unwrap_or_default().trim_end_matches('\r');
    let words: Vec<&str> = line.split(' ').collect();
    let &[method, target, version] = words.as_slice() else { return Answer::Bad };
    let is_token = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_alphabetic());
    if !is_token || !matches!(version, "HTTP/1.1" | "HTTP/1.0") {
        return Answer::Bad;
    }
    match (target.split('?').next(), method) {
        (Some("/metrics"), "GET") => Answer::Metrics,
        (Some("/metrics"), "HEAD") => Answer::MetricsHead,
        (Some("/metrics"), _) => Answer::NotAllowed,
        _ => Answer::NotFound,
    }
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

    /// Each first line gets its answer.
    #[test]
    fn first_lines() {
        for (line, answer) in [
            ("GET /metrics HTTP/1.1", Answer::Metrics),
            ("GET /metrics?name[]=x HTTP/1.0", Answer::Metrics),
            ("HEAD /metrics HTTP/1.1", Answer::MetricsHead),
            ("POST /metrics HTTP/1.1", Answer::NotAllowed),
            ("GET / HTTP/1.1", Answer::NotFound),
            ("GET /metrics/ HTTP/1.1", Answer::NotFound),
            ("GET /../metrics HTTP/1.1", Answer::NotFound),
            ("GET /metrics", Answer::Bad),
            ("GET /metrics HTTP/2.0", Answer::Bad),
            ("GET  /metrics HTTP/1.1", Answer::Bad),
            ("\u{1}\u{2} /metrics HTTP/1.1", Answer::Bad),
            ("", Answer::Bad),
        ] {
            let head = format!("{line}\r\nHost: x\r\n\r\n");
            assert_eq!(understand(head.as_bytes()), answer, "{line}");
        }
        assert_eq!(understand(b"GET /metrics HTTP/1.1\r\nHost: x\r\n"), Answer::Bad, "it has no end");
        assert_eq!(understand(b"GET /\xff HTTP/1.1\r\n\r\n"), Answer::Bad);
        let long = format!("GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(MAX_HEAD_BYTES));
        assert_eq!(understand(long.as_bytes()), Answer::TooLong);
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

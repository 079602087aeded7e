// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a request is answered: by its method, its path and the host it names.

use std::net::{Ipv4Addr, Ipv6Addr};

use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Version};

const NOT_HERE: &str =
    "use an IP address, localhost or the name of this machine; `--metrics-host NAME` allows another name\n";

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
    /// It names no host, or two (RFC 9112 §3.2).
    Bad,
}

/// Judges a request by its first line, `GET /metrics?x=y HTTP/1.1`, and its host. `is_own` knows the names of this machine.
pub(super) fn understand<B>(request: &Request<B>, is_own: &dyn Fn(&str) -> bool) -> Answer {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(_), Some(_)) => return Answer::Bad,
        (None, _) if request.version() != Version::HTTP_10 => return Answer::Bad,
        (host, _) => host.map(|host| host.to_str().unwrap_or_default()),
    };
    let uri = request.uri();
    let is_ours = match (uri.authority(), host) {
        // RFC 9112 §3.2.2: what the target names counts, and not the header.
        (Some(authority), _) => uri.scheme_str() == Some("http") && is_served(authority.as_str(), is_own),
        (None, Some(host)) => is_served(host, is_own),
        // HTTP/1.0 has no such header, and no browser speaks it.
        (None, None) => true,
    };
    match (uri.path(), request.method()) {
        _ if !is_ours => Answer::NotHere,
        ("/metrics", &Method::GET) => Answer::Metrics,
        ("/metrics", &Method::HEAD) => Answer::MetricsHead,
        ("/metrics", _) => Answer::NotAllowed,
        _ => Answer::NotFound,
    }
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
    pub(super) fn response(self, content_type: &'static str, body: Option<String>) -> Response<String> {
        let plain = "text/plain; charset=utf-8";
        let (status, kind, body) = match (self, body) {
            (Self::Metrics | Self::MetricsHead, Some(body)) => (StatusCode::OK, content_type, body),
            (Self::Metrics | Self::MetricsHead, None) => {
                (StatusCode::SERVICE_UNAVAILABLE, plain, "ebpf-run is busy with a change of its probes\n".to_owned())
            }
            (Self::NotFound, _) => (StatusCode::NOT_FOUND, plain, "the metrics are at /metrics\n".to_owned()),
            (Self::NotAllowed, _) => (StatusCode::METHOD_NOT_ALLOWED, plain, "only GET and HEAD\n".to_owned()),
            (Self::NotHere, _) => (StatusCode::MISDIRECTED_REQUEST, plain, NOT_HERE.to_owned()),
            (Self::Bad, _) => (StatusCode::BAD_REQUEST, plain, "a request names its host, once\n".to_owned()),
        };
        let length = body.len();
        let mut response = Response::new(if self == Self::MetricsHead { String::new() } else { body });
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CONTENT_LENGTH, length.into());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self == Self::NotAllowed {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        response
    }
}

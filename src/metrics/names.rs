// SPDX-License-Identifier: MIT OR Apache-2.0
//! The names under which this machine is asked for its metrics.

use std::fs;

/// Where the resolver finds the domains that complete a name (resolv.conf(5)).
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// The names that were given; those of the machine are asked for when they are needed, since they can change.
#[derive(Debug)]
pub(super) struct Names {
    given: Vec<String>,
}

impl Names {
    pub(super) fn new(given: &[String]) -> Self {
        Self { given: given.iter().map(|name| name.trim_end_matches('.').to_owned()).collect() }
    }

    /// True for a name that was given, the host's name, and that in a domain that the resolver searches.
    pub(super) fn has(&self, name: &str) -> bool {
        let is_given = self.given.iter().any(|given| given.eq_ignore_ascii_case(name));
        is_given
            || host_name().is_some_and(|host| is_own(name, &host, &fs::read_to_string(RESOLV_CONF).unwrap_or_default()))
    }
}

/// True where `name` is `host`, or `host` in a domain of this `resolv.conf`.
fn is_own(name: &str, host: &str, resolv_conf: &str) -> bool {
    if name.eq_ignore_ascii_case(host) {
        return true;
    }
    let domain = name.get(..host.len()).filter(|start| start.eq_ignore_ascii_case(host));
    let Some(domain) = domain.and_then(|_| name[host.len()..].strip_prefix('.')) else { return false };
    let mut words = resolv_conf.lines().map(str::split_whitespace);
    words.any(|mut words| {
        matches!(words.next(), Some("search" | "domain"))
            && words.any(|known| known.trim_end_matches('.').eq_ignore_ascii_case(domain))
    })
}

/// `None` where it has none.
fn host_name() -> Option<String> {
    let names = rustix::system::uname();
    let name = names.nodename().to_str().ok()?;
    (!name.is_empty() && name != "(none)").then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The machine is called by its name, alone or in a domain that it searches itself.
    #[test]
    fn own_names() {
        let resolv_conf = "# search evil.example\nnameserver 192.0.2.1\nsearch lan.example Corp.example.\n";
        for (name, own) in [
            ("box", true),
            ("BOX", true),
            ("box.lan.example", true),
            ("box.corp.example", true),
            ("box.evil.example", false),
            ("box.", false),
            ("boxlan.example", false),
            ("other", false),
            ("", false),
        ] {
            assert_eq!(is_own(name, "box", resolv_conf), own, "{name}");
        }
        assert!(Names::new(&["metrics.example.".to_owned()]).has("Metrics.Example"));
    }
}

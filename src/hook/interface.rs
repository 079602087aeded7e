// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of network interfaces, as the kinds that hook one take them.

use super::names::as_list;
use crate::config::{Cx, Span, TARGET};
use crate::spec::Targets;

/// Longest name of an interface: ALTIFNAMSIZ (linux/if.h) without its NUL. What is longer than 15 bytes is a further name
/// (`altname` of ip-link(8)).
const MAX_INTERFACE_BYTES: usize = 127;

/// False, and reported, for what cannot be the name of one.
pub(super) fn is_interface(cx: &mut Cx<'_>, interface: &str, span: Span) -> bool {
    let complaint = if interface == Targets::DEFAULT_ROUTE {
        return true;
    } else if interface.is_empty() {
        "it is empty".to_owned()
    } else if interface.starts_with('@') {
        format!("the only name with `@` is `{}`", Targets::DEFAULT_ROUTE)
    } else if interface.len() > MAX_INTERFACE_BYTES {
        format!("{} bytes; an interface name has at most {MAX_INTERFACE_BYTES}", interface.len())
    } else if interface.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control()) {
        "an interface name has no space and no `/`".to_owned()
    } else if interface == "." || interface == ".." {
        "not a valid interface name".to_owned()
    } else {
        return true;
    };
    let help = match as_list(interface) {
        Some(list) => format!("write a list: `interface: {list}`"),
        None => "`ip link` lists the interfaces of this machine".to_owned(),
    };
    let problem = cx.error(TARGET, span, format!("`{interface}` is not a valid interface name"));
    cx.report(problem.label(complaint).help(help));
    false
}

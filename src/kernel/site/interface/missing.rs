// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was probably meant by an interface that is not there.

use crate::kernel::error::KernelError;
use crate::spec::Place;
use crate::words::{Refusal, suggest};

/// For a name that is none of the interfaces `known`.
pub(in crate::kernel) fn missing_interface(place: Place, name: &str, known: &[String]) -> KernelError {
    let names: Vec<&str> = name.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let help = match name {
        // A comma may be in an interface's name; in practice it is not.
        _ if names.len() > 1 => Some(format!("write a list: `[{}]`", names.join(", "))),
        "any" | "all" => Some("`\"*\"` matches every interface".to_owned()),
        "default" => Some("`\"@default-route\"` is the interface of the default route".to_owned()),
        _other => suggest(name, known.iter().map(String::as_str), "the interfaces are"),
    };
    KernelError::of(place, Refusal::new(format!("there is no network interface `{name}`")).maybe_help(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that mean several interfaces, or one of another name, lead to what is written here.
    #[test]
    fn interfaces_that_are_not_there() {
        let known = ["eth0".to_owned(), "lo".to_owned()];
        for (name, help) in [
            ("eth0,lo", "write a list: `[eth0, lo]`"),
            ("any", "`\"*\"` matches every interface"),
            ("default", "`\"@default-route\"` is the interface of the default route"),
            ("eht0", "did you mean `eth0`?"),
            ("wlan", "the interfaces are `eth0`, `lo`"),
        ] {
            assert_eq!(missing_interface(Place::Target, name, &known).help.unwrap_or_default(), help, "{name}");
        }
    }
}

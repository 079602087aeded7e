// SPDX-License-Identifier: MIT OR Apache-2.0
//! The arguments of a USDT probe as names that expressions begin with: `arg0`, `arg1` …

use super::builtin::builtin_names;
use super::path::{Place, Ty};
use crate::spec::FetchSource;
use crate::words::{Refusal, suggest};

/// What arguments are called.
const NUMBERS: [&str; 12] =
    ["arg0", "arg1", "arg2", "arg3", "arg4", "arg5", "arg6", "arg7", "arg8", "arg9", "arg10", "arg11"];

/// What a USDT probe offers.
pub struct UsdtScope {
    /// `provider:name`, for messages.
    pub name: String,
    /// Its arguments, by their numbers.
    pub arguments: Vec<UsdtArgumentType>,
}

/// What is known of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsdtArgumentType {
    /// Whether it can be negative.
    pub signed: bool,
    /// False where no program can read it, at any place of the probe.
    pub readable: bool,
}

impl UsdtScope {
    /// The place of one of its own names; `None` where it has none of that name.
    pub(super) fn own<'a>(&self, name: &str) -> Result<Option<Place<'a>>, Refusal> {
        let number = name.strip_prefix("arg").filter(|digits| !digits.is_empty());
        let Some(number) = number.and_then(|digits| digits.parse::<usize>().ok()) else { return Ok(None) };
        let (of, count) = (&self.name, self.arguments.len());
        let Some(argument) = self.arguments.get(number) else {
            let plural = if count == 1 { "" } else { "s" };
            let message = format!("`{of}` has {count} argument{plural}, there is no `{name}`");
            let help = (count > 0).then(|| format!("`arg0` to `arg{}` can be captured", count - 1));
            return Err(Refusal::new(message).maybe_help(help.filter(|_| count > 1)));
        };
        if !argument.readable {
            let message =
                format!("`{name}` of `{of}` cannot be read: it is in a register for fractions, or beside the code");
            return Err(Refusal::new(message));
        }
        let ty = Ty::Int { size: 8, signed: argument.signed };
        Ok(Some(Place::register(FetchSource::Usdt(number as u8), ty).of_user()))
    }

    /// That it has no such name.
    pub(super) fn unknown(&self, name: &str) -> Refusal {
        let message = format!("there is no `{name}`: a USDT probe stores no argument names");
        let known = NUMBERS.into_iter().take(self.arguments.len()).chain(builtin_names());
        Refusal::new(message).maybe_help(suggest(name, known, "there are"))
    }
}

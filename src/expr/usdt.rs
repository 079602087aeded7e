// SPDX-License-Identifier: MIT OR Apache-2.0
//! The arguments of a USDT probe as names that expressions begin with: `arg0`, `arg1` …

use super::builtin::builtin_names;
use super::path::{Place, Ty};
use crate::catalog::{UsdtArgument, UsdtUnreadable};
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsdtArgumentType {
    /// Whether it can be negative.
    pub signed: bool,
    /// The variable that it is, at every place of the probe.
    pub name: Option<String>,
    /// Why no program can read it, at any place of the probe.
    pub unreadable: Option<String>,
}

impl UsdtArgumentType {
    /// At one place of a probe.
    pub fn of(argument: &UsdtArgument<'_>) -> Self {
        let text = argument.text;
        let unreadable = argument.place.err().map(|why| match why {
            UsdtUnreadable::Fraction => format!("it is a floating-point number (`{text}`)"),
            UsdtUnreadable::Variable => {
                format!("it is a variable (`{text}`), and the binary has no symbol, or several, of that name")
            }
            UsdtUnreadable::Form => format!("it lies in a form that is not supported (`{text}`)"),
        });
        let is_name = |name: &&str| name.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_');
        Self { signed: argument.signed, name: argument.variable.filter(is_name).map(str::to_owned), unreadable }
    }

    /// The same argument at another place of the probe.
    pub fn add(&mut self, other: &Self) {
        self.signed |= other.signed;
        self.name = self.name.take().filter(|name| other.name.as_ref() == Some(name));
        self.unreadable = self.unreadable.take().filter(|_| other.unreadable.is_some());
    }
}

impl UsdtScope {
    /// The number of an argument: of `arg1`, or of the only one that is this variable.
    fn number(&self, name: &str) -> Option<usize> {
        let number = name.strip_prefix("arg").filter(|digits| !digits.is_empty());
        if let Some(number) = number.and_then(|digits| digits.parse().ok()) {
            return Some(number);
        }
        let mut named = (0..).zip(&self.arguments).filter(|(_, argument)| argument.name.as_deref() == Some(name));
        named.next().filter(|_| named.next().is_none()).map(|(number, _)| number)
    }

    /// The place of one of its own names; `None` where it has none of that name.
    pub(super) fn own<'a>(&self, name: &str) -> Result<Option<Place<'a>>, Refusal> {
        let Some(number) = self.number(name) else { return Ok(None) };
        let (of, count) = (&self.name, self.arguments.len());
        let Some(argument) = self.arguments.get(number) else {
            let plural = if count == 1 { "" } else { "s" };
            let message = format!("`{of}` has {count} argument{plural}, there is no `{name}`");
            let help = (count > 0).then(|| format!("`arg0` to `arg{}` can be captured", count - 1));
            return Err(Refusal::new(message).maybe_help(help.filter(|_| count > 1)));
        };
        if let Some(why) = &argument.unreadable {
            let others = self.arguments.iter().any(|argument| argument.unreadable.is_none());
            let help = others.then(|| "capture the probe's other arguments".to_owned());
            return Err(Refusal::new(format!("`{name}` of `{of}` cannot be read: {why}")).maybe_help(help));
        }
        let ty = Ty::Int { size: 8, signed: argument.signed };
        Ok(Some(Place::register(FetchSource::Usdt(number as u8), ty).of_user()))
    }

    /// That it has no such name.
    pub(super) fn unknown(&self, name: &str) -> Refusal {
        let message =
            format!("there is no `{name}`: a USDT probe stores no argument names, but those of global variables");
        let numbers: Vec<&str> = NUMBERS.into_iter().take(self.arguments.len()).collect();
        let variables: Vec<&str> = self.arguments.iter().filter_map(|argument| argument.name.as_deref()).collect();
        let builtins: Vec<&str> = builtin_names().collect();
        let known = [numbers, variables, builtins].concat();
        Refusal::new(message).maybe_help(suggest(name, known, "there are"))
    }
}

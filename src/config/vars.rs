// SPDX-License-Identifier: MIT OR Apache-2.0
//! The variables of a file: what `${var:NAME}` stands for.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::codes;
use super::pattern::is_identifier;
use crate::words;

/// The variables that a file declares. They are known in that file only.
#[derive(Debug, Default)]
pub(super) struct Vars {
    declared: Vec<(String, Var)>,
    /// Some declarations could not be read: nothing is said about names that are missing.
    pub(super) incomplete: bool,
    used: RefCell<BTreeSet<String>>,
}

/// True for what a variable of a file may be called: letters, digits and `_`, no leading digit, at most 64.
pub fn is_var_name(name: &str) -> bool {
    is_identifier(name) && name.len() <= 64
}

/// One variable.
#[derive(Debug, Clone)]
pub(super) struct Var {
    /// What it stands for; `None` where the declaration has its problem already.
    pub(super) text: Option<String>,
    /// Whether it is a string whatever it looks like: it is declared in quotes.
    pub(super) quoted: bool,
}

/// Why there is no value.
pub(super) struct NoValue {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: String,
    pub(super) note: Option<String>,
}

impl Vars {
    /// Adds a variable.
    pub(super) fn declare(&mut self, name: &str, var: Var) {
        self.declared.push((name.to_owned(), var));
    }

    /// What a name stands for; `Err(None)` where the declaration has its problem already.
    pub(super) fn value(&self, reference: &str) -> Result<String, Option<NoValue>> {
        let name = name_of(reference)?;
        let Some(var) = self.get(name) else {
            return Err(if self.incomplete { None } else { Some(self.unknown(name)) });
        };
        self.used.borrow_mut().insert(name.to_owned());
        var.text.clone().ok_or(None)
    }

    /// True for a name that the file declares.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// True where no value of the file has the variable in it.
    pub(super) fn is_unused(&self, name: &str) -> bool {
        !self.used.borrow().contains(name)
    }

    /// True for a reference, and nothing beside it, to a variable that is declared in quotes.
    pub(super) fn is_quoted(&self, text: &str) -> bool {
        let name = text.strip_prefix("${var:").and_then(|rest| rest.strip_suffix('}'));
        name.and_then(|name| self.get(name)).is_some_and(|var| var.quoted)
    }

    fn get(&self, name: &str) -> Option<&Var> {
        self.declared.iter().find(|(known, _)| known == name).map(|(_, var)| var)
    }

    fn unknown(&self, name: &str) -> NoValue {
        let known = || self.declared.iter().map(|(name, _)| name.as_str());
        let help = match words::nearest(name, known()) {
            Some(nearest) => format!("did you mean `${{var:{nearest}}}`?"),
            None => format!("declare it: `vars: {{ {name}: VALUE }}`"),
        };
        let list = words::list(known(), 16);
        let note = (!list.is_empty()).then(|| format!("variables of this file: {list}"));
        NoValue { code: codes::UNKNOWN_VAR, message: format!("unknown variable `{name}`"), help, note }
    }
}

/// That what a variable stands for cannot come from a variable itself.
pub(super) fn nested() -> NoValue {
    NoValue {
        code: codes::VAR_IN_VAR,
        message: "the value of a variable cannot refer to a variable".to_owned(),
        help: "write the value itself, or take it from the environment with `${env:NAME}`".to_owned(),
        note: None,
    }
}

/// The name in `${var:NAME}`, where it can be one.
fn name_of(reference: &str) -> Result<&str, Option<NoValue>> {
    if is_identifier(reference) {
        return Ok(reference);
    }
    let form = |message: String, help: String| Some(NoValue { code: codes::VAR_FORM, message, help, note: None });
    if let Some((name, _)) = reference.split_once([':', '-', '=', '?', '+'])
        && is_identifier(name)
    {
        let message = format!("the variable `{name}` cannot have a default here");
        return Err(form(message, format!("write `${{var:{name}}}`; its value under `vars` is the default")));
    }
    let bare = reference.trim();
    let help = match is_identifier(bare) {
        true => format!("write `${{var:{bare}}}`"),
        false => "a name consists of letters, digits and `_` and does not begin with a digit".to_owned(),
    };
    Err(form(
        if bare.is_empty() {
            "the name of the variable is missing".to_owned()
        } else {
            format!("`{reference}` cannot be the name of a variable")
        },
        help,
    ))
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! References in a value: what the environment or a variable of the file says, as part of a scalar, never as structure.
//!
//! | written | becomes |
//! |---|---|
//! | `${env:NAME}` | the variable's value; an error where it is not set |
//! | `${env:NAME:-default}` | its value; `default` where it is not set or empty, as in a shell |
//! | `${var:NAME}` | what the file has under `vars`, or `--set` instead |
//! | `$${` | `${` |

use std::ffi::OsString;
use std::ops::Range;

use super::codes;
use super::pattern::is_identifier;
use super::problem::Severity;
use super::vars::{NoValue, Vars, nested};

/// Complaints about one scalar that are shown.
const MAX_COMPLAINTS: usize = 16;

/// The value of a variable; `None` where it is not set.
type Lookup<'e> = &'e dyn Fn(&str) -> Option<OsString>;

/// Where a check finds the variables that files refer to. The default has none.
#[derive(Clone, Copy, Default)]
pub struct Environment<'e> {
    lookup: Option<Lookup<'e>>,
    /// What variables of files stand for instead: `--set NAME=VALUE`.
    settings: &'e [(String, String)],
    /// How bad it is that no file has such a variable.
    unknown: Option<Severity>,
    /// Those of the file that is being read; `None` where they are being found out.
    vars: Option<&'e Vars>,
}

impl std::fmt::Debug for Environment<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Environment")
    }
}

/// A text with its references replaced.
#[derive(Debug)]
pub(super) struct Replaced {
    pub(super) text: String,
    /// What came from references: neither an operator nor a name of an expression.
    pub(super) parts: Vec<std::ops::Range<usize>>,
}

/// What is wrong with a reference.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    /// Its bytes in the text.
    pub(super) range: Range<usize>,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: String,
    pub(super) note: Option<String>,
}

impl<'e> Environment<'e> {
    /// An environment that asks `lookup`; `None` is for a variable that is not set.
    ///
    /// ```
    /// use ebpf_run::config::Environment;
    /// let lookup = |name: &str| std::env::var_os(name);
    /// let environment = Environment::new(&lookup);
    /// ```
    pub fn new(lookup: &'e dyn Fn(&str) -> Option<OsString>) -> Self {
        Self { lookup: Some(lookup), settings: &[], unknown: None, vars: None }
    }

    /// The same, with values for variables of files (`vars`), each by its name: they replace what the files say. Of two for
    /// one name the last one counts. `unknown` says how bad it is that no file has such a variable.
    #[must_use]
    pub fn set(self, settings: &'e [(String, String)], unknown: Severity) -> Self {
        Self { settings, unknown: Some(unknown), ..self }
    }

    /// The same with another way to find variables of the environment.
    pub(super) fn with_lookup(self, lookup: &'e dyn Fn(&str) -> Option<OsString>) -> Self {
        Self { lookup: Some(lookup), ..self }
    }

    /// How bad it is that no file has a variable of `--set`.
    pub(super) fn unknown(&self) -> Severity {
        self.unknown.unwrap_or(Severity::Error)
    }

    /// What `--set` gives.
    pub(super) fn settings(&self) -> &'e [(String, String)] {
        self.settings
    }

    /// The same for a file with these variables.
    pub(super) fn with_vars(self, vars: &'e Vars) -> Self {
        Self { vars: Some(vars), ..self }
    }

    /// The same where variables are declared: there they cannot be used.
    pub(super) fn without_vars(self) -> Self {
        Self { vars: None, ..self }
    }

    /// True for a text that is a string whatever it becomes: a variable that is declared in quotes.
    pub(super) fn is_quoted(&self, text: &str) -> bool {
        self.vars.is_some_and(|vars| vars.is_quoted(text))
    }

    /// What a variable says.
    pub(super) fn get(&self, name: &str) -> Option<OsString> {
        self.lookup.and_then(|lookup| lookup(name))
    }

    /// The text with every reference replaced, and the bytes of it that came from references. Nothing is replaced any more once it is longer than `most_bytes`. Where what
    /// is referred to has its problem already, there are no complaints.
    pub(super) fn substitute(&self, text: &str, most_bytes: usize) -> Result<Replaced, Vec<Complaint>> {
        let mut parts = Vec::new();
        let (mut replaced, mut complaints, mut at) = (String::with_capacity(text.len()), Vec::new(), 0);
        let mut broken = false;
        while let Some(dollar) = text[at..].find("${").map(|found| at + found) {
            if replaced.len() > most_bytes {
                break;
            }
            let before = &text[at..dollar];
            if let Some(before) = before.strip_suffix('$') {
                replaced.push_str(before);
                replaced.push_str("${");
                at = dollar + 2;
                continue;
            }
            replaced.push_str(before);
            let (end, value) = self.reference(text, dollar);
            at = end;
            match value {
                Ok(value) => {
                    parts.push(replaced.len()..replaced.len() + value.len());
                    replaced.push_str(&value);
                }
                Err(complaint) => {
                    broken = true;
                    complaints
                        .extend(complaint.filter(|_| complaints.len() < MAX_COMPLAINTS).map(|complaint| *complaint));
                }
            }
        }
        replaced.push_str(&text[at..]);
        if broken { Err(complaints) } else { Ok(Replaced { text: replaced, parts }) }
    }

    /// The reference that begins at `start`: where it ends, and what it refers to.
    fn reference(&self, text: &str, start: usize) -> (usize, Result<String, Option<Box<Complaint>>>) {
        let inside_at = start + 2;
        let stop = text[inside_at..].find(['}', '\n']).map(|found| inside_at + found);
        let Some(close) = stop.filter(|stop| text.as_bytes()[*stop] == b'}') else {
            let end = stop.unwrap_or(text.len());
            let help = "add the `}`; for a literal `${` write `$${`";
            let complaint = Complaint {
                range: start..end,
                code: codes::ENV_FORM,
                message: "this `${` is not closed".to_owned(),
                help: help.to_owned(),
                note: None,
            };
            return (end, Err(Some(Box::new(complaint))));
        };
        let inside = &text[inside_at..close];
        let complaint = |none: NoValue| {
            let NoValue { code, message, help, note } = none;
            Box::new(Complaint { range: start..close + 1, code, message, help, note })
        };
        (close + 1, self.value(inside).map_err(|none| none.map(complaint)))
    }

    /// What to write for something between braces that is no reference.
    fn instead(&self, inside: &str) -> String {
        let name = inside.trim_start_matches("ENV:").trim_start_matches("env.").trim();
        let bare = name.split([':', '-']).next().unwrap_or_default();
        let of_file =
            inside.split_once([':', '.']).filter(|(kind, _)| ["var", "vars"].contains(&&*kind.to_lowercase()));
        let declared = of_file.map_or(bare, |(_, name)| name.trim());
        if self.vars.is_some_and(|vars| vars.has(declared)) {
            format!("write `${{var:{declared}}}`; to write these characters literally: `$${{{inside}}}`")
        } else if is_identifier(bare) {
            format!("write `${{env:{name}}}`; to write these characters literally: `$${{{inside}}}`")
        } else {
            format!("to write these characters literally: `$${{{inside}}}`")
        }
    }

    /// What stands between the braces: `var:NAME`, `env:NAME` or `env:NAME:-default`.
    fn value(&self, inside: &str) -> Result<String, Option<NoValue>> {
        let no_value = |code, message: String, help: String| Err(Some(NoValue { code, message, help, note: None }));
        let form = |message: String, help: String| no_value(codes::ENV_FORM, message, help);
        if inside.contains("${") {
            return form(
                "references cannot be nested".to_owned(),
                "the default of a reference is plain text".to_owned(),
            );
        }
        if let Some(reference) = inside.strip_prefix("var:") {
            return self.vars.ok_or_else(|| Some(nested()))?.value(reference);
        }
        let Some(reference) = inside.strip_prefix("env:") else {
            let help = self.instead(inside);
            return form(format!("`${{{inside}}}` is not a reference to the environment"), help);
        };
        let (name, default) = match reference.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (reference, None),
        };
        if !is_identifier(name) {
            let help = match name.split_once([':', '-', '=', '?', '+']) {
                Some((name, default)) if is_identifier(name) => {
                    format!("a default is written `${{env:{name}:-{}}}`", default.trim_start_matches(['-', '=']))
                }
                Some(_) | None => "write `${env:NAME}` or `${env:NAME:-default}`".to_owned(),
            };
            let message = if name.is_empty() {
                "the name of the environment variable is missing".to_owned()
            } else {
                format!("`{name}` is not a valid variable name: letters, digits and `_`, no leading digit")
            };
            return form(message, help);
        }
        let found = match self.get(name).map(OsString::into_string) {
            Some(Ok(value)) => Some(value),
            None => None,
            Some(Err(_)) => {
                let message = format!("the environment variable `{name}` is not UTF-8 text");
                return no_value(codes::ENV_MISSING, message, "set it to valid UTF-8".to_owned());
            }
        };
        match (found, default) {
            (Some(value), Some(default)) if value.is_empty() => Ok(default.to_owned()),
            (Some(value), _) => Ok(value),
            (None, Some(default)) => Ok(default.to_owned()),
            (None, None) => {
                let message = format!("the environment variable `{name}` is not set");
                let help = format!("set it, or add a default: `${{env:{name}:-default}}`");
                no_value(codes::ENV_MISSING, message, help)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Environment, codes};

    fn lookup(name: &str) -> Option<std::ffi::OsString> {
        match name {
            "A" => Some("one".into()),
            "EMPTY" => Some("".into()),
            "TRICK" => Some("${env:A}: [x]\n- y".into()),
            _other => None,
        }
    }

    /// References are replaced once, wherever they stand in the text; defaults and escapes are as in a shell.
    #[test]
    fn replaced() {
        let environment = Environment::new(&lookup);
        for (text, expected) in [
            ("${env:A}", "one"),
            ("x-${env:A}-${env:A}", "x-one-one"),
            ("${env:B:-two}", "two"),
            ("${env:A:-two}", "one"),
            ("[${env:EMPTY}]", "[]"),
            ("${env:EMPTY:-two}", "two"),
            ("${env:B:-}", ""),
            ("${env:B:-a:-b c}", "a:-b c"),
            ("$${env:A}", "${env:A}"),
            ("$$${env:A} $ $$ $A", "$${env:A} $ $$ $A"),
            ("${env:TRICK}", "${env:A}: [x]\n- y"),
        ] {
            assert_eq!(
                environment.substitute(text, usize::MAX).map(|replaced| replaced.text).as_deref(),
                Ok(expected),
                "{text}"
            );
        }
    }

    /// Many references to a long value are not written out after the limit.
    #[test]
    fn bounded() {
        let environment = Environment::new(&lookup);
        let text = "${env:A}".repeat(1000);
        assert_eq!(
            environment.substitute(&text, 10).map(|replaced| replaced.text.starts_with("oneoneoneone$")),
            Ok(true)
        );
    }

    /// What cannot be replaced is blamed on its bytes.
    #[test]
    fn complaints() {
        let environment = Environment::new(&lookup);
        for (text, code, blamed) in [
            ("a ${env:B} b", codes::ENV_MISSING, "${env:B}"),
            ("a ${env:} b", codes::ENV_FORM, "${env:}"),
            ("a ${foo} b", codes::ENV_FORM, "${foo}"),
            ("a ${} b", codes::ENV_FORM, "${}"),
            ("a ${env:A", codes::ENV_FORM, "${env:A"),
            ("a ${env:1A} b", codes::ENV_FORM, "${env:1A}"),
            ("${env:A:default}", codes::ENV_FORM, "${env:A:default}"),
            ("é${env:Ä}", codes::ENV_FORM, "${env:Ä}"),
            ("${env:B:-${env:A}}", codes::ENV_FORM, "${env:B:-${env:A}"),
        ] {
            let complaints = environment.substitute(text, usize::MAX).unwrap_err();
            assert_eq!((complaints[0].code, &text[complaints[0].range.clone()]), (code, blamed), "{text}");
        }
        assert!(environment.substitute("${HOME}", usize::MAX).unwrap_err()[0].help.contains("`${env:HOME}`"));
    }
}

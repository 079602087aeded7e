// SPDX-License-Identifier: MIT OR Apache-2.0
//! System calls that one program can report: what the probe names is in the same place at all of them.

use std::collections::BTreeMap;

use crate::kernel::host::Host;
use crate::spec::CallEnd;

/// Those that never return, or of whose return nobody knows what returned.
const WITHOUT_RETURN: [&str; 4] = ["exit", "exit_group", "rt_sigreturn", "sigreturn"];

/// Stands for the system calls that are newer than our tables.
pub(in crate::kernel) const NAMELESS: &str = "*";

/// System calls that one program reports.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::kernel) struct Group {
    /// Their names, sorted.
    pub(in crate::kernel) calls: Vec<String>,
    /// At which end.
    pub(in crate::kernel) end: CallEnd,
    /// The names that other calls of the probe have as arguments, and these do not.
    pub(in crate::kernel) lacks: Vec<String>,
}

/// Number and C type of an argument; `None` where the call has none of that name.
type Argument = Option<(usize, String)>;

/// The groups of these system calls, for a probe that names `used`.
pub(in crate::kernel) fn groups(calls: Vec<String>, end: CallEnd, used: &[&str], host: &Host) -> Vec<Group> {
    let several = calls.len() > 1;
    // Arguments by their numbers are in the same place at all calls.
    let is_number = |name: &str| name.strip_prefix("arg").is_some_and(|digits| digits.parse::<u8>().is_ok());
    let names = used.iter().copied().filter(|name| !is_number(name) && !["retval", "syscall"].contains(name));
    let used: Vec<&str> = names.collect();
    let mut all: BTreeMap<(CallEnd, Vec<Argument>), Vec<String>> = BTreeMap::new();
    for call in calls {
        let end = if WITHOUT_RETURN.contains(&call.as_str()) { CallEnd::Entry } else { end };
        // Of a single one, whoever resolves the names looks them up.
        let arguments =
            (several && !used.is_empty() && call != NAMELESS).then(|| host.syscall_arguments(&call)).flatten();
        let arguments = arguments.unwrap_or_default();
        let place = |name: &&str| {
            let found = arguments.iter().enumerate().find(|(_, argument)| argument.name == **name);
            found.map(|(index, argument)| (index, argument.c_type.clone()))
        };
        all.entry((end, used.iter().map(place).collect())).or_default().push(call);
    }
    let some_return = all.keys().any(|(end, _)| *end == CallEnd::Return);
    let is_somewhere = |at: usize| all.keys().any(|(_, arguments)| arguments[at].is_some());
    let somewhere: Vec<usize> = (0..used.len()).filter(|at| is_somewhere(*at)).collect();
    let group = |((end, arguments), calls): (&(CallEnd, Vec<Argument>), &Vec<String>)| {
        let lacks = somewhere.iter().filter(|at| arguments[**at].is_none()).map(|at| used[*at].to_owned());
        // Where others have it, what never returns has none.
        let result = (*end == CallEnd::Entry && some_return).then(|| "retval".to_owned());
        Group { calls: calls.clone(), end: *end, lacks: lacks.chain(result).collect() }
    };
    let mut groups: Vec<Group> = all.iter().map(group).collect();
    groups.sort_by(|a, b| a.calls.cmp(&b.calls));
    groups
}

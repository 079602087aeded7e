// SPDX-License-Identifier: MIT OR Apache-2.0
//! Words and signs of bpftrace, C, SQL and Python, and what to write here instead.

use crate::words;

use super::functions::{FUNCTIONS, METHODS};

/// Names of other tools and what gives the same here. Only where the hook has nothing of that name.
const NAMES: &[(&str, &str)] = &[
    ("nsecs", "write `ktime`"),
    ("elapsed", "write `ktime`; a difference of two is a duration"),
    ("duration", "the end of a span has it, by this name alone: `at: span`, or `hook: { span: … }`"),
    ("start", "at the end of a span `start.NAME` is what its start had: `hook: { span: { start: …, end: … } }`"),
    ("end", "at the end of a span `end.NAME` is what it has: `hook: { span: { start: …, end: … } }`"),
    (
        "via",
        "at the end of a span `via.NAME` is what was there on the way: `hook: { span: { start: …, via: …, end: … } }`",
    ),
    ("curtask", "write `task`"),
    ("current", "write `task`"),
    ("rand", "write `random`"),
    ("cgroupid", "write `cgroup_id`"),
    ("username", "write `uid`"),
    ("probe", "write `symbol`"),
    ("func", "write `symbol`"),
    ("ncpus", "there is no number of CPUs here; the CPU of the event is `cpu`"),
    ("tgid", "write `pid`: the process id is `pid`, the thread id `tid`"),
    ("stack", "write `kstack` or `ustack`"),
    ("process", "write `comm`, or `exe` for the path of the program"),
    ("command", "write `comm`, or `exe` for the path of the program"),
    ("NULL", "write `null`, or 0 for a pointer"),
    ("nullptr", "write `null`, or 0 for a pointer"),
    ("nil", "write `null`"),
    ("None", "write `null`"),
    ("True", "write `true`"),
    ("TRUE", "write `true`"),
    ("False", "write `false`"),
    ("FALSE", "write `false`"),
];

/// Functions of other tools and what does the same here.
const CALLS: &[(&str, &str)] = &[
    ("str", "write `NAME as string` or `NAME as user_string`"),
    ("kstr", "write `NAME as string`"),
    ("ustr", "write `NAME as user_string`"),
    ("buf", "write `NAME as bytes(N)`, or `NAME as bytes(len=COUNT)`"),
    ("ntop", "write `NAME as ip`"),
    ("pton", "write the address as a text: `ip in \"10.0.0.0/8\"`"),
    ("bswap", "write `NAME as port` for a port, `NAME as ip` for an address"),
    ("ntohs", "write `NAME as port`"),
    ("htons", "write `NAME as port`"),
    ("ntohl", "write `NAME as ipv4`"),
    ("htonl", "write `NAME as ipv4`"),
    ("ksym", "write `NAME as ksym`"),
    ("usym", "write `NAME as usym`"),
    ("macaddr", "write `NAME as mac`"),
    ("path", "write `NAME as path`"),
    ("d_path", "write `NAME as path`"),
    ("signal", "to show a signal by its name write `NAME as signal`"),
    ("errno", "write `NAME as errno`"),
    ("strerror", "write `NAME as errno`"),
    ("syscall_name", "write `NAME as syscall`"),
    ("strftime", "write `NAME as ktime`"),
    ("nsecs", "write `ktime`"),
    ("comm", "write `comm`, without parentheses"),
    ("cgroupid", "write `cgroup.under(\"/path\")`"),
    ("cgroup_path", "write `NAME as cgroup`"),
    ("strncmp", "write `NAME.startsWith(\"text\")`"),
    ("strcmp", "write `NAME == \"text\"`"),
    ("streq", "write `NAME == \"text\"`"),
    ("strcontains", "write `NAME.contains(\"text\")`"),
    ("strstr", "write `NAME.contains(\"text\")`"),
    ("memcmp", "write `NAME == \"text\"`"),
    ("starts_with", "write `NAME.startsWith(\"text\")`"),
    ("startsWith", "write `NAME.startsWith(\"text\")`"),
    ("ends_with", "write `NAME.endsWith(\"text\")`"),
    ("endsWith", "write `NAME.endsWith(\"text\")`"),
    ("contains", "write `NAME.contains(\"text\")`"),
    ("glob", "write `NAME.glob(\"text*\")`"),
    ("under", "write `NAME.under(\"/path\")`"),
    ("match", "write `NAME.glob(\"text*\")`; there are no regular expressions"),
    ("matches", "write `NAME.glob(\"text*\")`; there are no regular expressions"),
    ("regex", "write `NAME.glob(\"text*\")`; there are no regular expressions"),
    ("len", "write `size(NAME)`"),
    ("strlen", "write `size(NAME)`"),
    ("length", "write `size(NAME)`"),
    ("sizeof", "`size(NAME)` gives the bytes of a string or buffer that was read"),
    ("offsetof", "write `container_of(POINTER, struct NAME, MEMBER)`"),
    ("BPF_CORE_READ", "write `a->b->c`: pointers are followed, and offsets are those of the running kernel"),
    ("kptr", "addresses are told apart by themselves: remove it"),
    ("uptr", "addresses are told apart by themselves: remove it; `as user_string` reads a string of the process"),
    ("reg", "arguments are `arg0` to `arg5`, or named as in the function"),
    ("printf", "every event is written with all its captures"),
    ("print", "every event is written with all its captures"),
    ("coalesce", "write `first_of(a, b)`"),
    ("defined", "write `first_of(a, b)`: the first that this kernel has"),
    ("exists", "write `NAME != null`"),
    ("is_null", "write `NAME == null`"),
    ("count", "`count()` belongs into `aggregate`"),
    ("sum", "`sum()` belongs into `aggregate`"),
    ("avg", "`avg()` belongs into `aggregate`"),
    ("hist", "`histogram()` belongs into `aggregate`"),
    ("histogram", "`histogram()` belongs into `aggregate`"),
    ("min", "`min()` belongs into `aggregate`"),
    ("max", "`max()` belongs into `aggregate`"),
];

/// Methods of other languages.
const ASKED: &[(&str, &str)] = &[
    ("starts_with", "write `.startsWith(\"text\")`"),
    ("startswith", "write `.startsWith(\"text\")`"),
    ("hasPrefix", "write `.startsWith(\"text\")`"),
    ("ends_with", "write `.endsWith(\"text\")`"),
    ("endswith", "write `.endsWith(\"text\")`"),
    ("hasSuffix", "write `.endsWith(\"text\")`"),
    ("includes", "write `.contains(\"text\")`"),
    ("matches", "write `.glob(\"text*\")`; there are no regular expressions"),
    ("match", "write `.glob(\"text*\")`; there are no regular expressions"),
    ("size", "write `size(NAME)`"),
    ("length", "write `size(NAME)`"),
    ("len", "write `size(NAME)`"),
    ("equals", "write `NAME == \"text\"`"),
    ("below", "write `.under(\"/path\")`"),
    ("exists", "write `NAME != null`"),
];

/// Operators of other languages that are words.
const BETWEEN: &[(&str, &str)] = &[
    ("and", "write `&&`"),
    ("AND", "write `&&`"),
    ("or", "write `||`"),
    ("OR", "write `||`"),
    ("xor", "write `^`"),
    ("mod", "write `%`"),
    ("is", "write `==`"),
    ("eq", "write `==`"),
    ("equals", "write `==`"),
    ("ne", "write `!=`"),
    ("lt", "write `<`"),
    ("le", "write `<=`"),
    ("gt", "write `>`"),
    ("ge", "write `>=`"),
    ("IN", "write `in` in small letters"),
    ("AS", "write `as` in small letters"),
    ("As", "write `as` in small letters"),
    ("NOT", "write `not` in small letters"),
    ("like", "write `NAME.glob(\"text*\")`"),
    ("LIKE", "write `NAME.glob(\"text*\")`"),
    ("matches", "write `NAME.glob(\"text*\")`; there are no regular expressions"),
    ("contains", "write `NAME.contains(\"text\")`"),
    ("has", "write `NAME.contains(\"text\")`, or `has_any(FLAGS, BITS)`"),
    ("startswith", "write `NAME.startsWith(\"text\")`"),
    ("startsWith", "write `NAME.startsWith(\"text\")`"),
    ("endswith", "write `NAME.endsWith(\"text\")`"),
    ("endsWith", "write `NAME.endsWith(\"text\")`"),
    ("under", "write `NAME.under(\"/path\")`"),
    ("between", "write `NAME >= LOW && NAME <= HIGH`"),
    ("if", "`if` belongs behind a value of `aggregate`"),
    ("then", "there are no conditional values: write two probes, each with its `where`"),
    ("else", "there are no conditional values: write two probes, each with its `where`"),
];

/// Signs of other languages after a value.
const SIGNS: &[(&str, &str)] = &[
    ("=", "to compare write `==`"),
    ("===", "write `==`"),
    ("!==", "write `!=`"),
    ("<>", "write `!=`"),
    ("=~", "write `NAME.glob(\"text*\")`; there are no regular expressions"),
    ("**", "there are no powers; `<<` multiplies by a power of two"),
    ("?", "there are no conditional values: write two probes, each with its `where`"),
    (":", "members are `NAME->MEMBER` or `NAME.MEMBER`"),
    ("::", "an IPv6 address is a text: `ip in \"fd00::/8\"`"),
    (";", "one expression is one value; several clauses of `where` are a list"),
    (",", "one expression is one value; several clauses of `where` are a list"),
    ("!", "to compare write `!=`, for a list `not in`"),
    ("~", "write `NAME.glob(\"text*\")`; there are no regular expressions"),
    ("@", "there are no maps: count with `aggregate`"),
    ("$", "there are no variables of scripts: `${var:NAME}` is one of the file, `${env:NAME}` of the environment"),
    ("{", "an expression is one value; there are no blocks"),
    (")", "there is no `(` for it"),
    ("]", "there is no `[` for it"),
];

/// Signs of other languages before a value.
const BEFORE: &[(&str, &str)] = &[
    ("*", "to follow a pointer write `pointer[0]`, or `pointer->member`"),
    ("&", "`&` is not supported; write `as hex` after a pointer to show the address"),
    ("$", "names have no `$`: arguments are `arg0` to `arg5`, or named as in the function"),
    ("@", "there are no maps: count with `aggregate`"),
    ("+", "remove the `+`"),
    ("{", "lists are `[1, 2]`"),
    ("/", "there are no regular expressions: write `NAME.glob(\"text*\")`"),
    ("::", "an IPv6 address is a text: `ip in \"::1\"`"),
];

/// What a name that the hook does not have is called here.
pub(super) fn name(name: &str) -> Option<&'static str> {
    find(NAMES, name)
}

/// What does here what a function of another tool does; else the nearest function.
pub(super) fn call(name: &str) -> String {
    let nearest = || words::suggest(name, FUNCTIONS.iter().map(|function| function.name), "functions are");
    find(CALLS, name).map(str::to_owned).or_else(nearest).unwrap_or_default()
}

/// The same for a method.
pub(super) fn method(name: &str) -> String {
    let nearest = || words::suggest(name, METHODS.iter().map(|method| method.name), "methods are");
    find(ASKED, name).map(str::to_owned).or_else(nearest).unwrap_or_default()
}

/// What to write for a word between two values.
pub(super) fn between(word: &str) -> Option<&'static str> {
    find(BETWEEN, word)
}

/// What to write for a sign after a value.
pub(super) fn sign(sign: &str) -> Option<&'static str> {
    find(SIGNS, sign)
}

/// What to write for a sign before a value.
pub(super) fn before(sign: &str) -> Option<&'static str> {
    find(BEFORE, sign)
}

fn find(table: &[(&str, &'static str)], word: &str) -> Option<&'static str> {
    table.iter().find(|(theirs, _)| *theirs == word).map(|(_, help)| *help)
}

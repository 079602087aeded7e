// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a person types, as types. The JSON schema is made from these, and a file is decoded into them.
//!
//! ```yaml
//! version: 1
//! probes:
//!   - name: opens
//!     hook: { kprobe: do_sys_openat2 }
//!     capture: { path: filename as user_string }
//! ```
//!
//! The doc comments below are the descriptions that editors show.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::forms::{Names, NamesOr, Ordered, Scalar, StringOr};
use super::pattern;

/// A configuration of ebpf-run: which probes run and where their events go.
///
/// In a value, `${env:NAME}` stands for an environment variable and `${env:NAME:-default}` has a default for one that is
/// not set or empty; `$${` writes `${`. The result reads as if it stood there: without quotes, `8` is a number and `true`
/// a boolean; in quotes it is text. Anchors, aliases and merge keys (`<<: *base`) work.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "ebpf-run configuration")]
#[expect(dead_code, reason = "the root of the schema; a file's parts are decoded one by one")]
pub(crate) struct Document {
    /// The version of this language; this build understands 1.
    #[schemars(extend("enum" = [1]))]
    version: u32,
    /// Sinks by name, for the probes of this file. A probe may also name a short form directly and needs no entry here.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "events": { "file": { "path": "/var/log/ebpf-run/events.jsonl" } } }]))]
    sinks: Option<Ordered<StringOr<Sink>>>,
    /// What holds for every probe of this file that does not say otherwise.
    #[serde(default)]
    defaults: Option<Defaults>,
    /// The probes. Each one attaches one program somewhere.
    probes: Vec<Probe>,
}

/// What holds for every probe of the file: a probe's own value wins; labels are joined key by key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "sinks": ["jsonl:events.jsonl"], "labels": { "team": "network" } }]))]
#[expect(dead_code, reason = "for the schema; its parts are decoded one by one")]
pub(crate) struct Defaults {
    /// Where the events go: names of `sinks`, or short forms. A probe's own `sinks` replace these.
    #[serde(default)]
    #[schemars(length(min = 1, max = 16), extend("examples" = [["stdout"], ["jsonl:/var/log/ebpf-run/events.jsonl"]]))]
    sinks: Option<Vec<String>>,
    /// Constant fields of every event. A probe's own label of the same name wins; the others stay.
    #[serde(default)]
    #[schemars(schema_with = "label_values")]
    labels: Option<Ordered<Scalar>>,
    /// How often counters are reported, with a unit: from 10ms to 24h.
    #[serde(default)]
    #[schemars(extend("pattern" = pattern::DURATION.regex, "examples" = ["500ms", "1s", "2m", "1h"]))]
    interval: Option<String>,
    /// The size of the ring buffer of each probe: a power of two from 4KiB to 1GiB.
    #[serde(default)]
    #[schemars(extend("pattern" = pattern::SIZE.regex, "examples" = ["256KiB", "16MiB"]))]
    buffer: Option<String>,
    /// Whether probes see what ebpf-run does itself, for those whose program is `trace`.
    #[serde(default)]
    include_self: Option<bool>,
    /// Which events pass, for the probes whose programs emit events. A probe's own `rate_limit` or `sample` wins; the other
    /// one stays.
    #[serde(default)]
    limits: Option<Limits>,
}

/// Where events go and how they are written: a short form, or exactly one of `stdout`, `stderr` and `file`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "examples" = ["stdout", "jsonl:events.jsonl", { "file": { "path": "events.jsonl" }, "format": "jsonl" }]))]
pub(crate) struct Sink {
    /// Standard output.
    #[serde(default)]
    pub(crate) stdout: Option<NoOptions>,
    /// Standard error.
    #[serde(default)]
    pub(crate) stderr: Option<NoOptions>,
    /// A file, appended to.
    #[serde(default)]
    pub(crate) file: Option<FileSink>,
    /// `pretty`: for people, aligned. `jsonl`: one JSON object a line. `text`: one line of `key=value`, for grep.
    /// The default is `jsonl`; on a terminal it is `pretty`.
    #[serde(default)]
    pub(crate) format: Option<Format>,
}

/// Nothing to set: `{}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoOptions {}

/// A file that events are appended to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileSink {
    /// The file. A relative path counts from the directory where ebpf-run was started.
    #[schemars(length(min = 1), extend("examples" = ["/var/log/ebpf-run/events.jsonl"]))]
    pub(crate) path: String,
    /// The mode of a file that is made, in octal and in quotes. The default is 0640, less what the umask takes away.
    #[serde(default)]
    #[schemars(extend("pattern" = pattern::MODE.regex, "examples" = ["0640", "0600", "0664"]))]
    pub(crate) mode: Option<String>,
    /// Whose a file is that is made: `user`, `user:group` or `:group`, by name or number. A file that is there already is
    /// written to if it belongs to this user, to root or to the user who runs ebpf-run.
    #[serde(default)]
    #[schemars(extend("pattern" = pattern::OWNER.regex, "examples" = ["syslog:adm", ":adm", "1000:1000"]))]
    pub(crate) owner: Option<String>,
}

/// How events are written.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(transform = plain_enum)]
pub(crate) enum Format {
    /// For people at a terminal.
    Pretty,
    /// One JSON object a line.
    Jsonl,
    /// One line an event, `key=value`.
    Text,
}

/// One probe: a hook, a program that runs there, and where its events go.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Probe {
    /// The probe's name, unique in a run and fit for a file name: letters, digits, `.`, `_`, `-`, at most 64 characters.
    /// Every event carries it.
    #[schemars(extend("pattern" = pattern::NAME.regex, "examples" = ["opens", "eth0-packets"]))]
    pub(crate) name: String,
    /// What the probe is for, in a sentence.
    #[serde(default)]
    #[schemars(extend("examples" = ["opens of files, for the audit"]))]
    #[expect(dead_code, reason = "for the people who read the file")]
    pub(crate) description: Option<String>,
    /// `false` parks the probe: it is checked and not run.
    #[serde(default)]
    #[schemars(extend("default" = true))]
    pub(crate) enabled: Option<bool>,
    /// Where the probe attaches: exactly one kind of hook. Programs with hooks of their own, such as `exec`, need none.
    #[serde(default)]
    pub(crate) hook: Option<Hook>,
    /// The program that runs there; `ebpf-run programs` lists them. The default is `packet_count` for `xdp` and `trace`
    /// for the other hooks.
    #[serde(default)]
    #[schemars(extend("examples" = ["trace", "packet_count", "exec"]))]
    pub(crate) program: Option<String>,
    /// The program's own parameters; `ebpf-run programs NAME` lists them.
    #[serde(default)]
    #[schemars(schema_with = "param_values")]
    pub(crate) params: Option<Ordered<Scalar>>,
    /// What to read when the probe fires: names of the output, each with an expression. For the program `trace`.
    /// `arg0`…, a parameter's name, a tracepoint's field, `retval` or `cpu`, then `->member`, `.member`, `[index]`,
    /// then `as TYPE`: u8…u64, i8…i64, string, string[N], user_string, user_string[N], hex, ipv4, ipv6, port, bytes[N].
    #[serde(default)]
    #[schemars(extend("minProperties" = 1, "examples" = [{ "path": "filename as user_string", "port": "sk->__sk_common.skc_dport as port" }]))]
    pub(crate) capture: Option<Ordered<String>>,
    /// How often counters are reported, with a unit: from 10ms to 24h. The default is 1s. For programs that count.
    #[serde(default)]
    #[schemars(extend("pattern" = pattern::DURATION.regex, "examples" = ["500ms", "1s", "2m", "1h"], "default" = "1s"))]
    pub(crate) interval: Option<String>,
    /// Constant fields of every event of this probe.
    #[serde(default)]
    #[schemars(schema_with = "label_values")]
    pub(crate) labels: Option<Ordered<Scalar>>,
    /// Where the events go: names of `sinks`, or short forms `stdout`, `stderr`, `jsonl:PATH`, `text:PATH`, `file:PATH`.
    /// A relative PATH counts from the directory where ebpf-run was started. The default is `stdout`.
    #[serde(default)]
    #[schemars(length(min = 1, max = 16), extend("examples" = [["stdout"], ["jsonl:/var/log/ebpf-run/events.jsonl"]], "default" = ["stdout"]))]
    pub(crate) sinks: Option<Vec<String>>,
    /// The size of the ring buffer between kernel and runner: a power of two from 4KiB to 1GiB. The default is 4MiB.
    /// For programs that emit events.
    #[serde(default)]
    #[schemars(extend("pattern" = pattern::SIZE.regex, "examples" = ["256KiB", "16MiB"], "default" = "4MiB"))]
    pub(crate) buffer: Option<String>,
    /// Whether the probe sees what ebpf-run does itself, such as writing events to a file. What is left out is counted, but not
    /// as an event. The default is `false` at hooks that tell what the current thread does: uprobes, system calls (tracepoints
    /// and functions), page faults, file systems. At all others it is `true`: there an interrupt may have found ebpf-run at work,
    /// or the event is about another process, and `false` leaves out such events too. For the program `trace`.
    #[serde(default)]
    #[schemars(extend("examples" = [true]))]
    pub(crate) include_self: Option<bool>,
    /// Which events pass; the others are counted in the kernel and go no further. For programs that emit events, such as `trace`
    /// and `exec`. The default is all of them.
    #[serde(default)]
    pub(crate) limits: Option<Limits>,
}

/// Which events pass: first `sample` chooses, then `rate_limit` holds. What does not pass is counted as lost.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "examples" = [{ "rate_limit": "1000/s" }, { "sample": "1/100" }]))]
pub(crate) struct Limits {
    /// At most so many events a second, minute or hour, on all CPUs together; of a probe with several targets, at each of
    /// them. Exact for each second (minute, hour) since the machine was booted; so a burst over the end of one may be twice as
    /// many. `1000/s`, `20/m`, `1/h`; at most 999999999. A `lost` line says each second how many did not pass.
    #[serde(default)]
    #[schemars(extend("pattern" = pattern::RATE.regex, "examples" = ["1000/s", "20/m"]))]
    pub(crate) rate_limit: Option<String>,
    /// One event in so many, each chosen at random by itself: no rhythm of the events can hide some of them. `1/100`; `1/1` is
    /// all of them. The summary at the end says how many were left out.
    #[serde(default)]
    #[schemars(extend("pattern" = pattern::SAMPLE.regex, "examples" = ["1/100"]))]
    pub(crate) sample: Option<String>,
}

/// Where a probe attaches: exactly one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1, "examples" = [{ "kprobe": "do_sys_openat2" }, { "xdp": { "interface": "eth0" } }]))]
pub(crate) struct Hook {
    /// Every packet that an interface receives.
    #[serde(default)]
    pub(crate) xdp: Option<Xdp>,
    /// The entry of a kernel function: its name, a list of names, a glob, or a mapping with `symbol` and `offset`, or with
    /// `first_of`.
    #[serde(default)]
    pub(crate) kprobe: Option<NamesOr<Kprobe>>,
    /// The return of a kernel function, or of several; `retval` is what it returns.
    #[serde(default)]
    pub(crate) kretprobe: Option<NamesOr<Kretprobe>>,
    /// A stable event of the kernel, written `category:name`; its fields can be captured by name. Those of the category
    /// `syscalls` do not see 32-bit processes, which have calls of their own.
    #[serde(default)]
    #[schemars(extend("examples" = ["sched:sched_switch", "syscalls:sys_enter_openat"]))]
    pub(crate) tracepoint: Option<String>,
    /// The same event with the kernel's own arguments, without its category; cheaper than `tracepoint`. `sys_enter` and
    /// `sys_exit` see 32-bit processes too; the number of a call is that of their own table then.
    #[serde(default)]
    #[schemars(extend("examples" = ["sched_switch"]))]
    pub(crate) raw_tracepoint: Option<String>,
    /// The entry of a function of a program or library, in every process that runs it: `BINARY:FUNCTION` (split at the first colon), or a mapping with
    /// `binary` and `symbol`, `first_of` or `offset`. `arg0`… are its arguments; text and bytes behind them are those of the
    /// process. Functions of C++ and Rust have the names of their sources, with or without parameters: `ns::answer(int)`; a version may
    /// stand behind a name: `f@V1`.
    #[serde(default)]
    #[schemars(extend("examples" = ["libc.so.6:getaddrinfo", { "binary": "/usr/bin/bash", "symbol": "readline" }]))]
    pub(crate) uprobe: Option<StringOr<UserFunction>>,
    /// The return of a function of a program or library; `retval` is what it returns. An exception of C++ or a panic of Rust that
    /// leaves the function ends the program, because nothing that unwinds the stack gets past such a probe.
    #[serde(default)]
    #[schemars(extend("examples" = ["/usr/bin/bash:readline", { "binary": "libc.so.6", "symbol": "getaddrinfo" }]))]
    pub(crate) uretprobe: Option<StringOr<UserFunction>>,
}

/// Every packet that an interface receives.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Xdp {
    /// The interface's name, as `ip link` shows it (`altname`s too); a list of names, a glob (`eth*`), or `@default-route` for the interfaces
    /// that lead to everywhere. With anything but one name, events carry a field `interface`.
    #[schemars(extend("examples" = ["eth0", ["eth0", "eth1"], "eth*", "@default-route"]))]
    pub(crate) interface: Names,
    /// `native`: in the driver. `generic`: in the network stack, on every interface. `offload`: on the network card.
    /// `auto`: native where the driver can, else generic; the runner says which.
    #[serde(default)]
    #[schemars(extend("default" = "auto"))]
    pub(crate) mode: Option<XdpMode>,
}

/// How an interface runs an XDP program.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(transform = plain_enum)]
pub(crate) enum XdpMode {
    /// Native where the driver can, else generic.
    Auto,
    /// In the driver.
    Native,
    /// In the network stack.
    Generic,
    /// On the network card.
    Offload,
}

/// The entry of a kernel function, or an instruction inside it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = ["do_sys_openat2", { "symbol": "tcp_sendmsg", "offset": 8 }]))]
pub(crate) struct Kprobe {
    /// The function's name, a list of names, or a glob. With anything but one name, events carry a field `symbol`.
    #[serde(default)]
    #[schemars(extend("examples" = ["do_sys_openat2", ["tcp_v4_connect", "tcp_v6_connect"], "tcp_v?_connect"]))]
    pub(crate) symbol: Option<Names>,
    /// The first of these functions that the kernel has: for names that differ by version.
    #[serde(default)]
    #[schemars(length(min = 1, max = 128), extend("examples" = [["do_sys_openat2", "do_sys_open"]]))]
    pub(crate) first_of: Option<Vec<String>>,
    /// Bytes after its start; must be the start of an instruction.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub(crate) offset: Option<u64>,
}

/// The return of a kernel function.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = ["do_sys_openat2"]))]
pub(crate) struct Kretprobe {
    /// The function's name, a list of names, or a glob. With anything but one name, events carry a field `symbol`.
    #[serde(default)]
    #[schemars(extend("examples" = ["do_sys_openat2", "vfs_*"]))]
    pub(crate) symbol: Option<Names>,
    /// The first of these functions that the kernel has: for names that differ by version.
    #[serde(default)]
    #[schemars(length(min = 1, max = 128), extend("examples" = [["do_sys_openat2", "do_sys_open"]]))]
    pub(crate) first_of: Option<Vec<String>>,
}

/// A function of a program or library.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserFunction {
    /// The program or library: an absolute path, or a bare name. A name with `.so` is searched for in LD_LIBRARY_PATH and the
    /// directories of the system's libraries, any other in PATH.
    #[schemars(length(min = 1, max = 4095), extend("examples" = ["/usr/bin/bash", "bash", "libc.so.6"]))]
    pub(crate) binary: String,
    /// The function's name in the binary, as `ebpf-run hooks NAME --binary FILE` lists it; a list of names, or a glob. With
    /// anything but one name, events carry a field `symbol`.
    #[serde(default)]
    #[schemars(extend("examples" = ["readline", ["malloc", "calloc"], "SSL_*"]))]
    pub(crate) symbol: Option<Names>,
    /// The first of these functions that the binary has: for names that differ by version.
    #[serde(default)]
    #[schemars(length(min = 1, max = 128), extend("examples" = [["SSL_write_ex", "SSL_write"]]))]
    pub(crate) first_of: Option<Vec<String>>,
    /// With `symbol`, at `uprobe`: bytes after the function's start. Alone: bytes into the file, for a function of a binary
    /// without symbols. It must be the start of an instruction: that is checked where the file says which function it is in;
    /// elsewhere a wrong one breaks the program that runs it.
    #[serde(default)]
    #[schemars(range(min = 0), extend("examples" = [4096]))]
    pub(crate) offset: Option<u64>,
    /// Only this process, with all its threads. Before Linux 6.13, and in a container that numbers its processes itself, a
    /// `uretprobe` may also see others that are probed at the same function.
    #[serde(default)]
    #[schemars(range(min = 1, max = 4_194_304), extend("examples" = [1234]))]
    pub(crate) pid: Option<u32>,
    /// Only this build of the binary: its build id, which `readelf -n FILE` shows. Any other file
    /// is refused. A daemon asks for it, or for `allow_untrusted`, where others than root could change the file or put another
    /// in its place.
    #[serde(default)]
    #[schemars(extend("pattern" = pattern::BUILD_ID.regex, "examples" = ["4f1c89a0b2d3e4f5061728394a5b6c7d8e9fa0b1"]))]
    pub(crate) build_id: Option<String>,
    /// Takes a binary that others than root could change, also in a daemon: a program in somebody's home, or in a container
    /// (`/proc/PID/root/…`). Whoever can change it decides what is probed. With `offset` alone, `build_id` is needed all the same.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    pub(crate) allow_untrusted: Option<bool>,
}

fn param_values(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": { "type": ["boolean", "integer", "string"] },
    })
}

fn label_values(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": { "type": ["string", "number", "boolean"] },
        "examples": [{ "team": "network" }],
    })
}

/// An enum of documented words is a `oneOf` of constants for schemars; a plain `enum` gives better errors.
fn plain_enum(schema: &mut Schema) {
    let words: Vec<_> = match schema.remove("oneOf") {
        Some(serde_json::Value::Array(branches)) => branches
            .iter()
            .flat_map(|branch| match branch.get("const") {
                Some(word) => vec![word.clone()],
                None => branch.get("enum").and_then(|words| words.as_array()).cloned().unwrap_or_default(),
            })
            .collect(),
        _other => return,
    };
    schema.insert("type".to_owned(), "string".into());
    schema.insert("enum".to_owned(), words.into());
}

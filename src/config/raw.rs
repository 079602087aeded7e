// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a person types under `sinks` and `hook`, as types. The JSON schema is made from these, and a file is decoded into them.
//!
//! The doc comments below are the descriptions that editors show.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::forms::{Names, NamesOr, StringOr};
use super::pattern;
use crate::format::{FormatWriter, WRITERS};
use crate::spec::Format;

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
    #[serde(default, deserialize_with = "format")]
    #[schemars(schema_with = "formats")]
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

/// The word of a format.
fn format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Format>, D::Error> {
    let Some(name) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let writer = FormatWriter::named(&name).ok_or_else(|| D::Error::custom("no such format"))?;
    Ok(Some(writer.format))
}

/// The words of all formats, and what they mean.
fn formats(_: &mut SchemaGenerator) -> Schema {
    let docs = WRITERS.iter().map(|writer| format!("`{}`: {}. ", writer.name, writer.doc)).collect::<String>();
    let names: Vec<&str> = WRITERS.iter().map(|writer| writer.name).collect();
    json_schema!({
        "description": docs + "The default is `jsonl`; on a terminal it is `pretty`.",
        "type": "string",
        "enum": names,
    })
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Capture expressions against the types of a kernel and the fields of a tracepoint.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may")]

mod functions;
mod names;
mod paths;
mod tracepoints;

use std::io::Write as _;
use std::sync::OnceLock;

use ebpf_run::catalog::{Btf, builtin};
use ebpf_run::expr::{
    Arguments, BUILTINS, FunctionScope, Machine, Names, Operand, OperandSource, Owner, Prototype, RecordScope,
    Resolved, Returned, Scope, Variable, parse, parse_format, resolve,
};
use ebpf_run::spec::{
    Capture, Fetch, FetchCopy, FetchIndex, FetchSource, FieldType, HookKind, Kept, Layout, NameTable, SockSlot,
};
use ebpf_run::words::Refusal;

const FORMAT: &str = "format:\n\
    \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\
    \tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;\n\
    \tfield:int dfd;\toffset:16;\tsize:8;\tsigned:0;\n\
    \tfield:const char * filename;\toffset:24;\tsize:8;\tsigned:0;\n\
    \tfield:umode_t mode;\toffset:32;\tsize:8;\tsigned:0;\n\
    \tfield:char comm[16];\toffset:40;\tsize:16;\tsigned:0;\n\
    \tfield:__u8 saddr[4];\toffset:56;\tsize:4;\tsigned:0;\n\
    \tfield:unsigned long args[6];\toffset:64;\tsize:48;\tsigned:0;\n\
    \tfield:__data_loc char[] name;\toffset:112;\tsize:4;\tsigned:0;\n\
    \tfield:bool last;\toffset:116;\tsize:1;\tsigned:0;\n";

/// The running kernel's types; `None`, and said so, where it shows none.
fn kernel() -> Option<&'static Btf> {
    static KERNEL: OnceLock<Option<Btf>> = OnceLock::new();
    KERNEL.get_or_init(read_kernel).as_ref()
}

fn read_kernel() -> Option<Btf> {
    match std::fs::read("/sys/kernel/btf/vmlinux") {
        Ok(bytes) => Some(Btf::parse(bytes).unwrap()),
        Err(error) => {
            let test = std::thread::current().name().unwrap_or("?").to_owned();
            drop(writeln!(std::io::stderr(), "skipped: {test}: no kernel BTF: {error}"));
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "skipped in CI");
            None
        }
    }
}

fn one(scope: &Scope<'_>, text: &str) -> Result<Resolved, Refusal> {
    let head: Layout = builtin().unwrap().get("trace").unwrap().event.clone().unwrap();
    let capture = Capture { name: "c".into(), expr: parse(text).unwrap() };
    resolve(&[capture], scope, &Machine::of_types(kernel()), &head).map_err(|errors| errors[0].1.clone())
}

/// Holds that these expressions are refused with these messages and helps.
#[track_caller]
fn refused(scope: &Scope<'_>, expected: &[(&str, &str, &str)]) {
    for (text, message, help) in expected {
        let error = one(scope, text).expect_err(text);
        assert_eq!((error.message.as_str(), error.help.as_deref().unwrap_or_default()), (*message, *help), "{text}");
    }
}

/// Source, offsets before each pointer is read, offset, copy and bytes of the fetch, and what the field is.
type Brief = (FetchSource, Vec<i32>, i32, FetchCopy, u16, FieldType, u32);

#[track_caller]
fn brief(scope: &Scope<'_>, text: &str) -> Brief {
    let resolved = one(scope, text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    let ([fetch], [field]) = (resolved.fetches.as_slice(), resolved.layout.fields.as_slice()) else { panic!("{text}") };
    assert!(fetch.slot.is_multiple_of(8) && fetch.slot >= fetch.size, "{fetch:?}");
    assert_eq!((fetch.out, resolved.layout.size), (field.offset, field.offset + u32::from(fetch.slot)));
    (fetch.source, fetch.hops.clone(), fetch.offset, fetch.copy, fetch.size, field.kind.clone(), field.size)
}

fn tracepoint(name: &str) -> Scope<'static> {
    Scope::Record(RecordScope { name: name.to_owned(), fields: parse_format(FORMAT) })
}

fn function<'a>(
    (owner, name): (Owner, &str),
    prototype: Option<Prototype<'a>>,
    (arguments, result): (Arguments, Returned),
    kinds: (HookKind, HookKind),
) -> Scope<'a> {
    Scope::Function(FunctionScope { owner, name: name.to_owned(), prototype, arguments, result, kinds })
}

fn entry<'a>(symbol: &str, prototype: Option<Prototype<'a>>) -> Scope<'a> {
    let places = (Arguments::Registers, Returned::Nowhere);
    function((Owner::Kernel, symbol), prototype, places, (HookKind::Kprobe, HookKind::Kretprobe))
}

fn on_return<'a>(symbol: &str, prototype: Option<Prototype<'a>>) -> Scope<'a> {
    let places = (Arguments::Gone, Returned::Register);
    function((Owner::Kernel, symbol), prototype, places, (HookKind::Kprobe, HookKind::Kretprobe))
}

fn raw<'a>(name: &str, prototype: Option<Prototype<'a>>) -> Scope<'a> {
    let places = (Arguments::Words, Returned::Nowhere);
    function((Owner::Event, name), prototype, places, (HookKind::RawTracepoint, HookKind::RawTracepoint))
}

fn user(arguments: Arguments, result: Returned) -> Scope<'static> {
    let kinds = (HookKind::Uprobe, HookKind::Uretprobe);
    function((Owner::User, "readline"), None, (arguments, result), kinds)
}

/// What an expression comes to at one fetch or the head: its operand.
#[track_caller]
fn operand(scope: &Scope<'_>, text: &str) -> Operand {
    let machine = Machine::of_types(kernel());
    let expr = parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    Names::of_captures(scope, &machine).value(&expr).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

#[track_caller]
fn fetch(scope: &Scope<'_>, text: &str) -> Fetch {
    operand(scope, text).source.fetch().unwrap_or_else(|| panic!("{text}: nothing")).clone()
}

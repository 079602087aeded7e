// SPDX-License-Identifier: MIT OR Apache-2.0
//! Capture expressions against the types of a kernel and the fields of a tracepoint.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may")]

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

/// Fields of a tracepoint: the C type gives width and sign, `as` another reading, `__data_loc` a place of its own.
#[test]
fn fields_of_a_tracepoint() {
    use FetchCopy::{Kernel, KernelText, User, UserText};
    let text = |limit| FieldType::Text { limit };
    let scope = tracepoint("syscalls:sys_enter_openat");
    let context = FetchSource::Context;
    for (expression, expected) in [
        ("dfd", (context, vec![], 16, Kernel, 4, FieldType::Signed, 4)),
        ("dfd as u8", (context, vec![], 16, Kernel, 1, FieldType::Unsigned, 1)),
        ("mode", (context, vec![], 32, Kernel, 2, FieldType::Unsigned, 2)),
        ("last", (context, vec![], 116, Kernel, 1, FieldType::Bool, 1)),
        ("filename", (context, vec![24], 0, UserText, 258, text(Some(256)), 258)),
        ("filename as hex", (context, vec![], 24, Kernel, 8, FieldType::Hex, 8)),
        ("filename as string", (context, vec![24], 0, UserText, 258, text(Some(256)), 258)),
        ("filename as user_string", (context, vec![24], 0, UserText, 258, text(Some(256)), 258)),
        ("filename as bytes[4]", (context, vec![24], 0, User, 4, FieldType::Bytes, 4)),
        ("comm", (context, vec![], 40, Kernel, 16, text(None), 16)),
        ("saddr", (context, vec![], 56, Kernel, 4, FieldType::Bytes, 4)),
        ("saddr as ipv4", (context, vec![], 56, Kernel, 4, FieldType::Ipv4, 4)),
        ("saddr[1]", (context, vec![], 57, Kernel, 1, FieldType::Unsigned, 1)),
        ("args[2]", (context, vec![], 80, Kernel, 8, FieldType::Unsigned, 8)),
        ("args[5] as hex", (context, vec![], 104, Kernel, 8, FieldType::Hex, 8)),
        ("name", (FetchSource::DataLoc(112), vec![], 0, KernelText, 258, text(Some(256)), 258)),
        ("name as string[8]", (FetchSource::DataLoc(112), vec![], 0, KernelText, 10, text(Some(8)), 10)),
        ("gid", (FetchSource::Gid, vec![], 0, FetchCopy::Value, 8, FieldType::Id, 4)),
        ("gid as u32", (FetchSource::Gid, vec![], 0, FetchCopy::Value, 8, FieldType::Unsigned, 4)),
    ] {
        assert_eq!(brief(&scope, expression), expected, "{expression}");
    }
    // Pointers of other tracepoints point into the kernel.
    let (.., copy, _, _, _) = brief(&tracepoint("sched:thing"), "filename as string");
    assert_eq!(copy, KernelText);
}

/// User and group ids are known by the names of their types, in a tracepoint's record and in the kernel's structs.
#[test]
fn user_and_group_ids() {
    let format = "field:uid_t ruid;\toffset:16;\tsize:8;\tsigned:0;\n\tfield:u32 id;\toffset:24;\tsize:4;\tsigned:0;\n";
    let scope =
        Scope::Record(RecordScope { name: "syscalls:sys_enter_setresuid".to_owned(), fields: parse_format(format) });
    let shown = |scope: &Scope<'_>, expression: &str| {
        let (.., kind, size) = brief(scope, expression);
        (kind, size)
    };
    assert_eq!(shown(&scope, "ruid"), (FieldType::Id, 4));
    assert_eq!(shown(&scope, "ruid as u32"), (FieldType::Unsigned, 4));
    assert_eq!(shown(&scope, "id"), (FieldType::Unsigned, 4));
    let Some(kernel) = kernel() else { return };
    let scope = raw("sched_wakeup", Prototype::of_raw_tracepoint(kernel, "sched_wakeup"));
    assert_eq!(shown(&scope, "p->cred->uid.val"), (FieldType::Id, 4));
    assert_eq!(shown(&scope, "p->loginuid.val"), (FieldType::Id, 4));
    assert_eq!(shown(&scope, "p->pid"), (FieldType::Signed, 4));
}

/// Builtins that the head has are second looks at its bytes, in the form that is asked for.
#[test]
fn builtins_of_the_head() {
    let scope = Scope::Inside;
    let field = |text: &str| {
        let resolved = one(&scope, text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert!(resolved.fetches.is_empty());
        let field = resolved.layout.fields[0].clone();
        (field.kind, field.offset, field.size)
    };
    assert_eq!(field("pid"), (FieldType::Unsigned, 16, 4));
    assert_eq!(field("pid as hex"), (FieldType::Hex, 16, 4));
    assert_eq!(field("uid as i32"), (FieldType::Signed, 24, 4));
    assert_eq!(field("tid as u16"), (FieldType::Unsigned, 20, 2));
    assert_eq!(field("cpu"), (FieldType::Unsigned, 28, 4));
    assert_eq!(field("comm"), (FieldType::Text { limit: None }, 32, 16));
    assert_eq!(field("comm as string"), (FieldType::Text { limit: None }, 32, 16));
    assert_eq!(field("comm as string[4]"), (FieldType::Text { limit: Some(4) }, 32, 16));
    assert_eq!(field("comm as bytes[3]"), (FieldType::Bytes, 32, 3));
    refused(
        &scope,
        &[
            ("pid as u64", "`pid` is the builtin `pid`: it cannot be read as `u64`", "it is a number of 4 bytes"),
            ("comm as u32", "`comm` is the builtin `comm`: it cannot be read as `u32`", "it is a text of 16 bytes"),
            ("pid->x", "`pid` has no members: it is not a pointer or struct", ""),
            (
                "arg0",
                "there is no `arg0` inside a function: with an `offset`, arguments have no names",
                "there are `pid`, `tid`, `uid`, `gid`, `euid`, `comm`, `cpu`, `ppid`, `parent_comm`, `exe`, `cgroup`, `cgroup_id`, `container`, `pidns`, `mntns`, `netns` and 10 more",
            ),
        ],
    );
}

/// What a tracepoint's fields cannot be, and what would work.
#[test]
fn refusals_of_a_tracepoint() {
    refused(
        &tracepoint("syscalls:sys_enter_openat"),
        &[
            ("filname", "tracepoint `syscalls:sys_enter_openat` has no field `filname`", "did you mean `filename`?"),
            (
                "filename->x",
                "`filename` has no members here: its type is not known at this hook",
                "name its type: `(filename as struct NAME)->x`",
            ),
            ("last->x", "`last` has no members: it is not a pointer or struct", ""),
            ("last[0]", "`last` is not an array", ""),
            (
                "dfd as u64",
                "`dfd` is `i32`: it cannot be read as `u64`",
                "it has 4 bytes: a wider type would read past its end",
            ),
            (
                "args",
                "`args` is an array of 6 elements of 8 bytes: it has no single value",
                "choose an element: `args[0]`",
            ),
            (
                "args[6]",
                "`args` has 6 elements; there is no element 6",
                "indexes count from 0: the last element is `args[5]`",
            ),
            (
                "saddr as ipv6",
                "`saddr` is an array of 4 bytes: it cannot be read as `ipv6`",
                "it has 4 bytes, `as ipv6` needs 16",
            ),
            (
                "name as user_string",
                "`name` is an array whose length is only known from the event: it cannot be read as `user_string`",
                "it is in kernel memory: write `as string`",
            ),
            (
                "comm as hex",
                "`comm` is an array of 16 bytes: it cannot be read as `hex`",
                "`hex` is for integers and pointers; for memory write `as bytes(N)`",
            ),
        ],
    );
}

/// Members of a function's arguments: pointers are followed, inner structs and arrays are walked through.
#[test]
fn members_of_arguments() {
    let Some(kernel) = kernel() else { return };
    let scope = entry("tcp_sendmsg", Prototype::of_function(kernel, "tcp_sendmsg"));
    let (source, hops, offset, copy, size, kind, _) = brief(&scope, "sk->__sk_common.skc_daddr as ipv4");
    assert_eq!(
        (source, hops.len(), copy, size, kind),
        (FetchSource::Argument(0), 0, FetchCopy::Kernel, 4, FieldType::Ipv4)
    );
    assert!(offset < 64);
    let (_, hops, _, copy, _, kind, _) = brief(&scope, "sk->__sk_common.skc_prot->name");
    assert_eq!((hops.len(), copy, kind), (1, FetchCopy::Kernel, FieldType::Text { limit: None }));
    // Through an anonymous union.
    assert_eq!(brief(&scope, "sk->__sk_common.skc_dport as port").4, 2);
    assert_eq!(brief(&scope, "size").5, FieldType::Unsigned);
    assert_eq!(brief(&scope, "arg1 as bytes[4]").3, FetchCopy::Kernel);
    let (.., bytes, kind, shown) = brief(&scope, "size as u16");
    assert_eq!((bytes, kind, shown), (8, FieldType::Unsigned, 2), "a register is copied whole");
    refused(
        &scope,
        &[
            ("sk.__sk_common->skc_famly", "struct sock_common has no member `skc_famly`", "did you mean `skc_family`?"),
            (
                "sk->sk_family",
                "struct sock has no member `sk_family`",
                "in the kernel's source that is a macro: write `__sk_common.skc_family`",
            ),
            ("sk->sk_protocl", "struct sock has no member `sk_protocl`", "did you mean `sk_protocol`?"),
            ("arg3", "`tcp_sendmsg` has 3 arguments, there is no `arg3`", "its arguments are `sk`, `msg`, `size`"),
            ("retval", "there is no `retval` at the entry of `tcp_sendmsg`", "a `kretprobe` of `tcp_sendmsg` has it"),
            ("size->x", "`size` has no members: it is a `size_t`", ""),
            (
                "sk->__sk_common.skc_daddr as ipv6",
                "`sk->__sk_common.skc_daddr` is `__be32`: it cannot be read as `ipv6`",
                "it has 4 bytes, `as ipv6` needs 16",
            ),
        ],
    );
    let error = one(&scope, "sk->__sk_common").unwrap_err();
    let help = error.help.as_deref().unwrap();
    assert!(help.starts_with("choose a member: ") && help.ends_with(", or `as bytes(N)`"), "{error:?}");
}

/// What a function returns has its type; arguments are gone by then.
#[test]
fn returns() {
    let Some(kernel) = kernel() else { return };
    let scope = |symbol| on_return(symbol, Prototype::of_function(kernel, symbol));
    let (source, .., kind, size) = brief(&scope("vfs_read"), "retval");
    assert_eq!((source, kind, size), (FetchSource::Return, FieldType::Signed, 8));
    refused(
        &scope("vfs_read"),
        &[
            (
                "file",
                "`file` is an argument: when the function returns, its registers hold other values",
                "capture arguments with a `kprobe`; a `kretprobe` has `retval`",
            ),
            ("retva", "there is no `retva` at the return of `vfs_read`", "did you mean `retval`?"),
        ],
    );
    refused(&scope("kfree"), &[("retval", "`kfree` returns nothing", "")]);
}

/// Raw tracepoints: the kernel's arguments without the first, which no program gets; by number where nobody knows them.
#[test]
fn raw_tracepoints() {
    let Some(kernel) = kernel() else { return };
    let scope = raw("sched_process_exec", Prototype::of_raw_tracepoint(kernel, "sched_process_exec"));
    assert_eq!(brief(&scope, "p->pid").0, FetchSource::Argument(0));
    let (source, hops, .., copy, _, _, _) = brief(&scope, "bprm->filename as string");
    assert_eq!((source, hops.len(), copy), (FetchSource::Argument(2), 1, FetchCopy::KernelText));
    assert_eq!(brief(&scope, "p->comm[15]").4, 1);
    refused(
        &scope,
        &[
            (
                "q",
                "raw tracepoint `sched_process_exec` has no argument `q`",
                "there are `p`, `old_pid`, `bprm`, `pid`, `tid`, `uid`, `gid`, `euid`, `comm`, `cpu`, `ppid`, `parent_comm`, `exe`, \
                 `cgroup`, `cgroup_id`, `container` and 13 more",
            ),
            (
                "p->comm[16]",
                "`p->comm` has 16 elements; there is no element 16",
                "indexes count from 0: the last element is `p->comm[15]`",
            ),
            ("arg3", "this tracepoint has 3 arguments, there is no `arg3`", "its arguments are `p`, `old_pid`, `bprm`"),
        ],
    );
    let unknown = raw("of_a_module", None);
    assert_eq!(brief(&unknown, "arg11 as hex").0, FetchSource::Argument(11));
    assert_eq!(brief(&unknown, "arg0 as bytes[20]").3, FetchCopy::Kernel);
    refused(
        &unknown,
        &[
            (
                "x",
                "there is no `x`: the kernel's BTF does not describe the arguments of `of_a_module`",
                "there are `arg0`, `arg1`, `arg2`, `pid`, `tid`, `uid`, `gid`, `euid`, `comm`, `cpu`, `ppid`, `parent_comm`, `exe`, \
                 `cgroup`, `cgroup_id`, `container` and 13 more",
            ),
            ("arg12", "no raw tracepoint has an argument `arg12`", "`arg0` to `arg11` can be captured"),
        ],
    );
}

/// All captures are looked at: each error comes with the number of its capture, slots follow one another.
#[test]
fn several_captures() {
    let head: Layout = builtin().unwrap().get("trace").unwrap().event.clone().unwrap();
    let captures = |texts: &[&str]| -> Vec<Capture> {
        texts.iter().map(|text| Capture { name: (*text).to_owned(), expr: parse(text).unwrap() }).collect()
    };
    let scope = tracepoint("syscalls:sys_enter_openat");
    let errors =
        resolve(&captures(&["dfd", "x", "mode", "args"]), &scope, &Machine::of_types(kernel()), &head).unwrap_err();
    assert_eq!(errors.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 3]);
    let resolved = resolve(
        &captures(&["dfd", "pid", "filename as user_string[5]", "last"]),
        &scope,
        &Machine::of_types(kernel()),
        &head,
    )
    .unwrap();
    let places: Vec<(u32, u16)> = resolved.fetches.iter().map(|fetch| (fetch.out, fetch.slot)).collect();
    assert_eq!(places, [(48, 8), (56, 8), (64, 8)]);
    assert_eq!(resolved.layout.size, 72);
    let bits: Vec<Option<u8>> = resolved.layout.fields.iter().map(|field| field.absent_bit).collect();
    assert_eq!(bits, [Some(0), None, Some(1), Some(2)], "a builtin of the head takes no fetch");
}

/// Functions of programs: arguments have numbers, pointers point into the process, and nothing is known of what is there.
#[test]
fn functions_of_programs() {
    use FetchCopy::{User, UserText, Value};
    let entry = user(Arguments::Registers, Returned::Nowhere);
    let text = FieldType::Text { limit: Some(256) };
    let argument = FetchSource::Argument;
    for (expression, expected) in [
        ("arg0", (argument(0), vec![], 0, Value, 8, FieldType::Unsigned, 8)),
        ("arg5 as i16", (argument(5), vec![], 0, Value, 8, FieldType::Signed, 2)),
        ("arg1 as string", (argument(1), vec![], 0, UserText, 258, text.clone(), 258)),
        ("arg1 as user_string", (argument(1), vec![], 0, UserText, 258, text.clone(), 258)),
        ("arg2 as bytes[4]", (argument(2), vec![], 0, User, 4, FieldType::Bytes, 4)),
        ("arg2 as bytes[100]", (argument(2), vec![], 0, User, 100, FieldType::Bytes, 100)),
        ("arg2 as ipv6", (argument(2), vec![], 0, User, 16, FieldType::Ipv6, 16)),
        ("arg2 as ipv4", (argument(2), vec![], 0, Value, 8, FieldType::Ipv4, 4)),
    ] {
        assert_eq!(brief(&entry, expression), expected, "{expression}");
    }
    let untyped = "binaries do not store the types of arguments";
    let bytes =
        |name: &str| format!("`{name} as string` reads the string at that address, `{name} as bytes(N)` the bytes");
    let follow = |name: &str, member: &str| {
        format!("{}; a struct of the kernel is `({name} as struct NAME)->{member}`", bytes(name))
    };
    refused(
        &entry,
        &[
            ("arg0->next", &format!("`arg0->next` cannot be read: {untyped}"), &follow("arg0", "next")),
            ("arg0.next", &format!("`arg0->next` cannot be read: {untyped}"), &follow("arg0", "next")),
            ("arg0[1]", &format!("`arg0[1]` cannot be read: {untyped}"), &bytes("arg0")),
            ("arg6", "`arg6` is passed on the stack, not in a register", "`arg0` to `arg5` can be captured"),
            ("retval", "there is no `retval` at the entry of `readline`", "a `uretprobe` of `readline` has it"),
            (
                "prompt",
                "there is no `prompt`: binaries do not store the argument names of `readline`",
                "there are `arg0`, `arg1`, `arg2`, `pid`, `tid`, `uid`, `gid`, `euid`, `comm`, `cpu`, `ppid`, `parent_comm`, `exe`, \
                 `cgroup`, `cgroup_id`, `container` and 13 more",
            ),
        ],
    );
    let exit = user(Arguments::Gone, Returned::Register);
    assert_eq!(brief(&exit, "retval"), (FetchSource::Return, vec![], 0, Value, 8, FieldType::Signed, 8));
    assert_eq!(brief(&exit, "retval as string"), (FetchSource::Return, vec![], 0, UserText, 258, text, 258));
    refused(
        &exit,
        &[
            (
                "arg0",
                "`arg0` is an argument: when the function returns, its registers hold other values",
                "capture arguments with a `uprobe`; a `uretprobe` has `retval`",
            ),
            (
                "line",
                "there is no `line` at the return of `readline`",
                "there are `retval`, `pid`, `tid`, `uid`, `gid`, `euid`, `comm`, `cpu`, `ppid`, `parent_comm`, `exe`, `cgroup`, \
                 `cgroup_id`, `container`, `pidns`, `mntns` and 11 more",
            ),
            ("retval->x", &format!("`retval->x` cannot be read: {untyped}"), &follow("retval", "x")),
        ],
    );
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

/// `.` and `->` mean the same; a cast in the middle, or `container_of`, names another struct at the same address or around it.
#[test]
fn casts_in_the_middle() {
    let Some(kernel) = kernel() else { return };
    let scope = entry("tcp_sendmsg", Prototype::of_function(kernel, "tcp_sendmsg"));
    assert_eq!(fetch(&scope, "sk.__sk_common->skc_family"), fetch(&scope, "sk->__sk_common.skc_family"));
    let srtt = fetch(&scope, "(sk as struct tcp_sock)->srtt_us");
    assert_eq!((srtt.source, srtt.hops.len(), srtt.size), (FetchSource::Argument(0), 0, 4));
    assert!(srtt.offset > 512, "it lies after the inet_sock: {srtt:?}");
    assert_eq!(fetch(&scope, "((sk as struct tcp_sock) as struct sock)->sk_err"), fetch(&scope, "sk->sk_err"));
    // Eight bytes of unknown type may be an address.
    let untyped = raw("of_a_module", None);
    assert_eq!(fetch(&untyped, "(arg0 as struct sock)->sk_err").offset, fetch(&scope, "sk->sk_err").offset);
    // What is around a member lies before it.
    let path = entry("vfs_getattr", Prototype::of_function(kernel, "vfs_getattr"));
    let around = fetch(&path, "container_of(path->mnt, struct mount, mnt)->mnt_parent as hex");
    assert_eq!(around.hops.len(), 1);
    assert!(around.offset < 0, "{around:?}");
    let same = fetch(&path, "container_of(path->mnt, struct mount, mnt).mnt.mnt_flags");
    assert_eq!(same.offset, fetch(&path, "path->mnt->mnt_flags").offset);
    refused(
        &scope,
        &[
            ("(sk as struct tcp_sok)->x", "this kernel has no `struct tcp_sok`", "did you mean `tcp_sock`?"),
            ("(size as u32)->x", "`size as u32` has no members: it is a single value", ""),
            (
                "container_of(sk, struct tcp_sock, inet_con)",
                "struct tcp_sock has no member `inet_con`",
                "did you mean `inet_conn`?",
            ),
        ],
    );
}

/// Of a bit-field the integer around it is fetched, and which of its bits count is told.
#[test]
fn bit_fields() {
    let Some(kernel) = kernel() else { return };
    let scope = raw("sched_wakeup", Prototype::of_raw_tracepoint(kernel, "sched_wakeup"));
    let field = operand(&scope, "p->sched_reset_on_fork");
    let bits = field.bits.expect("a bit-field");
    assert_eq!((bits.width, field.kind.clone(), field.size), (1, FieldType::Unsigned, 4));
    let shown = operand(&scope, "p->sched_reset_on_fork as bool");
    assert_eq!((shown.kind, shown.size, shown.bits.unwrap().width), (FieldType::Bool, 1, 1));
    let resolved = one(&scope, "p->sched_reset_on_fork").unwrap();
    assert_eq!(resolved.layout.fields[0].bits, Some(bits));
    let message = "`p->sched_reset_on_fork` is `unsigned int`: it cannot be read as `string`";
    refused(
        &scope,
        &[("p->sched_reset_on_fork as string", message, "`string` needs a pointer to a string, or an array of char")],
    );
}

/// An index that is only known when the event happens is fetched first, and kept.
#[test]
fn indexes_by_value() {
    let Some(kernel) = kernel() else { return };
    let scope = tracepoint("syscalls:sys_enter_openat");
    let element = operand(&scope, "task->files->fdt->fd[dfd]->f_flags");
    let [index] = element.before.as_slice() else { panic!("{element:?}") };
    let keep = Kept { number: 0, size: 4, signed: true };
    assert_eq!((index.source, index.offset, index.keep, index.slot), (FetchSource::Context, 16, Some(keep), 0));
    let read = element.source.fetch().unwrap();
    assert_eq!(read.index, Some(FetchIndex { kept: 0, hop: 3, scale: 8, count: 0 }));
    assert_eq!((read.source, read.hops.len()), (FetchSource::Task, 4));
    let bounded = operand(&raw("sched_wakeup", Prototype::of_raw_tracepoint(kernel, "sched_wakeup")), "p->comm[cpu]");
    assert_eq!(bounded.source.fetch().unwrap().index, Some(FetchIndex { kept: 0, hop: 0, scale: 1, count: 16 }));
    refused(
        &scope,
        &[
            ("args[filename as string]", "an index must be a number, and `filename as string` is none", ""),
            (
                "args[dfd + 1]",
                "an index that is calculated cannot be used: `dfd + 1`",
                "a number, or a path to one (`fd`, `from->count`, `retval as i32`), can",
            ),
        ],
    );
}

/// Text and bytes with a length of their own: the length is fetched first.
#[test]
fn lengths_by_value() {
    let scope = tracepoint("syscalls:sys_enter_openat");
    let counted = operand(&scope, "filename as string(64, len=mode)");
    assert_eq!(counted.kind, FieldType::Counted { text: true });
    let read = counted.source.fetch().unwrap();
    assert_eq!((read.length, read.size, read.slot, read.copy), (Some(0), 64, 72, FetchCopy::User));
    assert_eq!((counted.before.len(), counted.size), (1, 72));
    let counted = operand(&scope, "comm as bytes(len=mode)");
    assert_eq!(counted.kind, FieldType::Counted { text: false });
    assert_eq!(counted.source.fetch().unwrap().size, 16, "never more than there is");
}

/// The first path that the kernel has is taken; where none is there, what each lacks is said, and with several targets it is null.
#[test]
fn first_of() {
    let Some(kernel) = kernel() else { return };
    let scope = raw("sched_wakeup", Prototype::of_raw_tracepoint(kernel, "sched_wakeup"));
    assert_eq!(fetch(&scope, "first_of(p->no_such, p->prio)"), fetch(&scope, "p->prio"));
    assert_eq!(operand(&scope, "first_of(p->__state, p->state) as u8").size, 1);
    refused(
        &scope,
        &[(
            "first_of(p->nothing_1, q)",
            "none of `p->nothing_1`, `q` is here",
            "struct task_struct has no member `nothing_1`; raw tracepoint `sched_wakeup` has no argument `q`",
        )],
    );
    let several =
        Machine { is_one_of_several: true, elsewhere: vec!["q".to_owned()], ..Machine::of_types(Some(kernel)) };
    let names = Names::of_captures(&scope, &several);
    for (text, kind) in [
        ("first_of(p->nothing_1, q)", FieldType::Unsigned),
        ("q", FieldType::Unsigned),
        ("q->x as i32", FieldType::Signed),
        ("q->x as path", FieldType::Path),
        ("(q as sock).source.ip", FieldType::Ip),
    ] {
        let operand = names.value(&parse(text).unwrap()).unwrap();
        assert_eq!((operand.source, operand.kind), (OperandSource::Nothing, kind), "{text}");
    }
}

/// Every builtin resolves at a place without names of its own, in the form that its table says.
#[test]
fn builtins() {
    let Some(kernel) = kernel() else { return };
    let machine = Machine::of_types(Some(kernel)).attached_to("symbol", "vfs_read").attached_to("event", "sched:x");
    let names = Names::of_captures(&Scope::Inside, &machine);
    for builtin in BUILTINS {
        let value = names.value(&parse(builtin.name).unwrap());
        match builtin.name {
            "kstack" => assert_eq!(value.unwrap().kind, FieldType::Stack { user: false }),
            "ustack" => assert_eq!(value.unwrap().kind, FieldType::Stack { user: true }),
            "syscall" | "interface" => {
                let refusal = value.unwrap_err();
                assert_eq!(refusal.message, format!("`{}` has no meaning at this hook", builtin.name));
            }
            "symbol" => assert_eq!(value.unwrap().kind, FieldType::Enum([(0, "vfs_read".to_owned())].into())),
            "task" => assert_eq!(value.unwrap().kind, FieldType::Hex),
            name => drop(value.unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"))),
        }
    }
    let kind = |text: &str| names.value(&parse(text).unwrap()).unwrap().kind;
    assert_eq!(kind("exe"), FieldType::Path);
    assert_eq!(kind("caps"), FieldType::Named(NameTable::Caps));
    assert_eq!(kind("euid"), FieldType::Id);
    assert_eq!(kind("ktime"), FieldType::Ktime);
    assert_eq!(kind("container"), FieldType::Container);
    assert_eq!(kind("current.ppid"), FieldType::Unsigned);
}

/// A name that the hook and the builtins have is the hook's in a capture, and must be told apart elsewhere.
#[test]
fn names_of_two() {
    let format = "field:pid_t pid;\toffset:16;\tsize:4;\tsigned:1;\n";
    let scope = Scope::Record(RecordScope { name: "sched:thing".to_owned(), fields: parse_format(format) });
    let machine = Machine::of_types(kernel());
    let own = operand(&scope, "args.pid");
    assert_eq!(operand(&scope, "pid"), own);
    assert!(matches!(operand(&scope, "current.pid").source, OperandSource::Head { name: "pid", .. }));
    let captures = [Capture { name: "who".into(), expr: parse("current.tid as u16").unwrap() }];
    let names = Names::of_conditions(&scope, &machine, &captures);
    let refusal = names.value(&parse("pid").unwrap()).unwrap_err();
    assert_eq!(refusal.message, "`pid` is a name of this hook and a builtin");
    assert_eq!(refusal.help.as_deref(), Some("write `args.pid` for the hook's, `current.pid` for the builtin"));
    assert_eq!(refusal.range, Some(0..3));
    assert_eq!(names.value(&parse("args.pid").unwrap()).unwrap(), own);
    assert_eq!(names.value(&parse("who").unwrap()).unwrap().size, 2);
}

/// Values of several parts are one fetch, whose parts are a second look at it.
#[test]
fn composites() {
    let Some(kernel) = kernel() else { return };
    let scope = entry("tcp_sendmsg", Prototype::of_function(kernel, "tcp_sendmsg"));
    let whole = operand(&scope, "sk as sock");
    assert_eq!((whole.kind.clone(), whole.size, whole.part), (FieldType::Sock, SockSlot::SIZE, 0));
    let port = operand(&scope, "(sk as sock).destination.port");
    assert_eq!((port.kind.clone(), port.size, port.part), (FieldType::Port, 2, 138));
    assert_eq!(port.source, whole.source);
    let head: Layout = builtin().unwrap().get("trace").unwrap().event.clone().unwrap();
    let captures: Vec<Capture> = [("conn", "sk as sock"), ("port", "(sk as sock).destination.port")]
        .map(|(name, text)| Capture { name: name.into(), expr: parse(text).unwrap() })
        .into();
    let machine = Machine::of_types(Some(kernel));
    let resolved = resolve(&captures, &scope, &machine, &head).unwrap();
    let [conn, port] = resolved.layout.fields.as_slice() else { panic!() };
    assert_eq!((resolved.fetches.len(), port.offset), (1, conn.offset + 138), "they share a slot");
    // A capture's parts, in a condition.
    let names = Names::of_conditions(&scope, &machine, &captures);
    assert_eq!(names.value(&parse("conn.source.ip").unwrap()).unwrap().kind, FieldType::Ip);
    // `struct sockaddr` is one without being told.
    assert_eq!(operand(&scope, "msg->msg_name as sockaddr").kind, FieldType::Endpoint);
    let bind = entry("security_socket_bind", Prototype::of_function(kernel, "security_socket_bind"));
    assert_eq!(operand(&bind, "address").kind, FieldType::Endpoint);
    assert_eq!(operand(&bind, "address.port"), operand(&bind, "(address as sockaddr).port"));
    refused(
        &scope,
        &[
            ("(sk as sock).dest", "`sk as sock` has no part `dest`", "did you mean `destination`?"),
            ("(sk as sock).source.prt", "`(sk as sock).source` has no part `prt`", "did you mean `port`?"),
            (
                "sk->sk_err as sock",
                "`sk->sk_err` is `int`: it cannot be read as `sock`",
                "`sock` needs a pointer to a `struct sock`, or to one that begins with it",
            ),
        ],
    );
}

/// Types tell what values mean: text of a pointer to `char`, names of an enum, disks; a `struct file` has a path.
#[test]
fn meanings_by_type() {
    let format = "field:dev_t dev;\toffset:8;\tsize:4;\tsigned:0;\n\tfield:int state;\toffset:12;\tsize:4;\tsigned:1;\n\t\
                  field:const char * name;\toffset:16;\tsize:8;\tsigned:0;\n\tfield:int what;\toffset:24;\tsize:4;\tsigned:1;\n\n\
                  print fmt: \"%s\", __print_symbolic(REC->state, { 1, \"one\" }, { 0x2, \"two\" }), REC->what\n";
    let scope = Scope::Record(RecordScope { name: "x:y".to_owned(), fields: parse_format(format) });
    let names = FieldType::Enum([(1, "one".to_owned()), (2, "two".to_owned())].into());
    assert_eq!(operand(&scope, "state").kind, names);
    assert_eq!(operand(&scope, "state as i32").kind, FieldType::Signed);
    assert_eq!(operand(&scope, "what").kind, FieldType::Signed);
    assert_eq!(operand(&scope, "dev").kind, FieldType::Dev);
    assert_eq!(operand(&scope, "dev as u32").kind, FieldType::Unsigned);
    assert_eq!(fetch(&scope, "name").copy, FetchCopy::KernelText);
    let Some(kernel) = kernel() else { return };
    let scope = raw("sched_process_exec", Prototype::of_raw_tracepoint(kernel, "sched_process_exec"));
    let text = fetch(&scope, "bprm->filename");
    assert_eq!((text.copy, text.hops.len()), (FetchCopy::KernelText, 1));
    assert_eq!(operand(&scope, "bprm->filename as hex").kind, FieldType::Hex);
    assert_eq!(fetch(&scope, "bprm->file as path").copy, FetchCopy::FilePath);
    assert_eq!(fetch(&scope, "bprm->file->f_path as path").copy, FetchCopy::Path);
    assert_eq!(fetch(&scope, "bprm->file->f_path.dentry as path").copy, FetchCopy::DentryPath);
    assert_eq!(operand(&scope, "bprm->file->f_inode->i_sb->s_dev").kind, FieldType::Dev);
    assert!(matches!(operand(&scope, "(arg1 as pid_type)").kind, FieldType::Enum(_)));
    refused(
        &scope,
        &[
            (
                "p as path",
                "`p` is `struct task_struct *`: it cannot be read as `path`",
                "a `struct task_struct` has no path; a `struct file`, `struct path` or `struct dentry` has one",
            ),
            ("arg1 as pid_tipe", "`pid_tipe` is neither a type nor an enum of this kernel", "did you mean `pid_type`?"),
        ],
    );
}

/// Variables of the kernel are read at their addresses, by their types where BTF has them, else as words.
#[test]
fn variables_of_the_kernel() {
    let variable = |name: &str| match name {
        "avenrun" => Variable::At(0xffff_ffff_8100_0000),
        "hidden" => Variable::Hidden,
        _ => Variable::Unknown,
    };
    let machine = Machine { variable: &variable, ..Machine::of_types(kernel()) };
    let names = Names::of_captures(&Scope::Inside, &machine);
    let value = names.value(&parse("kernel.avenrun[1]").unwrap()).unwrap();
    let fetch = value.source.fetch().unwrap();
    assert_eq!((fetch.source, fetch.offset, fetch.size), (FetchSource::Constant(0xffff_ffff_8100_0000), 8, 8));
    for (text, message) in [
        ("kernel.hidden as u64", "the kernel does not show where `hidden` is"),
        ("kernel.nothing", "this kernel has no variable `nothing`"),
    ] {
        assert_eq!(names.value(&parse(text).unwrap()).unwrap_err().message, message);
    }
}

/// Eight pointers can be followed, and 32 values read; the word to blame is told.
#[test]
fn limits() {
    let Some(kernel) = kernel() else { return };
    let scope = raw("sched_wakeup", Prototype::of_raw_tracepoint(kernel, "sched_wakeup"));
    let parents = |count: usize| format!("p{}->pid", "->real_parent".repeat(count));
    assert_eq!(fetch(&scope, &parents(8)).hops.len(), 8);
    refused(
        &scope,
        &[(
            &parents(9),
            "the value is behind 9 pointers; at most 8 can be followed",
            "begin closer to it: a hook whose arguments have it, or `container_of`",
        )],
    );
    let ranges = [
        ("p->comm[16] as u8", 0..11),
        ("p->pdi", 3..6),
        ("pq->x", 0..2),
        ("p->pid as string", 10..16),
        ("p->mm as nothing", 9..16),
    ];
    for (text, range) in ranges {
        assert_eq!(one(&scope, text).unwrap_err().range, Some(range), "{text}");
    }
    let head: Layout = builtin().unwrap().get("trace").unwrap().event.clone().unwrap();
    let many = |count: usize| {
        let text = |index| format!("p{}->comm[{}]", "->parent".repeat(index / 16), index % 16);
        let capture = |index| Capture { name: format!("c{index}"), expr: parse(&text(index)).unwrap() };
        let captures: Vec<Capture> = (0..count).map(capture).collect();
        resolve(&captures, &scope, &Machine::of_types(Some(kernel)), &head)
    };
    assert_eq!(many(32).unwrap().fetches.len(), 32);
    let [(32, refusal)] = &many(33).unwrap_err()[..] else { panic!() };
    assert_eq!(refusal.message, "the probe reads 33 values; at most 32 are possible");
}

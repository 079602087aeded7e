// SPDX-License-Identifier: MIT OR Apache-2.0
//! Arguments and results of functions of the kernel and of programs, and of raw tracepoints.

use super::*;

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

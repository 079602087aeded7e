// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fields of tracepoints, and what every event has.

use super::*;

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

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Casts, bit-fields, indexes and lengths in the middle of a path.

use super::*;

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

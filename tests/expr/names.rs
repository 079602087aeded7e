// SPDX-License-Identifier: MIT OR Apache-2.0
//! Builtins, names that mean two things, meanings by type, variables of the kernel, limits.

use super::*;

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

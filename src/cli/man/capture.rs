// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `ebpf-run.yaml(5)` says of expressions: paths, builtins, types, functions.

use roff::{Roff, bold};

use super::parts::{paragraph, section, term, verbatim};
use crate::expr::{BUILTINS, Builtin, CASTS, FUNCTIONS, METHODS};

pub(super) fn capture(page: &mut Roff) {
    section(page, "CAPTURE");
    paragraph(
        page,
        "On the left is the name of a field of the event, on the right what to read: a name, then any number of members and elements, then a type; or an expression over such values.",
    );
    verbatim(
        page,
        "capture:\n  path: filename\n  flags: how->flags as open_flags\n  conn: sk as sock\n  port: (sk as sock).destination.port\n  \
         rtt: (sk as struct tcp_sock)->srtt_us\n  text: \"buf as string(64, len=count)\"\n  parent: task->real_parent->comm\n  code: p->exit_code >> 8 & 255\n  age: ktime - p->start_time as duration",
    );
    paths(page);
    builtins(page);
    page.control("SS", ["as TYPE"]);
    paragraph(
        page,
        "Types come from the kernel's type information (BTF), from the format of the tracepoint or from the signature of the system call: a pointer to `char` is the string there, one to a `struct sockaddr` the address, a `dev_t` a disk, an enum has its names. `as` overrides them:",
    );
    for (word, text) in CASTS {
        term(page, vec![bold(*word)], text);
    }
    stacks(page);
    memory(page);
    page.control("SS", ["Functions"]);
    for function in FUNCTIONS.iter().chain(METHODS) {
        term(page, vec![bold(function.form)], function.doc);
    }
}

fn paths(page: &mut Roff) {
    for (name, text) in [
        (
            "NAME",
            "A parameter of the function, named as in the kernel's source, a field of the tracepoint, or a builtin. Where the hook \
             and the builtins share a name, `capture` takes the hook's; `args.NAME` is always the hook's, `current.NAME` the builtin.",
        ),
        ("arg0, arg1 …", "An argument by number."),
        ("retval", "The return value of the function or system call."),
        (
            "->member, .member",
            "A member of a struct, or of the struct that a pointer points to. Both are written either way; up to 8 pointers are followed.",
        ),
        (
            "[N], [NAME]",
            "An element of an array, or of the array that a pointer points to, counted from 0; by a number, or by a value of the event: `task->files->fdt->fd[fd]`.",
        ),
        ("(PATH as struct NAME)->member", "Another struct at the same address: `(sk as struct tcp_sock)->srtt_us`."),
        (
            "kernel.NAME",
            "A variable of the kernel, by the address in `/proc/kallsyms`. Of one whose type the BTF leaves out, `[N]` is a number of 64 bits.",
        ),
    ] {
        term(page, vec![bold(name)], text);
    }
}

fn builtins(page: &mut Roff) {
    page.control("SS", ["Builtins"]);
    paragraph(
        page,
        "Every hook has them, but those about a process have no meaning where packets pass (`xdp`, `tc`, `cgroup` with `direction`). The last four name the target, where a probe has several.",
    );
    for Builtin { name, doc, .. } in BUILTINS {
        term(page, vec![bold(*name)], doc);
    }
}

fn stacks(page: &mut Roff) {
    page.control("SS", ["Call stacks"]);
    paragraph(
        page,
        "In JSON a stack is a list of functions, the innermost first, each with `addr`, and with `symbol`, `offset` and `module` as far as they are known: without a symbol, `offset` counts in the file of `module`. A function that was inlined has no `offset` and the address of the one it is part of. The format `text` writes `main;work;memcpy`, the innermost last, `pretty` a line for each function below the event, and `folded` one line for each stack with how often it was there.",
    );
    paragraph(
        page,
        "Functions of programs and libraries are named by their symbols and debug information, also in containers and where the file was deleted; debug information that was split off is found in `/usr/lib/debug/.build-id`. Of files larger than 64 MiB symbols alone are read, and `.gnu_debugdata` is not. Code that a process made itself is named by its `/tmp/perf-PID.map`. What a process has mapped is read when its first event arrives: of one that has ended by then, in less than some milliseconds, only addresses are known. An event waits for its names for up to three seconds while other events go on being read; then it is written with what is known.",
    );
    paragraph(
        page,
        "The kernel follows frame pointers: callers of code that was built without them can be missing from `ustack`. Functions of the kernel have names where this process may read addresses in `/proc/kallsyms`; where `kernel.kptr_restrict` hides them, the addresses alone are shown. At `xdp`, `tc` and `cgroup` there are no stacks, and at functions of a program no `kstack`. Linux 5.10 ends a stack where the return of a function is traced by `kretprobe`.",
    );
    paragraph(
        page,
        "A stack can be a key of `aggregate`. Rows with the same functions are one, whichever process they are of. There is room for as many different stacks as `max_keys` says; what finds none is lost as `stacks_full`. It is looked for new stacks five times a second, so that the names of processes that end before the report are known, and a report waits for names as an event does.",
    );
}

fn memory(page: &mut Roff) {
    paragraph(
        page,
        "Arguments are read from registers: `arg0` to `arg5` on x86-64, to `arg7` on arm64; arguments on the stack cannot be captured. An address itself tells whether memory of the kernel or of the process is read; what a system call or a function of a program was given is always the process's.",
    );
    paragraph(
        page,
        "Names and types of a binary's arguments are not known: use `arg0` and so on at `uprobe` and `retval` at `uretprobe`, eight bytes each. `string` and `bytes(N)` read the memory of the process at that address; `u32`, `hex`, `port` and `ipv4` read the value itself; `(arg0 as struct NAME)->member` takes members of a struct that the kernel's BTF has. Memory that the process has not touched yet may not be present and reads as null.",
    );
    paragraph(
        page,
        "A truncated string is followed by the field `NAME_truncated`. A value that could not be read is null, and so is an unset user or group id (-1 in the kernel); `as u32` shows the number.",
    );
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `ebpf-run.yaml(5)` says of the language of `capture` and `where` as a whole.

use roff::{Roff, bold};

use super::parts::{paragraph, section, term, verbatim};

pub(super) fn expressions(page: &mut Roff) {
    section(page, "EXPRESSIONS");
    paragraph(page, "`capture` and `where` share one language. It has these literals and constants:");
    for (form, text) in LITERALS {
        term(page, vec![bold(*form)], text);
    }
    page.control("SS", ["Operators"]);
    paragraph(page, "Those that bind tightest come first:");
    for (form, text) in OPERATORS {
        term(page, vec![bold(*form)], text);
    }
    NUMBERS.iter().for_each(|text| paragraph(page, text));
    page.control("SS", ["null"]);
    NULL.iter().for_each(|text| paragraph(page, text));
    page.control("SS", ["where"]);
    paragraph(page, WHERE[0]);
    verbatim(
        page,
        "where:\n  - retval < 0 && not path.under(\"/proc\")\n  - (retval as errno) in [EACCES, EPERM] || comm == \"sshd\"\n  - flags & \
         O_CREAT != 0",
    );
    WHERE[1..].iter().for_each(|text| paragraph(page, text));
    page.control("SS", ["aggregate"]);
    AGGREGATE.iter().for_each(|text| paragraph(page, text));
    page.control("SS", ["Packets and sockets"]);
    PACKETS.iter().for_each(|text| paragraph(page, text));
    page.control("SS", ["Quotes"]);
    QUOTES.iter().for_each(|text| paragraph(page, text));
}

const LITERALS: &[(&str, &str)] = &[
    ("42  0x1f  0o17", "Integers of 64 bits."),
    ("10ms  64KiB", "Durations (`ns us ms s m h`) and sizes (`KiB MiB GiB`)."),
    ("\"text\"  'text'", "Strings."),
    ("true  false  null", "null is what is absent or could not be read."),
    (
        "EACCES  O_CREAT  CAP_SYS_ADMIN",
        "A constant by the name that the kernel has for it. It belongs to the type of the other side: beside `as errno` `EACCES`, beside \
         `caps` the bit of `CAP_SYS_ADMIN`, beside a plain number its value: `retval == -EACCES`. Enumerators of the kernel's BTF are \
         constants as well; `ENUM.NAME` chooses among several of one name. `sig == \"SIGKILL\"` compares a number that has names with one.",
    ),
];

const OPERATORS: &[(&str, &str)] = &[
    ("! ~ -", "Not, the complement, the negative."),
    ("* / %", "Division rounds towards zero; by 0 it is null."),
    ("+ -", ""),
    ("<< >>", "By a constant from 0 to 63."),
    ("&", ""),
    ("^", ""),
    ("|", "All three bind tighter than comparisons: `flags & O_CREAT != 0` means what it says."),
    (
        "== != < <= > >= in, not in",
        "Comparisons do not chain. `in` takes a list (`port in [80, 443]`), a set of the file (`peer.ip not in private`), or for an address a \
         network (`ip in \"10.0.0.0/8\"`).",
    ),
    ("not", "As `!`, but of the whole comparison: `not a == b`."),
    ("&&", ""),
    ("||", ""),
    (
        "as TYPE",
        "Stands last and takes all before it; inside a larger expression, in parentheses: `(retval as errno) == EACCES`.",
    ),
];

const NUMBERS: &[&str] = &[
    "Numbers are widened to 64 bits by their sign and width. Comparisons are exact whatever the signs; `-` gives a signed number, the other \
     operators a signed one if a side is; overflow wraps. Pointers compare with 0 and with each other, durations with durations: \
     `ktime - p->start_time > 10s`. A comparison that is always true or always false is an error.",
    "Strings are bytes. `==`, `!=`, `in`, `startsWith` and `under` decide at any length. `endsWith`, `contains` and `glob` see the first 256 \
     bytes, or N of `string(N)`; of a longer string they are undecided.",
];

const NULL: &[&str] = &[
    "A pointer that is NULL on the way, a container outside of one, the errno of a success, a name that this target lacks, and memory \
     that cannot be read are null. A comparison with null is undecided, so `x != 1` leaves it out. `true || undecided` is true, `false && \
     undecided` is false, and `!undecided` is undecided, as in SQL. `x == null` and `x != null` always decide.",
];

const WHERE: &[&str] = &[
    "`where` is an expression or a list of some, of which all must hold; together they have at most 64 comparisons, of which one \
     with a list or a set counts once.",
    "Clauses are decided in the kernel, before an event is written, as far as the kernel can; the rest is decided in user space. `ebpf-run \
     plan` shows which is which. Names are those of `capture`, then the hook's own, then builtins; where the hook and the builtins share one, \
     write `args.NAME` or `current.NAME`. `limits` apply to events that passed.",
];

const AGGREGATE: &[&str] = &[
    "`aggregate` calculates and decides in the kernel, for which there are limits: a table has up to 16 values, the tables of a probe have \
     up to 32 together; `where` and all conditions after `if` take up to 64 tests together; all that the probe calculates takes up to 48 \
     operations together, of which each value that is read, each constant and each operator is one. A second probe on the same hook has \
     limits of its own.",
    "`sum`, and the sum that `avg` divides, have 64 bits and wrap beyond them.",
];

const PACKETS: &[&str] = &[
    "At `xdp`, `tc` and `cgroup` with `direction`, `packet` is the packet: `packet.length`, `.protocol`, `.source` and `.destination` of every \
     protocol, and the fields of `eth vlan ip tcp udp icmp`: `packet.tcp.flags`. They are null where the packet has no such header. At other \
     hooks, `(skb as packet)` is the same of a `struct sk_buff`.",
    "At `cgroup` with `call: connect` there is `destination`, with `call: sock_create` there are `family`, `type` and `protocol`. Where packets \
     pass, the builtin `cgroup` is the socket's, and there are no builtins about a process.",
];

const QUOTES: &[&str] = &[
    "An expression that begins with a name rarely needs quotes. YAML needs them, or the expression under `|`, if it begins with \
     one of the characters ! & * @ % [ { > | \" ' or a backquote, or has `: ` or ` #` inside; between braces or brackets also if it has `, [ ] { }`. Write `not` for `!` at the \
     beginning. `ebpf-run check` says where YAML took a part of an expression away.",
];

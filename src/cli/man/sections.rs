// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a man page has beyond `--help`: sections of their own, command by command.

use roff::{Roff, bold, roman};

use super::parts::{section, verbatim, words};
use crate::status::ProbeState;

/// One section of a page.
pub(super) struct Section {
    heading: &'static str,
    blocks: &'static [Block],
}

/// A part of a section. In texts, backquotes mark what is bold.
enum Block {
    /// A paragraph.
    Text(&'static str),
    /// A term and what it means.
    Term(&'static str, &'static str),
    /// Lines as they are.
    Lines(&'static str),
    /// The states of a probe, as a table.
    States,
}

use Block::{Lines, States, Term, Text};

/// The sections that the page of a command has between its options and its examples.
pub(super) fn sections(page: &str) -> &'static [Section] {
    match page {
        "ebpf-run" => RUN,
        "ebpf-run-daemon" => DAEMON,
        "ebpf-run-status" => STATUS,
        "ebpf-run-reload" | "ebpf-run-stop" | "ebpf-run-start" | "ebpf-run-tail" => CLIENT,
        "ebpf-run-doctor" => DOCTOR,
        _ => &[],
    }
}

/// The pages, besides `ebpf-run(1)` and `ebpf-run.yaml(5)`, that a page points to.
pub(super) fn related(page: &str) -> &'static [&'static str] {
    match page {
        "ebpf-run-daemon" => &["ebpf-run-status(1)", "ebpf-run-reload(1)", "ebpf-run-tail(1)", "systemctl(1)"],
        "ebpf-run-status" => &["ebpf-run-daemon(1)", "ebpf-run-reload(1)", "ebpf-run-tail(1)"],
        "ebpf-run-reload" => &["ebpf-run-daemon(1)", "ebpf-run-status(1)"],
        "ebpf-run-stop" => &["ebpf-run-daemon(1)", "ebpf-run-start(1)", "ebpf-run-status(1)"],
        "ebpf-run-start" => &["ebpf-run-daemon(1)", "ebpf-run-stop(1)", "ebpf-run-status(1)"],
        "ebpf-run-tail" => &["ebpf-run-daemon(1)", "ebpf-run-status(1)"],
        "ebpf-run-check" => &["ebpf-run-explain(1)", "ebpf-run-plan(1)", "ebpf-run-show(1)"],
        "ebpf-run-explain" => &["ebpf-run-check(1)"],
        "ebpf-run-programs" | "ebpf-run-new" => &["ebpf-run-programs(1)", "ebpf-run-new(1)", "ebpf-run-hooks(1)"],
        "ebpf-run-doctor" => &["ebpf-run-plan(1)", "ebpf-run-check(1)", "capabilities(7)"],
        "ebpf-run-hooks" => &["ebpf-run-new(1)", "ebpf-run-check(1)"],
        "ebpf-run-plan" => &["ebpf-run-check(1)", "ebpf-run-doctor(1)"],
        "ebpf-run-show" => &["ebpf-run-check(1)", "ebpf-run-plan(1)"],
        "ebpf-run-schema" => &["ebpf-run-check(1)", "ebpf-run-new(1)"],
        _ => &[],
    }
}

/// True where a page needs `tbl`, which its first line has to say.
pub(super) fn has_table(page: &str) -> bool {
    sections(page).iter().flat_map(|section| section.blocks).any(|block| matches!(block, States))
}

/// Writes one section.
pub(super) fn write(page: &mut Roff, section_: &Section) {
    section(page, section_.heading);
    for block in section_.blocks {
        match block {
            Text(text) => {
                page.control("PP", []);
                page.text(words(text));
            }
            Term(term, text) => {
                page.control("TP", []);
                page.text([bold(*term)]);
                page.text(words(text));
            }
            Lines(text) => verbatim(page, text),
            States => states(page),
        }
    }
}

/// Three columns, of which the second and third wrap (`T{ … T}` of tbl(1)).
fn states(page: &mut Roff) {
    page.control("TS", []);
    page.text([roman("tab(|);")]);
    page.text([roman("lb lb lb")]);
    page.text([roman("lb lw(24n) lw(26n).")]);
    page.text([roman("state|the probe is|the daemon")]);
    page.text([roman("_")]);
    for state in ProbeState::ALL {
        page.text([roman(format!("{}|T{{", state.name()))]);
        page.text(words(state.meaning()));
        page.text([roman("T}|T{")]);
        page.text(words(state.next()));
        page.text([roman("T}")]);
    }
    page.control("TE", []);
    page.control("PP", []);
    page.text(words("A probe with `enabled: false` is parked: it is checked, but neither run nor listed."));
}

const SOCKET: Block =
    Term("/run/ebpf-run/control.sock", "The daemon's socket. Only root and the daemon's own user can connect.");

const RUN: &[Section] = &[
    Section {
        heading: "OUTPUT",
        blocks: &[Text(
            "Events go to the sinks of each probe, by default to standard output. Messages and the summary at the end go to standard \
             error. The summary has a row for each probe: events produced, delivered and lost, with the causes of losses, and how many \
             `where` refused. \
             `ebpf-run.yaml`(5) describes sinks, formats and the fields of events.",
        )],
    },
    Section {
        heading: "REQUIREMENTS",
        blocks: &[
            Text(
                "Linux 5.10 or newer on x86-64 or arm64, with BTF (`/sys/kernel/btf/vmlinux`), which the kernels of current \
                 distributions have. `ebpf-run doctor` tests what this machine can do.",
            ),
            Text("Root, or these capabilities:"),
            Term("CAP_BPF, CAP_PERFMON", "Every kind of hook."),
            Term("CAP_NET_ADMIN", "`xdp`, `tc` and `cgroup`, in addition."),
            Term("CAP_SYS_ADMIN", "`uprobe`, `uretprobe` and `usdt`, in addition; includes CAP_BPF and CAP_PERFMON."),
            Term(
                "CAP_DAC_READ_SEARCH",
                "`tracepoint` and the program `exec`, in addition: only root can read the descriptions of tracepoints in tracefs.",
            ),
            Term("CAP_SYS_RESOURCE", "Before Linux 5.11, to raise the limit on locked memory (RLIMIT_MEMLOCK)."),
            Text(
                "`check` without `--kernel`, `explain`, `programs`, `schema`, `show`, `new` and `completions` need no privileges.",
            ),
        ],
    },
    Section {
        heading: "ENVIRONMENT",
        blocks: &[
            Term("NO_COLOR", "If set and not empty, output has no colours. `TERM=dumb` has the same effect."),
            Term(
                "PATH, LD_LIBRARY_PATH",
                "Where `uprobe`, `uretprobe`, `usdt` and `function` search for binaries and libraries given by a bare name.",
            ),
            Text("A file can use any variable as `${env:NAME}`; see `ebpf-run.yaml`(5)."),
        ],
    },
];

const DAEMON: &[Section] = &[
    Section {
        heading: "FOLLOWING FILES",
        blocks: &[
            Text(
                "The daemon compares probes, not files: a changed comment or a renamed file restarts nothing. A changed probe is \
                 loaded and verified first and then swapped in, without a gap. If the new version fails, the old one keeps running.",
            ),
            Text(
                "What a probe attaches to may come and go: interfaces, the default route, kernel modules, programs and libraries. The \
                 probe waits and starts when its target appears. When an upgrade replaces a program or library, the probe moves to the \
                 new file and stays in the old one for as long as processes run it.",
            ),
            Text(
                "Deleting a directory stops its probes. A directory that becomes unreadable, is unmounted, does not respond, or becomes \
                 writable by other users keeps its probes running. `status --check`, `reload` and the metric \
                 `ebpf_run_config_directory_ok` report each of these cases, and also a directory that does not exist yet.",
            ),
            Text(
                "Mount directories, not single files: when a mounted file (`subPath` in Kubernetes) is replaced at its source, the mount \
                 keeps the old content. The daemon warns about such files.",
            ),
        ],
    },
    Section { heading: "STATES OF A PROBE", blocks: &[States] },
    Section {
        heading: "TRUSTED FILES",
        blocks: &[
            Text(
                "Anyone who can change a probe file controls what runs as root. The daemon therefore reads a file only if root or its own \
                 user owns the file and every directory and link on its path, and no other user can write to any of them. A file that \
                 becomes writable by others keeps its probes running and is reported as an error (E0006).",
            ),
            Text(
                "The same holds for the programs and libraries that a `uprobe` hooks, unless the probe sets `build_id` or \
                 `allow_untrusted`; see `ebpf-run.yaml`(5).",
            ),
            Text(
                "Messages never quote the content of a file outside the directory that a link in it points to, nor the value of an \
                 environment variable.",
            ),
        ],
    },
    Section {
        heading: "LOG",
        blocks: &[
            Text(
                "Messages go to standard error, or to the journal when systemd runs the daemon. Journal entries carry the fields \
                 PROBE, FILE and CODE:",
            ),
            Lines("journalctl -u ebpf-run PROBE=opens"),
        ],
    },
    Section {
        heading: "FILES",
        blocks: &[
            Term("/etc/ebpf-run/probes.d", "The default directory of probe files."),
            SOCKET,
            Term("/var/log/ebpf-run", "Where the systemd unit lets sinks write."),
        ],
    },
];

const STATUS: &[Section] =
    &[Section { heading: "STATES OF A PROBE", blocks: &[States] }, Section { heading: "FILES", blocks: &[SOCKET] }];

const CLIENT: &[Section] = &[Section { heading: "FILES", blocks: &[SOCKET] }];

const DOCTOR: &[Section] = &[Section {
    heading: "NOTES",
    blocks: &[Text(
        "Each test loads one of ebpf-run's own programs, attaches it, and detaches it at once. XDP is tested on a virtual interface \
         in a network namespace of its own, uprobes on this process.",
    )],
}];

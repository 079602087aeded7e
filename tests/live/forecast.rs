// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `plan` and `check --kernel` say is what a run does: XDP modes, who is in the way, names of interfaces; and they leave nothing.

use std::fs;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use ebpf_run::kernel::Host;
use serde_json::Value;

use crate::lab::{Ended, Lab, Run, bpf, in_namespace, json, need, sh, tool};

/// `include/uapi/linux/if_link.h`
const SKB_MODE: u32 = 1 << 1;
const DRV_MODE: u32 = 1 << 2;

fn xdp(interface: &str, mode: &str) -> String {
    format!("probes:\n  - {{ name: x, hook: {{ xdp: {{ interface: {interface:?}, mode: {mode} }} }} }}\n")
}

/// The mechanism of the first probe in the plan of `probes.yaml`.
fn planned(lab: &Lab) -> String {
    let plan = lab.run(&["plan", "probes.yaml", "--format", "json"]).code(0).stdout.join("\n");
    json(&plan)["probes"][0]["functions"][0]["mechanism"].as_str().unwrap().to_owned()
}

fn check_kernel(lab: &Lab) -> Ended {
    lab.run(&["check", "--kernel", "--strict", "probes.yaml"])
}

/// Holds that the plan and the check foretell the mode that a run gets at this interface.
#[track_caller]
fn foretold(interface: &str, mode: &str) {
    let lab = Lab::new();
    lab.yaml(&xdp(interface, "auto"));
    assert_eq!(planned(&lab), format!("link on the interface, {mode} mode"), "{}", sh("ip -d link"));
    let mut run = lab.start(&xdp(interface, "auto"), &[]);
    let ready = run.wait_until_ready();
    assert!(ready.contains(&format!("({mode})")), "{ready}");
    run.interrupt().code(0);
    lab.yaml(&xdp(interface, "native"));
    let code = if mode == "native" { 0 } else { 1 };
    let found = check_kernel(&lab).code(code).stdout.join("\n");
    assert_eq!(found.contains("cannot run XDP in native mode"), mode == "generic", "{found}");
    lab.start(&xdp(interface, "native"), &["--duration", "20ms"]).end().code(code);
    lab.yaml(&xdp(interface, "generic"));
    check_kernel(&lab).code(0);
}

/// A process in a network namespace of its own, which ends with the process.
struct OtherNamespace(Child);

impl OtherNamespace {
    fn new() -> Self {
        let mut command = Command::new("sleep");
        // SAFETY: one system call, between fork and exec.
        unsafe {
            command.pre_exec(|| match libc::unshare(libc::CLONE_NEWNET) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            });
        }
        Self(command.arg("60").stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for OtherNamespace {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Whether a driver takes a program is foretold by its own rules: what the other end of a veth may send must fit into a page, here
/// and where that end is in another namespace; it may not have more queues; some devices have no native XDP at all.
#[test]
fn the_mode_is_foretold() {
    need!(bpf());
    if Host::default().version() < (6, 3) {
        // Drivers do not say what they can.
        return;
    }
    in_namespace(|| {
        foretold("left", "native");
        foretold("lo", "generic");
        let (mut fits, mut too_large) = (0, 65000);
        // The largest that a run takes natively is found out by trying, and the forecast must agree on both sides of it.
        while fits + 1 < too_large {
            let mtu = u32::midpoint(fits, too_large).max(68);
            sh(&format!("ip link set left mtu {mtu}"));
            let lab = Lab::new();
            let ended = lab.start(&xdp("right", "native"), &["--duration", "1ms"]).end();
            if ended.status.success() { fits = mtu } else { too_large = mtu }
        }
        sh(&format!("ip link set left mtu {fits}"));
        foretold("right", "native");
        sh(&format!("ip link set left mtu {too_large}"));
        foretold("right", "generic");
        // Its own is not what counts.
        foretold("left", "native");
        let other = OtherNamespace::new();
        sh(&format!("ip link set left netns {}", other.0.id()));
        foretold("right", "generic");
        sh("ip link add one numrxqueues 1 numtxqueues 1 type veth peer name two numrxqueues 4 numtxqueues 4; \
            ip link set one up; ip link set two up");
        foretold("one", "generic");
        foretold("two", "native");
    });
}

/// A program that lets every packet pass.
fn pass() -> OwnedFd {
    let code = [(0xb7u8, 2i32), (0x95, 0)].map(|(code, imm)| libbpf_sys::bpf_insn { code, imm, ..Default::default() });
    // SAFETY: name, licence and instructions live across the call; there are no options.
    let fd = unsafe {
        let (name, licence) = (c"somebody".as_ptr(), c"GPL".as_ptr());
        libbpf_sys::bpf_prog_load(libbpf_sys::BPF_PROG_TYPE_XDP, name, licence, code.as_ptr(), 2, std::ptr::null_mut())
    };
    assert!(fd >= 0, "{fd}");
    // SAFETY: the descriptor is new and nobody else owns it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

fn index(interface: &str) -> i32 {
    Host::default().interface_index(interface).unwrap() as i32
}

/// What the help of the only error says between backticks.
fn advised(text: &str) -> String {
    let help = text.lines().find_map(|line| line.split("= help: ").nth(1)).unwrap_or_else(|| panic!("{text}"));
    help.split('`').nth(1).unwrap_or_else(|| panic!("{text}")).to_owned()
}

/// Where another program has the interface, it is said in which mode and who holds it, and doing what the help says makes room:
/// for what netlink attached in either mode, for a link, and for a program of the bond that the interface is a part of.
#[test]
fn the_advice_makes_room() {
    need!(bpf());
    in_namespace(|| {
        let lab = Lab::new();
        lab.yaml(&xdp("left", "auto"));
        let refused = || {
            let found = check_kernel(&lab).code(1).stdout.join("\n");
            let run = lab.start(&xdp("left", "auto"), &["--duration", "20ms"]).end().code(1).stderr;
            assert_eq!(advised(&found), advised(&run), "{found}\n{run}");
            found
        };
        for (flag, mode) in [(SKB_MODE, "generic"), (DRV_MODE, "native")] {
            // SAFETY: takes numbers and a descriptor that lives; there are no options.
            let code = unsafe { libbpf_sys::bpf_xdp_attach(index("left"), pass().as_raw_fd(), flag, std::ptr::null()) };
            assert_eq!(code, 0);
            let found = refused();
            assert!(found.contains("already runs an XDP program: `somebody` (id ") && found.contains(mode), "{found}");
            sh(&advised(&found));
            check_kernel(&lab).code(0);
        }
        // A link of this process.
        let options = libbpf_sys::bpf_link_create_opts {
            sz: size_of::<libbpf_sys::bpf_link_create_opts>() as u64,
            flags: SKB_MODE,
            ..Default::default()
        };
        // SAFETY: the descriptor of the program and the options live across the call.
        let link = unsafe {
            libbpf_sys::bpf_link_create(pass().as_raw_fd(), index("left"), libbpf_sys::BPF_XDP, &raw const options)
        };
        assert!(link >= 0);
        // SAFETY: the descriptor is new and nobody else owns it.
        let link = unsafe { OwnedFd::from_raw_fd(link) };
        let found = refused();
        assert!(found.contains(&format!("end process {} (", std::process::id())), "{found}");
        drop(link);
        check_kernel(&lab).code(0);
    });
}

/// Files of a daemon and of one-shot runs say `altname`s of up to 127 bytes; the events and the plan have the interface's own name.
#[test]
fn further_names() {
    need!(bpf());
    in_namespace(|| {
        let long = format!("enp{}", "x".repeat(124));
        sh(&format!("ip link property add dev left altname lan; ip link property add dev left altname {long}"));
        let lab = Lab::new();
        for name in ["lan", &long] {
            let mut run = lab.start(&xdp(name, "auto"), &[]);
            let ready = run.wait_until_ready();
            assert!(ready.contains("xdp on left ("), "{ready}");
            run.interrupt().code(0);
            check_kernel(&lab).code(0);
        }
        // One interface under three names is one.
        let many =
            format!("probes:\n  - {{ name: x, hook: {{ xdp: {{ interface: [lan, left, {long}, \"enp*\"] }} }} }}\n");
        lab.yaml(&many);
        let plan = lab.run(&["plan", "probes.yaml", "--format", "json"]).code(0).stdout.join("\n");
        assert_eq!(json(&plan)["probes"][0]["targets"], serde_json::json!(["left"]));
        let mut run = lab.start(&many, &[]);
        let ready = run.wait_until_ready();
        assert!(ready.contains("x/left (xdp on left ("), "{ready}");
        run.interrupt().code(0);
        // Two probes that want it are told so, by the check, the plan and a run.
        lab.yaml(
            "probes:\n  - { name: a, hook: { xdp: { interface: left } } }\n  - { name: b, hook: { xdp: { interface: lan } } }\n",
        );
        let said = "two XDP probes use the interface `left`: `a` already has it";
        let found = check_kernel(&lab).code(1).stdout.join("\n");
        assert!(found.contains(said) && found.contains("probes.yaml:4:42"), "{found}");
        lab.run(&["plan", "probes.yaml"]).code(1).says(said);
        lab.run(&["probes.yaml", "--duration", "20ms"]).code(1).says(said).says("probes.yaml:4:42");
        let missing = "a".repeat(127);
        lab.yaml(&xdp(&missing, "auto"));
        let found = check_kernel(&lab).code(1).stdout.join("\n");
        assert!(found.contains(&format!("there is no network interface `{missing}`")), "{found}");
    });
}

/// Where tracefs is mounted nowhere, it is used all the same, and nothing is mounted afterwards.
#[test]
fn nothing_is_mounted() {
    need!(bpf(), tool("unshare"), tool("umount"));
    let lab = Lab::new();
    lab.yaml("probes:\n  - { name: x, hook: { tracepoint: \"sched:sched_switch\" }, capture: { p: prev_pid } }\n");
    let program = env!("CARGO_BIN_EXE_ebpf-run");
    for command in [
        "check --kernel --strict probes.yaml",
        "plan probes.yaml",
        "doctor --format json",
        "hooks sched_switch",
        "probes.yaml --count 3",
    ] {
        let script = format!(
            "umount -R /sys/kernel/tracing 2>/dev/null; umount -R /sys/kernel/debug 2>/dev/null; \
             ! grep tracefs /proc/mounts; {program} {command}; code=$?; ! grep tracefs /proc/mounts || exit 99; exit $code"
        );
        let mut shell = Command::new("unshare");
        shell.current_dir(lab.dir.path()).args(["-m", "--propagation", "private", "sh", "-c", &script]);
        let ended = Run::start(shell).end();
        let code = ended.status.code();
        // A kernel without kprobes is not all well for the doctor.
        assert!(code == Some(0) || command.starts_with("doctor") && code == Some(1), "{command}: {ended:?}");
        let text = ended.stdout.join("\n");
        match command.split(' ').next() {
            Some("doctor") => {
                let found: Value = json(&text);
                let event = found["hooks"].as_array().unwrap().iter().find(|hook| hook["hook"] == "tracepoint");
                assert!(event.is_none_or(|hook| hook.to_string().contains("works")), "{text}");
                assert_eq!(found["tracefs"]["error"], Value::Null, "{text}");
            }
            Some("hooks") => assert!(text.contains("tracepoint: \"sched:sched_switch\""), "{text}"),
            Some("probes.yaml") => assert_eq!(ended.stdout.len(), 3, "{ended:?}"),
            Some(_) | None => {}
        }
    }
}

/// A member behind a pointer into the memory of a process is read there, although the types of the kernel do not tell whose it is.
#[test]
fn members_of_a_process() {
    need!(bpf());
    let lab = Lab::new();
    // glibc registers it for each thread; the offset is that of its lock words, the same everywhere.
    let mut run = lab.ready(
        "probes:\n  - name: x\n    hook: { raw_tracepoint: sched_switch }\n    capture: { offset: prev->robust_list->futex_offset, name: prev->comm }\n",
        &[],
    );
    let sleeper = std::thread::Builder::new().name("robust-sleeper".to_owned());
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let sleeper = sleeper
        .spawn(move || {
            while stopped.recv_timeout(std::time::Duration::from_millis(5))
                == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
            {}
        })
        .unwrap();
    let event = run.event(|event| event["name"] == "robust-sleeper" && !event["offset"].is_null());
    assert_eq!(event["offset"], -32, "{event}");
    drop(stop);
    sleeper.join().unwrap();
    run.interrupt().code(0);
}

/// A kernel without kprobes still tells what is wrong with the captures of one, beside that.
#[test]
fn captures_without_kprobes() {
    need!(bpf());
    let host = Host::default();
    if host.has_kprobes() || host.btf().is_none() {
        return;
    }
    let lab = Lab::new();
    lab.yaml(
        "probes:\n  - name: a\n    hook: { kprobe: vfs_read }\n    capture: { good: file->f_flags, bad: file->f_flagz, worse: fiel }\n  \
         - { name: b, hook: { kretprobe: vfs_read }, capture: { r: retval->x } }\n  \
         - { name: c, hook: { kprobe: no_such_function_here }, capture: { r: file } }\n  \
         - { name: d, hook: { kprobe: vfs_read }, capture: { good: file->f_flags } }\n",
    );
    let found = check_kernel(&lab).code(1).stdout.join("\n");
    for said in [
        "has no member `f_flagz`",
        "did you mean `f_flags`?",
        "`vfs_read` has no argument `fiel`",
        "`retval` has no members",
    ] {
        assert!(found.contains(said), "{said}:\n{found}");
    }
    assert_eq!(found.matches("error[E0403]").count(), 3, "{found}");
    assert_eq!(found.matches("this kernel has no kprobes").count(), 4, "{found}");
    let plan = lab.run(&["plan", "probes.yaml", "--format", "json"]).code(1).stdout.join("\n");
    assert_eq!(json(&plan)["probes"][3]["captures"][0]["type"], "u32", "{plan}");
    fs::remove_file(lab.path("probes.yaml")).unwrap();
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ends of connections of every family: what an end does not have is null, in the kernel as in user space.

use std::net::{TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};

use serde_json::{Value, json};

use crate::lab::{Lab, bpf, need};

/// The probes that saw an end, of the events of this process.
fn seen<'e>(events: &'e [Value], to: &str) -> Vec<&'e str> {
    let mut probes: Vec<&str> =
        events.iter().filter(|event| event["to"] == to).filter_map(|event| event["probe"].as_str()).collect();
    probes.sort_unstable();
    probes
}

/// At `connect`, an AF_UNIX address has no IP address and no port: `== null` is true of them, all other questions are undecided. Of each
/// question one form is for the kernel, one for user space.
#[test]
fn addresses_of_other_families() {
    need!(bpf());
    let lab = Lab::new();
    let me = std::process::id();
    let questions = [
        ("ip_null", "uservaddr.ip == null"),
        ("ip_there", "uservaddr.ip != null"),
        ("port_null", "uservaddr.port == null"),
        ("port_0", "uservaddr.port == 0"),
        ("port_not_5", "uservaddr.port != 5"),
        ("not_any", "not uservaddr.ip in \"::/0\""),
        ("not_4", "not (uservaddr.ip in \"10.0.0.0/8\")"),
        ("unix", "uservaddr.family == AF_UNIX"),
        ("user_port_null", "(uservaddr.port + 0) == null"),
        ("user_port_0", "uservaddr.port + 0 == 0"),
        ("user_port_not_5", "uservaddr.port + 0 != 5"),
        ("user_not_4", "not (uservaddr.ip in \"10.0.0.0/8\") && uservaddr.port + 0 >= 0"),
    ];
    let probes = questions.map(|(name, question)| {
        format!(
            "  - name: {name}\n    hook: {{ syscall: {{ name: connect, at: entry }} }}\n    capture: {{ to: uservaddr, ip: \
             uservaddr.ip, port: uservaddr.port, family: uservaddr.family }}\n    where: |\n      pid == {me} && {question}\n"
        )
    });
    let mut run = lab.ready(&format!("probes:\n{}", probes.concat()), &[]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let path = lab.text("socket");
    let _unix = UnixListener::bind(&path).unwrap();
    UnixStream::connect(&path).unwrap();
    let name = format!("ebpf-run-{me}");
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _abstract = UnixListener::bind_addr(&address).unwrap();
    UnixStream::connect_addr(&address).unwrap();
    let to = listener.local_addr().unwrap();
    TcpStream::connect(to).unwrap();
    run.event(|event| event["probe"] == "user_not_4" && event["to"] == to.to_string());
    let events = run.interrupt().code(0).events();
    let inet = ["ip_there", "not_4", "port_not_5", "user_not_4", "user_port_not_5"];
    assert_eq!(seen(&events, &to.to_string()), inet);
    for end in [format!("unix:{path}"), format!("unix:@{name}")] {
        assert_eq!(seen(&events, &end), ["ip_null", "port_null", "unix", "user_port_null"], "{end}");
        let event = events.iter().find(|event| event["to"] == end.as_str()).unwrap();
        assert_eq!([&event["ip"], &event["port"], &event["family"]], [&json!(null), &json!(null), &json!("AF_UNIX")]);
    }
}

/// The same of a `struct sock`, where the kernel has a raw tracepoint that every family passes (Linux 6.3).
#[test]
fn sockets_of_other_families() {
    need!(bpf());
    let lab = Lab::new();
    if lab.run(&["hooks", "sk_data_ready", "--kind", "raw_tracepoint"]).stdout.is_empty() {
        return crate::lab::skip("this kernel has no raw tracepoint `sk_data_ready`");
    }
    let capture = "{ to: (sk as sock).source, ip: (sk as sock).source.ip, port: (sk as sock).source.port, peer: \
                   (sk as sock).destination.family, protocol: (sk as sock).protocol, whole: sk as sock }";
    let me = std::process::id();
    let questions = [
        ("there", "(sk as sock).source.ip != null && (sk as sock).protocol != null"),
        (
            "nothing",
            "(sk as sock).source.ip == null && (sk as sock).source.port == null && (sk as sock).protocol == null",
        ),
        ("never", "(sk as sock).family == AF_UNIX && not ((sk as sock).destination.port == 1)"),
        ("peer", "(sk as sock).family == AF_UNIX && (sk as sock).destination.family == null"),
    ];
    let probes = questions.map(|(name, question)| {
        format!(
            "  - name: {name}\n    hook: {{ raw_tracepoint: sk_data_ready }}\n    capture: {capture}\n    where: |\n      pid == {me} \
             && {question}\n"
        )
    });
    let mut run = lab.ready(&format!("probes:\n{}", probes.concat()), &[]);
    let path = lab.text("datagrams");
    let receiver = UnixDatagram::bind(&path).unwrap();
    UnixDatagram::unbound().unwrap().send_to(b"x", &path).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap().to_string();
    let _stream = TcpStream::connect(&to).unwrap();
    run.event(|event| event["probe"] == "there" && event["to"] == to);
    let events = run.interrupt().code(0).events();
    drop(receiver);
    assert_eq!(seen(&events, &format!("unix:{path}")), ["nothing", "peer"]);
    let unix = events.iter().find(|event| event["probe"] == "nothing").unwrap();
    assert_eq!([&unix["ip"], &unix["port"], &unix["peer"], &unix["protocol"]], [&Value::Null; 4]);
    assert_eq!(unix["whole"]["protocol"], Value::Null);
    let inet = events.iter().find(|event| event["to"] == to).unwrap();
    assert_eq!([&inet["ip"], &inet["protocol"]], [&json!("127.0.0.1"), &json!("IPPROTO_TCP")]);
}

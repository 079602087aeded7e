// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ends of a connection: `10.0.0.1:443`, `[::1]:53`, `unix:/run/x`, `unix:@abstract`; both as
//! `10.0.0.1:40000 > 10.0.0.2:443`.

use core::net::{IpAddr, SocketAddr};
use std::io::Write as _;

use super::escape::{Style, escape, json_escape};
use super::human::decimal;
use super::value::in_table;
use crate::record::{Endpoint, EndpointAddress, PacketParts, SockEnds, TableNumber};
use crate::spec::NameTable;

/// What stands before the path of a socket of AF_UNIX.
const UNIX: &[u8] = b"unix:";

/// Appends an end as a JSON string, `null` where there is none; true where its path has bytes that had to be escaped.
pub(super) fn json_endpoint(end: Endpoint<'_>, out: &mut Vec<u8>) -> bool {
    match end.address() {
        EndpointAddress::None => out.extend_from_slice(b"null"),
        EndpointAddress::Ip(ip, port) => {
            out.push(b'"');
            address(ip, port, out);
            out.push(b'"');
        }
        EndpointAddress::Unix(path) => {
            out.push(b'"');
            out.extend_from_slice(UNIX);
            let (at, name) = unix(path);
            out.extend_from_slice(at);
            let is_escaped = json_escape(name, out);
            out.push(b'"');
            return is_escaped;
        }
    }
    false
}

/// Appends both ends as a JSON object; true where a path has bytes that had to be escaped.
pub(super) fn json_sock(sock: SockEnds<'_>, out: &mut Vec<u8>) -> bool {
    out.extend_from_slice(b"{\"family\":");
    json_name(NameTable::SocketFamily, sock.family(), out);
    out.extend_from_slice(b",\"protocol\":");
    match sock.protocol() {
        None => out.extend_from_slice(b"null"),
        Some(protocol) => json_name(NameTable::IpProtocol, protocol, out),
    }
    out.extend_from_slice(b",\"source\":");
    let source = json_endpoint(sock.source(), out);
    out.extend_from_slice(b",\"destination\":");
    let destination = json_endpoint(sock.destination(), out);
    out.push(b'}');
    source || destination
}

/// Appends a packet as a JSON object.
pub(super) fn json_packet(packet: PacketParts<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"length\":");
    decimal(packet.length(), out);
    out.extend_from_slice(b",\"protocol\":");
    match packet.protocol() {
        None => out.extend_from_slice(b"null"),
        Some(protocol) => json_name(NameTable::IpProtocol, protocol.into(), out),
    }
    out.extend_from_slice(b",\"source\":");
    json_endpoint(packet.source(), out);
    out.extend_from_slice(b",\"destination\":");
    json_endpoint(packet.destination(), out);
    out.push(b'}');
}

/// The name as a JSON string, or the number as one.
pub(super) fn json_name(table: NameTable, number: u16, out: &mut Vec<u8>) {
    out.push(b'"');
    name(table, number, out);
    out.push(b'"');
}

/// The name, or the number.
pub(super) fn name(table: NameTable, number: u16, out: &mut Vec<u8>) {
    in_table(TableNumber { number: number.into(), table }, out);
}

/// Appends an end as text, in quotes where it would be read as something else.
pub(super) fn text_endpoint(end: Endpoint<'_>, out: &mut Vec<u8>) {
    match end.address() {
        EndpointAddress::Unix(path) if path.iter().any(|byte| matches!(byte, b' ' | b'"' | b'=')) => {
            out.push(b'"');
            inside(end, Style::Quoted, out);
            out.push(b'"');
        }
        EndpointAddress::Unix(_) | EndpointAddress::None | EndpointAddress::Ip(..) => inside(end, Style::Plain, out),
    }
}

/// Appends both ends as text, in quotes; of a family without addresses its name.
pub(super) fn text_sock(sock: SockEnds<'_>, out: &mut Vec<u8>) {
    if [sock.source(), sock.destination()].iter().all(|end| end.address() == EndpointAddress::None) {
        return name(NameTable::SocketFamily, sock.family(), out);
    }
    out.push(b'"');
    inside(sock.source(), Style::Quoted, out);
    out.extend_from_slice(b" > ");
    inside(sock.destination(), Style::Quoted, out);
    out.push(b'"');
}

/// Appends a packet as text, in quotes: `10.0.0.1:40000 > 10.0.0.2:443 IPPROTO_TCP 60`, of another protocol than IP only its length.
pub(super) fn text_packet(packet: PacketParts<'_>, out: &mut Vec<u8>) {
    let Some(protocol) = packet.protocol() else { return decimal(packet.length(), out) };
    out.push(b'"');
    inside(packet.source(), Style::Quoted, out);
    out.extend_from_slice(b" > ");
    inside(packet.destination(), Style::Quoted, out);
    out.push(b' ');
    name(NameTable::IpProtocol, protocol.into(), out);
    out.push(b' ');
    decimal(packet.length(), out);
    out.push(b'"');
}

fn address(ip: IpAddr, port: Option<u16>, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    let _ = match port {
        Some(port) => write!(out, "{}", SocketAddr::new(ip, port)),
        None => write!(out, "{ip}"),
    };
}

fn inside(end: Endpoint<'_>, style: Style, out: &mut Vec<u8>) {
    match end.address() {
        EndpointAddress::None => out.push(b'-'),
        EndpointAddress::Ip(ip, port) => address(ip, port, out),
        EndpointAddress::Unix(path) => {
            out.extend_from_slice(UNIX);
            let (at, name) = unix(path);
            out.extend_from_slice(at);
            escape(name, style, out);
        }
    }
}

/// An abstract name is written with `@`, as ss(8) does; a path ends before its NUL.
fn unix(path: &[u8]) -> (&'static [u8], &[u8]) {
    match path.split_first() {
        Some((0, name)) => (b"@", name),
        Some(_) | None => (b"", path.split(|byte| *byte == 0).next().unwrap_or_default()),
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! What rtnetlink(7) has for filters: `struct tcmsg`, `include/uapi/linux/pkt_sched.h` and `pkt_cls.h`.
//!
//! ```text
//! struct nlmsghdr (16): length:4 type:2 flags:2 sequence:4 port:4
//! struct tcmsg (20): family:1 pad:3 ifindex:4 handle:4 parent:4 info:4
//! attribute: length:2 type:2 value, filled up to four bytes
//! ```

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::{RecvFlags, SendFlags, SocketFlags, recv, send};

use crate::kernel::site::interface::{attribute, attributes, open_netlink, text};
use crate::spec::Direction;

const HEADER_BYTES: usize = 16;
const BODY_BYTES: usize = 20;
/// A dump's parts are at most 32 KiB.
const MOST_ANSWER: usize = 64 << 10;

/// TC_H_CLSACT, TC_H_INGRESS
const TC_H_CLSACT: u32 = 0xffff_fff1;
/// The number of a clsact or ingress: TC_H_MAKE(TC_H_CLSACT, 0).
const HANDLE: u32 = 0xffff_0000;
const TC_H_MIN_INGRESS: u32 = 0xfff2;
const TC_H_MIN_EGRESS: u32 = 0xfff3;

const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
const TCA_BPF_FD: u16 = 6;
const TCA_BPF_NAME: u16 = 7;
const TCA_BPF_FLAGS: u16 = 8;
/// What the program returns says what becomes of the packet.
const TCA_BPF_FLAG_ACT_DIRECT: u32 = 1;

const ETH_P_ALL: u16 = 3;

/// What has the number of a clsact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Qdisc {
    Clsact,
    /// Its older form, for what comes in alone.
    Ingress,
}

/// A filter on an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attached {
    handle: u32,
    /// Priority and protocol.
    info: u32,
    kind: String,
    /// Of a program; empty for filters of other kinds.
    pub(super) name: String,
}

/// A netlink socket: requests are about the network namespace in which it was opened.
pub(super) struct Socket(OwnedFd);

impl Socket {
    pub(super) fn open() -> io::Result<Self> {
        open_netlink(SocketFlags::empty()).map(Self)
    }

    pub(super) fn make_clsact(&self, index: u32) -> io::Result<()> {
        let flags = libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_EXCL;
        let request = Request::new(libc::RTM_NEWQDISC, flags, index, HANDLE, TC_H_CLSACT, 0);
        self.ask(request.with(TCA_KIND, b"clsact\0")).map(drop)
    }

    pub(super) fn remove_clsact(&self, index: u32) -> io::Result<()> {
        self.ask(Request::new(libc::RTM_DELQDISC, libc::NLM_F_ACK, index, HANDLE, TC_H_CLSACT, 0)).map(drop)
    }

    pub(super) fn qdisc(&self, index: u32) -> io::Result<Option<Qdisc>> {
        let answers = self.ask(Request::new(libc::RTM_GETQDISC, libc::NLM_F_DUMP, index, 0, 0, 0))?;
        let here = |answer: &&Answer| answer.index == index && answer.handle == HANDLE;
        Ok(answers.iter().find(here).and_then(|answer| match answer.text(TCA_KIND).as_str() {
            "clsact" => Some(Qdisc::Clsact),
            "ingress" => Some(Qdisc::Ingress),
            _other => None,
        }))
    }

    /// The filters of one direction; none where there is no clsact.
    pub(super) fn filters(&self, index: u32, direction: Direction) -> io::Result<Vec<Attached>> {
        let request = Request::new(libc::RTM_GETTFILTER, libc::NLM_F_DUMP, index, 0, parent(direction), 0);
        let answers = match self.ask(request) {
            // No such qdisc: before Linux 5.11 or so some kernels say this.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOENT)) => return Ok(Vec::new()),
            answers => answers?,
        };
        // Each chain of filters has an entry of its own, without a number.
        let filters = answers.into_iter().filter(|answer| answer.handle != 0 && answer.parent == parent(direction));
        Ok(filters
            .map(|answer| {
                let options = answer.get(TCA_OPTIONS).unwrap_or_default();
                let name = attributes(options).find(|(kind, _)| *kind == TCA_BPF_NAME).map(|(_, value)| text(value));
                let kind = answer.text(TCA_KIND);
                Attached { handle: answer.handle, info: answer.info, kind, name: name.unwrap_or_default() }
            })
            .collect())
    }

    /// Attaches a program under this name, with a priority before all that are there.
    pub(super) fn add(&self, index: u32, direction: Direction, name: &str, program: i32) -> io::Result<()> {
        let flags = libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_EXCL;
        let mut options = Vec::new();
        attribute(&mut options, TCA_BPF_FD, &program.to_ne_bytes());
        attribute(&mut options, TCA_BPF_NAME, &[name.as_bytes(), b"\0"].concat());
        attribute(&mut options, TCA_BPF_FLAGS, &TCA_BPF_FLAG_ACT_DIRECT.to_ne_bytes());
        let info = u32::from(ETH_P_ALL.to_be());
        let request = Request::new(libc::RTM_NEWTFILTER, flags, index, 0, parent(direction), info);
        self.ask(request.with(TCA_KIND, b"bpf\0").with(TCA_OPTIONS, &options)).map(drop)
    }

    pub(super) fn remove(&self, index: u32, direction: Direction, filter: &Attached) -> io::Result<()> {
        let Attached { handle, info, kind, .. } = filter;
        let request = Request::new(libc::RTM_DELTFILTER, libc::NLM_F_ACK, index, *handle, parent(direction), *info);
        self.ask(request.with(TCA_KIND, &[kind.as_bytes(), b"\0"].concat())).map(drop)
    }

    fn ask(&self, mut request: Request) -> io::Result<Vec<Answer>> {
        let length = request.bytes.len() as u32;
        request.bytes[0..4].copy_from_slice(&length.to_ne_bytes());
        send(&self.0, &request.bytes, SendFlags::empty())?;
        let (mut answers, mut buffer) = (Vec::new(), vec![0u8; MOST_ANSWER]);
        loop {
            let (got, _) = recv(&self.0, &mut buffer[..], RecvFlags::empty())?;
            if read_datagram(&buffer[..got], &mut answers)? {
                return Ok(answers);
            }
        }
    }
}

fn parent(direction: Direction) -> u32 {
    HANDLE
        | match direction {
            Direction::Ingress => TC_H_MIN_INGRESS,
            Direction::Egress => TC_H_MIN_EGRESS,
        }
}

/// A message; all of them are acknowledged, or dumps, which have an end.
struct Request {
    bytes: Vec<u8>,
}

impl Request {
    fn new(kind: u16, flags: libc::c_int, index: u32, handle: u32, parent: u32, info: u32) -> Self {
        let mut bytes = vec![0u8; HEADER_BYTES + BODY_BYTES];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&((flags | libc::NLM_F_REQUEST) as u16).to_ne_bytes());
        for (at, number) in [(20, index), (24, handle), (28, parent), (32, info)] {
            bytes[at..at + 4].copy_from_slice(&number.to_ne_bytes());
        }
        Self { bytes }
    }

    fn with(mut self, kind: u16, value: &[u8]) -> Self {
        attribute(&mut self.bytes, kind, value);
        self
    }
}

/// One qdisc or filter.
#[derive(Debug, Default)]
struct Answer {
    index: u32,
    handle: u32,
    parent: u32,
    info: u32,
    attributes: Vec<u8>,
}

impl Answer {
    fn get(&self, kind: u16) -> Option<&[u8]> {
        attributes(&self.attributes).find(|(found, _)| *found == kind).map(|(_, value)| value)
    }

    fn text(&self, kind: u16) -> String {
        self.get(kind).map(text).unwrap_or_default()
    }
}

/// Takes the messages of a datagram; true after the last one. Fails with the error that the kernel answers.
fn read_datagram(mut bytes: &[u8], answers: &mut Vec<Answer>) -> io::Result<bool> {
    let number = |bytes: &[u8], at: usize| {
        bytes.get(at..at + 4).map_or(0, |four| u32::from_ne_bytes([four[0], four[1], four[2], four[3]]))
    };
    while let Some(header) = bytes.get(..HEADER_BYTES) {
        let length = number(header, 0) as usize;
        let body = bytes.get(HEADER_BYTES..length).unwrap_or_default();
        match i32::from(u16::from_ne_bytes([header[4], header[5]])) {
            // `struct nlmsgerr` and the end of a dump begin with a negative errno, or 0.
            libc::NLMSG_ERROR | libc::NLMSG_DONE => {
                let code = number(body, 0) as i32;
                return if code == 0 { Ok(true) } else { Err(io::Error::from_raw_os_error(-code)) };
            }
            _message => {
                if let Some((info, attributes)) = body.split_at_checked(BODY_BYTES) {
                    let (index, handle, parent) = (number(info, 4), number(info, 8), number(info, 12));
                    let attributes = attributes.to_vec();
                    answers.push(Answer { index, handle, parent, info: number(info, 16), attributes });
                }
            }
        }
        if length < HEADER_BYTES {
            break;
        }
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

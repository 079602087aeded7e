// SPDX-License-Identifier: MIT OR Apache-2.0
//! Requests of rtnetlink(7) and their answers: headers and attributes. What they mean is for others to say.
//!
//! ```text
//! struct nlmsghdr (16): length:4 type:2 flags:2 sequence:4 port:4
//! struct ifinfomsg (16): family:1 pad:1 type:2 index:4 flags:4 change:4
//! attribute: length:2 type:2 value, filled up to four bytes
//! ```

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

/// Bytes of `struct nlmsghdr`.
const HEADER_BYTES: usize = 16;
/// Bytes of `struct ifinfomsg`.
const BODY_BYTES: usize = 16;
/// An answer of the kernel fits into this: `NLMSG_GOODSIZE` is 8 KiB, a dump's parts are at most 32 KiB.
const MOST_ANSWER: usize = 64 << 10;
/// Flags of an attribute's type: nested, in network order.
const TYPE_MASK: u16 = 0x3fff;

/// A message about a link (RTM_GETLINK, RTM_NEWLINK).
pub(in crate::kernel) struct LinkRequest {
    bytes: Vec<u8>,
}

impl LinkRequest {
    /// `index` 0: the link is named by an attribute, or all are meant.
    pub(in crate::kernel) fn new(kind: u16, flags: libc::c_int, index: u32) -> Self {
        let mut bytes = vec![0u8; HEADER_BYTES + BODY_BYTES];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&((flags | libc::NLM_F_REQUEST) as u16).to_ne_bytes());
        bytes[20..24].copy_from_slice(&index.to_ne_bytes());
        Self { bytes }
    }

    /// The same with one attribute more.
    pub(in crate::kernel) fn with(mut self, kind: u16, value: &[u8]) -> Self {
        attribute(&mut self.bytes, kind, value);
        self
    }

    /// Sends it, and gives the answers: the attributes of each link, or nothing for an acknowledgement.
    pub(in crate::kernel) fn ask(mut self) -> io::Result<Vec<LinkAnswer>> {
        let length = self.bytes.len() as u32;
        self.bytes[0..4].copy_from_slice(&length.to_ne_bytes());
        let socket = open(SocketFlags::empty())?;
        send(&socket, &self.bytes, SendFlags::empty())?;
        let is_dump = u16::from_ne_bytes([self.bytes[6], self.bytes[7]]) & libc::NLM_F_DUMP as u16 != 0;
        let (mut answers, mut buffer) = (Vec::new(), vec![0u8; MOST_ANSWER]);
        loop {
            let (got, _) = recv(&socket, &mut buffer[..], RecvFlags::empty())?;
            if read_datagram(&buffer[..got], &mut answers)? || !is_dump {
                return Ok(answers);
            }
        }
    }

    #[cfg(test)]
    pub(in crate::kernel) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// What the kernel tells of one link.
#[derive(Debug, Clone, Default)]
pub(in crate::kernel) struct LinkAnswer {
    /// Its number.
    pub(in crate::kernel) index: u32,
    /// ARPHRD_…
    pub(in crate::kernel) hardware: u16,
    /// IFF_…
    pub(in crate::kernel) flags: u32,
    attributes: Vec<u8>,
}

impl LinkAnswer {
    /// The value of the first attribute of this type.
    pub(in crate::kernel) fn get(&self, kind: u16) -> Option<&[u8]> {
        attributes(&self.attributes).find(|(found, _)| *found == kind).map(|(_, value)| value)
    }

    /// The same as a number of four bytes.
    pub(in crate::kernel) fn number(&self, kind: u16) -> Option<u32> {
        Some(u32::from_ne_bytes(self.get(kind)?.try_into().ok()?))
    }

    /// The same as text up to its NUL.
    pub(in crate::kernel) fn text(&self, kind: u16) -> Option<String> {
        self.get(kind).map(text)
    }
}

/// Text of an attribute, without the NUL at its end.
pub(in crate::kernel) fn text(value: &[u8]) -> String {
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    String::from_utf8_lossy(&value[..end]).into_owned()
}

/// Type and value of each attribute; ends where one does not fit.
pub(in crate::kernel) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16::from_ne_bytes([*bytes.first()?, *bytes.get(1)?]));
        let kind = u16::from_ne_bytes([*bytes.get(2)?, *bytes.get(3)?]) & TYPE_MASK;
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// Appends length, type and value, filled up to a multiple of four bytes.
pub(in crate::kernel) fn attribute(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend((value.len() as u16 + 4).to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

/// A socket of this protocol, closed in programs that this process starts.
pub(in crate::kernel) fn open(flags: SocketFlags) -> io::Result<OwnedFd> {
    Ok(socket_with(AddressFamily::NETLINK, SocketType::RAW, flags | SocketFlags::CLOEXEC, None)?)
}

/// Takes the messages of a datagram; true after the last one of a dump. Fails with the error that the kernel answers.
pub(super) fn read_datagram(mut bytes: &[u8], answers: &mut Vec<LinkAnswer>) -> io::Result<bool> {
    while let Some(header) = bytes.get(..HEADER_BYTES) {
        let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let body = bytes.get(HEADER_BYTES..length).unwrap_or_default();
        match i32::from(u16::from_ne_bytes([header[4], header[5]])) {
            // `struct nlmsgerr` begins with a negative errno, or 0.
            libc::NLMSG_ERROR => {
                let code = body.get(..4).map_or(0, |code| i32::from_ne_bytes([code[0], code[1], code[2], code[3]]));
                return if code == 0 { Ok(true) } else { Err(io::Error::from_raw_os_error(-code)) };
            }
            libc::NLMSG_DONE => return Ok(true),
            _ => {
                if let Some((info, attributes)) = body.split_at_checked(BODY_BYTES) {
                    let number = |at: usize| u32::from_ne_bytes([info[at], info[at + 1], info[at + 2], info[at + 3]]);
                    let hardware = u16::from_ne_bytes([info[2], info[3]]);
                    let attributes = attributes.to_vec();
                    answers.push(LinkAnswer { index: number(4), hardware, flags: number(8), attributes });
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What is appended is read again; what does not fit ends the list.
    #[test]
    fn attributes_there_and_back() {
        let mut bytes = Vec::new();
        attribute(&mut bytes, 3, b"eth0\0");
        attribute(&mut bytes, 4, &1500u32.to_ne_bytes());
        assert_eq!(bytes.len(), 12 + 8);
        let answer = LinkAnswer { index: 1, attributes: bytes.clone(), ..LinkAnswer::default() };
        assert_eq!((answer.text(3).as_deref(), answer.number(4), answer.get(5)), (Some("eth0"), Some(1500), None));
        bytes.extend(200u16.to_ne_bytes());
        bytes.extend([9, 0, 1]);
        assert_eq!(attributes(&bytes).count(), 2);
    }

    /// An error is an error, and the end of a dump its end.
    #[test]
    fn answers() {
        let message = |kind: i32, body: &[u8]| {
            let length = (HEADER_BYTES + body.len()) as u32;
            let mut bytes = length.to_ne_bytes().to_vec();
            bytes.extend((kind as u16).to_ne_bytes());
            bytes.extend([0; 10]);
            bytes.extend(body);
            bytes
        };
        let mut answers = Vec::new();
        let refused = read_datagram(&message(libc::NLMSG_ERROR, &(-libc::ENODEV).to_ne_bytes()), &mut answers);
        assert_eq!(refused.unwrap_err().raw_os_error(), Some(libc::ENODEV));
        let mut link = vec![0u8; BODY_BYTES];
        link[4] = 7;
        let both = [message(16, &link), message(libc::NLMSG_DONE, &[0; 4])].concat();
        assert!(read_datagram(&both, &mut answers).unwrap());
        assert_eq!(answers[0].index, 7);
        assert!(!read_datagram(&[0; 17], &mut answers).unwrap());
    }
}

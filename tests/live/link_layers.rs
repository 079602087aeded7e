// SPDX-License-Identifier: MIT OR Apache-2.0
//! `packet_count` on devices whose packets have no Ethernet header, or one that nobody knows.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;

use crate::frames::{ethernet, ipv4, packets};
use crate::lab::{Lab, bpf, in_namespace, need, sh};
use crate::packets::{Sums, add, sums, yaml};
use crate::wire::Wire;

const IFF_TUN: i16 = 1;
const IFF_TAP: i16 = 2;
const IFF_NO_PI: i16 = 0x1000;

/// Makes a tun or tap device, which lives as long as the file.
fn device(name: &str, flags: i16) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).open("/dev/net/tun")?;
    // `struct ifreq`: the name, then the flags.
    let mut request = [0u8; 40];
    request[..name.len()].copy_from_slice(name.as_bytes());
    request[16..18].copy_from_slice(&(flags | IFF_NO_PI).to_ne_bytes());
    // SAFETY: the request lives across the call and has the size of a `struct ifreq`.
    let code = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF as libc::Ioctl, request.as_mut_ptr()) };
    if code < 0 {
        return Err(io::Error::last_os_error());
    }
    sh(&format!("ip link set dev {name} up"));
    Ok(file)
}

/// Ok where the kernel has tun devices.
fn tun() -> Result<(), String> {
    OpenOptions::new().read(true).write(true).open("/dev/net/tun").map(drop).map_err(|error| format!("no tun: {error}"))
}

/// On a tun device every packet begins with IP; on the tap and the cable of the same probe, with Ethernet.
#[test]
fn each_interface_has_a_link_layer_of_its_own() {
    need!(bpf(), tun());
    in_namespace(|| {
        let lab = Lab::new();
        let (mut tun, mut tap) = (device("wire-tun", IFF_TUN).unwrap(), device("wire-tap", IFF_TAP).unwrap());
        let (left, right) = (Wire::open("left"), Wire::open("right"));
        let run = lab.ready(&yaml("[right, 'wire-*']", "auto", "1h"), &[]);
        let mut expected = [Sums::new(), Sums::new(), Sums::new()];
        for (protocol, packet) in packets() {
            // The kernel takes no packet of another version, nor one that is shorter than its header.
            if tun.write(&packet).is_ok() {
                add(&mut expected[0], protocol, 1, packet.len() as u64);
            }
        }
        assert_eq!(expected[0].len(), 10, "{expected:?}");
        let frame = ethernet(&[0x0800], &ipv4(6, 40));
        tap.write_all(&frame).unwrap();
        add(&mut expected[1], "tcp", 1, frame.len() as u64);
        left.send(&frame);
        right.receive(1);
        add(&mut expected[2], "tcp", 1, frame.len() as u64);
        let ended = run.interrupt().code(0);
        for (interface, expected) in ["wire-tun", "wire-tap", "right"].into_iter().zip(expected) {
            let mut found = Sums::new();
            for sample in ended.events().iter().filter(|sample| sample["interface"] == interface) {
                let number = |key: &str| sample[key].as_u64().unwrap();
                add(&mut found, sample["protocol"].as_str().unwrap(), number("packets"), number("bytes"));
            }
            assert_eq!(found, expected, "{interface}");
        }
    });
}

/// A packet of IP that looks like an Ethernet frame of ARP is not one.
#[test]
fn ip_that_looks_like_ethernet() {
    need!(bpf(), tun());
    in_namespace(|| {
        let lab = Lab::new();
        let mut tun = device("tun0", IFF_TUN).unwrap();
        let run = lab.ready(&yaml("tun0", "generic", "1h"), &[]);
        let mut packet = ipv4(6, 40);
        // Source 8.6.9.8: what an Ethernet header would have as its type.
        packet[12..16].copy_from_slice(&[8, 6, 9, 8]);
        tun.write_all(&packet).unwrap();
        assert_eq!(sums(&run.interrupt().code(0)), Sums::from([("tcp".to_owned(), (1, 60))]));
    });
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names that the kernel keeps to itself, which is why its user-space headers lack them. Numbers as of Linux 6.17; none of them
//! has changed since 5.10.

/// Errors that no call should give to a program, yet functions of the kernel return: `include/linux/errno.h`.
pub(super) const ERRNO: &[(i64, &str)] = &[
    (512, "ERESTARTSYS"),
    (513, "ERESTARTNOINTR"),
    (514, "ERESTARTNOHAND"),
    (515, "ENOIOCTLCMD"),
    (516, "ERESTART_RESTARTBLOCK"),
    (517, "EPROBE_DEFER"),
    (518, "EOPENSTALE"),
    (519, "ENOPARAM"),
    (521, "EBADHANDLE"),
    (522, "ENOTSYNC"),
    (523, "EBADCOOKIE"),
    (524, "ENOTSUPP"),
    (525, "ETOOSMALL"),
    (526, "ESERVERFAULT"),
    (527, "EBADTYPE"),
    (528, "EJUKEBOX"),
    (529, "EIOCBQUEUED"),
    (530, "ERECALLCONFLICT"),
    (531, "ENOGRACE"),
];

/// What an access is for: `include/linux/fs.h`.
pub(super) const ACCESS: &[(i64, &str)] = &[
    (1, "MAY_EXEC"),
    (2, "MAY_WRITE"),
    (4, "MAY_READ"),
    (8, "MAY_APPEND"),
    (16, "MAY_ACCESS"),
    (32, "MAY_OPEN"),
    (64, "MAY_CHDIR"),
    (128, "MAY_NOT_BLOCK"),
];

/// Types of sockets: `include/linux/net.h`.
pub(super) const SOCKET_TYPES: &[(i64, &str)] = &[
    (1, "SOCK_STREAM"),
    (2, "SOCK_DGRAM"),
    (3, "SOCK_RAW"),
    (4, "SOCK_RDM"),
    (5, "SOCK_SEQPACKET"),
    (6, "SOCK_DCCP"),
    (10, "SOCK_PACKET"),
];

/// What socket(2) takes with a type; the bits are those of the flags of open, which are the same on x86 and arm.
pub(super) const SOCKET_FLAGS: &[(i64, &str)] = &[(0x800, "SOCK_NONBLOCK"), (0x8_0000, "SOCK_CLOEXEC")];

/// States of a TCP connection: `include/net/tcp_states.h`.
pub(super) const TCP_STATE: &[(i64, &str)] = &[
    (1, "TCP_ESTABLISHED"),
    (2, "TCP_SYN_SENT"),
    (3, "TCP_SYN_RECV"),
    (4, "TCP_FIN_WAIT1"),
    (5, "TCP_FIN_WAIT2"),
    (6, "TCP_TIME_WAIT"),
    (7, "TCP_CLOSE"),
    (8, "TCP_CLOSE_WAIT"),
    (9, "TCP_LAST_ACK"),
    (10, "TCP_LISTEN"),
    (11, "TCP_CLOSING"),
    (12, "TCP_NEW_SYN_RECV"),
    (13, "TCP_BOUND_INACTIVE"),
];

/// Softirqs, as `/proc/softirqs` calls them: `include/linux/interrupt.h`.
pub(super) const SOFTIRQ: &[(i64, &str)] = &[
    (0, "HI"),
    (1, "TIMER"),
    (2, "NET_TX"),
    (3, "NET_RX"),
    (4, "BLOCK"),
    (5, "IRQ_POLL"),
    (6, "TASKLET"),
    (7, "SCHED"),
    (8, "HRTIMER"),
    (9, "RCU"),
];

/// The bits of a TCP header: RFC 9293, 3.1, and RFC 8311, 4.3.
pub(super) const TCP_FLAGS: &[(i64, &str)] = &[
    (1 << 0, "FIN"),
    (1 << 1, "SYN"),
    (1 << 2, "RST"),
    (1 << 3, "PSH"),
    (1 << 4, "ACK"),
    (1 << 5, "URG"),
    (1 << 6, "ECE"),
    (1 << 7, "CWR"),
    (1 << 8, "NS"),
];

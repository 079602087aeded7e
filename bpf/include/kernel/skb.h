/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * What programs of the network are called with, and the headers of packets that kernel.h does not have: include/uapi/linux/bpf.h,
 * tcp.h, udp.h, icmp.h. Fixed layouts.
 */
#ifndef EBPF_RUN_KERNEL_SKB_H
#define EBPF_RUN_KERNEL_SKB_H

#include "../kernel.h"

/* At tc and at the packets of a cgroup. */
struct __sk_buff {
	__u32 len;
	__u32 pkt_type;
	__u32 mark;
	__u32 queue_mapping;
	__u32 protocol;
	__u32 vlan_present;
	__u32 vlan_tci;
	__u32 vlan_proto;
	__u32 priority;
	__u32 ingress_ifindex;
	__u32 ifindex;
	__u32 tc_index;
	__u32 cb[5];
	__u32 hash;
	__u32 tc_classid;
	__u32 data;
	__u32 data_end;
};

/* At the calls of a cgroup that name an address. Numbers of the network are in its order. */
struct bpf_sock_addr {
	__u32 user_family;
	__u32 user_ip4;
	__u32 user_ip6[4];
	__u32 user_port;
	__u32 family;
	__u32 type;
	__u32 protocol;
};

/* At the sockets that a cgroup makes. */
struct bpf_sock {
	__u32 bound_dev_if;
	__u32 family;
	__u32 type;
	__u32 protocol;
};

/* What a program at tc says of a packet: the next one decides (TCX_NEXT as well). */
#define TC_ACT_UNSPEC (-1)

struct tcp_header {
	__be16 source;
	__be16 dest;
	__be32 seq;
	__be32 ack_seq;
	__be16 doff_flags; /* four bits of length in words, three unused, nine flags */
	__be16 window;
	__u16 check;
	__be16 urg_ptr;
};

/* The ports and what UDP has behind them. */
struct udp_header {
	__be16 source;
	__be16 dest;
	__be16 len;
	__u16 check;
};

struct icmp_header {
	__u8 type;
	__u8 code;
	__u16 checksum;
	__be16 id;
	__be16 sequence;
};

enum {
	IPPROTO_DCCP = 33,
	IPPROTO_UDPLITE = 136,
};

#endif

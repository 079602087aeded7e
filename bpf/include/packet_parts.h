/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What is told of a packet, or of the call that a cgroup hook is at. */
#ifndef EBPF_RUN_PACKET_PARTS_H
#define EBPF_RUN_PACKET_PARTS_H

#include "endpoint.h"
#include "program.h"

/* Bits of `layers`. */
enum packet_layer {
	PACKET_ETHERNET = 1 << 0,
	PACKET_VLAN = 1 << 1,
	PACKET_INNER_VLAN = 1 << 2,
	PACKET_IP = 1 << 3,
	PACKET_PORTS = 1 << 4,
	PACKET_TCP = 1 << 5,
	PACKET_UDP = 1 << 6,
	PACKET_ICMP = 1 << 7,
};

/* PacketSlot of src/spec/slots.rs. In the machine's order but for the ports of the ends. */
struct packet_parts {
	__u32 length; /* with the link-layer header, if that is there, and with a VLAN tag that was taken out of it */
	__u8 layers;
	__u8 protocol; /* above IP, behind extension headers */
	__u16 unused1;
	struct endpoint source;
	struct endpoint destination;
	__u8 eth_source[6];
	__u16 eth_type; /* behind VLAN tags */
	__u8 eth_destination[6];
	__u8 vlan_priority;
	__u8 vlan_inner_priority;
	__u16 vlan_id;
	__u16 vlan_inner_id;
	__u8 ip_version;
	__u8 ip_tos;
	__u16 ip_header_length;
	__u32 ip_length; /* with its header */
	__u32 ip_id;
	__u16 ip_fragment_offset; /* in bytes */
	bool ip_dont_fragment;
	bool ip_more_fragments;
	__u8 ip_ttl;
	__u8 ip_protocol; /* as the header of IP has it */
	__u16 unused2;
	__u32 tcp_seq;
	__u32 tcp_ack;
	__u16 tcp_flags;
	__u16 tcp_window;
	__u16 tcp_header_length;
	__u16 unused3;
	__u32 tcp_length; /* of the data */
	__u16 udp_length;
	__u16 unused4;
	__u8 icmp_type;
	__u8 icmp_code;
	__u16 icmp_id;
	__u16 icmp_seq;
	__u16 unused5;
};

_Static_assert(sizeof(struct packet_parts) == 128, "PacketSlot of src/spec/slots.rs");

/* A packet of a cgroup has more: the cgroup of its socket, and itself, to ask for the cgroups above that. */
struct packet_at_hand {
	struct packet_parts parts;
	__u64 cgroup_id;
	struct __sk_buff *skb;
};

/* SocketCallSlot of src/spec/slots.rs. */
struct socket_parts {
	struct endpoint destination;
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 unused;
};

_Static_assert(sizeof(struct socket_parts) == 40, "SocketCallSlot of src/spec/slots.rs");

/* A capture or test reads the packet or the call at hand. */
const volatile bool packet_is_read INTERNAL = false;
/* Packets begin with their IP header: the device has no Ethernet. The runner asks the device before it loads the program. */
const volatile bool no_link_header INTERNAL = false;

#endif

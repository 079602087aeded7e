// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* packet_count: how many packets and bytes of which protocol an interface receives. Every packet passes. */
#include "program.h"

enum packet_protocol {
	PROTOCOL_TCP,
	PROTOCOL_UDP,
	PROTOCOL_ICMP,
	PROTOCOL_ICMPV6,
	PROTOCOL_IGMP,
	PROTOCOL_SCTP,
	PROTOCOL_GRE,
	PROTOCOL_ESP,
	PROTOCOL_ARP,
	PROTOCOL_OTHER_IPV4,
	PROTOCOL_OTHER_IPV6,
	PROTOCOL_OTHER,
};

#define PROTOCOLS (PROTOCOL_OTHER + 1)

struct packet_totals {
	__u64 packets DOC("packets received");
	__u64 bytes DOC("bytes received, link-layer headers included") UNIT("bytes");
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROTOCOLS);
	__type(key, enum packet_protocol);
	__type(value, struct packet_totals);
} packets SEC(".maps") COUNTERS("protocol");

/* A position in a packet. Each step checks that what it reads lies before the end. */
struct cursor {
	void *next;
	void *end;
};

/* VLAN tags (802.1Q, 802.1ad) that are looked through. */
#define MAX_VLAN_TAGS 2
/* IPv6 extension headers that are looked through. */
#define MAX_EXTENSIONS 4

/* The EtherType, in host order, after any VLAN tags; 0 if the packet is too short to have one. */
static __always_inline __u16 parse_ethernet(struct cursor *cursor)
{
	struct ethhdr *ethernet = cursor->next;
	__u16 type;
	int i;

	if ((void *)(ethernet + 1) > cursor->end)
		return 0;
	cursor->next = ethernet + 1;
	type = bpf_ntohs(ethernet->h_proto);
#pragma unroll
	for (i = 0; i < MAX_VLAN_TAGS; i++) {
		struct vlan_hdr *tag = cursor->next;

		if (type != ETH_P_8021Q && type != ETH_P_8021AD)
			break;
		if ((void *)(tag + 1) > cursor->end)
			return 0;
		cursor->next = tag + 1;
		type = bpf_ntohs(tag->h_vlan_encapsulated_proto);
	}
	return type;
}

static __always_inline enum packet_protocol ip_protocol(__u8 number, enum packet_protocol other)
{
	switch (number) {
	case IPPROTO_TCP:
		return PROTOCOL_TCP;
	case IPPROTO_UDP:
		return PROTOCOL_UDP;
	case IPPROTO_ICMP:
		return PROTOCOL_ICMP;
	case IPPROTO_ICMPV6:
		return PROTOCOL_ICMPV6;
	case IPPROTO_IGMP:
		return PROTOCOL_IGMP;
	case IPPROTO_SCTP:
		return PROTOCOL_SCTP;
	case IPPROTO_GRE:
		return PROTOCOL_GRE;
	case IPPROTO_ESP:
		return PROTOCOL_ESP;
	default:
		return other;
	}
}

static __always_inline enum packet_protocol parse_ipv4(struct cursor *cursor)
{
	struct ipv4_header *ip = cursor->next;

	if ((void *)(ip + 1) > cursor->end)
		return PROTOCOL_OTHER_IPV4;
	return ip_protocol(ip->protocol, PROTOCOL_OTHER_IPV4);
}

static __always_inline enum packet_protocol parse_ipv6(struct cursor *cursor)
{
	struct ipv6_header *ip = cursor->next;
	__u8 number;
	int i;

	if ((void *)(ip + 1) > cursor->end)
		return PROTOCOL_OTHER_IPV6;
	cursor->next = ip + 1;
	number = ip->nexthdr;
#pragma unroll
	for (i = 0; i < MAX_EXTENSIONS; i++) {
		struct ipv6_extension *extension = cursor->next;

		if (number != IPPROTO_HOPOPTS && number != IPPROTO_ROUTING && number != IPPROTO_FRAGMENT &&
		    number != IPPROTO_DSTOPTS)
			break;
		if ((void *)(extension + 1) > cursor->end)
			return PROTOCOL_OTHER_IPV6;
		/* A fragment header has a fixed size; its second byte is reserved (RFC 8200, 4.5). */
		cursor->next += number == IPPROTO_FRAGMENT ? 8 : (extension->hdrlen + 1) * 8;
		number = extension->nexthdr;
	}
	return ip_protocol(number, PROTOCOL_OTHER_IPV6);
}

static __always_inline enum packet_protocol parse(struct cursor *cursor)
{
	switch (parse_ethernet(cursor)) {
	case ETH_P_IP:
		return parse_ipv4(cursor);
	case ETH_P_IPV6:
		return parse_ipv6(cursor);
	case ETH_P_ARP:
		return PROTOCOL_ARP;
	default:
		return PROTOCOL_OTHER;
	}
}

SEC("?xdp")
DOC("Counts the packets and bytes that an interface receives, by protocol. Every packet passes.")
int packet_count(struct xdp_md *ctx)
{
	struct cursor cursor = { .next = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end };
	__u64 bytes = cursor.end - cursor.next;
	__u32 protocol = parse(&cursor);
	struct packet_totals *totals = bpf_map_lookup_elem(&packets, &protocol);

	if (totals) {
		totals->packets++;
		totals->bytes += bytes;
	}
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";

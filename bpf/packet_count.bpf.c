// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* packet_count: how many packets and bytes of which protocol an interface receives or sends. Every packet passes. */
#include "program.h"
#include "ipv6.h"
#include "kernel/skb.h"

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
	__u64 packets
		DOC("packets; the protocol is found after up to 4 VLAN tags and 8 IPv6 extension headers, and all fragments "
		    "of a packet count for it; it is not searched for in tunnels, PPPoE and MPLS");
	__u64 bytes DOC("bytes, link-layer headers included") UNIT("bytes");
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROTOCOLS);
	__type(key, enum packet_protocol);
	__type(value, struct packet_totals);
} packets SEC(".maps") COUNTERS("protocol");

/* Packets begin with their IP header: the device has no Ethernet. The runner asks the device before it loads the program. */
const volatile bool no_link_header INTERNAL = false;

/* A position in a packet. Each step checks that what it reads lies before the end. */
struct cursor {
	void *next;
	void *end;
};

/* VLAN tags (802.1Q, 802.1ad) that are looked through. */
#define MAX_VLAN_TAGS 4
/* IPv6 extension headers that are looked through; each one of RFC 8200, 4.1, once, is six. */
#define MAX_EXTENSIONS 8

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

/* The EtherType of a packet that begins with its IP header. */
static __always_inline __u16 ip_version(struct cursor *cursor)
{
	__u8 *first = cursor->next;

	if ((void *)(first + 1) > cursor->end)
		return 0;
	switch (*first >> 4) {
	case 4:
		return ETH_P_IP;
	case 6:
		return ETH_P_IPV6;
	default:
		return 0;
	}
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

/* What an authentication header protects is readable (RFC 4302): one of IPv4, behind its options. */
static __always_inline __u8 after_authentication(struct cursor *cursor, struct ipv4_header *ip)
{
	struct ip_extension *header = cursor->next + (ip->version_ihl & 0xf) * 4;

	/* A later fragment has no header, only more of what the first one began. */
	if (ip->frag_off & bpf_htons(IP_OFFSET) || (void *)(header + 1) > cursor->end)
		return IPPROTO_AH;
	return header->nexthdr;
}

static __always_inline enum packet_protocol parse_ipv4(struct cursor *cursor)
{
	struct ipv4_header *ip = cursor->next;
	__u8 number;

	if ((void *)(ip + 1) > cursor->end)
		return PROTOCOL_OTHER_IPV4;
	number = ip->protocol;
	if (number == IPPROTO_AH)
		number = after_authentication(cursor, ip);
	return ip_protocol(number, PROTOCOL_OTHER_IPV4);
}

static __always_inline __u32 extension_bytes(__u8 number, __u8 hdrlen)
{
	switch (number) {
	case IPPROTO_FRAGMENT:
		/* A fixed size; its second byte is reserved (RFC 8200, 4.5). */
		return sizeof(struct ipv6_fragment);
	case IPPROTO_AH:
		/* In units of 4 bytes, minus 2 (RFC 4302, 2.2). */
		return (hdrlen + 2) * 4;
	default:
		return (hdrlen + 1) * 8;
	}
}

/*
 * Only the first fragment has the headers above; in the others data follows. Each names what the fragmented part
 * begins with, as IPv4 does: the protocol, or one more extension header, behind which it stays unknown.
 */
static __always_inline bool is_later_fragment(struct cursor *cursor)
{
	struct ipv6_fragment *fragment = cursor->next;

	return (void *)(fragment + 1) <= cursor->end && fragment->frag_off & bpf_htons(IP6_OFFSET);
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
		struct ip_extension *extension = cursor->next;
		bool last;

		if (!ipv6_is_extension(number))
			break;
		if ((void *)(extension + 1) > cursor->end)
			return PROTOCOL_OTHER_IPV6;
		last = number == IPPROTO_FRAGMENT && is_later_fragment(cursor);
		cursor->next += extension_bytes(number, extension->hdrlen);
		number = extension->nexthdr;
		if (last)
			break;
	}
	return ip_protocol(number, PROTOCOL_OTHER_IPV6);
}

static __always_inline enum packet_protocol parse(struct cursor *cursor)
{
	switch (no_link_header ? ip_version(cursor) : parse_ethernet(cursor)) {
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

static __always_inline void count(struct cursor *cursor, __u64 bytes)
{
	__u32 protocol = parse(cursor);
	struct packet_totals *totals = bpf_map_lookup_elem(&packets, &protocol);

	if (totals) {
		totals->packets++;
		totals->bytes += bytes;
	}
}

SEC("?xdp")
DOC("Packets and bytes that an interface receives (`xdp`, `tc` ingress) or sends (`tc` egress), by protocol. Every packet passes. On devices "
    "without an Ethernet header (tun, WireGuard, PPP, ipip, sit, gre) packets begin with IP. At `tc`, what the kernel handles as one packet "
    "(GRO, GSO) is one.")
int packet_count(struct xdp_md *ctx)
{
	struct cursor cursor = { .next = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end };

	count(&cursor, cursor.end - cursor.next);
	return XDP_PASS;
}

/* The headers of a packet are in its first part but where a driver puts all of it elsewhere. */
#define LINEAR_BYTES 128

SEC("?tc")
int packet_count_tc(struct __sk_buff *ctx)
{
	struct cursor cursor;
	__u32 wanted = ctx->len < LINEAR_BYTES ? ctx->len : LINEAR_BYTES;

	if (ctx->data_end - ctx->data < wanted)
		bpf_skb_pull_data(ctx, wanted);
	cursor.next = (void *)(long)ctx->data;
	cursor.end = (void *)(long)ctx->data_end;
	/* The card, or the kernel, has taken the outermost tag out of the packet. */
	count(&cursor, ctx->len + (ctx->vlan_present ? sizeof(struct vlan_hdr) : 0));
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";

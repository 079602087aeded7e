/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * What the headers of a packet say: Ethernet, VLAN tags, IPv4 with options, IPv6 with extension headers, TCP, UDP, ICMP. Each header is
 * read only where the packet has all of it; what comes after the first one that is cut or broken is not there.
 */
#ifndef EBPF_RUN_PACKET_H
#define EBPF_RUN_PACKET_H

#include "endpoint.h"
#include "program.h"
#include "kernel/offsets.h"
#include "kernel/skb.h"

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
	__u32 length; /* with the link-layer header, if that is there */
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

/* A packet of a cgroup has one more part: the cgroup of its socket. */
struct packet_at_hand {
	struct packet_parts parts;
	__u64 cgroup_id;
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

KERNEL_OFFSET(skb_head_at, "sk_buff.head");
KERNEL_OFFSET(skb_data_at, "sk_buff.data");
KERNEL_OFFSET(skb_len_at, "sk_buff.len");
KERNEL_OFFSET(skb_data_len_at, "sk_buff.data_len");
KERNEL_OFFSET(skb_mac_header_at, "sk_buff.mac_header");
KERNEL_OFFSET(skb_network_header_at, "sk_buff.network_header");
KERNEL_OFFSET(skb_protocol_at, "sk_buff.protocol");
/* Linux 6.2: not zero where the card took a tag out of the packet. */
KERNEL_OFFSET(skb_vlan_all_at, "sk_buff.vlan_all");
KERNEL_OFFSET(skb_vlan_tci_at, "sk_buff.vlan_tci");

/* Where a packet is read from. */
enum packet_origin {
	PACKET_XDP,    /* struct xdp_md */
	PACKET_SKB,    /* struct __sk_buff */
	PACKET_KERNEL, /* a struct sk_buff of the kernel */
};

struct packet_source {
	void *context;
	__u64 start;  /* of the kernel's: the address of its first byte */
	__u32 linear; /* how many bytes are there */
};

/* VLAN tags that are looked through; two of them are told. */
#define PACKET_VLAN_TAGS 4
/* IPv6 extension headers that are looked through; each one of RFC 8200, 4.1, once, is six. */
#define PACKET_EXTENSIONS 8
/* Headers beyond this are not read: more than all extension headers that are looked through can have. */
#define PACKET_MOST 0x7fff

/* Four bytes at a time: the headers begin at even places, and both architectures read from any. */
static __always_inline long packet_copy_direct(struct xdp_md *ctx, __u32 at, void *to, const __u32 size)
{
	__u64 offset = at;
	void *start, *end;
	__u32 i;

	/* Each time anew: where the compiler keeps them, the verifier follows what is known of each. */
	asm volatile("%0 = *(u32 *)(%2 + 0)\n%1 = *(u32 *)(%2 + 4)" : "=&r"(start), "=&r"(end) : "r"(ctx));
	asm volatile("" : "+r"(offset));
	if (offset > PACKET_MOST)
		return -1;
	start += offset;
	/* One register for the check and for the reads. */
	asm volatile("" : "+r"(start));
	if (start + size > end)
		return -1;
#pragma unroll
	for (i = 0; i < size / 4; i++)
		((__u32 *)to)[i] = ((__u32 *)start)[i];
	if (size % 4)
		((__u16 *)to)[size / 2 - 1] = ((__u16 *)start)[size / 2 - 1];
	asm volatile("" : : "r"(to) : "memory");
	return 0;
}

/* `size` is even; nonzero where the packet ends before. */
static __always_inline long packet_load(const struct packet_source *source, const enum packet_origin origin, __u32 at, void *to,
					const __u32 size)
{
	if (origin == PACKET_XDP)
		return packet_copy_direct(source->context, at, to, size);
	if (origin == PACKET_SKB)
		return bpf_skb_load_bytes(source->context, at, to, size);
	if (at > PACKET_MOST || at + size > source->linear)
		return -1;
	return bpf_probe_read_kernel(to, size, (void *)(source->start + at));
}

/*
 * The same position, of which the verifier knows nothing any more: it need not follow each way through the headers to its end then,
 * of which there are thousands.
 */
static __always_inline __u32 packet_anywhere(__u32 at, const struct packet_parts *parts)
{
	__u64 position = at, unknown = parts->length;

	asm volatile("%0 += %1\n%0 -= %1\n%0 <<= 32\n%0 >>= 32" : "+r"(position) : "r"(unknown));
	return position;
}

static __always_inline void packet_tag(struct packet_parts *parts, __u16 tci)
{
	if (!(parts->layers & PACKET_VLAN)) {
		parts->layers |= PACKET_VLAN;
		parts->vlan_id = tci & 0xfff;
		parts->vlan_priority = tci >> 13;
	} else if (!(parts->layers & PACKET_INNER_VLAN)) {
		parts->layers |= PACKET_INNER_VLAN;
		parts->vlan_inner_id = tci & 0xfff;
		parts->vlan_inner_priority = tci >> 13;
	}
}

static __always_inline bool is_tag(__u16 type)
{
	return type == ETH_P_8021Q || type == ETH_P_8021AD;
}

/* The EtherType behind the tags, 0 where the packet ends; `at` is moved on to what it is the type of. */
static __always_inline __u16 packet_ethernet(const struct packet_source *source, const enum packet_origin origin, __u32 *at,
					     struct packet_parts *parts)
{
	struct ethhdr ethernet;
	__u16 type;
	int i;

	if (packet_load(source, origin, *at, &ethernet, sizeof(ethernet)))
		return 0;
	__builtin_memcpy(parts->eth_source, ethernet.h_source, sizeof(parts->eth_source));
	__builtin_memcpy(parts->eth_destination, ethernet.h_dest, sizeof(parts->eth_destination));
	parts->layers |= PACKET_ETHERNET;
	type = bpf_ntohs(ethernet.h_proto);
	*at += sizeof(ethernet);
#pragma clang loop unroll(disable)
	for (i = 0; i < PACKET_VLAN_TAGS; i++) {
		struct vlan_hdr tag;

		if (!is_tag(type))
			break;
		if (packet_load(source, origin, *at, &tag, sizeof(tag)))
			break;
		packet_tag(parts, bpf_ntohs(tag.h_vlan_TCI));
		type = bpf_ntohs(tag.h_vlan_encapsulated_proto);
		*at += sizeof(tag);
	}
	*at = packet_anywhere(*at, parts);
	parts->eth_type = type;
	return type;
}

static __always_inline bool packet_has_ports(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return true;
	default:
		return false;
	}
}

/* What is above IP; `end` is where the data of IP end. */
static __always_inline void packet_transport(const struct packet_source *source, const enum packet_origin origin, __u32 at,
					     __u32 end, struct packet_parts *parts)
{
	union {
		struct tcp_header tcp;
		struct udp_header udp;
		struct icmp_header icmp;
	} header;
	__u8 protocol = parts->protocol;
	__u16 word;

	/* Until ports are found. */
	parts->source.path_length = parts->destination.path_length = 1;
	if (parts->ip_fragment_offset)
		return;
	if (protocol == IPPROTO_TCP) {
		if (at + sizeof(header.tcp) > end || packet_load(source, origin, at, &header.tcp, sizeof(header.tcp)))
			return;
		word = bpf_ntohs(header.tcp.doff_flags);
		parts->tcp_header_length = word >> 12 << 2;
		if (parts->tcp_header_length < sizeof(header.tcp)) {
			parts->tcp_header_length = 0;
			return;
		}
		parts->layers |= PACKET_TCP | PACKET_PORTS;
		parts->tcp_seq = bpf_ntohl(header.tcp.seq);
		parts->tcp_ack = bpf_ntohl(header.tcp.ack_seq);
		parts->tcp_flags = word & 0x1ff;
		parts->tcp_window = bpf_ntohs(header.tcp.window);
		at += parts->tcp_header_length;
		parts->tcp_length = at < end ? end - at : 0;
	} else if (packet_has_ports(protocol) || protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {
		if (at + sizeof(header.udp) > end || packet_load(source, origin, at, &header.udp, sizeof(header.udp)))
			return;
		if (!packet_has_ports(protocol)) {
			parts->layers |= PACKET_ICMP;
			parts->icmp_type = header.icmp.type;
			parts->icmp_code = header.icmp.code;
			parts->icmp_id = bpf_ntohs(header.icmp.id);
			parts->icmp_seq = bpf_ntohs(header.icmp.sequence);
			return;
		}
		parts->layers |= PACKET_PORTS;
		if (protocol == IPPROTO_UDP) {
			parts->layers |= PACKET_UDP;
			parts->udp_length = bpf_ntohs(header.udp.len);
		}
	} else {
		return;
	}
	parts->source.path_length = parts->destination.path_length = 0;
	parts->source.port = header.udp.source;
	parts->destination.port = header.udp.dest;
}

/* Where the header above begins; 0 where there is none. */
static __always_inline __u32 packet_ipv4(const struct packet_source *source, const enum packet_origin origin, __u32 at,
					 struct packet_parts *parts)
{
	struct ipv4_header ip;
	__u32 header;
	__u16 fragment;

	if (packet_load(source, origin, at, &ip, sizeof(ip)))
		return 0;
	header = (ip.version_ihl & 0xf) * 4;
	if (ip.version_ihl >> 4 != 4 || header < sizeof(ip))
		return 0;
	parts->layers |= PACKET_IP;
	parts->ip_version = 4;
	parts->ip_header_length = header;
	parts->ip_tos = ip.tos;
	/* 0: longer than the header can say (GSO, GRO). */
	parts->ip_length = ip.tot_len ? bpf_ntohs(ip.tot_len) : parts->length - at;
	parts->ip_id = bpf_ntohs(ip.id);
	fragment = bpf_ntohs(ip.frag_off);
	parts->ip_dont_fragment = fragment >> 14 & 1;
	parts->ip_more_fragments = fragment >> 13 & 1;
	parts->ip_fragment_offset = (fragment & IP_OFFSET) << 3;
	parts->ip_ttl = ip.ttl;
	parts->ip_protocol = parts->protocol = ip.protocol;
	endpoint_ipv4(&parts->source, ip.saddr, 0);
	endpoint_ipv4(&parts->destination, ip.daddr, 0);
	at = packet_anywhere(at + header, parts);
	if (ip.protocol == IPPROTO_AH && !parts->ip_fragment_offset) {
		struct ipv6_fragment extension; /* eight bytes, of which the first two are the same */

		if (packet_load(source, origin, at, &extension, sizeof(extension)))
			return 0;
		parts->protocol = extension.nexthdr;
		at += (extension.reserved + 2) * 4;
	}
	return at;
}

/* What stands between an IPv6 header and the protocol above it (the registry of RFC 7045). ESP hides what follows. */
static __always_inline bool packet_is_extension(__u8 number)
{
	switch (number) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
	case IPPROTO_HIP:
	case IPPROTO_SHIM6:
		return true;
	default:
		return false;
	}
}

/* Where the header above begins; 0 where there is none. */
static __always_inline __u32 packet_ipv6(const struct packet_source *source, const enum packet_origin origin, __u32 at,
					 struct packet_parts *parts)
{
	struct ipv6_header ip;
	__u32 first;
	__u64 number;
	__u64 i;

	if (packet_load(source, origin, at, &ip, sizeof(ip)))
		return 0;
	first = bpf_ntohl(ip.version_class_flow);
	if (first >> 28 != 6)
		return 0;
	parts->layers |= PACKET_IP;
	parts->ip_version = 6;
	parts->ip_header_length = sizeof(ip);
	parts->ip_tos = first >> 20;
	/* 0: as above, or a jumbogram. */
	parts->ip_length = ip.payload_len ? bpf_ntohs(ip.payload_len) + sizeof(ip) : parts->length - at;
	parts->ip_ttl = ip.hop_limit;
	parts->ip_protocol = parts->protocol = ip.nexthdr;
	__builtin_memcpy(parts->source.ip, ip.saddr, sizeof(ip.saddr));
	__builtin_memcpy(parts->destination.ip, ip.daddr, sizeof(ip.daddr));
	endpoint_ipv6(&parts->source, 0);
	endpoint_ipv6(&parts->destination, 0);
	at += sizeof(ip);
	number = parts->protocol;
#pragma clang loop unroll(disable)
	for (i = 0; i < PACKET_EXTENSIONS;) {
		struct ipv6_fragment extension;

		if (!packet_is_extension(number))
			break;
		/* The shortest one has eight bytes. */
		if (packet_load(source, origin, at, &extension, sizeof(extension)))
			return 0;
		parts->protocol = extension.nexthdr;
		if (number == IPPROTO_FRAGMENT) {
			__u16 fragment = bpf_ntohs(extension.frag_off);

			parts->ip_id = bpf_ntohl(extension.identification);
			parts->ip_fragment_offset = fragment & IP6_OFFSET;
			parts->ip_more_fragments = fragment & 1;
			at += sizeof(extension);
			/* Others than the first fragment have no more headers. */
			if (parts->ip_fragment_offset)
				break;
		} else if (number == IPPROTO_AH) {
			at += (extension.reserved + 2) * 4;
		} else {
			at += (extension.reserved + 1) * 8;
		}
		at = packet_anywhere(at, parts);
		number = parts->protocol;
		i++;
		/* Up to Linux 6.1 the verifier takes a loop only where a jump leads back, if only to the next instruction. */
		asm volatile("goto +0" : "+r"(number), "+r"(i), "+r"(at));
	}
	return at;
}

/* What is behind the link layer; `type` 0 where there is none: the first bits of IP tell then. */
static __always_inline void packet_network(const struct packet_source *source, const enum packet_origin origin, __u16 type,
					   __u32 at, struct packet_parts *parts)
{
	__u32 above = 0;
	__u16 first;

	if (!type && !packet_load(source, origin, at, &first, sizeof(first))) {
		__u8 version = bpf_ntohs(first) >> 12;

		type = version == 4 ? ETH_P_IP : version == 6 ? ETH_P_IPV6 : 0;
	}
	if (type == ETH_P_IP)
		above = packet_ipv4(source, origin, at, parts);
	else if (type == ETH_P_IPV6)
		above = packet_ipv6(source, origin, at, parts);
	if (above)
		packet_transport(source, origin, above, at + parts->ip_length, parts);
}

static __noinline __attribute__((unused)) int packet_of_xdp(struct xdp_md *ctx, struct packet_parts *parts)
{
	struct packet_source source = { .context = ctx };
	__u32 at = 0;
	__u16 type = 0;

	if (!parts)
		return 0;
	parts->length = ctx->data_end - ctx->data;
	if (!no_link_header) {
		type = packet_ethernet(&source, PACKET_XDP, &at, parts);
		if (!type)
			return 0;
	}
	packet_network(&source, PACKET_XDP, type, at, parts);
	return 0;
}

/* At tc and at the packets of a cgroup, which begin with their IP header. */
static __noinline __attribute__((unused)) int packet_of_skb(struct __sk_buff *ctx, __u64 is_cgroup, struct packet_parts *parts)
{
	struct packet_source source = { .context = ctx };
	__u32 at = 0;
	__u16 type = 0;

	parts->length = ctx->len;
	if (!is_cgroup) {
		/* The card, or the kernel, has taken the outermost tag out of the packet. */
		if (ctx->vlan_present)
			packet_tag(parts, ctx->vlan_tci);
		if (!no_link_header) {
			type = packet_ethernet(&source, PACKET_SKB, &at, parts);
			if (!type)
				return 0;
		}
	}
	packet_network(&source, PACKET_SKB, type, at, parts);
	return 0;
}

/* A struct sk_buff somewhere in the kernel: which headers are before its data, its offsets tell. */
static __noinline __u64 packet_of_kernel(__u64 skb, struct packet_parts *parts)
{
	struct packet_source source = {};
	__u64 head, data, network, mac;
	__u32 len, data_len, vlan = 0, at = 0;
	__u16 mac_header, network_header, vlan_tci;
	__be16 protocol;
	__u16 type;

	if (skb < FIRST_ADDRESS)
		return ABSENT;
	if (skb_head_at == NOWHERE || bpf_probe_read_kernel(&head, sizeof(head), (void *)(skb + skb_head_at)))
		return UNREADABLE;
	read_member(&data, skb, skb_data_at);
	read_member(&len, skb, skb_len_at);
	read_member(&data_len, skb, skb_data_len_at);
	read_member(&mac_header, skb, skb_mac_header_at);
	read_member(&network_header, skb, skb_network_header_at);
	read_member(&protocol, skb, skb_protocol_at);
	read_member(&vlan_tci, skb, skb_vlan_tci_at);
	if (skb_vlan_all_at != NOWHERE)
		read_member(&vlan, skb, skb_vlan_all_at);
	type = bpf_ntohs(protocol);
	network = head + network_header;
	mac = head + mac_header;
	source.start = network_header ? network : data;
	/* 0xffff: it was never set. Less than a header before that of the network: another link layer, or none. */
	if (mac_header != 0xffff && network_header >= mac_header + sizeof(struct ethhdr)) {
		struct ethhdr ethernet;

		if (!bpf_probe_read_kernel(&ethernet, sizeof(ethernet), (void *)mac) &&
		    (ethernet.h_proto == protocol || is_tag(bpf_ntohs(ethernet.h_proto))))
			source.start = mac;
	}
	source.linear = data + (len - data_len) - source.start;
	parts->length = data + len - source.start;
	if (vlan)
		packet_tag(parts, vlan_tci);
	if (source.start == mac)
		type = packet_ethernet(&source, PACKET_KERNEL, &at, parts);
	packet_network(&source, PACKET_KERNEL, type, at, parts);
	return FETCHED;
}

static __always_inline __u64 packet_word(const void *parts, __u32 at)
{
	return *(const __u64 *)(parts + (at & ~7U));
}

/* `size` bytes from `part` on, from a struct that is on the stack. Up to eight of them lie within a word. */
static __always_inline __u64 packet_part(const void *parts, const struct fetch *fetch, __u64 *slot)
{
	__u32 part = fetch->part, size = fetch->size, i;

	if (fetch->layer && !(((const struct packet_parts *)parts)->layers & fetch->layer))
		return ABSENT;
	if (size <= sizeof(__u64)) {
		__u64 word = packet_word(parts, part) >> (part % sizeof(__u64) * 8 & 63);

		*slot = size < sizeof(word) ? word & ((1ULL << (size * 8 & 63)) - 1) : word;
		return FETCHED;
	}
#pragma unroll
	for (i = 0; i < sizeof(struct packet_parts) / sizeof(__u64); i++) {
		if (i * sizeof(__u64) < size)
			slot[i] = packet_word(parts, part + i * sizeof(__u64));
	}
	return FETCHED;
}

/*
 * `value` is a struct sk_buff where the source is not FETCH_PACKET. Where it is, `ctx` is what the headers of the packet, or the call,
 * at hand say.
 */
static __noinline __attribute__((unused)) __u64 copy_packet(void *ctx, const struct fetch *fetch, __u64 value, void *slot)
{
	struct packet_parts parts = {};
	__u64 status;

	if (fetch->source == FETCH_PACKET)
		return packet_part(ctx, fetch, slot);
	status = packet_of_kernel(value, &parts);
	return status ? status : packet_part(&parts, fetch, slot);
}

#endif

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * What the headers of a packet say: Ethernet, VLAN tags, IPv4 with options, IPv6 with extension headers, TCP, UDP, ICMP. Each header is
 * read only where the packet has all of it; what comes after the first one that is cut or broken is not there.
 */
#ifndef EBPF_RUN_PACKET_HEADERS_H
#define EBPF_RUN_PACKET_HEADERS_H

#include "ipv6.h"
#include "packet_parts.h"
#include "kernel/skb.h"

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

		if (!ipv6_is_extension(number))
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

#endif

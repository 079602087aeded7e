/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Packets at each place where they are seen: XDP, tc and cgroups, and in the kernel. */
#ifndef EBPF_RUN_PACKET_H
#define EBPF_RUN_PACKET_H

#include "packet_headers.h"
#include "kernel/offsets.h"

KERNEL_OFFSET(skb_head_at, "sk_buff.head");
KERNEL_OFFSET(skb_data_at, "sk_buff.data");
KERNEL_OFFSET(skb_len_at, "sk_buff.len");
KERNEL_OFFSET(skb_data_len_at, "sk_buff.data_len");
KERNEL_OFFSET(skb_mac_header_at, "sk_buff.mac_header");
KERNEL_OFFSET(skb_network_header_at, "sk_buff.network_header");
KERNEL_OFFSET(skb_protocol_at, "sk_buff.protocol");
/* Not zero where the card took a tag out of the packet. */
KERNEL_OFFSET(skb_vlan_all_at, "sk_buff.vlan_all");
/* Up to Linux 6.1 the first bit here tells. */
KERNEL_OFFSET(skb_vlan_present_at, "sk_buff.__pkt_vlan_present_offset");
KERNEL_OFFSET(skb_vlan_tci_at, "sk_buff.vlan_tci");

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
	__u32 at = 0, taken_out = 0;
	__u16 type = 0;
	bool is_ethernet = !is_cgroup && !no_link_header;

	parts->length = ctx->len;
	/* The card, or the kernel, has taken the outermost tag out of the packet. */
	if (is_ethernet && ctx->vlan_present) {
		packet_tag(parts, ctx->vlan_tci);
		taken_out = sizeof(struct vlan_hdr);
	}
	if (is_ethernet)
		type = packet_ethernet(&source, PACKET_SKB, &at, parts);
	if (!is_ethernet || type)
		packet_network(&source, PACKET_SKB, type, at, parts);
	/* As on the wire: only now, because positions count in what is there. */
	parts->length += taken_out;
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
	__u8 present = 0;

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
	if (skb_vlan_present_at != NOWHERE) {
		read_member(&present, skb, skb_vlan_present_at);
		vlan = present & 1;
	} else {
		read_member(&vlan, skb, skb_vlan_all_at);
	}
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
	if (vlan && source.start == mac)
		parts->length += sizeof(struct vlan_hdr);
	return FETCHED;
}

/*
 * The packet of a struct packet_at_hand. In assembly: only there it is a pointer, and the compiler may not read it for what is
 * something else.
 */
static __always_inline struct __sk_buff *packet_at_hand(const void *ctx)
{
	struct __sk_buff *skb;

	asm volatile("%[skb] = *(u64 *)(%[ctx] + %[at])"
		     : [skb] "=r"(skb)
		     : [ctx] "r"(ctx), [at] "i"(__builtin_offsetof(struct packet_at_hand, skb))
		     : "memory");
	return skb;
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

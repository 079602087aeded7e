/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Both ends of a struct sock, and what a struct sockaddr says. Of a family only its own members are read: in the others' lies what a
 * socket had before.
 */
#ifndef EBPF_RUN_KERNEL_SOCK_H
#define EBPF_RUN_KERNEL_SOCK_H

#include "../endpoint.h"
#include "offsets.h"

KERNEL_OFFSET(sock_family_at, "sock.__sk_common.skc_family");
KERNEL_OFFSET(sock_state_at, "sock.__sk_common.skc_state");
KERNEL_OFFSET(sock_type_at, "sock.sk_type");
KERNEL_OFFSET(sock_protocol_at, "sock.sk_protocol");
KERNEL_OFFSET(sock_local_port_at, "sock.__sk_common.skc_num"); /* in the machine's order */
KERNEL_OFFSET(sock_bound_port_at, "inet_sock.inet_sport"); /* stays when a socket that ends gives its port away */
KERNEL_OFFSET(sock_remote_port_at, "sock.__sk_common.skc_dport");
KERNEL_OFFSET(sock_local_ipv4_at, "sock.__sk_common.skc_rcv_saddr");
KERNEL_OFFSET(sock_remote_ipv4_at, "sock.__sk_common.skc_daddr");
KERNEL_OFFSET(sock_local_ipv6_at, "sock.__sk_common.skc_v6_rcv_saddr");
KERNEL_OFFSET(sock_remote_ipv6_at, "sock.__sk_common.skc_v6_daddr");
KERNEL_OFFSET(unix_address_at, "unix_sock.addr");
KERNEL_OFFSET(unix_peer_at, "unix_sock.peer");
KERNEL_OFFSET(unix_length_at, "unix_address.len");
KERNEL_OFFSET(unix_name_at, "unix_address.name");

#define SOCK_RAW 3
#define STATE_TIME_WAIT 6
#define STATE_NEW_SYN_RECV 12
#define SUN_PATH_BYTES 108
#define SOCKADDR_IPV6 8 /* where the address is in a struct sockaddr_in6 */

static __always_inline __u16 short_at(const void *base, __u32 offset)
{
	__u16 number;

	read_member(&number, base, offset);
	return number;
}

/*
 * What stands for a connection of TCP that begins or ends (struct request_sock, struct inet_timewait_sock) has nothing but the first
 * part of a struct sock, struct sock_common: what would come after it is another object's.
 */
static __always_inline bool is_common_only(const void *sock)
{
	__u8 state;

	read_member(&state, sock, sock_state_at);
	return state == STATE_TIME_WAIT || state == STATE_NEW_SYN_RECV;
}

/* Of a socket of the internet. Where it is TCP, what is read is true of the others as well. */
static __always_inline __u16 protocol_of(const void *sock, __u16 family)
{
	__u16 protocol = short_at(sock, sock_protocol_at);

	if (protocol != IPPROTO_TCP && (family == AF_INET || family == AF_INET6) && is_common_only(sock))
		return IPPROTO_TCP;
	return protocol;
}

/* One end of a socket of the internet. */
static __always_inline void inet_end(const void *sock, __u16 family, bool remote, struct endpoint *end)
{
	__be16 port = remote ? short_at(sock, sock_remote_port_at) : bpf_htons(short_at(sock, sock_local_port_at));

	if (!is_common_only(sock)) {
		/* A raw socket has its protocol there, and no port. */
		if (short_at(sock, sock_type_at) == SOCK_RAW) {
			port = 0;
			end->path_length = 1;
		} else if (!remote && !port) {
			port = short_at(sock, sock_bound_port_at);
		}
	}
	if (family == AF_INET) {
		__be32 address;

		read_member(&address, sock, remote ? sock_remote_ipv4_at : sock_local_ipv4_at);
		endpoint_ipv4(end, address, port);
	} else {
		read_member(&end->ip, sock, remote ? sock_remote_ipv6_at : sock_local_ipv6_at);
		endpoint_ipv6(end, port);
	}
}

/* The name of a unix socket; `name` begins with its family, and has `length` bytes with that. */
static __always_inline void unix_path(struct endpoint *end, char *path, const void *name, __u32 length)
{
	__u64 bytes = length;

	if (bytes <= sizeof(__u16))
		return;
	bytes -= sizeof(__u16);
	hidden(bytes);
	if (bytes > ENDPOINT_PATH_BYTES)
		bytes = ENDPOINT_PATH_BYTES;
	hidden(bytes);
	if (bytes <= ENDPOINT_PATH_BYTES && !bpf_probe_read_kernel(path, bytes, name + sizeof(__u16)))
		end->path_length = bytes;
}

/* One end of a socket; nothing where it is of a family without ends. `end` is zero; so is `path`, which may be NULL. */
static __noinline __attribute__((unused)) __u64 copy_sock_end(const void *sock, __u64 remote, struct endpoint *end, char *path)
{
	__u16 family = short_at(sock, sock_family_at);
	void *address;
	__u32 length;

	if (family == AF_INET || family == AF_INET6) {
		inet_end(sock, family, remote, end);
	} else if (family == AF_UNIX) {
		if (remote)
			sock = pointer_at(sock, unix_peer_at);
		if (!sock)
			return FETCHED;
		end->family = AF_UNIX;
		address = pointer_at(sock, unix_address_at);
		if (!address || !path)
			return FETCHED;
		read_member(&length, address, unix_length_at);
		unix_path(end, path, address + unix_name_at, length);
	}
	return FETCHED;
}

static __always_inline __u64 copy_sock(__u64 address, struct sock_ends *slot)
{
	const void *sock = (void *)address;

	if (address < FIRST_ADDRESS)
		return ABSENT;
	if (bpf_probe_read_kernel(&slot->family, sizeof(slot->family), sock + sock_family_at))
		return UNREADABLE;
	slot->protocol = protocol_of(sock, slot->family);
	copy_sock_end(sock, false, &slot->source.end, slot->source.path);
	copy_sock_end(sock, true, &slot->destination.end, slot->destination.path);
	return FETCHED;
}

/* What a path in a `struct sockaddr_un` says of its length is its NUL; an abstract name begins with one. */
static __always_inline __u64 copy_sun_path(const struct fetch *fetch, __u64 address, struct endpoint *end, char *path)
{
	struct fetch_state at = { .value = address };
	__u64 status = read_text(fetch, path, SUN_PATH_BYTES + 1, &at);

	if (status)
		return status;
	if (at.length > 1) {
		end->path_length = at.length - 1;
		return FETCHED;
	}
	at.value = address + 1;
	if (!read_text(fetch, path + 1, SUN_PATH_BYTES, &at) && at.length > 1)
		end->path_length = at.length;
	return FETCHED;
}

/* `end` is zero; so is `path`, which may be NULL. */
static __noinline __attribute__((unused)) __u64 copy_sockaddr(const struct fetch *fetch, __u64 address, struct endpoint *end, char *path)
{
	struct {
		__u16 family;
		__be16 port;
		__be32 ipv4;
	} head = {};
	__u64 status;

	/* Two bytes first: a `struct sockaddr` may end there, and the memory behind it. */
	status = read_bytes(fetch, &head, sizeof(head.family), address);
	if (status)
		return status;
	end->family = head.family;
	switch (head.family) {
	case AF_INET:
		status = read_bytes(fetch, &head, sizeof(head), address);
		endpoint_ipv4(end, head.ipv4, head.port);
		return status;
	case AF_INET6:
		status = read_bytes(fetch, &head, sizeof(head), address);
		if (!status)
			status = read_bytes(fetch, end->ip, sizeof(end->ip), address + SOCKADDR_IPV6);
		endpoint_ipv6(end, head.port);
		return status;
	case AF_UNIX:
		if (path)
			return copy_sun_path(fetch, address + sizeof(head.family), end, path);
		return FETCHED;
	default:
		return FETCHED;
	}
}

#endif

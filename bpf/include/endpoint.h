/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The ends of a connection, as src/spec/slots.rs says that they lie in a record.
 */
#ifndef EBPF_RUN_ENDPOINT_H
#define EBPF_RUN_ENDPOINT_H

#include "kernel.h"
#include <bpf/bpf_endian.h>

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10

#define ENDPOINT_PATH_BYTES 112 /* more than sun_path has */

/* One end that cannot be of AF_UNIX. */
struct endpoint {
	__u16 family; /* AF_INET, AF_INET6, AF_UNIX; 0: there is none */
	__be16 port;
	__u32 path_length; /* bytes of the path, which may begin with NUL (an abstract name) */
	__be32 ip[4];      /* IPv4 as ::ffff:a.b.c.d */
};

/* One end that can. */
struct long_endpoint {
	struct endpoint end;
	char path[ENDPOINT_PATH_BYTES];
};

struct sock_ends {
	struct long_endpoint source; /* this machine's */
	struct long_endpoint destination;
	__u16 family;
	__u16 protocol;
	__u32 unused;
};

_Static_assert(sizeof(struct endpoint) == 24 && sizeof(struct long_endpoint) == 136, "EndpointSlot of src/spec/slots.rs");
_Static_assert(sizeof(struct sock_ends) == 280, "SockSlot of src/spec/slots.rs");

static __always_inline void endpoint_ipv4(struct endpoint *end, __be32 address, __be16 port)
{
	end->family = AF_INET;
	end->port = port;
	end->ip[0] = 0;
	end->ip[1] = 0;
	end->ip[2] = bpf_htonl(0xffff);
	end->ip[3] = address;
}

/* An end whose sixteen bytes are in `ip`: one of IPv4 where they say so. */
static __always_inline void endpoint_ipv6(struct endpoint *end, __be16 port)
{
	bool mapped = !end->ip[0] && !end->ip[1] && end->ip[2] == bpf_htonl(0xffff);

	end->family = mapped ? AF_INET : AF_INET6;
	end->port = port;
}

#endif

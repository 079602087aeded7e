/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What programs know of IPv6. */
#ifndef EBPF_RUN_IPV6_H
#define EBPF_RUN_IPV6_H

#include "kernel.h"

/* True for what stands between an IPv6 header and the protocol above it (the registry of RFC 7045). ESP hides what follows. */
static __always_inline bool ipv6_is_extension(__u8 number)
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

#endif

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Arguments of statically defined probes of programs. */
#ifndef EBPF_RUN_USDT_H
#define EBPF_RUN_USDT_H

/* TODO(10): by the specification that the cookie of the link names. */
static __always_inline __u64 usdt_argument(void *ctx, __u8 index, __u64 *value)
{
	return ABSENT;
}

#endif

// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/*
 * syscall_layer: what is attached at an end of all system calls, once for all probes there.
 *
 * It jumps to the program that waits for a call of this number; where none does nothing happens, which takes a few
 * nanoseconds. One layer has one program for a number; where several wait for the same there are several layers.
 *
 * The index is no constant, so the kernel patches no jump: an element is deleted without waiting for a grace period, unlike
 * that of slot.bpf.c.
 */
#include "kernel.h"
#include "syscall_number.h"
#include <bpf/bpf_helpers.h>

/* By the number: those of 64-bit processes first and of 32-bit ones behind, as in syscall.h. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2 * MAX_SYSCALLS);
	__type(key, __u32);
	__type(value, __u32);
} calls SEC(".maps");

/*
 * Not 0 for a number at which something waits for 32-bit processes, here or in another layer: only there it takes a look which one
 * this is.
 */
__u8 has_compat[MAX_SYSCALLS] = {};

static __always_inline int dispatch(struct bpf_raw_tracepoint_args *ctx, __u64 number, const bool returns)
{
	if (number >= MAX_SYSCALLS)
		return 0;
	/* One register for the check and the read. */
	asm volatile("" : "+r"(number));
	number &= MAX_SYSCALLS - 1;
	if (has_compat[number] && is_compat((void *)ctx->args[0], number, returns))
		number += MAX_SYSCALLS;
	bpf_tail_call(ctx, &calls, number);
	return 0;
}

/* sys_enter(struct pt_regs *regs, long id) */
SEC("?raw_tracepoint")
int layer_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	return dispatch(ctx, ctx->args[1], false);
}

/* sys_exit(struct pt_regs *regs, long ret) */
SEC("?raw_tracepoint")
int layer_sys_exit(struct bpf_raw_tracepoint_args *ctx)
{
	__s64 number = -1;

	if (call_number((void *)ctx->args[0], &number))
		return 0;
	return dispatch(ctx, number, true);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/*
 * slot: what stays attached while the probe's program behind it is exchanged.
 *
 * Links of these hooks cannot be updated in place (system calls have syscall_layer.bpf.c). So this program is attached instead, and jumps into the one that the
 * array holds: user space replaces the element, and each event runs in exactly one of the two. Last comes one
 * that does nothing: that is how a probe ends at once, however long the kernel takes to detach. The element is never
 * deleted, since each deletion waits for a grace period (bpf_arch_poke_desc_update of x86).
 */
#include "kernel.h"
#include "kernel/skb.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} slot SEC(".maps");

static __always_inline int jump(void *ctx)
{
	bpf_tail_call(ctx, &slot, 0);
	return 0;
}

SEC("?kprobe")
int slot_kprobe(struct pt_regs *ctx)
{
	return jump(ctx);
}

SEC("?fentry")
int slot_fentry(void *ctx)
{
	return jump(ctx);
}

SEC("?fexit")
int slot_fexit(void *ctx)
{
	return jump(ctx);
}

SEC("?kprobe.multi")
int slot_kprobe_multi(struct pt_regs *ctx)
{
	return jump(ctx);
}

SEC("?uprobe.multi")
int slot_uprobe_multi(struct pt_regs *ctx)
{
	return jump(ctx);
}

/* For libbpf these are for links to many places, where the kernel has them, and so must be what is jumped into. */
SEC("?usdt")
int slot_usdt(struct pt_regs *ctx)
{
	return jump(ctx);
}

SEC("?lsm")
int slot_lsm(void *ctx)
{
	return jump(ctx);
}

SEC("?tracepoint")
int slot_tracepoint(void *ctx)
{
	return jump(ctx);
}

SEC("?raw_tracepoint")
int slot_raw_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	return jump(ctx);
}

SEC("?perf_event")
int slot_perf_event(void *ctx)
{
	return jump(ctx);
}

/* Nothing takes it off its interface if the runner is killed: the array is empty then, and every packet passes. */
SEC("?tc")
int slot_tc(struct __sk_buff *ctx)
{
	bpf_tail_call(ctx, &slot, 0);
	return TC_ACT_UNSPEC;
}

SEC("?kprobe")
int nothing_kprobe(struct pt_regs *ctx)
{
	return 0;
}

SEC("?fentry")
int nothing_fentry(void *ctx)
{
	return 0;
}

SEC("?fexit")
int nothing_fexit(void *ctx)
{
	return 0;
}

SEC("?kprobe.multi")
int nothing_kprobe_multi(struct pt_regs *ctx)
{
	return 0;
}

SEC("?uprobe.multi")
int nothing_uprobe_multi(struct pt_regs *ctx)
{
	return 0;
}

SEC("?usdt")
int nothing_usdt(struct pt_regs *ctx)
{
	return 0;
}

SEC("?lsm")
int nothing_lsm(void *ctx)
{
	return 0;
}

SEC("?tracepoint")
int nothing_tracepoint(void *ctx)
{
	return 0;
}

SEC("?raw_tracepoint")
int nothing_raw_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}

SEC("?perf_event")
int nothing_perf_event(void *ctx)
{
	return 0;
}

SEC("?tc")
int nothing_tc(struct __sk_buff *ctx)
{
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";

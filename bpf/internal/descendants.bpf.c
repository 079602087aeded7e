// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/*
 * descendants: keeps a set of processes that descend from one, for `pid in descendants(1234)`.
 *
 * A process is in the set from before it runs until its task is freed, so that no event of it is missed, not even those of its
 * end. Ids are given in a circle: none is given again before the task that had it is freed.
 *
 * Those that exist already are added by user space. While it does that, every fork is noted before its parent is looked up:
 * either the parent is in the set by then, or user space finds the note.
 */
#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, __u8);
} members SEC(".maps");

/* From a process that was made while user space looks to the one that made it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, __u64);
} noted SEC(".maps");

__u32 looking = 1;
/* Processes for which there was no room. */
__u64 left_out;

SEC("raw_tracepoint")
int on_fork(struct bpf_raw_tracepoint_args *ctx)
{
	const struct task_struct *parent = (const void *)ctx->args[0];
	const struct task_struct *child = (const void *)ctx->args[1];
	__u64 from = (__u32)BPF_CORE_READ(parent, tgid);
	__u64 to = (__u32)BPF_CORE_READ(child, tgid);
	__u8 present = 1;

	if (from == to)
		return 0;
	if (looking && bpf_map_update_elem(&noted, &to, &from, BPF_ANY))
		__sync_fetch_and_add(&left_out, 1);
	if (bpf_map_lookup_elem(&members, &from) && bpf_map_update_elem(&members, &to, &present, BPF_ANY))
		__sync_fetch_and_add(&left_out, 1);
	return 0;
}

SEC("raw_tracepoint")
int on_free(struct bpf_raw_tracepoint_args *ctx)
{
	const struct task_struct *task = (const void *)ctx->args[0];
	__u64 process = (__u32)BPF_CORE_READ(task, tgid);

	/* A thread that is freed is not the end of its process. */
	if (BPF_CORE_READ(task, group_leader) == task)
		bpf_map_delete_elem(&members, &process);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Filters as somebody would write them for one job, and one event with four fields: what `where` and `capture` of ebpf-run are held
 * against. All at syscalls:sys_enter_sethostname: the name at 16, its length at 24.
 */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "filter.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} ring SEC(".maps");

struct sethostname {
	__u64 common;
	__s32 number;
	__u32 unused;
	const char *name;
	__s64 length;
};

__u64 passed = 0, lost = 0;

static __always_inline int emit(struct sethostname *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct name_event *event;

	__sync_fetch_and_add(&passed, 1);
	event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	event->boot_ns = bpf_ktime_get_boot_ns();
	event->pid = id >> 32;
	event->tid = id;
	event->uid = bpf_get_current_uid_gid();
	event->cpu = bpf_get_smp_processor_id();
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	__builtin_memset(event->name, 0, sizeof(event->name));
	bpf_probe_read_user_str(event->name, sizeof(event->name), ctx->name);
	event->length = ctx->length;
	event->number = ctx->number;
	event->task = bpf_get_current_task();
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("?tracepoint/syscalls/sys_enter_sethostname")
int nothing(struct sethostname *ctx)
{
	return 0;
}

/* Three clauses, of which the last one is false. */
SEC("?tracepoint/syscalls/sys_enter_sethostname")
int integers(struct sethostname *ctx)
{
	if (ctx->number > 0 && (__s32)ctx->length < 0 && (__s32)ctx->length == -2)
		return emit(ctx);
	return 0;
}

SEC("?tracepoint/syscalls/sys_enter_sethostname")
int comm(struct sethostname *ctx)
{
	char comm[16];

	bpf_get_current_comm(comm, sizeof(comm));
	if (comm[0] == 'x' && comm[1] == 'o' && comm[2] == 'a')
		return emit(ctx);
	return 0;
}

SEC("?tracepoint/syscalls/sys_enter_sethostname")
int text(struct sethostname *ctx)
{
	char name[16];

	if (bpf_probe_read_user_str(name, sizeof(name), ctx->name) < 0)
		return 0;
	if (name[0] == '/' && name[1] == 'v' && name[2] == 'a' && name[3] == 'r' && name[4] == '/')
		return emit(ctx);
	return 0;
}

SEC("?tracepoint/syscalls/sys_enter_sethostname")
int event(struct sethostname *ctx)
{
	return emit(ctx);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";

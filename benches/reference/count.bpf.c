/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Counting as somebody would write it for one job: what `aggregate` and spans of ebpf-run are held against. Calls by name of the thread, a
 * histogram in powers of two, and how long a call takes.
 */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#define SLOTS 64

struct sethostname {
	__u64 common;
	__s32 number;
	__u32 unused;
	const char *name;
	__s64 length;
};

struct comm {
	char name[16];
};

struct slots {
	__u64 count[SLOTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct comm);
	__type(value, __u64);
} by_comm SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct slots);
} hist SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, __u64);
	__type(value, __u64);
} begun SEC(".maps");

static const struct slots no_slots;

static __always_inline __u32 log2l(__u64 value)
{
	__u32 shift, result;

	result = (value > 0xffffffff) << 5;
	value >>= result;
	shift = (value > 0xffff) << 4;
	value >>= shift;
	result |= shift;
	shift = (value > 0xff) << 3;
	value >>= shift;
	result |= shift;
	shift = (value > 0xf) << 2;
	value >>= shift;
	result |= shift;
	shift = (value > 0x3) << 1;
	value >>= shift;
	result |= shift;
	return result | (value >> 1);
}

static __always_inline void count_slot(__u64 key, __u64 value)
{
	struct slots *slots = bpf_map_lookup_elem(&hist, &key);
	__u32 slot;

	if (!slots) {
		bpf_map_update_elem(&hist, &key, &no_slots, BPF_NOEXIST);
		slots = bpf_map_lookup_elem(&hist, &key);
		if (!slots)
			return;
	}
	slot = log2l(value);
	if (slot < SLOTS)
		slots->count[slot]++;
}

SEC("?tracepoint/syscalls/sys_enter_sethostname")
int comm(struct sethostname *ctx)
{
	__u64 *count, one = 1;
	struct comm key;

	bpf_get_current_comm(&key, sizeof(key));
	count = bpf_map_lookup_elem(&by_comm, &key);
	if (count)
		*count += 1;
	else
		bpf_map_update_elem(&by_comm, &key, &one, BPF_ANY);
	return 0;
}

SEC("?tracepoint/syscalls/sys_enter_sethostname")
int histogram(struct sethostname *ctx)
{
	count_slot(0, ctx->length & 0xffff);
	return 0;
}

SEC("?tracepoint/syscalls/sys_enter_sethostname")
int span_start(struct sethostname *ctx)
{
	__u64 id = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns();

	bpf_map_update_elem(&begun, &id, &now, BPF_ANY);
	return 0;
}

SEC("?tracepoint/syscalls/sys_exit_sethostname")
int span_end(void *ctx)
{
	__u64 id = bpf_get_current_pid_tgid(), *start = bpf_map_lookup_elem(&begun, &id);

	if (!start)
		return 0;
	count_slot(0, bpf_ktime_get_ns() - *start);
	bpf_map_delete_elem(&begun, &id);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";

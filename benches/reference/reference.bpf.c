/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The measure that ebpf-run is held against: one tracepoint, one 32-byte record, nothing that could be left out.
 */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "record.h"

/* Written by one CPU each, with preemption off: plain additions suffice. */
struct counters counters[CPU_SLOTS] = {};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20); /* reference.c sets the size asked for */
} ring SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_getppid")
int on_getppid(void *ctx)
{
	struct counters *own = &counters[bpf_get_smp_processor_id() & (CPU_SLOTS - 1)];
	struct getppid_event *event;
	__u64 id;

	own->produced++;
	event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);
	if (!event) {
		own->lost++;
		return 0;
	}
	id = bpf_get_current_pid_tgid();
	event->boot_ns = bpf_ktime_get_boot_ns();
	event->pid = id >> 32;
	event->tid = (__u32)id;
	if (bpf_get_current_comm(event->comm, sizeof(event->comm)))
		__builtin_memset(event->comm, 0, sizeof(event->comm));
	bpf_ringbuf_submit(event, 0); /* 0: wakes the reader only where it had caught up */
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";

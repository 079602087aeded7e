/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The record that crosses the ring: 32 bytes, the same in kernel and user space. */
#ifndef REFERENCE_RECORD_H
#define REFERENCE_RECORD_H

struct getppid_event {
	__u64 boot_ns; /* CLOCK_BOOTTIME */
	__u32 pid;     /* thread group id, what user space calls the process */
	__u32 tid;
	char comm[16]; /* NUL-terminated by the kernel, and zero-filled behind it */
};

_Static_assert(sizeof(struct getppid_event) == 32, "no padding that could leak kernel memory");

#define CPU_SLOTS 256

/* One CPU's counters, on a cache line of their own. */
struct counters {
	__u64 produced;
	__u64 lost;
	__u64 pad[6];
};

#endif

// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/*
 * clock: what the time is that programs see.
 *
 * In a time namespace a process reads CLOCK_BOOTTIME with the offset of the namespace, and programs read the kernel's own.
 * Nothing else that a process can ask tells the two apart: /proc/PID/timens_offsets is that of its children.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>

__u64 boot_ns;

/* Run once by BPF_PROG_TEST_RUN; never attached. */
SEC("socket")
int read_clock(void *ctx)
{
	boot_ns = bpf_ktime_get_boot_ns();
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/*
 * itself: the number of the process that has it run (BPF_PROG_TEST_RUN, for this type since Linux 5.10), in the first PID
 * namespace, which nothing in user space tells a process of another one.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>

SEC("raw_tracepoint")
int itself(struct bpf_raw_tracepoint_args *ctx)
{
	return bpf_get_current_pid_tgid() >> 32;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* The functions of `trace` for what is no event of the kernel: a counter of a CPU that overflows, an item of a snapshot. */
#ifndef EBPF_RUN_TRACE_MACHINE_H
#define EBPF_RUN_TRACE_MACHINE_H

/* Called when a counter of a CPU overflows: its clock, or what is counted there. */
SEC("?perf_event")
HOOK("timer")
int trace_timer(void *ctx)
{
	return trace(ctx);
}

SEC("?perf_event")
HOOK("profile")
int trace_profile(void *ctx)
{
	return trace_near(ctx);
}

SEC("?perf_event")
HOOK("perf")
int trace_perf(void *ctx)
{
	return trace_near(ctx);
}

/* struct bpf_iter_meta, of which every context of an iterator begins with the address. */
struct iter_meta {
	struct seq_file *seq;
};

/*
 * Each item of a snapshot; last comes one that is none. A byte goes to whoever reads the iterator: it asks for so many at a time that
 * their records fit into the ring.
 */
SEC("?iter")
int trace_iter(void *ctx)
{
	const struct iter_meta *meta = (const struct iter_meta *)context_word(ctx, 0);

	if (!context_word(ctx, sizeof(__u64)))
		return 0;
	bpf_seq_write(meta->seq, zeros, 1);
	return trace(ctx);
}

#endif

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * What every program shares: how it describes itself, the head of an event, the ring buffer, the counts.
 *
 * A program describes itself through BTF, and nothing about it is written a second time in user space:
 *
 *   const struct open_event *event_type SEC(".rodata.meta");    the record it emits
 *   const volatile __u32 uid DOC("only this user") = 0;          a parameter; the default means "off"
 *   __u64 duration_ns DOC("…") UNIT("ns");                       a field, its meaning, its unit
 *   struct { … } packets SEC(".maps") COUNTERS("protocol");      counters, reported each interval
 */
#ifndef EBPF_RUN_PROGRAM_H
#define EBPF_RUN_PROGRAM_H

#include "kernel.h"
#include "tags.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

/* One sentence for people. On a field, a parameter, a SEC function. */
#define DOC(text) __attribute__((btf_decl_tag("doc:" text)))
/* "ns", "bytes": what a number counts. */
#define UNIT(name) __attribute__((btf_decl_tag("unit:" name)))
/* "LEAST..MOST" of a parameter that takes fewer integers than its type has. */
#define RANGE(range) __attribute__((btf_decl_tag("range:" range)))
/* A parameter that says how many bytes the record's last field, of this name, has after its length. */
#define SIZES(field) __attribute__((btf_decl_tag("sizes:" field)))
/* A SEC function that is attached only where this parameter is true. */
#define ONLY_IF(param) __attribute__((btf_decl_tag("only_if:" param)))
/* The hook of a SEC function that has no section of its own: "syscall/return". */
#define HOOK(kind) __attribute__((btf_decl_tag("hook:" kind)))
/*
 * How bytes are shown where the C type does not say: "time", "absent", "cpu" (below), "argv", "bytes", "errno",
 * "flag", "hex", "id", "ipv4", "ipv6", "path", "port".
 */
#define AS(kind) __attribute__((btf_decl_tag("as:" kind)))
/* A map whose values are summed over CPUs and reported each interval; `key` names its key in the output. */
#define COUNTERS(key) __attribute__((btf_decl_tag("counters:" key)))
#include "limits.h"

/* Hold a type in BTF without emitting anything that the kernel sees. */
#define SEC_META SEC(".rodata.meta")

/* The head of every event. Written whole, as is the rest of a record: ring memory is not zeroed. */
struct event_head {
	__u64 time_ns AS("time");
	/*
	 * Bit n set: the n-th field after the head has no value. 32 bits higher: there was something, and it could not
	 * be read.
	 */
	__u64 absent AS("absent");
	__u32 pid DOC("process id (the kernel's tgid)");
	__u32 tid DOC("thread id (the kernel's pid)");
	__u32 uid AS("id") DOC("real user id");
	__u32 cpu AS("cpu") DOC("the CPU that it ran on");
	char comm[16] DOC("name of the thread, as in /proc/PID/comm");
};

_Static_assert(sizeof(struct event_head) == 48, "no padding in the head");

/* The runner sets the size before it loads the object. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

/*
 * What happened to the events, by CPU, so that writers do not share a cache line. User space reads it by mmap. Two
 * CPUs may share an entry on a machine with more of them: the adds are atomic.
 */
struct cpu_counts {
	__u64 produced; /* events that the program wanted to write: those that `where` let pass, if there is one */
	__u64 ring_full; /* those of them that found no room */
	__u64 sampled_out; /* those that `limits` did not let pass, by reason */
	__u64 rate_limited;
	__u64 rate; /* in the last entry, which few machines have a CPU for: the window of limits.h */
	__u64 ended; /* set by user space: no event any more, while the kernel takes its time to detach the program */
	__u64 of_itself; /* events of the runner's own threads, which were left out; not among those produced */
	__u64 filtered; /* events that `where` did not let pass; not among `produced` here, but for the reader of the counts */
	__u64 undecided; /* the same, where something that it asked for could not be read */
	__u64 started; /* of spans: what began … */
	__u64 paired;  /* … and ended: these are events, or were refused by `where` */
	__u64 repeated; /* met by another start of the same key */
	__u64 cancelled;
	__u64 full; /* no room for what began */
	__u64 uncounted; /* events that were produced, and that one of the tables had no room for */
	__u64 table_full[4]; /* those of each table */
	__u64 stacks_full; /* produced, and one of the tables had no room for a stack */
	__u64 crowded;     /* produced, and there was no memory free to make the key in */
	__u64 expired; /* of spans: met when it was too old; others are given up by user space, which counts them itself */
	__u64 nothing; /* zero, which the verifier does not know */
	__u64 unused[9];
};

#define CPU_COUNTS 128

struct cpu_counts counts[CPU_COUNTS] INTERNAL;

_Static_assert(sizeof(struct cpu_counts) == 256, "pairs of cache lines, which processors fetch together");

/*
 * False, and counted, for an event that `limits` does not let pass. A function of its own: where nothing is limited nothing
 * is left of it, not even registers that it would have needed.
 */
static __noinline __attribute__((unused)) bool event_passes(struct cpu_counts *count, __u64 *window)
{
	if (sample_below && bpf_get_prandom_u32() >= sample_below) {
		__atomic_fetch_add(&count->sampled_out, 1, __ATOMIC_RELAXED);
		return false;
	}
	if (rate_events && (!window || !rate_allows(window))) {
		__atomic_fetch_add(&count->rate_limited, 1, __ATOMIC_RELAXED);
		return false;
	}
	return true;
}

/* The result of a map update has a zero upper half on Linux 5.10 and 6.1. */
#define FAILED(result, error) ((int)(result) == -(error))
#define EXISTS 17

/* The counts of this CPU. */
static __always_inline struct cpu_counts *cpu_counts(void)
{
	struct cpu_counts *count = &counts[bpf_get_smp_processor_id() & (CPU_COUNTS - 1)];

	/* Kept in a register, not made again where it is needed. */
	asm volatile("" : "+r"(count));
	return count;
}

/* The window of the program's rate. */
static __always_inline __u64 *own_window(void)
{
	return &counts[CPU_COUNTS - 1].rate;
}

/*
 * A record of `size` bytes, to be written whole and given to bpf_ringbuf_submit(); NULL is counted as a loss. `window` is that of the
 * rate, where there is one.
 */
static __always_inline void *event_reserve_in(__u64 size, __u64 *window)
{
	struct cpu_counts *count = cpu_counts();
	void *record;

	if (count->ended)
		return NULL;
	__atomic_fetch_add(&count->produced, 1, __ATOMIC_RELAXED);
	if (limited && !event_passes(count, window))
		return NULL;
	record = bpf_ringbuf_reserve(&events, size, 0);
	if (!record)
		__atomic_fetch_add(&count->ring_full, 1, __ATOMIC_RELAXED);
	return record;
}

static __always_inline void *event_reserve(__u64 size)
{
	return event_reserve_in(size, own_window());
}

#define COMM_BYTES 16

/* The name of the thread. Linux 6.1 writes nothing behind its end: what was there before would be compared, and shown. */
static __always_inline long current_comm(void *name)
{
	((__u64 *)name)[0] = 0;
	((__u64 *)name)[1] = 0;
	return bpf_get_current_comm(name, COMM_BYTES);
}

/* Fill the head for the current thread, `pid_tgid`. */
static __always_inline void event_head_fill(struct event_head *head, __u64 absent, __u64 pid_tgid)
{
	head->time_ns = bpf_ktime_get_boot_ns();
	head->absent = absent;
	head->pid = pid_tgid >> 32;
	head->tid = pid_tgid;
	head->uid = bpf_get_current_uid_gid();
	head->cpu = bpf_get_smp_processor_id();
	current_comm(head->comm);
}

#endif

// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/*
 * cpus: where the memory of each CPU is, which a kernel without CONFIG_KALLSYMS_ALL does not say.
 *
 * The element of a per-CPU array is a place in the memory of each CPU, and the array knows how far into it: what is left is where that
 * memory begins.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define MOST_CPUS 1024

struct bpf_array {
	void *pptrs[1];
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} known SEC(".maps");

/* `at` is where `offsets` are for other programs. */
struct cpu_memory {
	__u64 at;
	__u64 offsets[MOST_CPUS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_memory);
} found SEC(".maps");

/* A pointer as a number: read from the stack, it has no type. */
static __always_inline __u64 number_of(const void *pointer)
{
	__u64 number = 0;

	bpf_probe_read_kernel(&number, sizeof(number), &pointer);
	return number;
}

/* Run once by BPF_PROG_TEST_RUN, never attached. How many CPUs there may be. */
SEC("raw_tracepoint")
int find_cpu_memory(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 key = 0, cpu;
	struct cpu_memory *memory = bpf_map_lookup_elem(&found, &key);
	__u64 begin = 0;

	if (!memory)
		return 0;
	bpf_probe_read_kernel(&begin, sizeof(begin),
			      (void *)(number_of(&known) + bpf_core_field_offset(struct bpf_array, pptrs)));
	if (!begin)
		return 0;
#pragma clang loop unroll(disable)
	for (cpu = 0; cpu < MOST_CPUS; cpu++) {
		void *element = bpf_map_lookup_percpu_elem(&known, &key, cpu);

		if (!element)
			break;
		memory->offsets[cpu] = number_of(element) - begin;
	}
	memory->at = number_of(memory->offsets);
	return cpu;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";

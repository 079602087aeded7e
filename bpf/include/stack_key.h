/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Call stacks as parts of keys, and the memory in which keys are made that the stack of a program has no room for.
 *
 *   stack ──▶ hash of 64 bits ──▶ the part of the key
 *                  └────────────▶ stacks of the table: its frames, once each
 *
 * Rows and stacks are exchanged together: an event asks once which of the two maps of each kind are counted in, and takes both by that.
 */
#ifndef EBPF_RUN_STACK_KEY_H
#define EBPF_RUN_STACK_KEY_H

#include "fetch.h"

/* Most of them: those that the kernel collects, and those that the program itself takes. */
#define MOST_FRAMES 135
#define MAX_KEY_BYTES 1024
/* Programs that make a key on a CPU at one time: they interrupt one another, and some of them leave their CPU to another thread. */
#define PLACES 8

struct scratch {
	__u64 users;
	__u64 phase;
	__u64 stack_lost; /* the table has no room for a stack of the key */
	char key[MAX_KEY_BYTES + 256];
	char stack[sizeof(struct stack) + MOST_FRAMES * sizeof(__u64)];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PLACES);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

/* Which maps are counted in, by the number of the table; of those that have stacks in their keys. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_TABLES);
	__type(key, __u32);
	__type(value, __u64);
} phases SEC(".maps");

TABLE(stacks0);
TABLE(stacks1);
TABLE(stacks2);
TABLE(stacks3);

/* One of the tables has a stack in its key. */
const volatile bool has_stack_keys INTERNAL = false;
/* Hashes of stacks begin with it: nobody can know which stacks have the same one. */
const volatile __u64 stack_seed INTERNAL = 0;

/*
 * A place that nobody else is in, or NULL. Who finds himself alone there has it: two that come at the same time may both find each other,
 * and then try the next one. Linux 5.10 has no atomic operation that would tell in one step.
 */
static __always_inline struct scratch *scratch_claim(void)
{
	__u32 i;

#pragma clang loop unroll(disable)
	for (i = 0; i < PLACES; i++) {
		__u32 number = i;
		struct scratch *place = bpf_map_lookup_elem(&scratch, &number);

		if (!place)
			return NULL;
		__atomic_fetch_add(&place->users, 1, __ATOMIC_RELAXED);
		if (*(volatile __u64 *)&place->users == 1)
			return place;
		__atomic_fetch_add(&place->users, -1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static __always_inline void scratch_release(struct scratch *place)
{
	__atomic_fetch_add(&place->users, -1, __ATOMIC_RELAXED);
}

static __always_inline __u32 phase_of(__u64 number)
{
	__u32 index = number;
	__u64 *phase = bpf_map_lookup_elem(&phases, &index);

	return phase ? *(volatile __u64 *)phase & 1 : 0;
}

/* The stacks of a table. */
static __always_inline void *stacks_now(__u64 number, const __u32 *phase)
{
	switch (number) {
	case 0:
		return bpf_map_lookup_elem(&stacks0, phase);
	case 1:
		return bpf_map_lookup_elem(&stacks1, phase);
	case 2:
		return bpf_map_lookup_elem(&stacks2, phase);
	default:
		return bpf_map_lookup_elem(&stacks3, phase);
	}
}

static __always_inline __u64 stack_hash(const struct stack *stack)
{
	__u64 hash = stack_seed ^ stack->pid ^ (__u64)stack->space << 32;
	__u32 i;

#pragma clang loop unroll(disable)
	for (i = 0; i < MOST_FRAMES; i++) {
		if (i >= stack->frames)
			break;
		hash = (hash ^ stack->addresses[i]) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 32;
	}
	return hash;
}

/* The stack itself: of this hook, or what the start of a span left. */
static __always_inline __u64 stack_collect(void *ctx, const struct fetch *fetch, struct fetch_state *state, struct stack *stack)
{
	__u64 size = fetch->size;

	hidden(size);
	if (size > MOST_FRAMES * sizeof(__u64))
		return ABSENT;
#ifdef TRACE_SPAN
	if (fetch->source == FETCH_STORED) {
		__u64 value = 0, status = fetch_of_span(fetch, state, &value);

		if (status)
			return status;
		if (bpf_probe_read_kernel(stack, sizeof(*stack) + size, (void *)value))
			return UNREADABLE;
		return stack->frames ? FETCHED : ABSENT;
	}
#endif
	return stack_fill(ctx, stack, size, fetch->copy == COPY_USER_STACK) ? FETCHED : ABSENT;
}

/* The hash of a stack, which is among those of its table afterwards, if there is room for it. */
static __noinline __u64 stack_part(void *ctx, const struct fetch *fetch, struct fetch_state *state, struct scratch *place, __u64 number)
{
	struct stack *stack = (struct stack *)place->stack;
	__u64 status = stack_collect(ctx, fetch, state, stack);
	__u32 phase = place->phase;
	void *map;
	long error;

	if (status)
		return status;
	state->value = stack_hash(stack);
	map = stacks_now(number, &phase);
	if (map && bpf_map_lookup_elem(map, &state->value))
		return FETCHED;
	error = map ? bpf_map_update_elem(map, &state->value, stack, BPF_NOEXIST) : -1;
	/* Another CPU may be faster: then it is there. */
	if ((int)error && !FAILED(error, EXISTS))
		place->stack_lost = true;
	return FETCHED;
}

#endif

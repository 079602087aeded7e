/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* The second half of a fetch: from an address, over pointers, to the slot. */
#ifndef EBPF_RUN_FETCH_MEMORY_H
#define EBPF_RUN_FETCH_MEMORY_H

#include "fetch.h"

static __always_inline __u64 refusal(__u64 address)
{
	return address < FIRST_ADDRESS ? ABSENT : UNREADABLE;
}

/*
 * Addresses tell whose memory they are in on x86-64 and arm64, and bpf_probe_read reads from there: pointers of the kernel's
 * own structs and arguments may be a process's (`__user`), of which types tell nothing where gcc built the kernel. A process's
 * memory cannot be had by the other helper, nor the kernel's by the one for processes. At packets it is not there.
 */
static __always_inline __u64 read_any(void *to, __u32 size, __u64 address)
{
	long failed = in_network ? bpf_probe_read_kernel(to, size, (void *)address) : bpf_probe_read(to, size, (void *)address);

	return failed ? refusal(address) : FETCHED;
}

static __always_inline __u64 read_user(void *to, __u32 size, __u64 address)
{
	return bpf_probe_read_user(to, size, (void *)address) ? refusal(address) : FETCHED;
}

static __always_inline bool is_dynamic(const struct fetch *fetch)
{
	return fetch->source == FETCH_DATA_LOC || fetch->source == FETCH_REL_LOC;
}

/* How many bytes a dynamic array must have for this fetch. Behind it lie other fields, or what was there before. */
static __always_inline __u32 needed_length(const struct fetch *fetch)
{
	__u32 bytes = fetch->hops ? sizeof(__u64) : fetch->copy == COPY_KERNEL && !fetch->length ? fetch->size : 0;

	return (__u32)fetch->offset[0] + bytes;
}

/* What an index that was kept adds to the address before this hop. */
static __always_inline __u64 fetch_index(const struct fetch *fetch, __u32 hop, struct fetch_state *state)
{
	__u64 index;

	if (!fetch->scaled || fetch->scaled_hop != hop)
		return FETCHED;
	if (state->missing & 1U << (fetch->scaled - 1))
		return ABSENT;
	index = state->kept[(fetch->scaled - 1) & (MAX_KEPT - 1)];
	if (fetch->count && index >= fetch->count)
		return ABSENT;
	state->value += index * fetch->scale;
	return FETCHED;
}

/* Follow the pointers; afterwards `value` is the address to copy from. */
static __noinline __u64 fetch_hops(const struct fetch *fetch, struct fetch_state *state)
{
	__u64 status;
	__u32 hop;

	if (is_dynamic(fetch) && state->length < needed_length(fetch))
		return ABSENT;
#pragma clang loop unroll(disable)
	for (hop = 0; hop <= MAX_HOPS; hop++) {
		__u64 address;

		status = fetch_index(fetch, hop, state);
		if (status)
			return status;
		address = state->value + fetch->offset[hop];
		if (hop >= fetch->hops) {
			state->value = address;
			return FETCHED;
		}
		if (hop >= fetch->user_from)
			status = read_user(&state->value, sizeof(state->value), address);
		else
			status = read_any(&state->value, sizeof(state->value), address);
		if (status)
			return status;
	}
	return ABSENT;
}

static __always_inline bool is_user(const struct fetch *fetch)
{
	return fetch->copy == COPY_USER || fetch->copy == COPY_USER_STRING || fetch->user_from <= fetch->hops;
}

/* `size` bytes at the address that the hops have led to. */
static __always_inline __u64 read_bytes(const struct fetch *fetch, void *to, __u32 size, __u64 address)
{
	return is_user(fetch) ? read_user(to, size, address) : read_any(to, size, address);
}

/* Text of at most `size` bytes with its NUL; `length` is what it has. */
static __always_inline __u64 read_text(const struct fetch *fetch, void *to, __u32 size, struct fetch_state *state)
{
	const void *address = (void *)state->value;
	long length;

	if (is_user(fetch))
		length = bpf_probe_read_user_str(to, size, address);
	else if (in_network)
		length = bpf_probe_read_kernel_str(to, size, address);
	else
		length = bpf_probe_read_str(to, size, address);
	if (length < 0)
		return refusal(state->value);
	state->length = length;
	return FETCHED;
}

/* Text in a dynamic array need not end in NUL (xfs:xfs_lookup): it ends with the array. */
static __always_inline void end_text(char *slot, __u64 length, __u16 size)
{
	/* Compared and used in one register: Linux 5.10 forgets the bounds of a spilled one. */
	hidden(length);
	if (length < size)
		slot[length] = 0;
}

/* What has a length of its own: how much of it follows, how much there was, then the bytes. */
struct counted {
	__u32 length;
	__u32 whole;
	char bytes[];
};

static __always_inline __u64 copy_counted(const struct fetch *fetch, struct fetch_state *state, struct counted *slot)
{
	__u64 whole = state->kept[(fetch->length - 1) & (MAX_KEPT - 1)], length = whole;

	if (state->missing & 1U << (fetch->length - 1))
		return ABSENT;
	if ((__s64)whole < 0)
		whole = length = 0;
	hidden(length);
	if (length > fetch->size)
		length = fetch->size;
	slot->length = length;
	slot->whole = whole > 0xffffffff ? 0xffffffff : whole;
	hidden(length);
	if (length > fetch->size || !length)
		return FETCHED;
	return read_bytes(fetch, slot->bytes, length, state->value);
}

#include "kernel/file.h"
#include "kernel/sock.h"

#define MOST_CPUS 4096

/* The sum of what each CPU has at `value`, an offset into its own memory. */
static __noinline __attribute__((unused)) __u64 sum_of_cpus(const struct fetch *fetch, struct fetch_state *state)
{
	__u64 at = state->value, sum = 0;
	__u32 cpu;

	if (at < FIRST_ADDRESS)
		return ABSENT;
#pragma clang loop unroll(disable)
	for (cpu = 0; cpu < MOST_CPUS; cpu++) {
		if (cpu >= fetch->count)
			break;
		if (bpf_probe_read_kernel(&state->length, sizeof(__u64), (void *)(fetch->constant + cpu * sizeof(__u64))))
			return UNREADABLE;
		if (bpf_probe_read_kernel(&state->value, sizeof(__u64), (void *)(state->length + at)))
			return UNREADABLE;
		sum += state->value;
	}
	state->value = sum;
	return FETCHED;
}

#ifdef TRACE_LIGHT
static __always_inline __u64 copy_composite(void *ctx, const struct fetch *fetch, struct fetch_state *state, void *slot)
{
	return ABSENT;
}
#else
/* What is not a plain copy. The slot is zero. */
static __noinline __u64 copy_composite(void *ctx, const struct fetch *fetch, struct fetch_state *state, void *slot)
{
	switch (fetch->copy) {
	case COPY_SOCK:
		return copy_sock(state->value, slot);
	case COPY_SOCKADDR:
		return copy_sockaddr(fetch, state->value, slot,
				     fetch->size == sizeof(struct long_endpoint) ? slot + sizeof(struct endpoint) : NULL);
	case COPY_FILE_PATH:
		return copy_path(state->value ? state->value + file_path_at : 0, fetch, slot);
	case COPY_PATH:
		return copy_path(state->value, fetch, slot);
	case COPY_FD_PATH:
		return copy_path(path_of_fd(state->value), fetch, slot);
	case COPY_DENTRY_PATH:
		return copy_names((void *)state->value, NULL, fetch, slot);
	case COPY_PACKET:
		return copy_packet(ctx, fetch, state->value, slot);
	case COPY_SUM_OF_CPUS:
		if (sum_of_cpus(fetch, state))
			return UNREADABLE;
		*(__u64 *)slot = state->value;
		return FETCHED;
	default:
		return ABSENT;
	}
}
#endif

static __always_inline bool is_stack(const struct fetch *fetch)
{
	return fetch->copy == COPY_KERNEL_STACK || fetch->copy == COPY_USER_STACK;
}

static __always_inline __u64 copy_stack(void *ctx, const struct fetch *fetch, struct stack *slot)
{
	return stack_fill(ctx, slot, fetch->size, fetch->copy == COPY_USER_STACK) ? FETCHED : ABSENT;
}

/* How much of a slot must be zero before the copy: all of it where the copy may be shorter, else its last word. */
static __always_inline void clear_slot(const struct fetch *fetch, void *slot)
{
	if (fetch->copy == COPY_KERNEL || fetch->copy == COPY_USER) {
		if (!fetch->length && fetch->slot - fetch->size < (int)sizeof(__u64)) {
			if (fetch->size != fetch->slot)
				*(__u64 *)(slot + fetch->slot - sizeof(__u64)) = 0;
			return;
		}
	} else if (fetch->copy == COPY_COMM || is_stack(fetch)) {
		return;
	}
	bpf_probe_read_kernel(slot, fetch->slot, zeros);
}

/* Keeps the value for an index or a length of a later fetch. */
static __always_inline void keep(const struct fetch *fetch, __u64 status, struct fetch_state *state)
{
	__u64 value = state->value;

	if (status) {
		state->missing |= 1U << (fetch->keep - 1);
		return;
	}
	value <<= fetch->keep_shift & 63;
	value = fetch->keep_signed ? (__u64)((__s64)value >> (fetch->keep_shift & 63)) : value >> (fetch->keep_shift & 63);
	state->kept[(fetch->keep - 1) & (MAX_KEPT - 1)] = value;
}

/* A number in memory: `value`. */
static __always_inline __u64 fetch_number(const struct fetch *fetch, struct fetch_state *state)
{
	__u64 status = fetch_hops(fetch, state);
	__u64 address = state->value;

	if (status)
		return status;
	state->value = 0;
	if (fetch->size > sizeof(state->value))
		return ABSENT;
	return read_bytes(fetch, &state->value, fetch->size, address);
}

/*
 * A member of a struct that came by value, or a field within a word of the context, lies further up in it, and may end before it.
 */
static __always_inline __u64 plain_value(const struct fetch *fetch, __u64 value)
{
	value >>= fetch->offset[0] * 8 & 63;
	if (fetch->size < sizeof(value))
		value &= (1ULL << (fetch->size * 8 & 63)) - 1;
	return value;
}

/* A struct timespec of a process that makes a system call. */
static __always_inline __u64 copy_timespec(void *ctx, __u64 *slot, __u64 address)
{
	__u64 status, state = context_word(ctx, CALL_STATE * sizeof(__u64));
	__s32 old[2] = {};

	if (!(state & CALL_OLD_TIMES)) {
		status = read_user(slot, 2 * sizeof(*slot), address);
		/* The upper half of the nanoseconds is anything. */
		if (state & CALL_32_BIT)
			slot[1] = (__u32)slot[1];
		return status;
	}
	status = read_user(old, sizeof(old), address);
	slot[0] = old[0];
	slot[1] = old[1];
	return status;
}

/* A number that later fetches use. */
static __always_inline __u64 fetch_kept(const struct fetch *fetch, struct fetch_state *state)
{
	__u64 status = FETCHED;

	if (fetch->copy == COPY_VALUE && !fetch->hops)
		state->value = plain_value(fetch, state->value);
	else
		status = fetch_number(fetch, state);
	keep(fetch, status, state);
	return status;
}

/* From the first address to the slot. */
static __noinline __u64 fetch_memory(void *ctx, const struct fetch *fetch, struct fetch_state *state, void *slot)
{
	__u64 status, length = state->length;

	if (fetch->keep) {
		status = fetch_kept(fetch, state);
		if (fetch->slot)
			*(__u64 *)slot = status ? 0 : state->value;
		return status;
	}
	if (!fetch->slot)
		return FETCHED;
	clear_slot(fetch, slot);
	if (fetch->copy == COPY_COMM)
		return bpf_get_current_comm(slot, fetch->size) ? UNREADABLE : FETCHED;
	if (is_stack(fetch))
		return copy_stack(ctx, fetch, slot);
	status = fetch_hops(fetch, state);
	if (status)
		goto zero;
	switch (fetch->copy) {
	case COPY_KERNEL:
	case COPY_USER:
		if (fetch->length)
			return copy_counted(fetch, state, slot);
		if (fetch->narrow == NARROW_TIMESPEC && fetch->source == FETCH_CALL_ARGUMENT)
			return copy_timespec(ctx, slot, state->value);
		return read_bytes(fetch, slot, fetch->size, state->value);
	case COPY_STRING:
	case COPY_USER_STRING:
		if (fetch->length)
			return copy_counted(fetch, state, slot);
		status = read_text(fetch, slot, fetch->size, state);
		if (!status && is_dynamic(fetch) && !fetch->hops)
			end_text(slot, length, fetch->size);
		return status;
	default:
		return copy_composite(ctx, fetch, state, slot);
	}
zero:
	/* Nothing was copied, and what is not a text was not zeroed. */
	bpf_probe_read_kernel(slot, fetch->slot, zeros);
	return status;
}

/* True where the value is the operand itself. */
static __always_inline bool is_plain(const struct fetch *fetch)
{
	return fetch->copy == COPY_VALUE && !fetch->hops && !fetch->keep;
}

/* Write the whole slot; the answer is FETCHED, ABSENT or UNREADABLE. */
static __always_inline __u64 fetch_one(void *ctx, const struct fetch *fetch, struct fetch_state *state, void *slot)
{
	__u64 value = 0, status = fetch_source(ctx, fetch, state, &value);

	if (is_plain(fetch)) {
		*(__u64 *)slot = status ? 0 : plain_value(fetch, value);
		return status;
	}
	state->value = value;
	if (status) {
		if (fetch->keep)
			keep(fetch, status, state);
		if (fetch->slot)
			bpf_probe_read_kernel(slot, fetch->slot, zeros);
		return status;
	}
	return fetch_memory(ctx, fetch, state, slot);
}

#endif

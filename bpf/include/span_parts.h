/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What the programs of a span share: the map of what has begun, and the keys in it. */
#ifndef EBPF_RUN_SPAN_PARTS_H
#define EBPF_RUN_SPAN_PARTS_H

#include "where.h"

/* User space sizes it; all programs of a probe share one. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(key_size, SPAN_KEY_WORDS * sizeof(__u64));
	__uint(value_size, sizeof(struct open_span));
} open_spans SEC(".maps");

/* What runs after this program at the same hook: one hook can end a span and begin another. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} behind SEC(".maps");

static __always_inline void add_one(__u64 *count)
{
	__atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
}

static __always_inline __u64 key_word(void *ctx, const struct fetch *fetch, struct fetch_state *state, __u64 *word)
{
	__u64 value = 0, status = fetch_source(ctx, fetch, state, &value);

	if (status)
		return status;
	if (is_plain(fetch)) {
		value = plain_value(fetch, value);
	} else {
		state->value = value;
		status = fetch_number(fetch, state);
		if (status)
			return status;
		value = state->value;
	}
	value = value >> (fetch->part & 63) << (fetch->keep_shift & 63);
	value = fetch->keep_signed ? (__u64)((__s64)value >> (fetch->keep_shift & 63)) : value >> (fetch->keep_shift & 63);
	*word = value + fetch->count;
	return FETCHED;
}

static __noinline __u64 later_key_word(void *ctx, const struct fetch *fetch, struct fetch_state *state, __u64 *word)
{
	return key_word(ctx, fetch, state, word);
}

/*
 * The words of the key; or that one of them has no value. A function of its own: what it needs of the stack is free again afterwards,
 * and at system calls little is.
 */
static __noinline __u64 span_key_of(void *ctx, __u64 *key)
{
	struct fetch_state state = {};
	__u64 status;
	__u32 i;

#pragma unroll
	for (i = 0; i < QUICK_KEY_WORDS; i++) {
		const struct fetch *fetch = (const struct fetch *)&span_key[i];

		hidden(fetch);
		if (fetch->source == FETCH_NONE)
			return FETCHED;
		status = key_word(ctx, fetch, &state, &key[i]);
		if (status)
			return status;
	}
#pragma clang loop unroll(disable)
	for (i = QUICK_KEY_WORDS; i < SPAN_KEY_WORDS; i++) {
		const struct fetch *fetch = (const struct fetch *)&span_key[i];

		hidden(fetch);
		if (fetch->source == FETCH_NONE)
			return FETCHED;
		status = later_key_word(ctx, fetch, &state, &key[i]);
		if (status)
			return status;
	}
	return FETCHED;
}

/* What does not pass `where` is counted where it would have been an event. */
static __always_inline void count_rejected(struct cpu_counts *count, __u64 verdict)
{
	if (verdict == WHERE_UNDECIDED)
		add_one(&count->undecided);
	else
		add_one(&count->filtered);
}

/* True for the one that takes it out: another end, or a `cancel`, may have been faster. */
static __always_inline bool span_take(const __u64 *key)
{
	return !(int)bpf_map_delete_elem(&open_spans, key);
}

/* True for what is too old to end. User space, which looks for such spans from time to time, may not have come by. */
static __always_inline bool span_expires(const __u64 *key, const struct open_span *start, __u64 now, struct cpu_counts *count)
{
	/* What another CPU has begun meanwhile may be younger than `now`. */
	if (!span_expire || (__s64)(now - start->time_ns) < (__s64)span_expire)
		return false;
	if (span_take(key))
		add_one(&count->expired);
	return true;
}

#endif

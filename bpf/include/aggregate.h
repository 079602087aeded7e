/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * `aggregate`: events are counted in maps, by keys that are read as the fields of a record are.
 *
 *   event ──▶ key: a word that says which parts are null, then the parts ──▶ table ──▶ one value for each CPU, counters of 8 bytes
 *
 * A table is an array of one map. The runner exchanges the map: when that returns, no program uses the old one, which is then read
 * and emptied. So each event is in exactly one reading. One with stacks in its key is an array of two (stack_key.h).
 */
#ifndef EBPF_RUN_AGGREGATE_H
#define EBPF_RUN_AGGREGATE_H

#include "calculate.h"
#include "greatest.h"
#include "where.h"

#define MAX_TABLES 4
#define MAX_TABLE_VALUES 16
#define MAX_TALLIES 32 /* values of all tables */
#define MAX_EDGES 32
/* A key on the stack; larger ones, and those with values of several parts, are made elsewhere. */
#define NEAR_KEY_WORDS 12

/* What is done with the value of an event. Counters begin as zeros. */
enum statistic {
	STATISTIC_NONE = 0,
	STATISTIC_COUNT = 1,     /* one counter */
	STATISTIC_SUM = 2,       /* one counter */
	STATISTIC_EXTREME = 3,   /* how many, and the greatest of them ^ flip, twice */
	STATISTIC_AVERAGE = 4,   /* how many, and their sum */
	STATISTIC_POWERS = 5,    /* a bucket for what is below zero, for zero, for each power of two */
	STATISTIC_LINEAR = 6,    /* below `low`, then steps, then the rest */
	STATISTIC_EDGES = 7,     /* by tally_edges */
};

struct table {
	__u8 first_key, keys; /* among `fetches` */
	__u8 first_value, values; /* among `tallies` */
	__u8 in_scratch; /* the key is made in memory that is not the stack's */
	__u8 has_conditions; /* one of its values has */
	__u8 has_stacks; /* one of its keys is one */
	__u8 unused[1];
	__u32 unused_end;
	__u32 key_bytes;
};

struct tally {
	struct fetch fetch;
	struct widening wide;
	enum statistic statistic;
	__u16 at;      /* where its counters begin in the value */
	__u16 buckets;
	__u8 is_signed;
	__u8 has_condition;
	__u8 condition; /* the step that its condition begins with */
	__u8 unused[5];
	__u64 flip;
	__u64 low;
	__u64 step;
};

struct edges {
	__s64 edge[MAX_EDGES];
};

const volatile struct table tables[MAX_TABLES] INTERNAL = {};
const volatile struct tally tallies[MAX_TALLIES] INTERNAL = {};
const volatile struct edges tally_edges[MAX_TALLIES] INTERNAL = {};

#define TABLE(name)                                        \
	struct {                                           \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);  \
		__uint(max_entries, 1);                    \
		__uint(key_size, sizeof(__u32));           \
		__uint(value_size, sizeof(__u32));         \
	} name SEC(".maps")

TABLE(table0);
TABLE(table1);
TABLE(table2);
TABLE(table3);

#include "key_piece.h"
#include "stack_key.h"

/* The map that counts for a table now. */
static __always_inline void *table_now(__u32 number, const void *phase)
{
	switch (number) {
	case 0:
		return bpf_map_lookup_elem(&table0, phase);
	case 1:
		return bpf_map_lookup_elem(&table1, phase);
	case 2:
		return bpf_map_lookup_elem(&table2, phase);
	default:
		return bpf_map_lookup_elem(&table3, phase);
	}
}

/* The counters of a key on this CPU; NULL where there is no room for one more. */
static __always_inline void *row_of(void *map, const void *key)
{
	void *row = bpf_map_lookup_elem(map, key);

	if (row)
		return row;
	/* Another CPU may be faster: then it is there. */
	bpf_map_update_elem(map, key, zeros, BPF_NOEXIST);
	return bpf_map_lookup_elem(map, key);
}

static __always_inline void add(__u64 *counter, __u64 by)
{
	__atomic_fetch_add(counter, by, __ATOMIC_RELAXED);
}

/* Bits of a number. */
static __always_inline __u64 width_of(__u64 value)
{
	__u64 width = 0, more;

	more = (value > 0xffffffff) << 5;
	value >>= more;
	width |= more;
	more = (value > 0xffff) << 4;
	value >>= more;
	width |= more;
	more = (value > 0xff) << 3;
	value >>= more;
	width |= more;
	more = (value > 0xf) << 2;
	value >>= more;
	width |= more;
	more = (value > 0x3) << 1;
	value >>= more;
	width |= more;
	return width + (value >> 1) + (value > 0);
}

/* How many edges are not above the value. */
static __noinline __u64 edges_below(const struct edges *edges, __u64 count, __u64 value, __u64 is_signed)
{
	__u64 below = 0;
	__u32 i;

	/* No edge is above it. */
	if (!is_signed && (__s64)value < 0)
		return count;
#pragma clang loop unroll(disable)
	for (i = 0; i < MAX_EDGES; i++) {
		if (i >= count)
			break;
		below += (__s64)value >= edges->edge[i];
	}
	return below;
}

/* Which bucket a value falls into. */
static __always_inline __u64 bucket_of(const struct tally *tally, const struct edges *edges, __u64 value)
{
	bool is_below = tally->is_signed && (__s64)value < 0;

	switch (tally->statistic) {
	case STATISTIC_POWERS:
		return is_below ? 0 : 1 + width_of(value);
	case STATISTIC_LINEAR:
		/* Without a sign, what is beyond 2^63 is beyond every edge. */
		if (!tally->is_signed && (__s64)value < 0)
			return tally->buckets;
		if ((__s64)value < (__s64)tally->low)
			return 0;
		return (value - tally->low) / tally->step + 1;
	default:
		return edges_below(edges, tally->buckets - 1, value, tally->is_signed);
	}
}

/* Counts a value in the counters of its row. */
static __always_inline void count_value(const struct tally *tally, const struct edges *edges, void *row, __u64 value)
{
	__u64 *at = row + tally->at;
	__u64 bucket;

	switch (tally->statistic) {
	case STATISTIC_COUNT:
		add(at, 1);
		break;
	case STATISTIC_SUM:
		add(at, value);
		break;
	case STATISTIC_AVERAGE:
		add(at, 1);
		add(at + 1, value);
		break;
	case STATISTIC_EXTREME:
		add(at, 1);
		keep_greatest(at + 1, value ^ tally->flip);
		break;
	default:
		bucket = bucket_of(tally, edges, value);
		hidden(bucket);
		if (bucket >= tally->buckets)
			bucket = tally->buckets - 1;
		add(at + bucket, 1);
	}
}

/* The value of an event that a statistic is about. */
static __always_inline __u64 value_of(void *ctx, const struct tally *tally, struct fetch_state *state, __u64 *value)
{
	__u64 status;

	if (tally->fetch.source == FETCH_CALCULATED) {
		status = calculate(ctx, tally->fetch.index, state);
		*value = state->value;
		return status;
	}
	status = fetch_near(ctx, &tally->fetch, value);
	if (status == ELSEWHERE || !is_plain(&tally->fetch)) {
		status = fetch_number_anywhere(ctx, &tally->fetch, state);
		*value = state->value;
	} else {
		*value = plain_value(&tally->fetch, *value);
	}
	*value = widened_by(&tally->wide, *value);
	return status;
}

/*
 * Which values of a table count for this event: bit n is that of its n-th. Asked before there is a key: the stack has no room for both.
 */
static __noinline __u64 counted_values(void *ctx, __u64 number AND_SPAN(const struct open_span *start, __u64 now))
{
	const struct table *table = (const struct table *)&tables[number & (MAX_TABLES - 1)];
	__u64 which = 0;
	__u32 i;

	hidden(table);
#pragma clang loop unroll(disable)
	for (i = 0; i < MAX_TABLE_VALUES; i++) {
		const struct tally *one = (const struct tally *)&tallies[(table->first_value + i) & (MAX_TALLIES - 1)];

		if (i >= table->values)
			break;
		hidden(one);
		if (!one->has_condition || holds(ctx, one->condition AND_SPAN(start, now)))
			which |= 1ULL << i;
	}
	return which;
}

static __always_inline void count_one(void *ctx, __u32 number, struct fetch_state *state, void *row)
{
	const struct tally *one = (const struct tally *)&tallies[number & (MAX_TALLIES - 1)];
	const struct edges *edges = (const struct edges *)&tally_edges[number & (MAX_TALLIES - 1)];
	__u64 value = 0;

	hidden(one);
	if (one->statistic == STATISTIC_COUNT || !value_of(ctx, one, state, &value))
		count_value(one, edges, row, value);
}

/* Counts an event in a row. */
static __always_inline void count_in(void *ctx, const struct table *table, struct fetch_state *state, void *row, __u64 which)
{
	__u32 i;

	if (table->values == 1) {
		if (which & 1)
			count_one(ctx, table->first_value, state, row);
		return;
	}
#pragma clang loop unroll(disable)
	for (i = 0; i < MAX_TABLE_VALUES; i++) {
		if (i >= table->values)
			break;
		if (which >> i & 1)
			count_one(ctx, table->first_value + i, state, row);
	}
}

/* Where a key is made that the stack has no room for. */
struct far {
	struct scratch *place; /* NULL: it is on the stack */
	__u64 number;          /* of the table */
	bool has_stacks;
};

/* One part of a key: its whole slot is written. */
static __always_inline __u64 key_part(void *ctx, const struct fetch *fetch, const struct key_piece *piece, struct fetch_state *state,
				      void *slot, const struct far *far)
{
	__u64 value = 0, status;

	if (fetch->source == FETCH_CALCULATED) {
		status = calculate(ctx, fetch->index, state);
		*(__u64 *)slot = status ? 0 : state->value;
		return status;
	}
	if (far && far->has_stacks && is_stack(fetch)) {
		status = stack_part(ctx, fetch, state, far->place, far->number);
		*(__u64 *)slot = status ? 0 : state->value;
		return status;
	}
	status = fetch_near(ctx, fetch, &value);
	if (status != ELSEWHERE && is_plain(fetch)) {
		*(__u64 *)slot = status ? 0 : plain_value(fetch, value);
		return status;
	}
	if (fetch->copy == COPY_COMM)
		return current_comm(slot) ? UNREADABLE : FETCHED;
	if (!far)
		return fetch_simple(ctx, fetch, state, slot);
	status = fetch_one(ctx, fetch, state, piece->size ? far->place->stack : slot);
	return piece->size ? take_piece(piece, status, far->place->stack, slot) : status;
}

/* Whose code an address is in: the number of the process, and what tells its memory from what it had before an execve. */
static __always_inline __u64 process_of(const struct fetch *fetch, const struct fetch_state *state)
{
	__u64 pid = bpf_get_current_pid_tgid() >> 32;

#ifdef TRACE_SPAN
	if (fetch->source == FETCH_STORED && state->start->pid_tgid >> 32 != pid)
		return state->start->pid_tgid >> 32;
#endif
	return pid | (__u64)memory_space() << 32;
}

/* Which parts are null is a part of the key; why they are is not. */
static __always_inline void make_key(void *ctx, const struct table *table, struct fetch_state *state, void *key, const struct far *far)
{
	__u64 absent = 0, status;
	__u32 i;

#pragma clang loop unroll(disable)
	for (i = 0; i < MAX_FETCHES; i++) {
		const struct key_piece *piece;
		const struct fetch *fetch;

		if (i >= table->keys)
			break;
		fetch = (const struct fetch *)&fetches[(table->first_key + i) & (MAX_FETCHES - 1)];
		piece = (const struct key_piece *)&key_pieces[(table->first_key + i) & (MAX_FETCHES - 1)];
		hidden(fetch);
		status = key_part(ctx, fetch, piece, state, key + fetch->out, far);
		if (piece->of_process)
			*(__u64 *)(key + fetch->out + sizeof(__u64)) = status ? 0 : process_of(fetch, state);
		absent |= (status & 1) << (i & 63);
	}
	*(__u64 *)key = absent;
}

static __always_inline void begin_state(struct fetch_state *state AND_SPAN(const struct open_span *start, __u64 now))
{
#ifdef TRACE_SPAN
	state->start = start;
	state->now = now;
#endif
	state->value = 0;
	state->missing = 0;
	state->length = 0;
}

/* What becomes of an event. */
#define COUNTED 0ULL
#define TABLE_FULL 1ULL
#define STACKS_FULL 2ULL
#define CROWDED 3ULL

/* Counts the event in the table of this number. */
static __noinline __u64 count_near(void *ctx, __u64 number, __u64 which AND_SPAN(const struct open_span *start, __u64 now))
{
	const struct table *table = (const struct table *)&tables[number & (MAX_TABLES - 1)];
	struct fetch_state state;
	__u64 key[NEAR_KEY_WORDS];
	void *map, *row;

	hidden(table);
	begin_state(&state AND_SPAN(start, now));
	make_key(ctx, table, &state, key, NULL);
	map = table_now(number, zeros);
	row = map ? row_of(map, key) : NULL;
	if (!row)
		return TABLE_FULL;
	count_in(ctx, table, &state, row, which);
	return COUNTED;
}

/* The same for keys that the stack has no room for, in `far->place`. */
static __always_inline __u64 count_far_in(void *ctx, const struct table *table, const struct far *far, __u64 which AND_SPAN(const struct open_span *start, __u64 now))
{
	struct scratch *place = far->place;
	__u32 phase = far->has_stacks ? phase_of(far->number) : 0;
	struct fetch_state state;
	void *map, *row;

	place->phase = phase;
	place->stack_lost = false;
	begin_state(&state AND_SPAN(start, now));
	bpf_probe_read_kernel(place->key, MAX_KEY_BYTES, zeros);
	make_key(ctx, table, &state, place->key, far);
	if (far->has_stacks && place->stack_lost)
		return STACKS_FULL;
	map = table_now(far->number, &phase);
	row = map ? row_of(map, place->key) : NULL;
	if (!row)
		return TABLE_FULL;
	count_in(ctx, table, &state, row, which);
	return COUNTED;
}

static __noinline __u64 count_far(void *ctx, __u64 number, __u64 which AND_SPAN(const struct open_span *start, __u64 now))
{
	const struct table *table = (const struct table *)&tables[number & (MAX_TABLES - 1)];
	struct far far = { .number = number, .has_stacks = has_stack_keys && table->has_stacks };
	__u64 outcome;

	hidden(table);
	far.place = scratch_claim();
	if (!far.place)
		return CROWDED;
	outcome = count_far_in(ctx, table, &far, which AND_SPAN(start, now));
	scratch_release(far.place);
	return outcome;
}

static __always_inline void count_lost(struct cpu_counts *count, __u64 outcome)
{
	if (outcome == TABLE_FULL)
		__atomic_fetch_add(&count->uncounted, 1, __ATOMIC_RELAXED);
	else if (outcome == STACKS_FULL)
		__atomic_fetch_add(&count->stacks_full, 1, __ATOMIC_RELAXED);
	else if (outcome == CROWDED)
		__atomic_fetch_add(&count->crowded, 1, __ATOMIC_RELAXED);
}

/* An event that is wanted. One that is missing in several tables is lost once. */
static __always_inline void count_event(void *ctx, struct cpu_counts *count AND_SPAN(const struct open_span *start, __u64 now))
{
	__u64 lost = COUNTED;
	__u32 i;

	__atomic_fetch_add(&count->produced, 1, __ATOMIC_RELAXED);
#pragma clang loop unroll(disable)
	for (i = 0; i < MAX_TABLES; i++) {
		__u64 outcome, which = ~0ULL;

		if (!tables[i].values)
			break;
		if (tables[i].has_conditions)
			/* Known bits would be a path of their own for each set of conditions that can hold. */
			which = counted_values(ctx, i AND_SPAN(start, now)) ^ count->nothing;
		outcome = tables[i].in_scratch ? count_far(ctx, i, which AND_SPAN(start, now)) : count_near(ctx, i, which AND_SPAN(start, now));
		if (outcome == TABLE_FULL)
			__atomic_fetch_add(&count->table_full[i & (MAX_TABLES - 1)], 1, __ATOMIC_RELAXED);
		if (outcome && !lost)
			lost = outcome;
	}
	count_lost(count, lost);
}

#endif

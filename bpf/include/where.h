/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * `where`: a graph of tests that leads forward only, gone through before a record is reserved.
 *
 * The runner fills it like the work list. The number of the step to do next stands in a register of its own: where it can only
 * be one, as in a chain of `&&`, the verifier knows it and removes the question.
 */
#ifndef EBPF_RUN_WHERE_H
#define EBPF_RUN_WHERE_H

#include "step.h"
#ifdef TRACE_COUNTING
#include "calculate.h"
#endif

#ifdef TRACE_LIGHT
static __always_inline __u64 is_wanted(void *ctx)
{
	return true;
}
#else

/* Those that are copies of their own, made for one test each; the others share one. */
#define QUICK_STEPS 8

struct where_state {
	struct fetch_state fetch;
	__u64 operand[OPERAND_WORDS];
};

/*
 * The operand from a byte on. In this order: added to a scalar, a pointer to the stack of a caller is one to this function's for
 * Linux 5.10.
 */
static __always_inline void *operand_at(const void *operand, __u64 at)
{
	asm volatile("%0 += %1" : "+r"(operand) : "r"(at));
	return (void *)operand;
}

/* `key` is in the map that the set has now. */
static __always_inline bool is_in(void *set, const void *key)
{
	void *entries = bpf_map_lookup_elem(set, zeros);

	return entries && bpf_map_lookup_elem(entries, key);
}

#define IN_HASH(n, name) \
	case n:          \
		return is_in(&name##n, key);
#define IN_NETWORKS(n, name) \
	case n:              \
		return bpf_map_lookup_elem(&name##n, key) != NULL;

static __always_inline bool in_numbers(__u8 set, const __u64 *key)
{
	switch (set) {
	IN_HASH(0, numbers) IN_HASH(1, numbers) IN_HASH(2, numbers) IN_HASH(3, numbers)
	}
	return false;
}

static __always_inline bool in_texts(__u8 set, const __u64 *key)
{
	switch (set) {
	IN_HASH(0, texts) IN_HASH(1, texts) IN_HASH(2, texts) IN_HASH(3, texts)
	}
	return false;
}

static __always_inline bool in_networks(__u8 set, const struct network_key *key)
{
	switch (set) {
	IN_NETWORKS(0, networks) IN_NETWORKS(1, networks)
	}
	return false;
}

/* Both ends have places on the stack for a constant number of bytes; what lies behind those of the operand is not asked for. */
static __always_inline bool same_words(const __u64 *operand, const struct step_text *text, __u32 words)
{
	__u32 i;

#pragma clang loop unroll(disable)
	for (i = 0; i < OPERAND_WORDS; i++) {
		if (i >= words)
			break;
		if ((operand[i] & text->mask[i]) != text->bytes[i])
			return false;
	}
	return true;
}

/* What a test answers. A text that goes on where nobody sees it neither ends with something nor lacks it. */
#define NO 0
#define YES 1
#define UNSEEN 2

/* The text ends with what is expected: `length` bytes of it. */
static __always_inline __u64 ends_with(const __u64 *operand, __u64 bytes, const struct step *step, const struct step_text *text)
{
	__u64 tail[4] = {};
	__u64 at = bytes - 1 - step->length;

	if (bytes >= step->fetch.size && step->fetch.copy != COPY_COMM)
		return UNSEEN;
	hidden(at);
	if (bytes <= step->length || at > (__u64)step->fetch.size - step->length)
		return NO;
	return !bpf_probe_read_kernel(tail, step->length & 63, operand_at(operand, at)) && same_words(tail, text, 4);
}

/* A word that goes over the text, byte by byte. */
static __always_inline __u64 contains(const __u64 *operand, __u64 bytes, const struct step *step)
{
	const __u8 *text = (const __u8 *)operand;
	__u64 window = 0;
	__u32 i;

	if (bytes >= step->fetch.size && step->fetch.copy != COPY_COMM)
		return UNSEEN;
#pragma clang loop unroll(disable)
	for (i = 0; i < OPERAND_BYTES; i++) {
		if (i >= step->fetch.size)
			return UNSEEN;
		if (!text[i])
			return NO;
		window = window << 8 | text[i];
		if (i + 1 >= step->length && (window & step->mask) == step->low)
			return YES;
	}
	return UNSEEN;
}

static __always_inline bool is_among_networks(const struct step *step, const struct where_state *state)
{
	struct network_key key = { .bits = 128 };

	if (step->bytes == sizeof(__be32)) {
		key.ip[2] = bpf_htonl(0xffff);
		key.ip[3] = state->fetch.value;
	} else {
		bpf_probe_read_kernel(key.ip, sizeof(key.ip), operand_at(state->operand, step->part & (OPERAND_BYTES - 1)));
	}
	return in_networks(step->set, &key);
}

/* The 64 bits of a number as a set has them: of `mask` those that count, behind `span` others; `low` is the bit of the sign. */
static __always_inline __u64 widened(const struct step *step, __u64 value)
{
	return ((value >> (step->span & 63) & step->mask) ^ step->low) - step->low;
}

/* Tests of what is not a number. */
static __noinline __u64 test_bytes(const struct step *step, const struct step_text *text, struct where_state *state)
{
	switch (step->test) {
	case TEST_BYTES:
		return same_words(operand_at(state->operand, step->part & (OPERAND_BYTES - sizeof(__u64))), text, step->words);
	case TEST_SUFFIX:
		return ends_with(state->operand, state->fetch.length, step, text);
	case TEST_CONTAINS:
		return contains(state->operand, state->fetch.length, step);
	case TEST_NUMBERS:
		state->fetch.value = widened(step, state->fetch.value);
		return in_numbers(step->set, &state->fetch.value);
	case TEST_TEXTS:
		return state->fetch.length < OPERAND_BYTES && in_texts(step->set, state->operand);
	case TEST_NETWORKS:
		return is_among_networks(step, state);
	default:
		return YES;
	}
}

static __always_inline bool is_number(const struct step *step)
{
	return step->test == TEST_RANGE || step->test == TEST_NUMBERS ||
	       (step->test == TEST_NETWORKS && step->bytes == sizeof(__be32));
}

static __always_inline __u64 clear_operand(struct where_state *state)
{
	return bpf_probe_read_kernel(state->operand, sizeof(state->operand), zeros);
}

/* Only ends of the internet have an address (at 8), and of these only some a port (at 2). A socket may have no other end at all. */
static __always_inline __u64 has_part(const struct step *step, __u64 head)
{
	__u16 family = head;

	if (!step->part)
		return family || step->fetch.copy == COPY_SOCKADDR ? FETCHED : ABSENT;
	if (family != AF_INET && family != AF_INET6)
		return ABSENT;
	return step->part == 2 && head >> 32 ? ABSENT : FETCHED;
}

/* One end of a connection, or its path, in the operand. */
static __always_inline __u64 fetch_end(const struct step *step, struct where_state *state, __u64 address)
{
	struct endpoint end = {};
	__u64 status;

	clear_operand(state);
	if (!step->is_path) {
		status = step->fetch.copy == COPY_SOCK ? copy_sock_end((void *)address, step->end, (void *)state->operand, NULL) :
							 copy_sockaddr(&step->fetch, address, (void *)state->operand, NULL);
		return status ? status : has_part(step, state->operand[0]);
	}
	status = step->fetch.copy == COPY_SOCK ? copy_sock_end((void *)address, step->end, &end, (void *)state->operand) :
						 copy_sockaddr(&step->fetch, address, &end, (void *)state->operand);
	state->fetch.length = end.path_length + 1;
	return status ? status : end.path_length ? FETCHED : ABSENT;
}

/* A part of a struct sock. */
static __always_inline __u64 fetch_sock_part(const struct step *step, struct where_state *state)
{
	const void *sock = (void *)state->fetch.value;

	if (state->fetch.value < FIRST_ADDRESS)
		return ABSENT;
	if (step->end < 2)
		return fetch_end(step, state, state->fetch.value);
	clear_operand(state);
	if (bpf_probe_read_kernel(state->operand, sizeof(__u16), sock + sock_family_at))
		return UNREADABLE;
	state->operand[0] |= (__u64)protocol_of(sock, state->operand[0]) << 16;
	/* Of other families the protocol means something else. */
	return step->part ? has_part(step, state->operand[0] & 0xffff) : FETCHED;
}

/* The number that begins at `part` of the operand. */
static __always_inline void take_number(const struct step *step, struct where_state *state)
{
	state->fetch.value = 0;
	bpf_probe_read_kernel(&state->fetch.value, step->bytes & 15, operand_at(state->operand, step->part & (OPERAND_BYTES - 1)));
}

/* What the headers of a packet say: of one in the kernel, they are read into the operand, which is as large. */
static __always_inline __u64 fetch_packet_part(void *ctx, const struct step *step, struct where_state *state)
{
	void *to = is_number(step) ? &state->fetch.value : state->operand;
	__u64 status;

	if (step->fetch.source == FETCH_PACKET)
		return packet_part(ctx, &step->fetch, to);
	clear_operand(state);
	status = packet_of_kernel(state->fetch.value, (void *)state->operand);
	return status ? status : packet_part(state->operand, &step->fetch, to);
}

_Static_assert(sizeof(struct packet_parts) <= OPERAND_BYTES, "the headers of a packet go into an operand");

/* How long it is, is asked for only where the test needs it. */
static __always_inline __u64 fetch_comm(const struct step *step, struct where_state *state)
{
	if (current_comm(state->operand))
		return UNREADABLE;
	if (step->test == TEST_SUFFIX)
		state->fetch.length = bpf_probe_read_kernel_str(state->operand + 2, COMM_BYTES, state->operand);
	else
		state->fetch.length = COMM_BYTES;
	return FETCHED;
}

/* An operand that is in memory, or wants more than a register. */
static __noinline __u64 fetch_operand(void *ctx, const struct step *step, struct where_state *state)
{
	const struct fetch *fetch = &step->fetch;
	__u64 status, address, length = state->fetch.length;

	if (fetch->keep)
		return fetch_kept(fetch, &state->fetch);
	if (is_number(step) && (fetch->copy == COPY_KERNEL || fetch->copy == COPY_USER))
		return fetch_number(fetch, &state->fetch);
	if (step->test == TEST_TEXTS || fetch->size < step->words * sizeof(__u64))
		clear_operand(state);
	if (fetch->copy == COPY_COMM)
		return fetch_comm(step, state);
	status = fetch_hops(fetch, &state->fetch);
	if (status)
		return status;
	address = state->fetch.value;
	switch (fetch->copy) {
	case COPY_VALUE:
		return FETCHED;
	case COPY_KERNEL:
	case COPY_USER:
		return read_bytes(fetch, state->operand, fetch->size, address);
	case COPY_STRING:
	case COPY_USER_STRING:
		status = read_text(fetch, state->operand, fetch->size, &state->fetch);
		if (!status && is_dynamic(fetch) && !fetch->hops)
			end_text((char *)state->operand, length, fetch->size);
		return status;
	case COPY_SOCK:
		status = fetch_sock_part(step, state);
		break;
	case COPY_SOCKADDR:
		status = fetch_end(step, state, address);
		break;
	case COPY_PACKET:
		return fetch_packet_part(ctx, step, state);
	case COPY_SUM_OF_CPUS:
		return sum_of_cpus(fetch, &state->fetch);
	default:
		return ABSENT;
	}
	if (!status && is_number(step))
		take_number(step, state);
	return status;
}

/* A number in network order. */
static __always_inline __u64 swapped(__u64 value, __u8 bytes)
{
	return bytes == sizeof(__u16) ? bpf_ntohs(value) : bpf_ntohl(value);
}

/* The next step: `yes`, `no` or `fault`. */
static __always_inline __u64 do_step(void *ctx, const struct step *step, const struct step_text *text, struct where_state *state,
				     __u64 *unreadable)
{
	__u64 status, value = 0, answer;

#ifdef TRACE_COUNTING
	if (step->fetch.source == FETCH_CALCULATED) {
		status = calculate(ctx, step->fetch.index, &state->fetch);
		value = state->fetch.value;
	} else
#endif
		status = fetch_source(ctx, &step->fetch, &state->fetch, &value);
	if (!status && is_plain(&step->fetch)) {
		value = plain_value(&step->fetch, value);
	} else if (!status) {
		state->fetch.value = value;
		status = fetch_operand(ctx, step, state);
		value = state->fetch.value;
	}
	if (status) {
		if (step->fetch.keep)
			keep(&step->fetch, status, &state->fetch);
		*unreadable |= status;
		return step->fault;
	}
	if (step->swapped)
		value = swapped(value, step->bytes);
	if (step->test == TEST_RANGE) {
		answer = (((value & step->bits) - step->low) & step->mask) <= step->span;
	} else if (step->test == TEST_EXISTS) {
		answer = YES;
	} else {
		state->fetch.value = value;
		answer = test_bytes(step, text, state);
	}
	return answer == YES ? step->yes : answer == NO ? step->no : step->fault;
}

#if defined(TRACE_SPAN) || defined(TRACE_START)
/* What where() says besides true. */
#define WHERE_FILTERED 0
#define WHERE_UNDECIDED 2

/* What was asked for does not hold; the caller knows what that means. */
static __always_inline __u64 rejected(__u64 unreadable)
{
	return unreadable & UNREADABLE & ~ABSENT ? WHERE_UNDECIDED : WHERE_FILTERED;
}
#else
/* Counted: the event is not one that was asked for. */
static __always_inline bool rejected(__u64 unreadable)
{
	struct cpu_counts *count = cpu_counts();

	if (count->ended)
		return false;
	if (unreadable & UNREADABLE & ~ABSENT)
		__atomic_fetch_add(&count->undecided, 1, __ATOMIC_RELAXED);
	else
		__atomic_fetch_add(&count->filtered, 1, __ATOMIC_RELAXED);
	return false;
}
#endif

#ifdef TRACE_SPAN
/* What ends now, where it is known. */
#define AND_SPAN(start, now) , start, now
#else
#define AND_SPAN(start, now)
#endif

/* True, or counted: the event is one that was asked for, as far as the tests from `next` on say. */
static __noinline __u64 where(void *ctx, __u64 next, __u64 unreadable AND_SPAN(const struct open_span *start, __u64 now))
{
	struct where_state state;
	__u32 i;

#ifdef TRACE_SPAN
	state.fetch.start = start;
	state.fetch.now = now;
#endif
	state.fetch.value = 0;
	state.fetch.missing = 0;
	state.fetch.length = 0;
#pragma unroll
	for (i = 0; i < QUICK_STEPS; i++) {
		const struct step *step = (const struct step *)&steps[i];

		hidden(step);
		if (step->test == TEST_NONE)
			return rejected(unreadable);
		hidden(next);
		if (next != i)
			continue;
		next = do_step(ctx, step, (const struct step_text *)&step_texts[i], &state, &unreadable);
		hidden(next);
		if (next == STEP_REJECT)
			return rejected(unreadable);
		if (next == STEP_PASS)
			return true;
	}
#pragma clang loop unroll(disable)
	for (i = QUICK_STEPS; i < MAX_STEPS; i++) {
		const struct step *step = (const struct step *)&steps[i];

		hidden(step);
		if (step->test == TEST_NONE)
			return rejected(unreadable);
		if (next != i)
			continue;
		next = do_step(ctx, step, (const struct step_text *)&step_texts[i], &state, &unreadable);
		if (next == STEP_REJECT)
			return rejected(unreadable);
		if (next == STEP_PASS)
			return true;
	}
	return rejected(unreadable);
}

#ifdef TRACE_COUNTING
/* What the tests from `first` on say; where they cannot tell, it does not hold. */
static __noinline __u64 holds(void *ctx, __u64 first AND_SPAN(const struct open_span *start, __u64 now))
{
	struct where_state state;
	__u64 next = first, unreadable = 0;
	__u32 i;

#ifdef TRACE_SPAN
	state.fetch.start = start;
	state.fetch.now = now;
#endif

	state.fetch.value = 0;
	state.fetch.missing = 0;
	state.fetch.length = 0;
#pragma clang loop unroll(disable)
	for (i = first; i < MAX_STEPS; i++) {
		const struct step *step = (const struct step *)&steps[i];

		hidden(step);
		if (next != i)
			continue;
		next = do_step(ctx, step, (const struct step_text *)&step_texts[i], &state, &unreadable);
		if (next == STEP_REJECT)
			return false;
		if (next == STEP_PASS)
			return true;
	}
	return false;
}
#endif

/* True where there are no tests. Those of conditions come after those of `where`. */
static __always_inline bool wants_all(void)
{
	return !has_where || steps[0].test == TEST_NONE;
}

#ifndef TRACE_SPAN
/* The same where a call costs little beside what else happens. */
static __always_inline __u64 is_wanted(void *ctx)
{
	return wants_all() ? true : where(ctx, 0, 0);
}
#endif

#endif

#endif

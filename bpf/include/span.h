/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * How long something takes: what begins at one hook and ends at another is one event.
 *
 * What begins leaves its time and the values that are read there in an element of `open_spans`; what ends takes it out. Each hook has
 * a program of its own, which is trace.bpf.c: with TRACE_START it begins, cancels, or leaves values on the way; with TRACE_SPAN it
 * ends. The runner gives all of them the same map.
 */
#ifndef EBPF_RUN_SPAN_H
#define EBPF_RUN_SPAN_H

#include "fetch.h"

#define SPAN_KEY_WORDS 4
/* Words of a key that are copies of their own; the others share one. */
#define QUICK_KEY_WORDS 2

/* What a hook is to its spans. */
enum span_role {
	SPAN_END = 0,
	SPAN_START = 1,
	SPAN_VIA = 2,
	SPAN_CANCEL = 3,
};

/*
 * By which a start and its end know each other: a number each. Of a fetch `part` bits lie below those that count, `keep_shift` above
 * them, and `count` is added.
 */
const volatile struct fetch span_key[SPAN_KEY_WORDS] INTERNAL = {};
const volatile __u32 span_role INTERNAL = SPAN_END;
/* The first start stays where another one meets it; otherwise the last one does. */
const volatile bool span_keeps_first INTERNAL = false;
/* Nanoseconds after which what has begun is given up; 0: never. */
const volatile __u64 span_expire INTERNAL = 0;
/* What `where` refuses here is no event: it is a condition of this hook alone. */
const volatile bool span_gated INTERNAL = false;
/* At an end: the tests from this one on are of that kind, those before it about the event; above all: there are none. */
const volatile __u32 span_gate INTERNAL = 255;
/* The bits of what `via` leaves: nothing, at the start. */
const volatile __u64 span_via_bits INTERNAL = 0;

/* Somebody asks who began it: `uid` and `comm` are kept, not only the thread. */
const volatile bool span_keeps_process INTERNAL = true;
/* What is kept is little, and numbers at hand: it is put into the map at once. */
const volatile bool span_is_near INTERNAL = false;

/* Something is in `behind`. */
const volatile bool has_behind INTERNAL = false;

/* What has begun. Slots of values follow. */
struct open_span {
	__u64 time_ns; /* monotonic; 0: it is being filled */
	__u64 absent;  /* as in the head of an event */
	__u64 pid_tgid;
	__u32 uid;
	__u32 unused;
	char comm[16];
};

_Static_assert(sizeof(struct open_span) == 48, "no padding before the slots");

#ifdef TRACE_SPAN
/* What the start left, or how long ago that was. */
static __always_inline __u64 fetch_of_span(const struct fetch *fetch, const struct fetch_state *state, __u64 *value)
{
	const struct open_span *start = state->start;
	__u64 status;

	if (fetch->source == FETCH_DURATION) {
		*value = state->now - start->time_ns;
		return FETCHED;
	}
	if (fetch->source != FETCH_STORED)
		return ELSEWHERE;
	status = start->absent >> (fetch->index & 31) & UNREADABLE;
	if (status)
		return status;
	if (fetch->copy == COPY_VALUE)
		*value = *(const __u64 *)((const void *)start + fetch->constant);
	else
		*value = (__u64)((const void *)start + fetch->constant);
	return FETCHED;
}
#endif

#endif

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * `limits`: which events pass. First the sample, then the rate.
 *
 * The runner fills the constants before it loads the program; where nothing is limited the verifier removes all of this.
 */
#ifndef EBPF_RUN_LIMITS_H
#define EBPF_RUN_LIMITS_H

#include "kernel.h"
#include <bpf/bpf_helpers.h>

/* Anything below is set. */
const volatile bool limited INTERNAL = false;
/* An event passes where a random number of 32 bits is less; 0: all of them. */
const volatile __u32 sample_below INTERNAL = 0;
/* So many events pass in a window, at most 999,999,999; 0: all of them. */
const volatile __u32 rate_events INTERNAL = 0;
/* Windows are the multiples of this since the machine was booted; never 0. */
const volatile __u64 rate_window_ns INTERNAL = 1;

/* Which window an event counts in, of a program that is at several targets: each has the rate for itself. */
enum rate_of {
	RATE_OF_PROGRAM = 0,
	RATE_OF_COOKIE = 1, /* that of the link's cookie, in `rates` */
	RATE_OF_CALL = 2,   /* that of the system call */
};

const volatile __u32 rate_of INTERNAL = RATE_OF_PROGRAM;

/*
 * The window in one word, so that the order in which CPUs see its parts is no question on any machine:
 *
 *   63                42 41              30 29               0
 *   number of the window | CPUs at the door | events in it
 *
 * It changes by atomic adds only, and each reads it after its own add: Linux 5.10 has no add that returns the value and no
 * compare-and-exchange (5.12). What is read then holds at least all that was added before. So of the events that read N
 * or less, there are at most N. And who reads that one CPU alone is at the door, itself, may open the next window.
 */
#define RATE_EVENT 1ULL
#define RATE_EVENTS ((1ULL << 30) - 1)
#define RATE_DOOR (1ULL << 30)
#define RATE_DOORS (((1ULL << 12) - 1) << 30)
#define RATE_NUMBER_SHIFT 42
#define RATE_NUMBERS ((1ULL << 22) - 1)
/*
 * A CPU that was stopped after it took the time, or whose clock is behind, sees a window that is ahead: by less than this,
 * for a window lasts a second at least. It counts there, and never opens the past again.
 */
#define RATE_AHEAD 64
/*
 * How often a CPU tries again while another one opens a window. After that (the other one was stopped at the door) its event
 * counts as over the limit: rather one too few than one too many.
 */
#define RATE_TRIES 16

static __always_inline __u64 rate_read(const __u64 *word)
{
	return *(const volatile __u64 *)word;
}

static __always_inline bool rate_is_over(__u64 word, __u64 window)
{
	__u64 behind = (window - (word >> RATE_NUMBER_SHIFT)) & RATE_NUMBERS;

	return behind != 0 && behind <= RATE_NUMBERS - RATE_AHEAD;
}

/* Try to open `window`, with one event in it. */
static __always_inline bool rate_open(__u64 *word, __u64 window)
{
	__u64 seen, behind;

	__atomic_fetch_add(word, RATE_DOOR, __ATOMIC_RELAXED);
	seen = rate_read(word);
	if (!rate_is_over(seen, window) || (seen & RATE_DOORS) != RATE_DOOR) {
		__atomic_fetch_add(word, -RATE_DOOR, __ATOMIC_RELAXED);
		return false;
	}
	behind = (window - (seen >> RATE_NUMBER_SHIFT)) & RATE_NUMBERS;
	/* What others add meanwhile stays in it: they see that the number has changed, and add again. */
	__atomic_fetch_add(word, (behind << RATE_NUMBER_SHIFT) - RATE_DOOR - (seen & RATE_EVENTS) + RATE_EVENT,
			   __ATOMIC_RELAXED);
	return true;
}

/* True for at most `rate_events` events of a window, on all CPUs together. */
static __always_inline bool rate_allows(__u64 *word)
{
	__u64 window = bpf_ktime_get_boot_ns() / rate_window_ns;
	__u64 before, after;
	int i;

	for (i = 0; i < RATE_TRIES; i++) {
		before = rate_read(word);
		if (rate_is_over(before, window)) {
			if (rate_open(word, window))
				return true;
			continue;
		}
		if ((before & RATE_EVENTS) >= rate_events)
			return false;
		__atomic_fetch_add(word, RATE_EVENT, __ATOMIC_RELAXED);
		after = rate_read(word);
		if (before >> RATE_NUMBER_SHIFT == after >> RATE_NUMBER_SHIFT)
			return (after & RATE_EVENTS) <= rate_events;
	}
	return false;
}

#endif

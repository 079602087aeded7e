// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Spends known shares of its time in three functions: shares --seconds T [--core C]. Of each ten milliseconds sixty() takes six, thirty()
 * three and ten() one, by the clock of the thread. Prints `sixty=N thirty=N ten=N`: the milliseconds that each had.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_MS 1000000ULL
#define SPENT __attribute__((noinline))

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000 * NS_PER_MS + (uint64_t)now.tv_nsec;
}

/* Nothing but its own instructions, in small pieces: what the clock takes is little. */
#define SPEND(name)                                                       \
	SPENT static uint64_t name(uint64_t until_ns)                     \
	{                                                                 \
		do {                                                      \
			for (volatile int at = 0; at < 20000; at++) {     \
			}                                                 \
		} while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < until_ns);   \
		return until_ns;                                          \
	}

SPEND(sixty)
SPEND(thirty)
SPEND(ten)

int main(int argc, char **argv)
{
	uint64_t seconds = 10, sum[3] = { 0 }, end;

	for (int at = 1; at + 1 < argc; at += 2) {
		if (!strcmp(argv[at], "--seconds")) {
			seconds = strtoull(argv[at + 1], NULL, 10);
		} else if (!strcmp(argv[at], "--core")) {
			cpu_set_t set;

			CPU_ZERO(&set);
			CPU_SET(atoi(argv[at + 1]), &set);
			sched_setaffinity(0, sizeof(set), &set);
		}
	}
	end = clock_ns(CLOCK_MONOTONIC) + seconds * 1000 * NS_PER_MS;
	while (clock_ns(CLOCK_MONOTONIC) < end) {
		uint64_t begin = clock_ns(CLOCK_THREAD_CPUTIME_ID), now;

		sixty(begin + 6 * NS_PER_MS);
		now = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		sum[0] += now - begin;
		begin = now;
		thirty(begin + 3 * NS_PER_MS);
		now = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		sum[1] += now - begin;
		begin = now;
		ten(begin + NS_PER_MS);
		sum[2] += clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
	}
	printf("sixty=%llu thirty=%llu ten=%llu\n", (unsigned long long)(sum[0] / NS_PER_MS), (unsigned long long)(sum[1] / NS_PER_MS),
	       (unsigned long long)(sum[2] / NS_PER_MS));
	return 0;
}

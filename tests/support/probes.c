// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A program with USDT probes. It calls work(n, text) for n of each line that it reads, until the input ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"

/* How many look at `guarded`. */
__attribute__((section(".probes"), used)) volatile unsigned short test_guarded_semaphore;

struct pair {
	int small;
	long large;
};

static volatile int sum;
/* Variables that are arguments themselves: the note has their symbols. */
volatile int shared;
static volatile struct pair limits;

/* The compiler puts it into each of its callers: one probe, several places, arguments in different ones. */
static inline __attribute__((always_inline)) void inlined(int number, const char *text)
{
	PROBE("test", "inlined", "0", "-4@%0 8@%1", "nor"(number), "nor"(text));
	sum += number;
}

static __attribute__((noinline)) void work(int number, const char *text)
{
	struct pair pairs[2] = { { number, -1 }, { number + 1, 1L << 40 } };
	volatile unsigned char byte = 200;
	long at = number & 1;

	PROBE("test", "work", "0", "-4@%0 8@%1", "nor"(number), "nor"(text));
#ifdef __x86_64__
	PROBE("test", "forms", "0", "-4@%k0 8@%1 1@%2 -1@%2 4@$5 -8@8(%3) -4@(%3,%4,8)", "r"(number), "r"(text), "m"(byte),
	      "r"(pairs), "r"(at * 2));
	shared = number * 3;
	limits.large = (1L << 40) + number;
	PROBE("test", "variables", "0", "-4@%0 -8@%1 8f@%2 -4@%3", "m"(shared), "m"(limits.large), "x"(number * 0.5), "r"(number));
#endif
	if (test_guarded_semaphore)
		PROBE("test", "guarded", "test_guarded_semaphore", "-4@%0", "nor"(number));
	PROBE("test", "plain", "0", "");
	inlined(number, text);
	inlined(number * 10, "again");
	sum += byte + pairs[0].small;
}

int main(void)
{
	char line[64];

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		int number = atoi(line);

		line[strcspn(line, "\n")] = 0;
		work(number, line);
		if (number == 3)
			inlined(33, "third");
		printf("%d\n", number);
	}
	return 0;
}

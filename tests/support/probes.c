// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A program with USDT probes, written as <sys/sdt.h> writes them, for machines that do not have it. It calls work(n, text) for n
 * of each line that it reads, until the input ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One place of a probe: a nop in the code, and a note that says where it is. */
#define PROBE(provider, name, semaphore, arguments, ...)                                                               \
	__asm__ volatile("990: nop\n"                                                                                  \
			 ".pushsection .note.stapsdt,\"?\",\"note\"\n"                                                 \
			 ".balign 4\n"                                                                                 \
			 ".4byte 992f-991f, 994f-993f, 3\n"                                                            \
			 "991: .asciz \"stapsdt\"\n"                                                                   \
			 "992: .balign 4\n"                                                                            \
			 "993: .8byte 990b\n"                                                                          \
			 ".8byte _.stapsdt.base\n"                                                                     \
			 ".8byte " semaphore "\n"                                                                      \
			 ".asciz \"" provider "\"\n"                                                                   \
			 ".asciz \"" name "\"\n"                                                                       \
			 ".asciz \"" arguments "\"\n"                                                                  \
			 "994: .balign 4\n"                                                                            \
			 ".popsection\n"                                                                               \
			 ".ifndef _.stapsdt.base\n"                                                                    \
			 ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"                       \
			 ".weak _.stapsdt.base\n"                                                                      \
			 ".hidden _.stapsdt.base\n"                                                                    \
			 "_.stapsdt.base: .space 1\n"                                                                  \
			 ".size _.stapsdt.base, 1\n"                                                                   \
			 ".popsection\n"                                                                               \
			 ".endif\n" ::__VA_ARGS__)

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

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * A program to be probed: called TEXT. For each number on standard input it calls answer() so many times, then says
 * `done`. Nothing of it is inlined, so every call is one.
 */
#include <stdio.h>
#include <stdlib.h>

#define CALLED __attribute__((noinline, noclone, used))

static unsigned char address[16] = { 0x20, 0x01, 0x0d, 0xb8 };

CALLED long answer(int number, const char *text, const unsigned char *bytes, unsigned short port)
{
	__asm__ volatile("" : : "r"(text), "r"(bytes), "r"((long)port) : "memory");
	return -2L * number;
}

/* The one of two that `first_of` and globs look for. */
CALLED const char *answer_text(const char *text)
{
	__asm__ volatile("" : "+r"(text) : : "memory");
	return text;
}

int main(int argc, char **argv)
{
	const char *text = argc > 1 ? argv[1] : "";
	char line[32];

	/* A page that the process has not touched is not in memory, and a probe does not wait for it. */
	address[15] = 1;
	while (fgets(line, sizeof(line), stdin)) {
		int count = atoi(line), number;

		for (number = 0; number < count; number++) {
			answer(number, text, address, 0x5000);
			answer_text(text);
		}
		puts("done");
		fflush(stdout);
	}
	return 0;
}

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * A program to be probed: called TEXT. For each number on standard input it calls answer() so many times, then says
 * `done`. A line `w A B C D TEXT WHICH` calls work() with these; the text `-` is none. Nothing of it is inlined, so every call is
 * one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* What random conditions are asked of. */
CALLED void work(unsigned long a, unsigned long b, unsigned long c, unsigned long d, const char *text, unsigned long which)
{
	__asm__ volatile("" : : "r"(a), "r"(b), "r"(c), "r"(d), "r"(text), "r"(which) : "memory");
}

static void work_line(char *line)
{
	unsigned long number[5];
	char *text = NULL;
	int at;

	for (at = 0; at < 4; at++)
		number[at] = strtoul(line, &line, 10);
	if (*line == ' ')
		line++;
	text = line;
	line = strchr(line, ' ');
	if (!line)
		return;
	*line = '\0';
	number[4] = strtoul(line + 1, NULL, 10);
	work(number[0], number[1], number[2], number[3], strcmp(text, "-") ? text : NULL, number[4]);
}

int main(int argc, char **argv)
{
	const char *text = argc > 1 ? argv[1] : "";
	char line[512];

	/* A page that the process has not touched is not in memory, and a probe does not wait for it. */
	address[15] = 1;
	while (fgets(line, sizeof(line), stdin)) {
		int count = atoi(line), number;

		if (*line == 'w') {
			work_line(line + 1);
			continue;
		}
		for (number = 0; number < count; number++) {
			answer(number, text, address, 0x5000);
			answer_text(text);
		}
		puts("done");
		fflush(stdout);
	}
	return 0;
}

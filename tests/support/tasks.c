// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Runs functions that it is given by their addresses, as a thread or a timer is: `first` as often as each number of its standard input
 * says, and `second` once more than that. Then it says `done`.
 */
#include <stdio.h>
#include <stdlib.h>

typedef void task(void);

__attribute__((noinline, noclone)) void run(task *what)
{
	what();
	__asm__ volatile("");
}

static void first(void)
{
	__asm__ volatile("nop");
}

static void second(void)
{
	__asm__ volatile("nop; nop");
}

int main(void)
{
	char line[32];

	while (fgets(line, sizeof(line), stdin)) {
		int times = atoi(line), i;

		for (i = 0; i < times; i++)
			run(first);
		for (i = 0; i <= times; i++)
			run(second);
		puts("done");
		fflush(stdout);
	}
	return 0;
}

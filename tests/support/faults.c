// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Touches as many fresh pages as its argument says, in a function of its own, and says how many faults that were. It ends with
 * its standard input.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

__attribute__((noinline)) void touch_pages(volatile char *memory, long pages, long size)
{
	long page;

	for (page = 0; page < pages; page++)
		memory[page * size] = 1;
}

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

int main(int count, char **arguments)
{
	long pages = count > 1 ? atol(arguments[1]) : 1, size = sysconf(_SC_PAGESIZE), before;
	char *memory = mmap(NULL, pages * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return 1;
	madvise(memory, pages * size, MADV_NOHUGEPAGE);
	before = faults();
	touch_pages(memory, pages, size);
	printf("%ld\n", faults() - before);
	fflush(stdout);
	/* Whoever looks for its functions finds it there. */
	while (getchar() != EOF)
		;
	return 0;
}

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Maps its own file as often as the kernel lets it, says how often, and waits until its standard input ends. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
	int file = open("/proc/self/exe", O_RDONLY), count = 0;

	/* Neighbours of different access are not merged. */
	while (mmap(NULL, 4096, count % 2 ? PROT_READ | PROT_EXEC : PROT_READ, MAP_PRIVATE, file, 0) != MAP_FAILED)
		count++;
	/* Printing takes no memory of its own. */
	setvbuf(stdout, NULL, _IONBF, 0);
	printf("%d\n", count);
	return getchar() != EOF;
}

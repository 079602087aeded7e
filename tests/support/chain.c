/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * A program with a known chain of calls to openat(): main, outer, middle, inner. `chain jit` puts code of its own between main and outer, and
 * says so in its perf map. For each number on standard input it goes through the chain so many times; for a number below 0 once from each
 * of so many other depths.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLED __attribute__((noinline, noclone, used))

/* Without libc's wrapper, which has no frame pointer. */
CALLED long inner(const char *path)
{
	long fd;

	/* It has a frame, although it calls nothing. */
	__asm__ volatile("" : : "r"(__builtin_frame_address(0)));
#ifdef __x86_64__
	__asm__ volatile("syscall" : "=a"(fd) : "a"(SYS_openat), "D"(AT_FDCWD), "S"(path), "d"(O_RDONLY) : "rcx", "r11", "memory");
#else
	fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
#endif
	return fd;
}

static inline __attribute__((always_inline)) long middle(const char *path)
{
	return inner(path) + 1;
}

CALLED long outer(const char *path)
{
	return middle(path) + 1;
}

CALLED long deeper(const char *path, long depth)
{
	return depth > 0 ? deeper(path, depth - 1) + 1 : outer(path);
}

typedef long call(const char *path, void *then);

/* push rbp; mov rbp, rsp; call rsi; pop rbp; ret */
static const unsigned char code[] = { 0x55, 0x48, 0x89, 0xe5, 0xff, 0xd6, 0x5d, 0xc3 };

static call *made(void)
{
	void *place = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char name[64];
	FILE *map;

	memcpy(place, code, sizeof(code));
	snprintf(name, sizeof(name), "/tmp/perf-%d.map", getpid());
	map = fopen(name, "w");
	fprintf(map, "%lx %zx made code\n", (unsigned long)place, sizeof(code));
	fclose(map);
	return place;
}

int main(int argc, char **argv)
{
	call *through = argc > 1 && !strcmp(argv[1], "jit") ? made() : NULL;
	char line[64];
	long sum = 0;

	while (fgets(line, sizeof(line), stdin)) {
		long at, times = atol(line);

		for (at = 0; at < times; at++)
			sum += through ? through("/nonexistent-chain", (void *)outer) : outer("/nonexistent-chain");
		for (at = 0; at < -times; at++)
			sum += deeper("/nonexistent-chain", at);
		puts("done");
		fflush(stdout);
	}
	return sum == 1;
}

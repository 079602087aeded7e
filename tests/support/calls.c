// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A process that asks the kernel for what it is told: each line of its standard input is a system call, its number first. The
 * arguments are numbers, `s:TEXT` for the address of a text, `v:TEXT` for that of a struct iovec with a text, and `b:HEX` for that of
 * some bytes, with zeros behind them. It answers with the result, `-errno` in case. A line `thread` begins a thread, which ends at once.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define ARGUMENTS 6
#define BYTES 256

static char memory[ARGUMENTS][BYTES];
static struct iovec vector;

__attribute__((noinline, used)) void *routine(void *unused)
{
	return unused;
}

static long thread(void)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, routine, NULL);

	return error ? -error : -pthread_join(thread, NULL);
}

static long argument(const char *word, char *into)
{
	size_t at;
	unsigned int byte;

	if (!strncmp(word, "s:", 2))
		return (long)strncpy(into, word + 2, BYTES - 1);
	if (!strncmp(word, "v:", 2)) {
		vector.iov_base = strncpy(into, word + 2, BYTES - 1);
		vector.iov_len = strlen(into);
		return (long)&vector;
	}
	if (strncmp(word, "b:", 2))
		return (long)strtoull(word, NULL, 0);
	for (at = 0; at < BYTES && sscanf(word + 2 + 2 * at, "%2x", &byte) == 1; at++)
		into[at] = (char)byte;
	return (long)into;
}

static long call(char *line)
{
	long arguments[ARGUMENTS] = { 0 }, result = -EINVAL;
	char *word = strtok(line, " \n");
	int at;

	if (word && !strcmp(word, "thread"))
		return thread();
	memset(memory, 0, sizeof(memory));
	for (at = 0; word && at <= ARGUMENTS; at++, word = strtok(NULL, " \n")) {
		if (at == 0)
			result = atol(word);
		else
			arguments[at - 1] = argument(word, memory[at - 1]);
	}
	if (at == 0)
		return result;
	result = syscall(result, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
	return result < 0 ? -errno : result;
}

int main(void)
{
	char line[2048];

	/* No call of its own, of memory or of a file, comes between those that it was told to make. */
	setvbuf(stdout, NULL, _IOLBF, 256);
	while (fgets(line, sizeof(line), stdin))
		printf("%ld\n", call(line));
	return 0;
}

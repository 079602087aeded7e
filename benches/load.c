// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Makes the events that the benches measure.
 *
 *   load getppid      [--core C] (--calls N | --seconds T)
 *   load name TEXT    [--core C] --calls N                    sethostname with a length that it refuses, which costs it nothing
 *   load open PATH    [--core C] [--threads T] --calls N     openat and close, N times in all
 *   load tick PATH    --ms M                                  openat and close every M ms until killed
 *
 * Prints `calls=N wall_ns=N ns_per_call=N.N` for the slowest thread's span. --core pins every thread to that core.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ULL
#define MAX_THREADS 256

struct task {
	const char *path;
	uint64_t calls;
	uint64_t failed;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static uint64_t call_getppid(uint64_t calls, uint64_t seconds)
{
	uint64_t done = 0, end_ns = now_ns() + seconds * NS_PER_S;

	if (!seconds) {
		for (; done < calls; done++)
			syscall(SYS_getppid);
		return done;
	}
	do {
		for (int i = 0; i < 4096; i++)
			syscall(SYS_getppid);
		done += 4096;
	} while (now_ns() < end_ns);
	return done;
}

/* Refused before the name is looked at: what is measured is nearly all the program at the tracepoint. */
static uint64_t call_name(const char *name, uint64_t calls)
{
	for (uint64_t done = 0; done < calls; done++)
		syscall(SYS_sethostname, name, -1);
	return calls;
}

static bool open_once(const char *path)
{
	long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);

	if (fd < 0)
		return false;
	syscall(SYS_close, fd);
	return true;
}

static void *open_many(void *argument)
{
	struct task *task = argument;

	for (uint64_t i = 0; i < task->calls; i++)
		task->failed += !open_once(task->path);
	return NULL;
}

/* Opens that failed, over all threads. */
static uint64_t call_open(const char *path, uint64_t calls, unsigned threads)
{
	static struct task tasks[MAX_THREADS];
	static pthread_t handles[MAX_THREADS];
	uint64_t failed = 0;

	for (unsigned i = 0; i < threads; i++) {
		tasks[i] = (struct task){ .path = path, .calls = calls / threads + (i < calls % threads) };
		if (threads == 1) {
			open_many(&tasks[i]);
		} else if (pthread_create(&handles[i], NULL, open_many, &tasks[i])) {
			fputs("failed to start a thread\n", stderr);
			exit(1);
		}
	}
	for (unsigned i = 0; i < threads; i++) {
		if (threads > 1)
			pthread_join(handles[i], NULL);
		failed += tasks[i].failed;
	}
	return failed;
}

static void tick(const char *path, uint64_t period_ms)
{
	struct timespec period = { .tv_sec = (time_t)(period_ms / 1000), .tv_nsec = (long)(period_ms % 1000) * 1000000 };

	for (;;) {
		open_once(path);
		nanosleep(&period, NULL);
	}
}

static void pin(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)core, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		perror("failed to pin to the core");
		exit(1);
	}
}

static int usage(void)
{
	fputs("usage: load getppid [--core C] (--calls N | --seconds T)\n"
	      "       load name TEXT [--core C] --calls N\n"
	      "       load open PATH [--core C] [--threads T] --calls N\n"
	      "       load tick PATH --ms M\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "", *path = NULL;
	uint64_t calls = 0, seconds = 0, threads = 1, period_ms = 1, begin_ns, wall_ns, failed = 0;

	for (int i = 2; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (argv[i][0] != '-' && !path) {
			path = argv[i];
			continue;
		}
		if (!value)
			return usage();
		i++;
		if (!strcmp(argv[i - 1], "--core"))
			pin(atoi(value));
		else if (!strcmp(argv[i - 1], "--calls"))
			calls = strtoull(value, NULL, 10);
		else if (!strcmp(argv[i - 1], "--seconds"))
			seconds = strtoull(value, NULL, 10);
		else if (!strcmp(argv[i - 1], "--threads"))
			threads = strtoull(value, NULL, 10);
		else if (!strcmp(argv[i - 1], "--ms"))
			period_ms = strtoull(value, NULL, 10);
		else
			return usage();
	}

	begin_ns = now_ns();
	if (!strcmp(mode, "getppid") && (calls || seconds))
		calls = call_getppid(calls, seconds);
	else if (!strcmp(mode, "name") && path && calls)
		calls = call_name(path, calls);
	else if (!strcmp(mode, "open") && path && calls && threads >= 1 && threads <= MAX_THREADS)
		failed = call_open(path, calls, (unsigned)threads);
	else if (!strcmp(mode, "tick") && path)
		tick(path, period_ms);
	else
		return usage();
	wall_ns = now_ns() - begin_ns;

	printf("calls=%llu wall_ns=%llu ns_per_call=%.1f\n", (unsigned long long)calls, (unsigned long long)wall_ns,
	       (double)wall_ns / (double)calls);
	if (failed) {
		fprintf(stderr, "failed to open `%s` %llu times\n", path, (unsigned long long)failed);
		return 1;
	}
	return 0;
}

// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Runs one consumer of events, drives a load at it, ends it by SIGINT and says what it cost.
 *
 *   measure [--core C] [--stdout FILE] [--stderr FILE] [--pattern TEXT] [--timeout-ms N] [--load COMMAND]
 *           [--load-out FILE] [--interrupt-ms N] [--pty] [--ready-after-ms N] -- CONSUMER ARGUMENT…
 *
 * The consumer is ready when TEXT (default `ready`) appears in a line of its stderr, or of its stdout with --pty (a
 * terminal, so that peers do not buffer). --ready-after-ms is for a peer that says nothing: it counts as ready after
 * that time. Then COMMAND runs through /bin/sh to its end, its stdout in --load-out;
 * with --interrupt-ms the SIGINT is sent that long after its start, while it still runs. Prints key=value pairs:
 *
 *   ready_ms      from fork to the line
 *   ready_hwm_kb  VmHWM at that moment; hwm_kb: VmHWM after the load
 *   load_cpu_ns   CPU of the consumer (all threads, user and system) from ready to its end: what is drained after the
 *                 load counts
 *   exit          its exit status, 128+signal when killed
 *
 * Exits 1 when the consumer was never ready, did not end in time, or the load failed.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ULL
#define NS_PER_MS 1000000ULL

struct options {
	int core;
	const char *stdout_path, *stderr_path, *pattern, *load, *load_out;
	uint64_t timeout_ms;
	uint64_t ready_after_ms; /* 0: wait for the pattern */
	int64_t interrupt_ms; /* below 0: after the load */
	bool pty;
	char **consumer;
};

/* The stream in which the pattern is looked for; the rest of it is copied to `copy_fd`. */
struct stream {
	int fd, copy_fd;
	char line[4096];
	size_t used;
};

static void fail(const char *what)
{
	fprintf(stderr, "measure: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now))
		return 0;
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* CPU time of every thread of the process, ended ones included, user and system. */
static uint64_t process_cpu_ns(pid_t pid)
{
	clockid_t clock;

	return clock_getcpuclockid(pid, &clock) ? 0 : clock_ns(clock);
}

/* Peak resident size. 0: the process is gone. */
static unsigned long peak_rss_kb(pid_t pid)
{
	char path[64], line[256];
	unsigned long kb = 0;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "VmHWM: %lu kB", &kb) == 1)
			break;
	if (status)
		fclose(status);
	return kb;
}

static int create(const char *path)
{
	int fd = open(path ? path : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		fail(path);
	return fd;
}

static void pin(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)core, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("failed to pin the consumer");
}

static pid_t start(const struct options *options, struct stream *stream)
{
	int out_fd = create(options->stdout_path), err_fd = create(options->stderr_path);
	int pipe_fds[2] = { -1, -1 }, terminal = -1;
	pid_t pid;

	if (options->pty ? openpty(&pipe_fds[0], &terminal, NULL, NULL, NULL) : pipe2(pipe_fds, O_CLOEXEC))
		fail("failed to open a channel");
	pid = fork();
	if (pid < 0)
		fail("failed to fork");
	if (pid == 0) {
		if (options->core >= 0)
			pin(options->core);
		dup2(options->pty ? terminal : out_fd, STDOUT_FILENO);
		dup2(options->pty ? err_fd : pipe_fds[1], STDERR_FILENO);
		if (options->pty) {
			close(pipe_fds[0]);
			close(terminal);
		}
		execvp(options->consumer[0], options->consumer);
		fail(options->consumer[0]);
	}
	close(options->pty ? terminal : pipe_fds[1]);
	stream->fd = pipe_fds[0];
	stream->copy_fd = options->pty ? out_fd : err_fd;
	close(options->pty ? err_fd : out_fd);
	return pid;
}

/* True where `word` stands alone in `text`: `ready`, not `already`. */
static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		if ((at == text || !isalnum((unsigned char)at[-1])) && !isalnum((unsigned char)at[length]))
			return true;
	return false;
}

/* Reads what is there. 1: the pattern was in it; 0: not; -1: the end. */
static int read_stream(struct stream *stream, const char *pattern)
{
	ssize_t got = read(stream->fd, stream->line + stream->used, sizeof(stream->line) - 1 - stream->used);
	char *end;

	if (got < 0 && errno == EINTR)
		return 0;
	if (got <= 0)
		return -1;
	if (write(stream->copy_fd, stream->line + stream->used, (size_t)got) != got)
		fail("failed to copy the output");
	stream->used += (size_t)got;
	stream->line[stream->used] = '\0';
	if (pattern && has_word(stream->line, pattern))
		return 1;
	/* Keep only the line that is not complete yet. */
	end = memrchr(stream->line, '\n', stream->used);
	if (end) {
		stream->used -= (size_t)(end + 1 - stream->line);
		memmove(stream->line, end + 1, stream->used);
	} else if (stream->used == sizeof(stream->line) - 1) {
		stream->used = 0;
	}
	return 0;
}

static bool wait_ready(struct stream *stream, const struct options *options, uint64_t end_ns)
{
	struct pollfd ready = { .fd = stream->fd, .events = POLLIN };

	if (options->ready_after_ms) {
		usleep((useconds_t)options->ready_after_ms * 1000);
		return true;
	}
	while (clock_ns(CLOCK_MONOTONIC) < end_ns) {
		if (poll(&ready, 1, 100) <= 0)
			continue;
		switch (read_stream(stream, options->pattern)) {
		case 1:
			return true;
		case -1:
			return false;
		}
	}
	return false;
}

/* Copies the stream until `done` ends or `end_ns`. True when the process ended; `usage` is its own then. */
static bool pump_until_exit(struct stream *stream, pid_t done, uint64_t end_ns, int *status, struct rusage *usage)
{
	struct pollfd ready[2] = {
		{ .fd = (int)syscall(SYS_pidfd_open, done, 0), .events = POLLIN },
		{ .fd = stream->fd, .events = POLLIN },
	};
	uint64_t now;
	bool ended;

	if (ready[0].fd < 0)
		fail("failed to watch a process");
	while (!(ended = wait4(done, status, WNOHANG, usage) == done) && (now = clock_ns(CLOCK_MONOTONIC)) < end_ns) {
		poll(ready, 2, (int)((end_ns - now) / NS_PER_MS) + 1);
		if (ready[1].revents && read_stream(stream, NULL) < 0)
			ready[1].fd = -1;
	}
	/* What it wrote last. */
	while (ended && poll(&ready[1], 1, 0) > 0 && read_stream(stream, NULL) >= 0)
		;
	close(ready[0].fd);
	return ended;
}

static pid_t start_load(const struct options *options)
{
	int out_fd = create(options->load_out);
	pid_t pid = fork();

	if (pid < 0)
		fail("failed to fork");
	if (pid == 0) {
		dup2(out_fd, STDOUT_FILENO);
		execl("/bin/sh", "sh", "-c", options->load, (char *)NULL);
		fail("sh");
	}
	close(out_fd);
	return pid;
}

static int usage(void)
{
	fputs("usage: measure [--core C] [--stdout FILE] [--stderr FILE] [--pattern TEXT] [--timeout-ms N]\n"
	      "               [--load COMMAND] [--load-out FILE] [--interrupt-ms N] [--pty] [--ready-after-ms N]\n"
	      "               -- CONSUMER ARGUMENT...\n",
	      stderr);
	return 2;
}

static bool parse(int argc, char **argv, struct options *options)
{
	for (int i = 1; i < argc; i++) {
		const char *name = argv[i], *value;

		if (!strcmp(name, "--")) {
			options->consumer = argv + i + 1;
			return options->consumer[0] != NULL;
		}
		if (!strcmp(name, "--pty")) {
			options->pty = true;
			continue;
		}
		value = i + 1 < argc ? argv[++i] : NULL;
		if (!value)
			return false;
		if (!strcmp(name, "--core"))
			options->core = atoi(value);
		else if (!strcmp(name, "--stdout"))
			options->stdout_path = value;
		else if (!strcmp(name, "--stderr"))
			options->stderr_path = value;
		else if (!strcmp(name, "--pattern"))
			options->pattern = value;
		else if (!strcmp(name, "--timeout-ms"))
			options->timeout_ms = strtoull(value, NULL, 10);
		else if (!strcmp(name, "--ready-after-ms"))
			options->ready_after_ms = strtoull(value, NULL, 10);
		else if (!strcmp(name, "--load"))
			options->load = value;
		else if (!strcmp(name, "--load-out"))
			options->load_out = value;
		else if (!strcmp(name, "--interrupt-ms"))
			options->interrupt_ms = strtoll(value, NULL, 10);
		else
			return false;
	}
	return false;
}

int main(int argc, char **argv)
{
	struct options options = { .core = -1, .pattern = "ready", .timeout_ms = 60000, .interrupt_ms = -1 };
	struct stream stream = { .used = 0 };
	uint64_t begin_ns, ready_ns, end_ns, cpu_before_ns, cpu_ns;
	unsigned long ready_hwm_kb, hwm_kb;
	int status = 0, load_status = 0;
	bool load_done = true, timed_out = false;
	struct rusage spent;
	pid_t pid, load = 0;

	if (!parse(argc, argv, &options))
		return usage();

	begin_ns = clock_ns(CLOCK_MONOTONIC);
	pid = start(&options, &stream);
	if (!wait_ready(&stream, &options, begin_ns + options.timeout_ms * NS_PER_MS)) {
		fprintf(stderr, "measure: `%s` was never ready\n", options.consumer[0]);
		kill(pid, SIGKILL);
		return 1;
	}
	ready_ns = clock_ns(CLOCK_MONOTONIC) - begin_ns;
	ready_hwm_kb = peak_rss_kb(pid);
	cpu_before_ns = process_cpu_ns(pid);

	if (options.load) {
		uint64_t until_ns = options.interrupt_ms < 0 ? options.timeout_ms : (uint64_t)options.interrupt_ms;

		load = start_load(&options);
		end_ns = clock_ns(CLOCK_MONOTONIC) + until_ns * NS_PER_MS;
		load_done = pump_until_exit(&stream, load, end_ns, &load_status, NULL);
		timed_out = !load_done && options.interrupt_ms < 0;
	}

	hwm_kb = peak_rss_kb(pid);
	kill(pid, SIGINT);
	end_ns = clock_ns(CLOCK_MONOTONIC) + options.timeout_ms * NS_PER_MS;
	if (!pump_until_exit(&stream, pid, end_ns, &status, &spent)) {
		fprintf(stderr, "measure: `%s` did not end after SIGINT\n", options.consumer[0]);
		kill(pid, SIGKILL);
		wait4(pid, &status, 0, &spent);
		timed_out = true;
	}
	if (!load_done) {
		if (timed_out)
			kill(load, SIGKILL);
		waitpid(load, &load_status, 0);
	}
	cpu_ns = ((uint64_t)spent.ru_utime.tv_sec + (uint64_t)spent.ru_stime.tv_sec) * NS_PER_S +
		 ((uint64_t)spent.ru_utime.tv_usec + (uint64_t)spent.ru_stime.tv_usec) * 1000;
	printf("ready_ms=%.1f ready_hwm_kb=%lu hwm_kb=%lu load_cpu_ns=%llu exit=%d\n",
	       (double)ready_ns / (double)NS_PER_MS, ready_hwm_kb, hwm_kb, (unsigned long long)(cpu_ns - cpu_before_ns),
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	if (load_status) {
		fprintf(stderr, "measure: the load failed: %s\n", options.load);
		return 1;
	}
	return timed_out;
}

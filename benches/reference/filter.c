// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Runs one program of filter.bpf.o until SIGINT: filter OBJECT NAME OUTPUT. Events go to OUTPUT as JSON lines. Says `ready` on stderr
 * when attached, and `produced=N delivered=N lost=N` at the end.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/types.h>

#include <bpf/libbpf.h>

#include "filter.h"

#define NAP_US 500

static volatile sig_atomic_t stopping;
static uint64_t delivered, boot_to_real_ns;

static void on_signal(int signal)
{
	(void)signal;
	stopping = 1;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int on_event(void *context, void *data, size_t size)
{
	static char prefix[32];
	static time_t second;
	const struct name_event *event = data;
	uint64_t real_ns = event->boot_ns + boot_to_real_ns;
	time_t now = (time_t)(real_ns / 1000000000);
	struct tm utc;

	(void)size;
	if (now != second) {
		second = now;
		gmtime_r(&second, &utc);
		strftime(prefix, sizeof(prefix), "%Y-%m-%dT%H:%M:%S.", &utc);
	}
	/* The names of this bench need no escape. */
	fprintf(context,
		"{\"ts\":\"%s%09" PRIu64 "Z\",\"probe\":\"names\",\"pid\":%u,\"tid\":%u,\"uid\":%u,\"comm\":\"%s\",\"name\":\"%s\","
		"\"length\":%d,\"number\":%d,\"task\":\"0x%llx\"}\n",
		prefix, real_ns % 1000000000, event->pid, event->tid, event->uid, event->comm, event->name, event->length,
		event->number, event->task);
	delivered++;
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct bpf_program *program, *wanted = NULL;
	struct ring_buffer *ring;
	struct bpf_object *object;
	struct bpf_link *link;
	const uint64_t *counts;
	size_t bytes = 0;
	FILE *output;

	if (argc != 4)
		return fputs("usage: filter OBJECT NAME OUTPUT\n", stderr), 2;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	object = bpf_object__open(argv[1]);
	output = fopen(argv[3], "w");
	if (!object || !output)
		return perror("failed to open the object or the output"), 1;
	setvbuf(output, NULL, _IOFBF, 256 * 1024);
	boot_to_real_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
	bpf_object__for_each_program(program, object) {
		if (!strcmp(bpf_program__name(program), argv[2]))
			wanted = program;
		bpf_program__set_autoload(program, program == wanted);
	}
	if (!wanted || bpf_object__load(object))
		return fprintf(stderr, "failed to load `%s`\n", argv[2]), 1;
	link = bpf_program__attach(wanted);
	ring = ring_buffer__new(bpf_object__find_map_fd_by_name(object, "ring"), on_event, output, NULL);
	counts = bpf_map__initial_value(bpf_object__find_map_by_name(object, ".bss"), &bytes);
	if (!link || !ring || !counts || bytes < 2 * sizeof(*counts))
		return fprintf(stderr, "failed to attach `%s`\n", argv[2]), 1;
	fputs("ready\n", stderr);
	while (!stopping) {
		if (ring_buffer__poll(ring, 200) > 0)
			usleep(NAP_US);
	}
	bpf_link__destroy(link);
	usleep(50000);
	ring_buffer__consume(ring);
	fclose(output);
	fprintf(stderr, "produced=%" PRIu64 " delivered=%" PRIu64 " lost=%" PRIu64 "\n", delivered + counts[1], delivered,
		counts[1]);
	return 0;
}

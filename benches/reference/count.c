// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Runs the programs of count.bpf.o whose names begin with NAME until SIGINT: count OBJECT NAME. Says `ready` on stderr when they are
 * attached, and at the end how many events they have counted: `produced=N delivered=N lost=0`.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static void on_signal(int signal)
{
	(void)signal;
}

/* The sum of all that a map has. */
static uint64_t sum_of(const struct bpf_object *object, const char *name)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(object, name);
	size_t words = bpf_map__value_size(map) / sizeof(uint64_t) * (size_t)libbpf_num_possible_cpus();
	uint64_t *values = calloc(words, sizeof(*values)), sum = 0;
	char key[16], *before = NULL;

	while (values && !bpf_map_get_next_key(bpf_map__fd(map), before, key)) {
		before = key;
		if (bpf_map_lookup_elem(bpf_map__fd(map), key, values))
			continue;
		for (size_t at = 0; at < words; at++)
			sum += values[at];
	}
	free(values);
	return sum;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct bpf_program *program;
	struct bpf_object *object;
	int attached = 0;
	uint64_t sum;

	if (argc != 3)
		return fputs("usage: count OBJECT NAME\n", stderr), 2;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	object = bpf_object__open(argv[1]);
	if (!object)
		return perror("failed to open the object"), 1;
	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, !strncmp(bpf_program__name(program), argv[2], strlen(argv[2])));
	if (bpf_object__load(object))
		return fprintf(stderr, "failed to load `%s`\n", argv[2]), 1;
	/* The end first. */
	for (program = NULL; (program = bpf_object__prev_program(object, program));)
		if (bpf_program__autoload(program))
			attached += !!bpf_program__attach(program);
	if (!attached)
		return fprintf(stderr, "failed to attach `%s`\n", argv[2]), 1;
	fputs("ready\n", stderr);
	pause();
	sum = sum_of(object, "by_comm") + sum_of(object, "hist");
	fprintf(stderr, "produced=%" PRIu64 " delivered=%" PRIu64 " lost=0\n", sum, sum);
	return 0;
}

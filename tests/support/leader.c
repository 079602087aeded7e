// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A process whose last thread is not the one whose code the parent gets, or not surely.
 *
 * thread: the first thread ends with 5, then the other one with 9. group: the same, but the other one ends the process with 7.
 * race: threads end with 0 while the first one ends the process with 3.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define THREADS 8

static const char *how;
static pthread_barrier_t barrier;

static int first_has_ended(void)
{
	char path[64], text[256], *state;
	int fd;
	ssize_t size;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	fd = open(path, O_RDONLY);
	size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	close(fd);
	text[size < 0 ? 0 : size] = 0;
	state = strrchr(text, ')');
	return state && state[2] == 'Z';
}

static void *other(void *unused)
{
	if (!strcmp(how, "race")) {
		pthread_barrier_wait(&barrier);
		syscall(SYS_exit, 0);
	}
	while (!first_has_ended())
		usleep(1000);
	syscall(strcmp(how, "group") ? SYS_exit : SYS_exit_group, strcmp(how, "group") ? 9 : 7);
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	int i, count;

	if (argc != 2)
		return 1;
	how = argv[1];
	count = strcmp(how, "race") ? 1 : THREADS;
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (i = 0; i < count; i++) {
		if (pthread_create(&thread, NULL, other, NULL))
			return 1;
	}
	if (!strcmp(how, "race")) {
		pthread_barrier_wait(&barrier);
		syscall(SYS_exit_group, 3);
	}
	syscall(SYS_exit, 5);
	return 1;
}

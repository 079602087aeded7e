// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Stands for a program with its libssl and libc, for machines that have none: a line `handshake RESULT`, `write TEXT` or `read TEXT` of
 * its standard input is a call of the function, where `read` gets the text. An empty text is a connection that has failed. `lock TIMES`
 * locks a mutex so often.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLED __attribute__((noinline, noclone, used))

static char other_side[256];
pthread_mutex_t contended = PTHREAD_MUTEX_INITIALIZER;

CALLED int SSL_do_handshake(void *ssl)
{
	__asm__ volatile("" : "+r"(ssl) : : "memory");
	return atoi(ssl);
}

CALLED int SSL_write(void *ssl, const void *buffer, int size)
{
	__asm__ volatile("" : : "r"(ssl), "r"(buffer) : "memory");
	return size ? size : -1;
}

CALLED int SSL_read(void *ssl, void *buffer, int size)
{
	int length = strlen(ssl);

	if (length > size)
		length = size;
	memcpy(buffer, ssl, length);
	return length ? length : -1;
}

int main(void)
{
	char line[512], buffer[256];

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "handshake ", 10)) {
			printf("%d\n", SSL_do_handshake(line + 10));
		} else if (!strncmp(line, "lock ", 5)) {
			for (int times = atoi(line + 5); times > 0; times--) {
				pthread_mutex_lock(&contended);
				pthread_mutex_unlock(&contended);
			}
		} else if (!strncmp(line, "write ", 6)) {
			printf("%d\n", SSL_write(other_side, line + 6, strlen(line + 6)));
		} else if (!strncmp(line, "read", 4)) {
			snprintf(other_side, sizeof(other_side), "%.255s", line[4] ? line + 5 : "");
			memset(buffer, '.', sizeof(buffer));
			printf("%d\n", SSL_read(other_side, buffer, sizeof(buffer)));
		}
	}
	return 0;
}

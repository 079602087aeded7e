// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A program whose calls begin and end what spans are made of. Each line of standard input calls one function: its name, then its
 * arguments, numbers first, then a text. `recurse N` calls itself N times; `thread FUNCTION ...` makes the call in a thread that ends
 * without another call. After each line it says `done`. Nothing is inlined: every call is one.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALLED __attribute__((noinline, noclone, used))

CALLED void begin(unsigned long key, int number, const char *text)
{
	__asm__ volatile("" : : "r"(key), "r"(number), "r"(text) : "memory");
}

/* The key has another place, and another width. */
CALLED void begin_too(const char *text, int key, long number)
{
	__asm__ volatile("" : : "r"(text), "r"(key), "r"(number) : "memory");
}

CALLED void pass(unsigned long key, int number)
{
	__asm__ volatile("" : : "r"(key), "r"(number) : "memory");
}

CALLED void pass_too(unsigned long key)
{
	__asm__ volatile("" : : "r"(key) : "memory");
}

CALLED void cancel(unsigned long key)
{
	__asm__ volatile("" : : "r"(key) : "memory");
}

CALLED long end(unsigned long key, long result)
{
	__asm__ volatile("" : : "r"(key) : "memory");
	return result;
}

CALLED long end_too(long result, short key)
{
	__asm__ volatile("" : : "r"((long)key) : "memory");
	return result;
}

CALLED long recurse(int depth)
{
	long below = depth > 0 ? recurse(depth - 1) : 0;

	__asm__ volatile("" : "+r"(below) : : "memory");
	return below + depth;
}

/* It never returns. */
CALLED void hang(int number)
{
	puts("done");
	fflush(stdout);
	for (;;)
		pause();
	__asm__ volatile("" : : "r"(number) : "memory");
}

static void call(char *line)
{
	char *name = strsep(&line, " "), *rest = line ? line : "";
	long first = strtol(rest, &rest, 10), second = strtol(rest, &rest, 10);
	const char *text = *rest == ' ' ? rest + 1 : NULL;

	if (!strcmp(name, "begin"))
		begin(first, second, text);
	else if (!strcmp(name, "begin_too"))
		begin_too(text, first, second);
	else if (!strcmp(name, "pass"))
		pass(first, second);
	else if (!strcmp(name, "pass_too"))
		pass_too(first);
	else if (!strcmp(name, "cancel"))
		cancel(first);
	else if (!strcmp(name, "end"))
		end(first, second);
	else if (!strcmp(name, "end_too"))
		end_too(second, first);
	else if (!strcmp(name, "recurse"))
		recurse(first);
	else if (!strcmp(name, "hang"))
		hang(first);
}

static void *in_thread(void *line)
{
	call(line);
	return NULL;
}

int main(void)
{
	char line[512];
	pthread_t thread;

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "thread ", 7)) {
			if (pthread_create(&thread, NULL, in_thread, line + 7) || pthread_join(thread, NULL))
				return 1;
		} else {
			call(line);
		}
		puts("done");
		fflush(stdout);
	}
	return 0;
}

// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * keep_greatest() of bpf/include/greatest.h, interrupted wherever it can be by others that are interrupted in their turn: all ways in
 * which MOST programs nest and follow one another, with their values in each order. It says what is wrong, and how many ways there were.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef unsigned int __u32;
typedef unsigned long long __u64;
#define __noinline __attribute__((noinline))
#define INTERRUPTED() interrupted()

#define MOST 4
#define POINTS 400

static void interrupted(void);

#include "../../bpf/include/greatest.h"

static __u64 cells[GREATEST_CELLS], values[MOST], greatest;
static unsigned int begun, points, known;
/* At which of the points something interrupts. */
static bool interrupts[POINTS];

static void program(void)
{
	__u64 value = values[begun++];

	if (value > greatest)
		greatest = value;
	keep_greatest(cells, value);
}

static void interrupted(void)
{
	unsigned int point = points++;

	if (begun == MOST || point >= POINTS)
		return;
	if (point >= known)
		interrupts[known++] = false;
	/* As often as there is something left that can. */
	if (interrupts[point])
		program();
}

/* One way; false where a value was lost. */
static bool run(void)
{
	unsigned int i;

	memset(cells, 0, sizeof(cells));
	begun = points = greatest = 0;
	while (begun < MOST)
		program();
	for (i = 0; i < GREATEST_CELLS; i++)
		if (cells[i] != greatest)
			return false;
	return true;
}

/* The next way: the last point where nothing interrupted has something that does. */
static bool next(void)
{
	while (known && interrupts[known - 1])
		known--;
	if (!known)
		return false;
	interrupts[known - 1] = true;
	return true;
}

/* All orders of the values, by Heap's algorithm. */
static unsigned long ways, wrong;

static void orders(unsigned int count)
{
	unsigned int i;

	if (count == 1) {
		known = 0;
		do {
			ways++;
			wrong += !run();
		} while (next());
		return;
	}
	for (i = 0; i < count; i++) {
		unsigned int other = count % 2 ? 0 : i;
		__u64 value;

		orders(count - 1);
		value = values[other];
		values[other] = values[count - 1];
		values[count - 1] = value;
	}
}

int main(void)
{
	unsigned int i;

	for (i = 0; i < MOST; i++)
		values[i] = i + 1;
	orders(MOST);
	printf("%lu of %lu ways lose a value\n", wrong, ways);
	return wrong != 0;
}

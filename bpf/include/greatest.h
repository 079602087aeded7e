/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The greatest of the values of one CPU, though programs interrupt one another, and Linux 5.10 has no compare-and-exchange.
 *
 * Two cells. A program that is interrupted between its look at a cell and its store overwrites what the one that interrupted it has
 * stored there; the other cell still has that. Who stored anything looks at both again, until there is nothing to store: then both
 * have the greatest value of all programs that are done, however deep they nest. Each further round takes an interrupt in those few
 * instructions that brings a greater value.
 */
#ifndef EBPF_RUN_GREATEST_H
#define EBPF_RUN_GREATEST_H

#define GREATEST_CELLS 2
#define GREATEST_ROUNDS 8

/* Where a program may be interrupted: tests/support/greatest.c does. */
#ifndef INTERRUPTED
#define INTERRUPTED()
#endif

static __noinline __u64 keep_greatest(volatile __u64 *cells, __u64 value)
{
	__u32 round, i;

#pragma clang loop unroll(disable)
	for (round = 0; round < GREATEST_ROUNDS; round++) {
		bool stored = false;

#pragma unroll
		for (i = 0; i < GREATEST_CELLS; i++) {
			__u64 seen = cells[i];

			INTERRUPTED();
			if (seen < value) {
				cells[i] = value;
				stored = true;
			} else {
				value = seen;
			}
			INTERRUPTED();
		}
		if (!stored)
			break;
	}
	return 0;
}

#endif

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Tests of `where` that are done in the function that is attached, because they need no more than one helper: a number at hand, the
 * name of the thread, a text of the process's. A call costs more than most of them: some 9 ns with the mitigations of 2023 (SRSO).
 */
#ifndef EBPF_RUN_WHERE_NEAR_H
#define EBPF_RUN_WHERE_NEAR_H

#include "where.h"

#if defined(TRACE_LIGHT)
static __always_inline bool is_wanted_near(void *ctx)
{
	return true;
}
#elif !defined(TRACE_SPAN) && !defined(TRACE_START)

/* The first tests may be done here. */
#define NEAR_STEPS 4
/* What a text that is compared near may have, with its NUL. */
#define NEAR_WORDS 4

/* The first words of the operand are those that are expected. Which count is known when the program is loaded. */
static __always_inline bool same_near(const __u64 *operand, const struct step *step, const struct step_text *text)
{
	__u32 i;

#pragma unroll
	for (i = 0; i < NEAR_WORDS; i++)
		if (i < step->words && (operand[i] & text->mask[i]) != text->bytes[i])
			return false;
	return true;
}

/* The next step, after one that can be done near. */
static __always_inline __u64 do_near(void *ctx, const struct step *step, const struct step_text *text, __u64 *operand,
				     __u64 *unreadable)
{
	__u64 value = 0, status = FETCHED;

	if (step->near == NEAR_COMM) {
		if (current_comm(operand)) {
			*unreadable |= UNREADABLE;
			return step->fault;
		}
		return same_near(operand, step, text) ? step->yes : step->no;
	}
	status = fetch_near(ctx, &step->fetch, &value);
	if (!status && step->near == NEAR_TEXT) {
		if (bpf_probe_read_user_str(operand, step->fetch.size & (2 * NEAR_WORDS * sizeof(__u64) - 1), (void *)value) < 0)
			status = refusal(value);
		else
			return same_near(operand, step, text) ? step->yes : step->no;
	}
	if (status) {
		*unreadable |= status;
		return step->fault;
	}
	return (((value >> (step->shift & 63) & step->bits) - step->low) & step->mask) <= step->span ? step->yes : step->no;
}

/* True, or counted. From the first test on that is not near, where() does the rest. */
static __always_inline bool is_wanted_near(void *ctx)
{
	__u64 operand[NEAR_WORDS], next = 0, unreadable = 0;
	__u32 i;

	if (wants_all())
		return true;
#pragma unroll
	for (i = 0; i < NEAR_STEPS; i++) {
		const struct step *step = (const struct step *)&steps[i];
		const struct step_text *text = (const struct step_text *)&step_texts[i];

		hidden(step);
		hidden(text);
		hidden(next);
		if (next != i)
			continue;
		if (!step->near)
			break;
		next = do_near(ctx, step, text, operand, &unreadable);
		hidden(next);
		if (next == STEP_REJECT)
			return rejected(unreadable);
		if (next == STEP_PASS)
			return true;
	}
	return where(ctx, next, unreadable);
}
#endif

#endif

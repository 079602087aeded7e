/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Arithmetic over values that are read: `duration / size`, `mode >> 12 & 15`.
 *
 * A calculation is a row of operations that the runner fills in, each of which puts a number into a register. It ends without a value
 * where an operand has none, and where it divides by zero.
 */
#ifndef EBPF_RUN_CALCULATE_H
#define EBPF_RUN_CALCULATE_H

#include "fetch.h"

#define MAX_OPERATIONS 48
#define REGISTERS 8

/* What an operation does. */
enum operation_kind {
	OPERATION_NONE = 0, /* the list ends here */
	OPERATION_FETCH = 1, /* a number is read, and widened */
	OPERATION_CONSTANT = 2,
	OPERATION_MULTIPLY = 3,
	OPERATION_DIVIDE = 4,
	OPERATION_REMAINDER = 5,
	OPERATION_ADD = 6,
	OPERATION_SUBTRACT = 7,
	OPERATION_SHIFT_LEFT = 8,
	OPERATION_SHIFT_RIGHT = 9,
	OPERATION_AND = 10,
	OPERATION_XOR = 11,
	OPERATION_OR = 12,
	OPERATION_LESS = 13, /* 1 or 0 */
	OPERATION_EQUAL = 14,
	OPERATION_WITHIN = 15, /* there is no value unless (left - low) <= span */
};

/* How a number that is read becomes one of 64 bits: ((value >> shift & mask) ^ sign) - sign, after its bytes are swapped. */
struct widening {
	__u64 mask;
	__u64 sign;
	__u8 shift;
	__u8 swapped; /* bytes of a number in network order; 0: it is in that of the machine */
	__u8 unused[6];
};

struct operation {
	struct fetch fetch;
	struct widening wide;
	enum operation_kind kind;
	__u8 to, left, right; /* registers */
	__u8 is_signed; /* the operation; of a comparison: bit 0 its left side, bit 1 its right one */
	__u8 is_last;
	__u8 inverted; /* a comparison is true where it is false */
	__u8 unused[6];
	__u64 low; /* of a constant: itself */
	__u64 span;
};

const volatile struct operation operations[MAX_OPERATIONS] INTERNAL = {};

static __always_inline __u64 widened_by(const struct widening *wide, __u64 value)
{
	if (wide->swapped == sizeof(__u16))
		value = bpf_ntohs(value);
	else if (wide->swapped)
		value = bpf_ntohl(value);
	return ((value >> (wide->shift & 63) & wide->mask) ^ wide->sign) - wide->sign;
}

/* A number, wherever it comes from: `state->value`, not widened yet. */
static __always_inline __u64 fetch_plain_number(void *ctx, const struct fetch *fetch, struct fetch_state *state)
{
	__u64 value = 0, status = fetch_source(ctx, fetch, state, &value);

	state->value = value;
	if (status) {
		if (fetch->keep)
			keep(fetch, status, state);
		return status;
	}
	if (fetch->keep)
		return fetch_kept(fetch, state);
	/* The one at hand: user space sees to that. */
	if (fetch->copy == COPY_PACKET)
		return packet_part(ctx, fetch, &state->value);
	if (is_plain(fetch)) {
		state->value = plain_value(fetch, value);
		return FETCHED;
	}
	return fetch_number(fetch, state);
}

static __noinline __u64 fetch_number_anywhere(void *ctx, const struct fetch *fetch, struct fetch_state *state)
{
	return fetch_plain_number(ctx, fetch, state);
}

/* Rounds to zero. */
static __always_inline __u64 divided(__u64 left, __u64 right, bool is_signed, bool remainder)
{
	__u64 left_sign = 0, right_sign = 0, result;

	if (is_signed) {
		left_sign = (__s64)left >> 63;
		right_sign = (__s64)right >> 63;
		left = (left ^ left_sign) - left_sign;
		right = (right ^ right_sign) - right_sign;
	}
	if (remainder) {
		result = left % right;
		return (result ^ left_sign) - left_sign;
	}
	result = left / right;
	left_sign ^= right_sign;
	return (result ^ left_sign) - left_sign;
}

/* Exact, whatever the signs: two numbers of which one is below zero and the other has no sign differ in that. */
static __always_inline bool is_less(__u64 left, __u64 right, __u8 is_signed)
{
	bool left_below = is_signed & 1 && (__s64)left < 0;
	bool right_below = is_signed & 2 && (__s64)right < 0;

	return left_below == right_below ? left < right : left_below;
}

static __always_inline bool is_equal(__u64 left, __u64 right, __u8 is_signed)
{
	bool left_below = is_signed & 1 && (__s64)left < 0;
	bool right_below = is_signed & 2 && (__s64)right < 0;

	return left == right && left_below == right_below;
}

/* A part of a key that is a number, a text or some bytes. */
static __noinline __u64 fetch_simple(void *ctx, const struct fetch *fetch, struct fetch_state *state, void *slot)
{
	__u64 value = 0, status = fetch_source(ctx, fetch, state, &value), length = state->length;

	state->value = value;
	if (fetch->keep && !status)
		return fetch_kept(fetch, state);
	if (fetch->keep)
		keep(fetch, status, state);
	if (!fetch->slot)
		return status;
	if (is_plain(fetch)) {
		*(__u64 *)slot = status ? 0 : plain_value(fetch, value);
		return status;
	}
	bpf_probe_read_kernel(slot, fetch->slot, zeros);
	if (!status && fetch->copy == COPY_PACKET)
		return packet_part(ctx, fetch, slot);
	if (!status)
		status = fetch_hops(fetch, state);
	if (status)
		return status;
	if (fetch->copy == COPY_KERNEL || fetch->copy == COPY_USER)
		return read_bytes(fetch, slot, fetch->size, state->value);
	status = read_text(fetch, slot, fetch->size, state);
	if (!status && is_dynamic(fetch) && !fetch->hops)
		end_text(slot, length, fetch->size);
	return status;
}

/* One operation on numbers; its result goes to `*to`. */
static __always_inline __u64 operate(const struct operation *operation, __u64 left, __u64 right, __u64 *to)
{
	switch (operation->kind) {
	case OPERATION_CONSTANT:
		*to = operation->low;
		break;
	case OPERATION_MULTIPLY:
		*to = left * right;
		break;
	case OPERATION_DIVIDE:
	case OPERATION_REMAINDER:
		if (!right)
			return ABSENT;
		*to = divided(left, right, operation->is_signed, operation->kind == OPERATION_REMAINDER);
		break;
	case OPERATION_ADD:
		*to = left + right;
		break;
	case OPERATION_SUBTRACT:
		*to = left - right;
		break;
	case OPERATION_SHIFT_LEFT:
		*to = left << (right & 63);
		break;
	case OPERATION_SHIFT_RIGHT:
		*to = operation->is_signed ? (__u64)((__s64)left >> (right & 63)) : left >> (right & 63);
		break;
	case OPERATION_AND:
		*to = left & right;
		break;
	case OPERATION_XOR:
		*to = left ^ right;
		break;
	case OPERATION_OR:
		*to = left | right;
		break;
	case OPERATION_LESS:
		*to = is_less(left, right, operation->is_signed) ^ operation->inverted;
		break;
	case OPERATION_EQUAL:
		*to = is_equal(left, right, operation->is_signed) ^ operation->inverted;
		break;
	case OPERATION_WITHIN:
		if (left - operation->low > operation->span)
			return ABSENT;
		*to = left;
		break;
	default:
		return ABSENT;
	}
	return FETCHED;
}

/* The calculation whose first operation is number `first`: `state->value`. */
static __noinline __u64 calculate(void *ctx, __u64 first, struct fetch_state *state)
{
	__u64 registers[REGISTERS];
	__u64 status;
	__u32 i;

#pragma unroll
	for (i = 0; i < REGISTERS; i++)
		registers[i] = 0;
#pragma clang loop unroll(disable)
	for (i = first; i < MAX_OPERATIONS; i++) {
		const struct operation *operation = (const struct operation *)&operations[i];
		__u64 to = 0;

		hidden(operation);
		if (operation->kind == OPERATION_FETCH) {
			status = fetch_plain_number(ctx, &operation->fetch, state);
			to = widened_by(&operation->wide, state->value);
		} else {
			status = operate(operation, registers[operation->left & (REGISTERS - 1)],
					 registers[operation->right & (REGISTERS - 1)], &to);
		}
		if (status)
			return status;
		if (operation->is_last) {
			state->value = to;
			return FETCHED;
		}
		registers[operation->to & (REGISTERS - 1)] = to;
	}
	return ABSENT;
}

#endif

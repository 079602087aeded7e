/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* The tests of `where` as user space writes them, and the sets that they ask. */
#ifndef EBPF_RUN_STEP_H
#define EBPF_RUN_STEP_H

#include "fetch.h"

#define MAX_STEPS 64
/* What the stack has for an operand. */
#define OPERAND_WORDS 16
#define OPERAND_BYTES (OPERAND_WORDS * 8)
/* Sets of numbers and texts; of networks. */
#define HASH_SETS 4
#define NETWORK_SETS 2

/* What is asked of an operand. */
enum step_test {
	TEST_NONE = 0,     /* the list ends here */
	TEST_RANGE = 1,    /* (((value & bits) - low) & mask) <= span */
	TEST_BYTES = 2,    /* the first `words` words are those of step_texts, under their mask */
	TEST_SUFFIX = 3,   /* it ends with the first `length` bytes of step_texts */
	TEST_CONTAINS = 4, /* the word `low` is in it somewhere, under `mask`, the last of its bytes lowest */
	TEST_NUMBERS = 5,  /* it is in set `set`: a number, widened by its mask and sign */
	TEST_TEXTS = 6,    /* a text with its NUL, and zeros behind it */
	TEST_NETWORKS = 7, /* an address of `bytes` bytes, 4 or 16 */
	TEST_EXISTS = 8,
};

/* Tests that can be done near, because no more than one helper is needed. */
enum step_near {
	NEAR_NOT = 0,
	NEAR_NUMBER = 1, /* a number at hand, of which the bits from `shift` on are asked */
	NEAR_COMM = 2,   /* the beginning of the name of the thread */
	NEAR_TEXT = 3,   /* the beginning of a text of the process's whose address is at hand */
};

#define STEP_PASS 255
#define STEP_REJECT 254

struct step {
	struct fetch fetch;
	enum step_test test;
	enum step_near near;
	__u8 part;   /* where the operand begins in what was fetched */
	__u8 end;    /* of a sock: 0 the source, 1 the destination, 2 neither: `part` 0 is its family, 2 its protocol */
	__u8 is_path; /* of an end: its path, not what comes before */
	__u8 bytes;  /* of it, where it is a number or an address */
	__u8 swapped; /* a number in network order */
	__u8 yes, no, fault;
	__u8 set;
	__u8 length;
	__u8 words;
	__u8 shift;
	__u8 unused[4];
	__u64 bits, low, mask, span;
};

struct step_text {
	__u64 bytes[OPERAND_WORDS];
	__u64 mask[OPERAND_WORDS];
};

const volatile struct step steps[MAX_STEPS] INTERNAL = {};
/* The first of them are those of `where`. */
const volatile bool has_where INTERNAL = true;
const volatile struct step_text step_texts[MAX_STEPS] INTERNAL = {};

/*
 * User space makes them, and gives them to all programs that use them. The entries of a set of numbers or texts are in the map that is
 * the only element: a larger one takes its place when it is full.
 */
#define HASH_SET(name)                                     \
	struct {                                           \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);  \
		__uint(max_entries, 1);                    \
		__uint(key_size, sizeof(__u32));           \
		__uint(value_size, sizeof(__u32));         \
	} name SEC(".maps")
#define NETWORK_SET(name)                                              \
	struct {                                                       \
		__uint(type, BPF_MAP_TYPE_LPM_TRIE);                   \
		__uint(max_entries, 1);                                \
		__uint(map_flags, BPF_F_NO_PREALLOC);                  \
		__uint(key_size, sizeof(struct network_key));          \
		__uint(value_size, 1);                                 \
	} name SEC(".maps")

struct network_key {
	__u32 bits;
	__be32 ip[4];
};

HASH_SET(numbers0);
HASH_SET(numbers1);
HASH_SET(numbers2);
HASH_SET(numbers3);
HASH_SET(texts0);
HASH_SET(texts1);
HASH_SET(texts2);
HASH_SET(texts3);
NETWORK_SET(networks0);
NETWORK_SET(networks1);

#endif

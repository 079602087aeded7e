/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The work list of `trace`: what to read and where to put it. The runner fills it before it loads the program; the
 * map is frozen then, so the verifier sees constants and removes the branches that are not taken.
 */
#ifndef EBPF_RUN_FETCH_H
#define EBPF_RUN_FETCH_H

#include "program.h"

#define MAX_FETCHES 12
#define MAX_HOPS 4
#define MAX_SLOT_BYTES 4104 /* 4096 of text, one more to tell a cut, the NUL; rounded up to 8 */

/* Where a value comes from. */
enum fetch_source {
	FETCH_NONE = 0,     /* the list ends here */
	FETCH_ARG = 1,      /* argument `index` of the function or raw tracepoint */
	FETCH_RETURN = 2,   /* what the function returned */
	FETCH_CONTEXT = 3,  /* the address of the tracepoint's record */
	FETCH_DATA_LOC = 4, /* the address of a dynamic array, whose __data_loc is `index` bytes into the record */
	FETCH_REL_LOC = 5,  /* the same for __rel_loc: counted from the end of that field */
	FETCH_GID = 6,
	FETCH_CPU = 7,
};

/* How it reaches the record. */
enum fetch_copy {
	COPY_VALUE = 0,       /* the value itself: 8 bytes; from byte `offset` of it on */
	COPY_KERNEL = 1,      /* `size` bytes at the address: of the kernel, or of the process if that is its own */
	COPY_USER = 2,        /* `size` bytes of the process's memory at the address */
	COPY_STRING = 3,      /* NUL-terminated text at the address, whose ever it is: at most `size` bytes with its NUL */
	COPY_USER_STRING = 4, /* NUL-terminated text in the process's memory */
};

struct fetch {
	enum fetch_source source;
	enum fetch_copy copy;
	__u32 out;  /* where its slot begins in the record: a multiple of 8 */
	__u16 slot; /* bytes of the slot: a multiple of 8, at least `size` */
	__u16 size; /* bytes to copy */
	__u8 index;
	__u8 hops; /* pointers to follow before the copy */
	__u8 unused[2];
	/* What is added to the address before each hop, and last before the copy. */
	__u32 offset[MAX_HOPS + 1];
};

/* User space finds these fields, and the enumerators above, in BTF: no other place knows their layout. */
const volatile struct fetch fetches[MAX_FETCHES] INTERNAL = {};
const volatile __u32 record_size INTERNAL = sizeof(struct event_head);

/* At uprobes, only this process, by its number in the first PID namespace; 0: every one. */
const volatile __u32 only_pid INTERNAL = 0;

/* The runner's own process, whose events are left out, by its number in the first PID namespace; 0: none is. */
const volatile __u32 own_tgid INTERNAL = 0;

/* What a slot is filled with before a copy that may be shorter than it. */
const char zeros[MAX_SLOT_BYTES] INTERNAL = {};

#endif

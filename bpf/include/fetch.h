/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The work list of `trace`: what to read and where to put it. The runner fills it before it loads the program; the
 * map is frozen then, so the verifier sees constants and removes the branches that are not taken.
 *
 * What is quick and common stands in the unrolled copies of fetch_value(). All else is a function that exists once: the
 * verifier keeps the union of what its calls need.
 */
#ifndef EBPF_RUN_FETCH_H
#define EBPF_RUN_FETCH_H

#include "program.h"

#define MAX_FETCHES 32
#define MAX_HOPS 8
#define MAX_KEPT 4
#define MAX_SLOT_BYTES 4112 /* 4096 of text, one more to tell a cut, the NUL, its length; rounded up to 8 */

/* Where a value comes from. */
enum fetch_source {
	FETCH_NONE = 0,       /* the list ends here */
	FETCH_WORD = 1,       /* eight bytes of the context: the word of this index */
	FETCH_HALF = 2,       /* four bytes of the context */
	FETCH_TRAMPOLINE = 3, /* a word of the context of a trampoline */
	FETCH_CONTEXT = 4,    /* the address of the tracepoint's record */
	FETCH_DATA_LOC = 5,   /* the address of a dynamic array, whose __data_loc is `index` bytes into the record */
	FETCH_REL_LOC = 6,    /* the same for __rel_loc: counted from the end of that field */
	FETCH_PID = 7,
	FETCH_TID = 8,
	FETCH_UID = 9,
	FETCH_GID = 10,
	FETCH_CPU = 11,
	FETCH_COMM = 12,
	FETCH_TASK = 13,
	FETCH_KTIME = 14,
	FETCH_RANDOM = 15,
	FETCH_CGROUP_ID = 16,
	FETCH_CGROUP_ANCESTOR = 17, /* at level `index` */
	FETCH_CONSTANT = 18,
	FETCH_TARGET = 19, /* the cookie of the link */
	FETCH_USDT = 20,   /* argument `index`, by the specification that the cookie names */
	FETCH_PACKET = 21, /* the packet or socket that the program was called for */
	FETCH_CALL_ARGUMENT = 22, /* argument `index` of a system call, unless they are gone */
	FETCH_CALCULATED = 24, /* the calculation that begins with operation `index` */
	FETCH_PACKET_ANCESTOR = 23, /* of the cgroup of the packet's socket, at level `index` */
	FETCH_STORED = 32,   /* what the start of the span left at `constant`: its address, or the value itself; `index` is its bit */
	FETCH_DURATION = 33, /* nanoseconds since the start */
	FETCH_PID_TGID = 34, /* process and thread in one word */
	FETCH_FRAME = 35,    /* where the context of a trampoline lies, as a number */
	FETCH_STACK = 30, /* what led here, by COPY_KERNEL_STACK or COPY_USER_STACK */
};

/* How it reaches the record. */
enum fetch_copy {
	COPY_VALUE = 0,       /* the value itself: 8 bytes; from byte `offset` of it on */
	COPY_KERNEL = 1,      /* `size` bytes at the address: of the kernel, or of the process if that is its own */
	COPY_USER = 2,        /* `size` bytes of the process's memory at the address */
	COPY_STRING = 3,      /* NUL-terminated text at the address, whose ever it is: at most `size` bytes with its NUL */
	COPY_USER_STRING = 4, /* NUL-terminated text in the process's memory */
	COPY_COMM = 5,        /* the name of the thread */
	COPY_SOCK = 6,        /* of a struct sock: struct sock_ends */
	COPY_SOCKADDR = 7,    /* of a struct sockaddr: struct endpoint */
	COPY_FILE_PATH = 8,   /* of a struct file: struct path_names */
	COPY_PATH = 9,        /* of a struct path */
	COPY_DENTRY_PATH = 10, /* of a struct dentry, within its file system */
	COPY_FD_PATH = 11,    /* of the file behind a descriptor of the process */
	COPY_PACKET = 12,     /* `size` bytes from `part` on of struct packet_parts, where the packet has `layer` */
	COPY_KERNEL_STACK = 13, /* struct stack, of as many frames as fit into `size` bytes */
	COPY_USER_STACK = 14,   /* the same of the process */
	COPY_SUM_OF_CPUS = 15, /* the sum of what `count` CPUs have there, whose memory the array at `constant` says */
};

#define NARROW_OTHERWISE 1 /* it cannot be read there */
#define NARROW_TIMESPEC 2  /* a struct timespec, of 8 bytes for older calls */

struct fetch {
	enum fetch_source source;
	enum fetch_copy copy;
	__u32 out;  /* where its slot begins in the record: a multiple of 8 */
	__u16 slot; /* bytes of the slot: a multiple of 8, at least `size`; 0: it has none */
	__u16 size; /* bytes to copy */
	__u8 index;
	__u8 hops;      /* pointers to follow before the copy */
	__u8 user_from; /* from this hop on addresses are the process's; above `hops`: they tell themselves */
	__u8 keep;      /* the value is kept under this number, from 1 on, for later ones; 0: it is not */
	__u8 keep_shift; /* bits of it that do not count, above those that do */
	__u8 keep_signed;
	__u8 length;     /* the value kept under this number is the length of what is copied; 0: none is */
	__u8 scaled;     /* the value kept under this number, times `scale`, is added to an address; 0: none is */
	__u8 scaled_hop; /* before this hop */
	__u8 part;       /* of a packet */
	__u8 layer;
	__u8 narrow; /* how it lies in 32-bit processes that make a system call */
	__u8 bit;    /* in `absent`, of what the start of a span keeps */
	__u8 unused[3];
	__u32 scale;
	__u32 count; /* a kept value of so much or more is no index; 0: nobody knows */
	__u64 constant;
	/* What is added to the address before each hop, and last before the copy. */
	__s32 offset[MAX_HOPS + 1];
	__u32 unused_end;
};

/* User space finds these fields, and the enumerators above, in BTF: no other place knows their layout. */
const volatile struct fetch fetches[MAX_FETCHES] INTERNAL = {};
const volatile __u32 record_size INTERNAL = sizeof(struct event_head);
/* Bytes at the end of a record that belong to no slot: the names of a path may run over into them. */
const volatile __u32 record_margin INTERNAL = 0;

/* At uprobes, only this process, by its number in the first PID namespace; 0: every one. */
const volatile __u32 only_pid INTERNAL = 0;

/* The runner's own process, whose events are left out, by its number in the first PID namespace; 0: none is. */
const volatile __u32 own_tgid INTERNAL = 0;

/* The program runs for a packet or a socket's call: of processes it knows little, and has fewer helpers. */
const volatile bool in_network INTERNAL = false;
/* It runs for a packet, a timer or an item of a snapshot: the process that runs is none of the event's. */
const volatile bool without_process INTERNAL = false;

/* A word that there is none of. */
#define NO_WORD 255

/* What a slot is filled with before a copy that may be shorter than it. */
const char zeros[MAX_SLOT_BYTES] INTERNAL = {};

/* What a fetch answers: a bit of head.absent, to be shifted to its place. */
#define FETCHED 0ULL
#define ABSENT 1ULL
#define UNREADABLE (1ULL | 1ULL << 32)

/* No address: what lies below is a NULL pointer and the offset of a member. */
#define FIRST_ADDRESS 4096

struct open_span;

struct fetch_state {
#ifdef TRACE_SPAN
	const struct open_span *start; /* of what ends now */
	__u64 now;
#endif
	__u64 value;
	__u64 length;  /* of a dynamic array; of a text that was read, with its NUL */
	__u64 missing; /* bit n - 1: nothing was kept under number n */
	__u64 kept[MAX_KEPT];
};

/* Hides where a value comes from, lest the compiler merges what the verifier must see apart. */
#define hidden(value) asm volatile("" : "+r"(value))

/*
 * A piece of the context. In assembly, because the compiler would merge loads of several cases into one from a
 * computed address, and the verifier takes no address in a context but its start plus a constant.
 */
static __always_inline __u64 context_word(const void *ctx, const __u32 offset)
{
	__u64 value;

	asm volatile("%[value] = *(u64 *)(%[ctx] + %[offset])" : [value] "=r"(value) : [ctx] "r"(ctx), [offset] "i"(offset));
	return value;
}

static __always_inline __u64 context_half(const void *ctx, const __u32 offset)
{
	__u64 value;

	asm volatile("%[value] = *(u32 *)(%[ctx] + %[offset])" : [value] "=r"(value) : [ctx] "r"(ctx), [offset] "i"(offset));
	return value;
}

#define WORD(n)                                    \
	case n:                                    \
		*value = context_word(ctx, n * 8); \
		return FETCHED;

/* In a context that is a struct syscall_call: the word that says what is to be known of the call. */
#define CALL_STATE 8
#define CALL_GONE 1      /* its arguments are not there any more */
#define CALL_32_BIT 2    /* its process lays out memory in another way */
#define CALL_OLD_TIMES 4 /* and it takes times of 32 bits */

/* Not the value of a source that is near. */
#define ELSEWHERE (~0ULL)

/* The words that nearly every argument, register and field is among. */
static __always_inline __u64 quick_word(const void *ctx, __u8 index, __u64 *value)
{
	switch (index) {
	WORD(0) WORD(1) WORD(2) WORD(3) WORD(4) WORD(5) WORD(6) WORD(7)
	WORD(8) WORD(9) WORD(10) WORD(11) WORD(12) WORD(13) WORD(14) WORD(15)
	}
	return ELSEWHERE;
}

static __always_inline __u64 later_word(const void *ctx, __u8 index, __u64 *value)
{
	switch (index) {
	WORD(16) WORD(17) WORD(18) WORD(19) WORD(20) WORD(21) WORD(22) WORD(23)
	WORD(24) WORD(25) WORD(26) WORD(27) WORD(28) WORD(29) WORD(30) WORD(31)
	}
	return ABSENT;
}

#define HALF(n)                                    \
	case n:                                    \
		*value = context_half(ctx, n * 4); \
		return FETCHED;

/* Where the context ends with four bytes: they have an even number. */
static __always_inline __u64 last_half(const void *ctx, __u8 index, __u64 *value)
{
	switch (index) {
	HALF(2) HALF(4) HALF(6) HALF(8) HALF(10) HALF(12) HALF(14) HALF(16) HALF(18) HALF(20) HALF(22)
	HALF(24) HALF(26) HALF(28) HALF(30) HALF(32) HALF(34) HALF(36) HALF(38) HALF(40) HALF(42)
	HALF(44) HALF(46) HALF(48) HALF(50) HALF(52) HALF(54) HALF(56) HALF(58) HALF(60) HALF(62)
	}
	return ABSENT;
}

/* The address of a dynamic array and its bytes: the halves of its location are an offset (low) and the length. */
static __always_inline __u64 dynamic_array(const void *record, __u8 at, bool relative, struct fetch_state *state)
{
	__u32 location = 0;

	if (bpf_probe_read_kernel(&location, sizeof(location), record + at))
		return UNREADABLE;
	state->value = (__u64)record + (location & 0xffff) + (relative ? at + sizeof(location) : 0);
	state->length = location >> 16;
	return FETCHED;
}

/* The verifier calculates with no pointer to a context, but the bytes of one on the stack are numbers to whoever copies them. */
static __always_inline __u64 frame_number(const void *ctx, __u64 *value)
{
	return bpf_probe_read_kernel(value, sizeof(*value), &ctx) ? UNREADABLE : FETCHED;
}

#include "kernel/cgroup.h"
#include "usdt.h"
#include "packet.h"

/*
 * Each source that is not quick. A word of a trampoline is read by helper: loaded from the context, a pointer would have its
 * type for the verifier, which forbids to calculate with it. User space knows how many words there are; the verifier does not
 * ask.
 */
static __noinline __u64 fetch_other(void *ctx, const struct fetch *fetch, struct fetch_state *state)
{
	switch (fetch->source) {
	case FETCH_WORD:
		return later_word(ctx, fetch->index, &state->value);
	case FETCH_HALF:
		return last_half(ctx, fetch->index, &state->value);
	case FETCH_TRAMPOLINE:
		return bpf_probe_read_kernel(&state->value, sizeof(state->value), ctx + fetch->index * sizeof(__u64)) ?
			       UNREADABLE :
			       FETCHED;
	case FETCH_CONTEXT:
		state->value = (__u64)ctx;
		return FETCHED;
	case FETCH_DATA_LOC:
		return dynamic_array(ctx, fetch->index, false, state);
	case FETCH_REL_LOC:
		return dynamic_array(ctx, fetch->index, true, state);
	case FETCH_GID:
		state->value = bpf_get_current_uid_gid() >> 32;
		return FETCHED;
	case FETCH_KTIME:
		state->value = bpf_ktime_get_ns();
		return FETCHED;
	case FETCH_RANDOM:
		state->value = bpf_get_prandom_u32();
		return FETCHED;
	case FETCH_CGROUP_ID:
		state->value = bpf_get_current_cgroup_id();
		return FETCHED;
	case FETCH_CGROUP_ANCESTOR:
		/* 0: it lies higher than that. */
		state->value = cgroup_ancestor(fetch->index);
		return state->value ? FETCHED : ABSENT;
	case FETCH_CONSTANT:
		state->value = fetch->constant;
		return FETCHED;
	case FETCH_TARGET:
		state->value = bpf_get_attach_cookie(ctx);
		return FETCHED;
	case FETCH_USDT:
		return usdt_argument(ctx, fetch->index, &state->value);
	case FETCH_PACKET_ANCESTOR:
		state->value = bpf_skb_ancestor_cgroup_id(packet_at_hand(ctx), fetch->index);
		return state->value ? FETCHED : ABSENT;
	case FETCH_PID_TGID:
		state->value = bpf_get_current_pid_tgid();
		return FETCHED;
	case FETCH_FRAME:
		return frame_number(ctx, &state->value);
	case FETCH_PACKET:
	case FETCH_COMM:
	case FETCH_STACK:
		return FETCHED;
	default:
		return ABSENT;
	}
}

/* What is at hand, or comes from one helper; ELSEWHERE for what does not. */
static __always_inline __u64 fetch_near(void *ctx, const struct fetch *fetch, __u64 *value)
{
	switch (fetch->source) {
	case FETCH_CALL_ARGUMENT:
		if (context_word(ctx, CALL_STATE * sizeof(__u64)) & (fetch->narrow == NARROW_OTHERWISE ? CALL_GONE | CALL_32_BIT : CALL_GONE))
			return ABSENT;
		/* fall through */
	case FETCH_WORD:
		return quick_word(ctx, fetch->index, value);
	case FETCH_PID:
		*value = bpf_get_current_pid_tgid() >> 32;
		return FETCHED;
	case FETCH_TID:
		*value = (__u32)bpf_get_current_pid_tgid();
		return FETCHED;
	case FETCH_UID:
		*value = (__u32)bpf_get_current_uid_gid();
		return FETCHED;
	case FETCH_CPU:
		*value = bpf_get_smp_processor_id();
		return FETCHED;
	case FETCH_TASK:
		*value = bpf_get_current_task();
		return FETCHED;
	default:
		return ELSEWHERE;
	}
}

#include "span.h"

/* The value, or the address that the hops begin with. It stays in a register as long as nothing else is asked for. */
static __always_inline __u64 fetch_source(void *ctx, const struct fetch *fetch, struct fetch_state *state,
					  __u64 *value)
{
	__u64 status;

#ifdef TRACE_SPAN
	status = fetch_of_span(fetch, state, value);
	if (status != ELSEWHERE)
		return status;
#endif
	status = fetch_near(ctx, fetch, value);
	if (status != ELSEWHERE)
		return status;
	status = fetch_other(ctx, fetch, state);
	*value = state->value;
	return status;
}

#include "stack.h"
#include "fetch_memory.h"

#endif

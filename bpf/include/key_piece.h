/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Parts of keys that are parts of a value with several: a port of an end of a socket. */
#ifndef EBPF_RUN_KEY_PIECE_H
#define EBPF_RUN_KEY_PIECE_H

#include "fetch.h"

/* What says whether the part is there. */
enum piece_end {
	PIECE_ALWAYS = 0,
	PIECE_IP = 1,       /* of an end: it is one of the internet */
	PIECE_PORT = 2,     /* the same, and its protocol has ports */
	PIECE_FAMILY = 3,   /* of an end: there is one */
	PIECE_PROTOCOL = 4, /* of a socket: it is one of the internet */
};

/* Of the fetch of the same number. */
struct key_piece {
	enum piece_end end;
	__u16 end_at; /* where that begins in what is fetched */
	__u16 at;     /* where the part begins */
	__u16 size;   /* bytes of it; 0: the key is all that is fetched */
	__u8 of_process; /* an address in the code of a process, which is written behind it */
	__u8 unused;
};

const volatile struct key_piece key_pieces[MAX_FETCHES] INTERNAL = {};

#define MOST_PIECE_BYTES 31
#define MOST_WHOLE_BYTES 511

static __always_inline __u64 piece_status(const struct key_piece *piece, __u64 head)
{
	__u16 family = head;
	bool is_inet = family == AF_INET || family == AF_INET6;

	switch (piece->end) {
	case PIECE_IP:
	case PIECE_PROTOCOL:
		return is_inet ? FETCHED : ABSENT;
	case PIECE_PORT:
		return is_inet && !(head >> 32) ? FETCHED : ABSENT;
	case PIECE_FAMILY:
		return family ? FETCHED : ABSENT;
	default:
		return FETCHED;
	}
}

/* The part of what was fetched into `whole`. The slot is zero. */
static __noinline __u64 take_piece(const struct key_piece *piece, __u64 status, const void *whole, void *slot)
{
	__u64 head = 0;

	if (!status && piece->end) {
		bpf_probe_read_kernel(&head, sizeof(head), whole + (piece->end_at & MOST_WHOLE_BYTES));
		status = piece_status(piece, head);
	}
	if (!status)
		bpf_probe_read_kernel(slot, piece->size & MOST_PIECE_BYTES, whole + (piece->at & MOST_WHOLE_BYTES));
	return status;
}

#endif

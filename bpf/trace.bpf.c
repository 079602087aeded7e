// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/*
 * trace: one event each time a hook fires, with the values that `capture` names.
 *
 * One program for all of them. Each SEC function hands its kind of context to trace(), which goes through the work
 * list of fetch.h. All loops are unrolled and all conditions on the list are constants when the verifier sees them.
 */
#include "fetch.h"
#include <bpf/bpf_tracing.h>

const struct event_head *event_type SEC_META;

enum context_kind {
	CONTEXT_REGISTERS,
	CONTEXT_TRACEPOINT,
	CONTEXT_RAW_TRACEPOINT,
	CONTEXT_WORDS,
};

/*
 * Eight bytes of the context. In assembly, because the compiler would merge loads of several cases into one from a
 * computed address, and the verifier takes no address in a context but its start plus a constant.
 */
static __always_inline __u64 context_word(const void *ctx, const __u32 offset)
{
	__u64 value;

	asm volatile("%[value] = *(u64 *)(%[ctx] + %[offset])" : [value] "=r"(value) : [ctx] "r"(ctx), [offset] "i"(offset));
	return value;
}

#define REGISTER(name) ((__u32)(unsigned long)&__PT_REGS_CAST((struct pt_regs *)0)->name)

static __always_inline __u64 register_argument(const void *regs, __u8 index)
{
	switch (index) {
	case 0:
		return context_word(regs, REGISTER(__PT_PARM1_REG));
	case 1:
		return context_word(regs, REGISTER(__PT_PARM2_REG));
	case 2:
		return context_word(regs, REGISTER(__PT_PARM3_REG));
	case 3:
		return context_word(regs, REGISTER(__PT_PARM4_REG));
	case 4:
		return context_word(regs, REGISTER(__PT_PARM5_REG));
	case 5:
		return context_word(regs, REGISTER(__PT_PARM6_REG));
#ifdef __TARGET_ARCH_arm64
	case 6:
		return context_word(regs, REGISTER(__PT_PARM7_REG));
	case 7:
		return context_word(regs, REGISTER(__PT_PARM8_REG));
#endif
	default:
		return 0;
	}
}

static __always_inline __u64 raw_argument(const void *raw, __u8 index)
{
	switch (index) {
	case 0:
		return context_word(raw, 0);
	case 1:
		return context_word(raw, 8);
	case 2:
		return context_word(raw, 16);
	case 3:
		return context_word(raw, 24);
	case 4:
		return context_word(raw, 32);
	case 5:
		return context_word(raw, 40);
	case 6:
		return context_word(raw, 48);
	case 7:
		return context_word(raw, 56);
	case 8:
		return context_word(raw, 64);
	case 9:
		return context_word(raw, 72);
	case 10:
		return context_word(raw, 80);
	case 11:
		return context_word(raw, 88);
	default:
		return 0;
	}
}

/*
 * A word of the context of a trampoline. By helper: loaded from the context, a pointer would have its type for the verifier,
 * which forbids to calculate with it. User space knows how many words there are; the verifier does not ask.
 */
static __always_inline int trampoline_word(const void *ctx, __u8 index, __u64 *value)
{
	return bpf_probe_read_kernel(value, sizeof(*value), ctx + index * sizeof(*value));
}

/* The address of a dynamic array and its bytes: the halves of its location are an offset (low) and the length. */
static __always_inline int dynamic_array(const void *record, __u8 at, bool relative, __u64 *value, __u32 *length)
{
	__u32 location = 0;

	if (bpf_probe_read_kernel(&location, sizeof(location), record + at))
		return -1;
	*value = (__u64)record + (location & 0xffff) + (relative ? at + sizeof(location) : 0);
	*length = location >> 16;
	return 0;
}

static __always_inline int fetch_source(void *ctx, enum context_kind kind, const volatile struct fetch *fetch,
					__u64 *value, __u32 *length)
{
	switch (fetch->source) {
	case FETCH_ARG:
		if (kind == CONTEXT_REGISTERS)
			*value = register_argument(ctx, fetch->index);
		else if (kind == CONTEXT_RAW_TRACEPOINT)
			*value = raw_argument(ctx, fetch->index);
		else if (kind == CONTEXT_WORDS)
			return trampoline_word(ctx, fetch->index, value);
		return 0;
	case FETCH_RETURN:
		if (kind == CONTEXT_REGISTERS)
			*value = context_word(ctx, REGISTER(__PT_RC_REG));
		return 0;
	case FETCH_CONTEXT:
		if (kind == CONTEXT_TRACEPOINT)
			*value = (__u64)ctx;
		return 0;
	case FETCH_DATA_LOC:
		return kind == CONTEXT_TRACEPOINT ? dynamic_array(ctx, fetch->index, false, value, length) : 0;
	case FETCH_REL_LOC:
		return kind == CONTEXT_TRACEPOINT ? dynamic_array(ctx, fetch->index, true, value, length) : 0;
	case FETCH_GID:
		*value = bpf_get_current_uid_gid() >> 32;
		return 0;
	case FETCH_CPU:
		*value = bpf_get_smp_processor_id();
		return 0;
	default:
		return -1;
	}
}

/*
 * Addresses tell whose memory they are in on x86-64 and arm64, and bpf_probe_read reads from there: pointers of the kernel's
 * own structs and arguments may be a process's (`__user`), of which types tell nothing where gcc built the kernel. A process's
 * memory cannot be had by the other helper, nor the kernel's by the one for processes.
 */

/* Follow the pointers; afterwards `value` is the address to copy from, or the value itself. */
static __always_inline int fetch_hops(const volatile struct fetch *fetch, __u64 *value)
{
	int hop;

#pragma unroll
	for (hop = 0; hop < MAX_HOPS; hop++) {
		if (hop < fetch->hops) {
			__u64 next = 0;

			if (bpf_probe_read(&next, sizeof(next), (void *)(*value + fetch->offset[hop])))
				return -1;
			*value = next;
		}
	}
	return 0;
}

static __always_inline int fetch_copy(const volatile struct fetch *fetch, __u64 value, void *slot)
{
	const void *address = (void *)(value + fetch->offset[fetch->hops <= MAX_HOPS ? fetch->hops : 0]);

	switch (fetch->copy) {
	case COPY_VALUE:
		/* A member of a struct that came by value lies further up in it. */
		*(__u64 *)slot = value >> (fetch->offset[0] * 8 & 63);
		return 0;
	case COPY_KERNEL:
		return bpf_probe_read(slot, fetch->size, address);
	case COPY_USER:
		return bpf_probe_read_user(slot, fetch->size, address);
	case COPY_STRING:
		return bpf_probe_read_str(slot, fetch->size, address) < 0;
	case COPY_USER_STRING:
		return bpf_probe_read_user_str(slot, fetch->size, address) < 0;
	default:
		return -1;
	}
}

static __always_inline bool is_dynamic(const volatile struct fetch *fetch)
{
	return fetch->source == FETCH_DATA_LOC || fetch->source == FETCH_REL_LOC;
}

/* How many bytes a dynamic array must have for this fetch. Behind it lie other fields, or what was there before. */
static __always_inline __u32 needed_length(const volatile struct fetch *fetch)
{
	__u32 bytes = fetch->hops ? sizeof(__u64) : fetch->copy == COPY_KERNEL ? fetch->size : 0;

	return fetch->offset[0] + bytes;
}

/* Text in a dynamic array need not end in NUL (xfs:xfs_lookup): it ends with the array. */
static __always_inline void end_text(char *slot, __u64 length, __u16 size)
{
	/* Compared and used in one register: Linux 5.10 forgets the bounds of a spilled one. */
	asm volatile("" : "+r"(length));
	if (length < size)
		slot[length] = 0;
}

/* Write the whole slot; non-zero if there is no value (the slot is zero then). */
static __always_inline int fetch_one(void *ctx, enum context_kind kind, const volatile struct fetch *fetch,
				     void *slot)
{
	__u64 value = 0;
	__u32 length = 0;

	bpf_probe_read_kernel(slot, fetch->slot, zeros);
	if (fetch_source(ctx, kind, fetch, &value, &length))
		return -1;
	if (is_dynamic(fetch) && length < needed_length(fetch))
		return -1;
	if (fetch_hops(fetch, &value) || fetch_copy(fetch, value, slot))
		return -1;
	if (is_dynamic(fetch) && !fetch->hops && fetch->copy == COPY_STRING)
		end_text(slot, length, fetch->size);
	return 0;
}

/* True, and counted, for an event of the runner itself: what it writes would be traced, and written, and traced again. */
static __always_inline bool is_own(void)
{
	struct cpu_counts *count;

	if (!own_tgid || bpf_get_current_pid_tgid() >> 32 != own_tgid)
		return false;
	count = cpu_counts();
	if (!count->ended)
		__atomic_fetch_add(&count->of_itself, 1, __ATOMIC_RELAXED);
	return true;
}

static __always_inline int trace(void *ctx, enum context_kind kind)
{
	__u64 absent = 0;
	void *record;
	int i;

	if (is_own())
		return 0;
	record = event_reserve(record_size);
	if (!record)
		return 0;
#pragma unroll
	for (i = 0; i < MAX_FETCHES; i++) {
		/* The verifier removes what is behind the end of the list, down to the reading of it. */
		if (fetches[i].source == FETCH_NONE)
			break;
		if (fetch_one(ctx, kind, &fetches[i], record + fetches[i].out))
			absent |= 1ULL << i;
	}
	event_head_fill(record, absent);
	bpf_ringbuf_submit(record, 0);
	return 0;
}

SEC("?kprobe")
DOC("One event each time the hook fires, with the values that `capture` names.")
int trace_kprobe(struct pt_regs *ctx)
{
	return trace(ctx, CONTEXT_REGISTERS);
}

SEC("?kretprobe")
int trace_kretprobe(struct pt_regs *ctx)
{
	return trace(ctx, CONTEXT_REGISTERS);
}

SEC("?fentry")
int trace_fentry(void *ctx)
{
	return trace(ctx, CONTEXT_WORDS);
}

SEC("?fexit")
int trace_fexit(void *ctx)
{
	return trace(ctx, CONTEXT_WORDS);
}

/* It only looks on: 0 refuses nothing. */
SEC("?lsm")
int trace_lsm(void *ctx)
{
	trace(ctx, CONTEXT_WORDS);
	return 0;
}

/*
 * The kernel keeps to a process as well, but until Linux 6.13 not at returns: where two probes are at one function, each
 * sees the processes of both.
 */
static __always_inline int trace_user(void *ctx)
{
	if (only_pid && bpf_get_current_pid_tgid() >> 32 != only_pid)
		return 0;
	return trace(ctx, CONTEXT_REGISTERS);
}

SEC("?uprobe")
int trace_uprobe(struct pt_regs *ctx)
{
	return trace_user(ctx);
}

SEC("?uretprobe")
int trace_uretprobe(struct pt_regs *ctx)
{
	return trace_user(ctx);
}

SEC("?tracepoint")
int trace_tracepoint(void *ctx)
{
	return trace(ctx, CONTEXT_TRACEPOINT);
}

SEC("?raw_tracepoint")
int trace_raw_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	return trace(ctx, CONTEXT_RAW_TRACEPOINT);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";

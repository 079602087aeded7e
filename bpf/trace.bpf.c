// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/*
 * trace: one event each time a hook fires, with the values that `capture` names.
 *
 * One program for all of them. Each SEC function hands its context to trace(), which goes through the tests of where.h and the
 * work list of fetch.h. All conditions on these are constants when the verifier sees them.
 *
 * bpf/internal/trace_start.bpf.c and trace_span.bpf.c are the two ends of a span: what begins is kept, and what ends is the event.
 *
 * bpf/internal/trace_light.bpf.c is this file without `where` and without values of several parts: most probes have neither, and
 * the kernel takes its time to remove what is not used.
 */
#include "fetch.h"
#include "syscall.h"
#include "where_near.h"
#if defined(TRACE_SPAN) || defined(TRACE_START)
#include "span_parts.h"
#endif
#ifdef TRACE_COUNTING
#include "aggregate.h"
#endif
#include <bpf/bpf_tracing.h>

const struct event_head *event_type SEC_META;
/* For the test that compares them with src/spec/slots.rs. */
const struct sock_ends *sock_ends_type SEC_META;
const struct packet_parts *packet_parts_type SEC_META;
const struct open_span *open_span_type SEC_META;

#define REGISTER(name) (__builtin_offsetof(__typeof__(*__PT_REGS_CAST((struct pt_regs *)0)), name) / sizeof(__u64))

/* In which words of struct pt_regs arguments and result are, for user space. */
#if defined(__TARGET_ARCH_x86)
const __u8 argument_words[8] INTERNAL = { REGISTER(di), REGISTER(si), REGISTER(dx), REGISTER(cx),
					  REGISTER(r8), REGISTER(r9), NO_WORD,	    NO_WORD };
const __u8 result_word INTERNAL = REGISTER(ax);
const __u8 stack_word INTERNAL = REGISTER(sp);
#elif defined(__TARGET_ARCH_arm64)
const __u8 argument_words[8] INTERNAL = { REGISTER(regs[0]), REGISTER(regs[1]), REGISTER(regs[2]), REGISTER(regs[3]),
					  REGISTER(regs[4]), REGISTER(regs[5]), REGISTER(regs[6]), REGISTER(regs[7]) };
const __u8 result_word INTERNAL = REGISTER(regs[0]);
const __u8 stack_word INTERNAL = REGISTER(sp);
#endif

/*
 * True, and counted, for an event of the runner itself: what it writes would be traced, and written, and traced again. It is asked
 * last: most events are another's, and the call would cost more than a few tests of `where`.
 */
static __always_inline bool is_own(__u64 pid_tgid)
{
	struct cpu_counts *count;

	if (!own_tgid || pid_tgid >> 32 != own_tgid)
		return false;
	count = cpu_counts();
	if (!count->ended)
		__atomic_fetch_add(&count->of_itself, 1, __ATOMIC_RELAXED);
	return true;
}

/* Fetches that are copies of their own, made for one entry each; the others share one. */
#define QUICK_FETCHES 6

/* A packet has no process: which one runs is chance, and some programs may not ask. Nor has a timer; the runner fetches that of an item. */
static __always_inline void bare_head_fill(struct event_head *head, __u64 absent)
{
	__builtin_memset(head, 0, sizeof(*head));
	head->time_ns = bpf_ktime_get_boot_ns();
	head->absent = absent;
	head->cpu = bpf_get_smp_processor_id();
}

/*
 * In the record at once: in a variable, Linux 5.10 and 6.1 would follow each fetch that fails and each that does not to the end,
 * with all that come after it.
 */
static __always_inline void note_absent(__u64 *absent, __u64 status, __u32 number)
{
	if (status)
		*absent |= status << number;
}

/* One window for each target. Made where there is a rate and one program for several. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} rates SEC(".maps");

/* Where the number of a system call is in its context; those of the 32-bit table are as many places behind. */
#define CALL_NUMBER 7
#define CALLS 512

static __always_inline __u64 *window_of(void *ctx)
{
	__u64 number = 0;
	__u32 target;

	if (!rate_of)
		return own_window();
	if (rate_of == RATE_OF_COOKIE)
		number = bpf_get_attach_cookie(ctx);
	else
		number = context_word(ctx, CALL_NUMBER * sizeof(__u64));
	target = number & (CALLS - 1);
	if (rate_of == RATE_OF_COOKIE)
		target = number;
	else if (number & SHOWN_COMPAT)
		target += CALLS;
	return bpf_map_lookup_elem(&rates, &target);
}

#ifdef TRACE_START
#define BIT_OF(fetch, number) ((fetch)->bit & 31)
#else
#define BIT_OF(fetch, number) (number)
#endif

/* All values, from `record` on; what has none is noted in `absent`. */
static __always_inline void fetch_all(void *ctx, void *record, __u64 *absent, struct fetch_state *state)
{
	__u32 i;

	state->value = 0;
	state->missing = 0;
	state->length = 0;
#pragma unroll
	for (i = 0; i < QUICK_FETCHES; i++) {
		const struct fetch *fetch = (const struct fetch *)&fetches[i];

		hidden(fetch);
		/* The verifier removes what is behind the end of the list, down to the reading of it. */
		if (fetch->source == FETCH_NONE)
			return;
		note_absent(absent, fetch_one(ctx, fetch, state, record + fetch->out), BIT_OF(fetch, i));
	}
#pragma clang loop unroll(disable)
	for (i = QUICK_FETCHES; i < MAX_FETCHES; i++) {
		const struct fetch *fetch = (const struct fetch *)&fetches[i];

		hidden(fetch);
		if (fetch->source == FETCH_NONE)
			return;
		note_absent(absent, fetch_one(ctx, fetch, state, record + fetch->out), BIT_OF(fetch, i));
	}
}

#if defined(TRACE_START)
#include "span_start.h"
#elif defined(TRACE_SPAN)
#include "span_end.h"
#else

#ifdef TRACE_COUNTING
/* An event that is wanted is counted. */
static __always_inline int trace_event(void *ctx)
{
	struct cpu_counts *count;

	if (!without_process && is_own(bpf_get_current_pid_tgid()))
		return 0;
	count = cpu_counts();
	if (!count->ended)
		count_event(ctx, count);
	return 0;
}
#else
/* The record of an event that is wanted. */
static __noinline int trace_event(void *ctx)
{
	struct fetch_state state;
	struct event_head *head;
	__u64 pid_tgid = 0;
	void *record;

	if (!without_process) {
		pid_tgid = bpf_get_current_pid_tgid();
		if (is_own(pid_tgid))
			return 0;
	}
	record = event_reserve_in(record_size, limited ? window_of(ctx) : NULL);
	if (!record)
		return 0;
	head = record;
	head->absent = 0;
	fetch_all(ctx, record, &head->absent, &state);
	if (record_margin)
		bpf_probe_read_kernel(record + record_size - record_margin, record_margin, zeros);
	if (without_process)
		bare_head_fill(record, head->absent);
	else
		event_head_fill(record, head->absent, pid_tgid);
	bpf_ringbuf_submit(record, 0);
	return 0;
}
#endif

static __always_inline int trace(void *ctx)
{
	return is_wanted(ctx) ? trace_event(ctx) : 0;
}

/* The same where events are frequent and cost little. */
static __always_inline int trace_near(void *ctx)
{
	return is_wanted_near(ctx) ? trace_event(ctx) : 0;
}

static __always_inline int next_at(void *ctx)
{
	return 0;
}

#endif

SEC("?kprobe")
DOC("One event each time the hook fires, with the values that `capture` names.")
int trace_kprobe(struct pt_regs *ctx)
{
	trace_near(ctx);
	return next_at(ctx);
}

SEC("?kretprobe")
int trace_kretprobe(struct pt_regs *ctx)
{
	trace(ctx);
	return next_at(ctx);
}

SEC("?fentry")
int trace_fentry(void *ctx)
{
	trace(ctx);
	return next_at(ctx);
}

SEC("?fexit")
int trace_fexit(void *ctx)
{
	trace(ctx);
	return next_at(ctx);
}

/* It only looks on: 0 refuses nothing. */
SEC("?lsm")
int trace_lsm(void *ctx)
{
	trace(ctx);
	next_at(ctx);
	return 0;
}

/* Never made: nothing jumps there. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} nowhere SEC(".maps");

/* Never set. */
const volatile bool jumps INTERNAL = false;

/*
 * Linux 6.13 and later give a program with 64 bytes of stack or more one stack for each CPU, if it is of type kprobe; and uprobes
 * can be interrupted by another thread of that CPU, whose program then writes to the same stack. A program with a tail call in it
 * keeps to the thread's own: this one is never reached, and the kernel removes it.
 */
static __always_inline void keep_own_stack(void *ctx)
{
	if (jumps)
		bpf_tail_call(ctx, &nowhere, 0);
}

/*
 * The kernel keeps to a process as well, but until Linux 6.13 not at returns: where two probes are at one function, each
 * sees the processes of both.
 */
static __always_inline int trace_user(void *ctx)
{
	if (only_pid && bpf_get_current_pid_tgid() >> 32 != only_pid)
		return 0;
	keep_own_stack(ctx);
	return trace(ctx);
}

SEC("?uprobe")
int trace_uprobe(struct pt_regs *ctx)
{
	trace_user(ctx);
	return next_at(ctx);
}

SEC("?uretprobe")
int trace_uretprobe(struct pt_regs *ctx)
{
	trace_user(ctx);
	return next_at(ctx);
}

/* One link attaches these to many functions, each with a cookie that says which. */
SEC("?kprobe.multi")
int trace_kprobe_multi(struct pt_regs *ctx)
{
	trace_near(ctx);
	return next_at(ctx);
}

SEC("?kretprobe.multi")
int trace_kretprobe_multi(struct pt_regs *ctx)
{
	trace(ctx);
	return next_at(ctx);
}

SEC("?uprobe.multi")
int trace_uprobe_multi(struct pt_regs *ctx)
{
	trace_user(ctx);
	return next_at(ctx);
}

SEC("?uretprobe.multi")
int trace_uretprobe_multi(struct pt_regs *ctx)
{
	trace_user(ctx);
	return next_at(ctx);
}

SEC("?usdt")
int trace_usdt(struct pt_regs *ctx)
{
	trace_user(ctx);
	return next_at(ctx);
}

SEC("?tracepoint")
int trace_tracepoint(void *ctx)
{
	trace_near(ctx);
	return next_at(ctx);
}

SEC("?raw_tracepoint")
int trace_raw_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	trace_near(ctx);
	return next_at(ctx);
}

/* The arguments are on the stack: where events are counted, keys need the rest of it. */
static __always_inline int trace_call(struct syscall_call *call)
{
#ifdef TRACE_COUNTING
	return trace(call);
#else
	return trace_near(call);
#endif
}

SEC("?raw_tracepoint")
HOOK("syscall/entry")
int trace_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct syscall_call call = {};

	if (!syscall_entered(ctx, &call))
		return 0;
	trace_call(&call);
	return next_at(ctx);
}

SEC("?raw_tracepoint")
HOOK("syscall/return")
int trace_sys_exit(struct bpf_raw_tracepoint_args *ctx)
{
	struct syscall_call call = {};

	if (!syscall_returned(ctx, &call))
		return 0;
	trace_call(&call);
	return next_at(ctx);
}

/* What follows is called for packets and sockets, and lets all of them pass. Captures read what is made of them here. */

SEC("?xdp")
int trace_xdp(struct xdp_md *ctx)
{
	struct packet_parts parts = {};

	if (packet_is_read)
		packet_of_xdp(ctx, &parts);
	trace(&parts);
	return XDP_PASS;
}

SEC("?tc")
int trace_tc(struct __sk_buff *ctx)
{
	struct packet_parts parts = {};

	if (packet_is_read)
		packet_of_skb(ctx, false, &parts);
	trace(&parts);
	return TC_ACT_UNSPEC;
}

static __always_inline int trace_cgroup_skb(struct __sk_buff *ctx)
{
	struct packet_at_hand packet = { .skb = ctx };

	if (packet_is_read) {
		packet_of_skb(ctx, true, &packet.parts);
		packet.cgroup_id = bpf_skb_cgroup_id(ctx);
	}
	trace(&packet);
	return 1;
}

SEC("?cgroup_skb/ingress")
int trace_cgroup_in(struct __sk_buff *ctx)
{
	return trace_cgroup_skb(ctx);
}

SEC("?cgroup_skb/egress")
int trace_cgroup_out(struct __sk_buff *ctx)
{
	return trace_cgroup_skb(ctx);
}

SEC("?cgroup/connect4")
int trace_connect4(struct bpf_sock_addr *ctx)
{
	struct socket_parts parts = {};

	if (packet_is_read)
		endpoint_ipv4(&parts.destination, ctx->user_ip4, ctx->user_port);
	trace(&parts);
	return 1;
}

SEC("?cgroup/connect6")
int trace_connect6(struct bpf_sock_addr *ctx)
{
	struct socket_parts parts = {};

	if (packet_is_read) {
		parts.destination.ip[0] = ctx->user_ip6[0];
		parts.destination.ip[1] = ctx->user_ip6[1];
		parts.destination.ip[2] = ctx->user_ip6[2];
		parts.destination.ip[3] = ctx->user_ip6[3];
		endpoint_ipv6(&parts.destination, ctx->user_port);
	}
	trace(&parts);
	return 1;
}

SEC("?cgroup/sock_create")
int trace_sock_create(struct bpf_sock *ctx)
{
	struct socket_parts parts = {};

	if (packet_is_read) {
		parts.family = ctx->family;
		parts.type = ctx->type;
		parts.protocol = ctx->protocol;
	}
	trace(&parts);
	return 1;
}

#include "trace_machine.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

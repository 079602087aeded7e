/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* A hook at which spans begin, are cancelled, or leave values on their way: what trace() is there. Included by trace.bpf.c. */

/* The values that are read here go into the element itself: no stack and no place of a CPU has room for them that is safe. */
static __noinline int span_fill(void *ctx, struct open_span *span)
{
	struct fetch_state state;

	fetch_all(ctx, span, &span->absent, &state);
	return 0;
}

static __always_inline void span_process(struct open_span *span, __u64 pid_tgid)
{
	span->pid_tgid = pid_tgid;
	if (!span_keeps_process)
		return;
	span->uid = bpf_get_current_uid_gid();
	current_comm(span->comm);
}

/* Fills an element that is in the map: an end on another CPU sees all of it, or none. */
static __always_inline long span_put_far(void *ctx, const __u64 *key, __u64 pid_tgid)
{
	long error = bpf_map_update_elem(&open_spans, key, zeros, BPF_NOEXIST);
	struct open_span *span;

	if ((int)error && (!FAILED(error, EXISTS) || span_keeps_first))
		return error;
	span = bpf_map_lookup_elem(&open_spans, key);
	/* Whoever took it out has counted it. */
	if (!span)
		return error;
	span->time_ns = 0;
	span->absent = span_via_bits;
	span_process(span, pid_tgid);
	span_fill(ctx, span);
	asm volatile("" ::: "memory");
	span->time_ns = bpf_ktime_get_ns();
	return error;
}

/* What most spans keep, a number or two or nothing, is made on the stack: one look at the map, not two. */
#define NEAR_SPAN_WORDS 10

static __noinline long span_put_near(void *ctx, const __u64 *key, __u64 pid_tgid)
{
	__u64 made[NEAR_SPAN_WORDS] = {};
	struct open_span *span = (struct open_span *)made;
	__u64 *there;
	long error;
	__u32 i;

	span->absent = span_via_bits;
	span_process(span, pid_tgid);
	span_fill(ctx, span);
	span->time_ns = bpf_ktime_get_ns();
	error = bpf_map_update_elem(&open_spans, key, made, BPF_NOEXIST);
	if (!FAILED(error, EXISTS) || span_keeps_first)
		return error;
	there = bpf_map_lookup_elem(&open_spans, key);
	if (!there)
		return error;
	*(volatile __u64 *)there = 0;
#pragma unroll
	for (i = 1; i < NEAR_SPAN_WORDS; i++) {
		if (i * sizeof(__u64) < record_size)
			((volatile __u64 *)there)[i] = made[i];
	}
	*(volatile __u64 *)there = made[0];
	return error;
}

/* Gives up what is too old: neither does another start meet it, nor is it cancelled. */
static __always_inline void span_give_up(const __u64 *key, struct cpu_counts *count)
{
	const struct open_span *open;

	if (!span_expire)
		return;
	open = bpf_map_lookup_elem(&open_spans, key);
	if (open && open->time_ns)
		span_expires(key, open, bpf_ktime_get_ns(), count);
}

static __always_inline void span_start(void *ctx, const __u64 *key, struct cpu_counts *count, __u64 pid_tgid)
{
	long error;

	add_one(&count->started);
	error = span_is_near ? span_put_near(ctx, key, pid_tgid) : span_put_far(ctx, key, pid_tgid);
	if (FAILED(error, EXISTS))
		add_one(&count->repeated);
	else if ((int)error)
		add_one(&count->full);
}

static __always_inline void span_via(void *ctx, const __u64 *key)
{
	struct open_span *span = bpf_map_lookup_elem(&open_spans, key);

	if (!span || !span->time_ns)
		return;
	span->absent &= ~span_via_bits;
	span_fill(ctx, span);
}

static __always_inline int trace(void *ctx)
{
	struct cpu_counts *count = cpu_counts();
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	__u64 key[SPAN_KEY_WORDS] = {};
	__u64 verdict;

	if (count->ended)
		return 0;
	if (span_role == SPAN_START && is_own(pid_tgid))
		return 0;
	verdict = is_wanted(ctx);
	if (verdict != true) {
		if (!span_gated)
			count_rejected(count, verdict);
		return 0;
	}
	if (span_key_of(ctx, key)) {
		add_one(&count->undecided);
		return 0;
	}
	span_give_up(key, count);
	if (span_role == SPAN_START) {
		span_start(ctx, key, count, pid_tgid);
	} else if (span_role == SPAN_VIA) {
		span_via(ctx, key);
	} else if (span_role == SPAN_CANCEL) {
		if (span_take(key))
			add_one(&count->cancelled);
	}
	return 0;
}

static __always_inline int trace_near(void *ctx)
{
	return trace(ctx);
}

static __always_inline int next_at(void *ctx)
{
	if (has_behind)
		bpf_tail_call(ctx, &behind, 0);
	return 0;
}

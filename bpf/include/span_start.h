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
	span->uid = bpf_get_current_uid_gid();
	current_comm(span->comm);
}

static __always_inline void span_start(void *ctx, const __u64 *key, struct cpu_counts *count, __u64 pid_tgid)
{
	struct open_span *span;
	long error;

	add_one(&count->started);
	error = bpf_map_update_elem(&open_spans, key, zeros, BPF_NOEXIST);
	if (FAILED(error, EXISTS)) {
		add_one(&count->repeated);
		if (span_keeps_first)
			return;
	} else if ((int)error) {
		add_one(&count->full);
		return;
	}
	span = bpf_map_lookup_elem(&open_spans, key);
	/* Whoever took it out has counted it. */
	if (!span)
		return;
	span->time_ns = 0;
	span->absent = span_via_bits;
	span_process(span, pid_tgid);
	span_fill(ctx, span);
	/* An end on another CPU sees all of it, or none. */
	asm volatile("" ::: "memory");
	span->time_ns = bpf_ktime_get_ns();
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

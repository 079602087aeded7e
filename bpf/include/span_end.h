/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* A hook at which spans end: what trace() is there. Included by trace.bpf.c. */

#ifndef TRACE_COUNTING
/* The process is the one that began it. */
static __always_inline void span_head_fill(struct event_head *head, const struct open_span *start)
{
	head->time_ns = bpf_ktime_get_boot_ns();
	head->pid = start->pid_tgid >> 32;
	head->tid = start->pid_tgid;
	head->uid = start->uid;
	head->cpu = bpf_get_smp_processor_id();
	((__u64 *)head->comm)[0] = ((const __u64 *)start->comm)[0];
	((__u64 *)head->comm)[1] = ((const __u64 *)start->comm)[1];
}
#endif

static __always_inline bool span_pairs(const __u64 *key, struct cpu_counts *count)
{
	if (!span_take(key))
		return false;
	add_one(&count->paired);
	return true;
}

#ifdef TRACE_COUNTING
/* What has ended is counted while nobody else can fill its element anew. */
static __always_inline int trace_event(void *ctx, struct cpu_counts *count, const struct open_span *start, __u64 now, const __u64 *key)
{
	count_event(ctx, count, start, now);
	span_pairs(key, count);
	return 0;
}
#else
/*
 * The record of what has ended. It is read from the element, which is taken out last: before that nobody else can fill it anew, and
 * the one who takes it out has the event.
 */
static __noinline int trace_event(void *ctx, struct cpu_counts *count, const struct open_span *start, __u64 now, const __u64 *key)
{
	struct fetch_state state;
	struct event_head *head;
	void *record;

	record = event_reserve_in(record_size, limited ? window_of(ctx) : NULL);
	if (!record) {
		span_pairs(key, count);
		return 0;
	}
	head = record;
	head->absent = 0;
	state.start = start;
	state.now = now;
	fetch_all(ctx, record, &head->absent, &state);
	if (record_margin)
		bpf_probe_read_kernel(record + record_size - record_margin, record_margin, zeros);
	span_head_fill(head, start);
	if (span_pairs(key, count)) {
		bpf_ringbuf_submit(record, 0);
	} else {
		__atomic_fetch_add(&count->produced, -1, __ATOMIC_RELAXED);
		bpf_ringbuf_discard(record, 0);
	}
	return 0;
}
#endif

static __always_inline int trace(void *ctx)
{
	struct cpu_counts *count = cpu_counts();
	__u64 now = bpf_ktime_get_ns();
	__u64 key[SPAN_KEY_WORDS] = {};
	const struct open_span *start;
	__u64 verdict = true;

	if (count->ended)
		return 0;
	if (span_gate < MAX_STEPS && where(ctx, span_gate, 0, NULL, 0) != true)
		return 0;
	if (span_key_of(ctx, key)) {
		add_one(&count->undecided);
		return 0;
	}
	start = bpf_map_lookup_elem(&open_spans, key);
	if (!start || !start->time_ns || span_expires(key, start, now, count))
		return 0;
	if (has_where && span_gate && steps[0].test != TEST_NONE)
		verdict = where(ctx, 0, 0, start, now);
	if (verdict == true)
		return trace_event(ctx, count, start, now, key);
	if (span_pairs(key, count))
		count_rejected(count, verdict);
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

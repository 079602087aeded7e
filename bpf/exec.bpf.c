// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* exec: one event when a process starts a program, one when that process has ended. */
#include "program.h"
#include <bpf/bpf_core_read.h>

enum process_change {
	PROCESS_EXEC,
	PROCESS_EXIT,
};

#define FILENAME_BYTES 256
#define ARGS_BYTES 512

struct exec_event {
	struct event_head head;
	enum process_change event DOC("exec: a program was started; exit: the process has ended");
	__u32 ppid DOC("process id of the parent");
	char filename[FILENAME_BYTES] DOC("the file that was executed, as it was named");
	char args[ARGS_BYTES] AS("argv") DOC("the command line, quoted as a shell would need it");
	__s32 exit_code DOC("what it returned; 128 + signal if a signal ended it, as shells say");
	__s32 signal DOC("the signal that ended it");
	__u64 duration_ns UNIT("ns") DOC("from the creation of the process to its end");
	__u8 filename_truncated AS("flag") DOC("the name was longer than 255 bytes");
	__u8 args_truncated AS("flag") DOC("the command line was longer than 512 bytes");
	__u8 unused[6] INTERNAL;
};

_Static_assert(sizeof(struct exec_event) == 40 + 8 + FILENAME_BYTES + ARGS_BYTES + 16 + 8, "no padding");

/* Bits of head.absent, in the order of the fields. */
enum {
	NO_FILENAME = 1 << 2,
	NO_ARGS = 1 << 3,
	NO_EXIT_CODE = 1 << 4,
	NO_SIGNAL = 1 << 5,
	NO_DURATION = 1 << 6,
};

const struct exec_event *event_type SEC_META;

const volatile bool execs_only DOC("leave out the ends of processes; with failures_only, nothing is left") = false;
const volatile bool failures_only DOC("report only processes that end with a code other than 0") = false;
const volatile __s64 only_uid DOC("report only processes of this user id; -1: of all users") RANGE("-1..4294967294") = -1;

/*
 * Two threads that end at the same moment may both see that no thread lives. The first one to enter the process here
 * reports it. An entry matters for as long as that race lasts, so the oldest may be forgotten.
 */
struct ended {
	__u64 start_ns;
	__u64 tgid;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct ended);
	__type(value, __u8);
} ended SEC(".maps");

static __always_inline bool wanted_user(void)
{
	return only_uid < 0 || (__u32)bpf_get_current_uid_gid() == only_uid;
}

/* Everything zero, the head and the parent filled. */
static __always_inline struct exec_event *new_event(struct task_struct *task, enum process_change change, __u32 absent)
{
	struct exec_event *event = event_reserve(sizeof(*event));

	if (!event)
		return NULL;
	__builtin_memset(&event->exit_code, 0, sizeof(*event) - __builtin_offsetof(struct exec_event, exit_code));
	event_head_fill(&event->head, absent);
	event->event = change;
	event->ppid = BPF_CORE_READ(task, real_parent, tgid);
	return event;
}

static __always_inline void read_filename(struct exec_event *event, struct trace_event_raw_sched_process_exec *ctx)
{
	__u32 location = BPF_CORE_READ(ctx, __data_loc_filename);
	long length;

	__builtin_memset(event->filename, 0, sizeof(event->filename));
	length = bpf_probe_read_kernel_str(event->filename, sizeof(event->filename),
					   (void *)ctx + (location & 0xffff));
	if (length < 0)
		event->head.absent |= NO_FILENAME;
	/* The high half is the true length with its NUL. */
	event->filename_truncated = (location >> 16) > sizeof(event->filename);
}

static __always_inline void read_args(struct exec_event *event, struct task_struct *task)
{
	unsigned long start = BPF_CORE_READ(task, mm, arg_start);
	unsigned long end = BPF_CORE_READ(task, mm, arg_end);
	__u64 size = end - start;

	__builtin_memset(event->args, 0, sizeof(event->args));
	if (size > sizeof(event->args)) {
		event->args_truncated = 1;
		size = sizeof(event->args);
	}
	if (bpf_probe_read_user(event->args, size, (void *)start))
		event->head.absent |= NO_ARGS;
}

SEC("tp/sched/sched_process_exec")
DOC("Every program that is started: its file, its arguments, its parent; and, when it ends, its exit code and duration.")
int exec_start(struct trace_event_raw_sched_process_exec *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct exec_event *event;

	if (failures_only || !wanted_user())
		return 0;
	event = new_event(task, PROCESS_EXEC, NO_EXIT_CODE | NO_SIGNAL | NO_DURATION);
	if (!event)
		return 0;
	read_filename(event, ctx);
	read_args(event, task);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

/* True for the last thread of a process that has executed a program, once. */
static __always_inline bool process_ended(struct task_struct *task)
{
	struct ended key = {};
	__u8 value = 1;

	/* A thread never executes: the leader's flag tells of the process. */
	if (BPF_CORE_READ(task, group_leader, flags) & PF_FORKNOEXEC)
		return false;
	if (BPF_CORE_READ(task, signal, live.counter) != 0)
		return false;
	if (BPF_CORE_READ(task, signal, nr_threads) <= 1)
		return true;
	key.start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	key.tgid = BPF_CORE_READ(task, tgid);
	return bpf_map_update_elem(&ended, &key, &value, BPF_NOEXIST) == 0;
}

/*
 * What wait(2) says of the process (wait_task_zombie of kernel/exit.c), whichever of its threads is the last: one that ended by
 * itself while another one called exit_group has a code of its own.
 */
static __always_inline int process_exit_code(struct task_struct *task)
{
	if (BPF_CORE_READ(task, signal, flags) & SIGNAL_GROUP_EXIT)
		return BPF_CORE_READ(task, signal, group_exit_code);
	return BPF_CORE_READ(task, group_leader, exit_code);
}

SEC("tp/sched/sched_process_exit")
int exec_end(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct exec_event *event;
	int code, signal;

	if (execs_only || !wanted_user() || !process_ended(task))
		return 0;
	code = process_exit_code(task);
	if (failures_only && code == 0)
		return 0;
	signal = code & 0x7f;
	event = new_event(task, PROCESS_EXIT, NO_FILENAME | NO_ARGS | (signal ? 0 : NO_SIGNAL));
	if (!event)
		return 0;
	__builtin_memset(event->filename, 0, sizeof(event->filename));
	__builtin_memset(event->args, 0, sizeof(event->args));
	event->exit_code = signal ? 128 + signal : (code >> 8) & 0xff;
	event->signal = signal;
	event->duration_ns = event->head.time_ns - BPF_CORE_READ(task, group_leader, start_boottime);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";

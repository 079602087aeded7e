// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* exec: one event when a process starts a program, or fails to, and one when a process has ended. */
#include "program.h"
#include "names.h"

enum process_change {
	PROCESS_EXEC,
	PROCESS_EXIT,
	PROCESS_FAILED,
};

#define FILENAME_BYTES 256
#define MOST_ARGS_BYTES 4096
/* Execs that are under way at once. */
#define ATTEMPTS 1024

/* A command line: of how many bytes, and its words, each with its NUL. */
struct command_line {
	__u32 length;
	char words[MOST_ARGS_BYTES];
};

struct exec_event {
	struct event_head head;
	enum process_change event
		DOC("exec: a program was started; exit: the process has ended; failed: a program could not be started");
	__u32 ppid DOC("process id of the parent");
	/* What is read into these two may run over into what follows them: names.h. */
	struct path_names exe AS("path")
		DOC("the file that the process runs, as /proc/PID/exe shows it: a script's interpreter, the target of /proc/self/fd/N; "
		    "at the end of a process from Linux 6.16 on");
	struct path_names cgroup AS("path") DOC("the cgroup (v2) of the process: its systemd unit or container");
	char filename[FILENAME_BYTES] DOC("the file to execute, as named in the call");
	__s32 exit_code DOC("exit code; 128 + signal if a signal ended it, as in shells");
	__s32 signal DOC("the signal that ended it");
	__s32 errno AS("errno") DOC("why a program could not be started");
	__u8 filename_truncated AS("flag") DOC("the name was longer than 255 bytes");
	__u8 args_truncated AS("flag") DOC("the command line was longer than `max_args_bytes`");
	__u8 unused[2] INTERNAL;
	__u64 duration_ns UNIT("ns") DOC("from the creation of the process to its end");
	/* Last: the record ends after the bytes that are wanted. */
	struct command_line args AS("argv") DOC("the command line, quoted for a shell");
};

_Static_assert(__builtin_offsetof(struct exec_event, exit_code) == 48 + 8 + 2 * (4 + NAMES_BYTES) + FILENAME_BYTES,
	       "no padding");
_Static_assert(__builtin_offsetof(struct exec_event, args) == __builtin_offsetof(struct exec_event, exit_code) + 24,
	       "no padding");
_Static_assert(FILENAME_BYTES >= NAMES_BYTES, "a name that does not fit stays in the record");

/* Bits of head.absent, in the order of the fields. */
enum {
	NO_EXE = 1 << 2,
	NO_CGROUP = 1 << 3,
	NO_FILENAME = 1 << 4,
	NO_EXIT_CODE = 1 << 5,
	NO_SIGNAL = 1 << 6,
	NO_ERRNO = 1 << 7,
	NO_DURATION = 1 << 11,
	NO_ARGS = 1 << 12,
};

const struct exec_event *event_type SEC_META;

const volatile bool execs_only DOC("leave out the ends of processes; with `failures_only`, only the events of `failed` remain") = false;
const volatile bool failures_only DOC("report only processes that end with a code other than 0, and the events of `failed`") = false;
const volatile bool failed
	DOC("also report programs that could not be started; a search along PATH fails once for each directory without the "
	    "program") = false;
const volatile __u32 max_args_bytes SIZES("args") RANGE("1..4096") UNIT("bytes")
	DOC("bytes to keep of a command line; each event reserves them in the buffer") = 512;
const volatile __s64 only_uid DOC("report only processes of this user id; -1: of all users") RANGE("-1..4294967294") = -1;

const char zeros[MOST_ARGS_BYTES] INTERNAL = {};

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

/* Where in its memory a task has the name of what it is about to execute. By task, whose number may change meanwhile. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ATTEMPTS);
	__type(key, __u64);
	__type(value, __u64);
} attempts SEC(".maps");

static __always_inline bool wanted_user(void)
{
	return only_uid < 0 || (__u32)bpf_get_current_uid_gid() == only_uid;
}

/* The head, what is known of the process, and everything else zero. */
static __always_inline struct exec_event *new_event(struct task_struct *task, enum process_change change, __u64 absent)
{
	const __u32 words = __builtin_offsetof(struct exec_event, args.words);
	struct exec_event *event = event_reserve(words + max_args_bytes);
	struct file *exe;

	if (!event)
		return NULL;
	bpf_probe_read_kernel(event->args.words, max_args_bytes, zeros);
	event->event = change;
	event->ppid = BPF_CORE_READ(task, real_parent, tgid);
	__builtin_memset(&event->exe, 0, sizeof(event->exe));
	/* Absent where the process has given up its memory, as at its end before Linux 6.16. */
	exe = BPF_CORE_READ(task, mm, exe_file);
	if (exe)
		names_of_file(&event->exe, exe);
	/* Each begins after what the one before has left there. */
	__builtin_memset(&event->cgroup, 0, sizeof(event->cgroup));
	names_of_cgroup(&event->cgroup, task);
	__builtin_memset(event->filename, 0, words - __builtin_offsetof(struct exec_event, filename));
	event_head_fill(&event->head, absent | (exe ? 0 : NO_EXE), bpf_get_current_pid_tgid());
	return event;
}

static __always_inline void read_filename(struct exec_event *event, struct trace_event_raw_sched_process_exec *ctx)
{
	__u32 location = BPF_CORE_READ(ctx, __data_loc_filename);
	long length;

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

	if (size > max_args_bytes) {
		event->args_truncated = 1;
		size = max_args_bytes;
	}
	event->args.length = size;
	if (bpf_probe_read_user(event->args.words, size, (void *)start))
		event->head.absent |= NO_ARGS;
}

SEC("tp/sched/sched_process_exec")
DOC("Programs that start and processes that end. For each start: file, arguments, parent and cgroup; for each end: "
    "exit code and duration; with `failed`, also programs that could not be started, and why.")
int exec_start(struct trace_event_raw_sched_process_exec *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct exec_event *event;

	/* A task that begins a 32-bit program leaves its call without sys_exit: what its attempt was is forgotten here. */
	if (failed) {
		__u64 key = (__u64)task;

		bpf_map_delete_elem(&attempts, &key);
	}
	if (failures_only || !wanted_user())
		return 0;
	event = new_event(task, PROCESS_EXEC, NO_EXIT_CODE | NO_SIGNAL | NO_ERRNO | NO_DURATION);
	if (!event)
		return 0;
	read_filename(event, ctx);
	read_args(event, task);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

/* True for the last thread of a process, once. A thread of the kernel is no process. */
static __always_inline bool process_ended(struct task_struct *task)
{
	struct ended key = {};
	__u8 value = 1;

	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
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
	event = new_event(task, PROCESS_EXIT, NO_FILENAME | NO_ARGS | NO_ERRNO | (signal ? 0 : NO_SIGNAL));
	if (!event)
		return 0;
	event->exit_code = signal ? 128 + signal : (code >> 8) & 0xff;
	event->signal = signal;
	event->duration_ns = event->head.time_ns - BPF_CORE_READ(task, group_leader, start_boottime);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

/* The name is read when the call has failed: here it may not be in memory yet. */
static __always_inline int attempt(unsigned long filename)
{
	__u64 task = bpf_get_current_task(), value = filename;

	if (wanted_user())
		bpf_map_update_elem(&attempts, &task, &value, BPF_ANY);
	return 0;
}

static __always_inline void read_attempt(struct exec_event *event, __u64 *filename)
{
	char last = 0;

	if (!filename || bpf_probe_read_user_str(event->filename, sizeof(event->filename), (void *)*filename) < 0) {
		event->head.absent |= NO_FILENAME;
		return;
	}
	/* Full, with the NUL that the helper puts there: is it the name's own? */
	if (event->filename[sizeof(event->filename) - 2])
		bpf_probe_read_user(&last, 1, (void *)*filename + sizeof(event->filename) - 1);
	event->filename_truncated = last != 0;
}

static __always_inline int attempted(long result)
{
	struct task_struct *current = (void *)bpf_get_current_task();
	__u64 task = (__u64)current;
	struct exec_event *event;

	if (result < 0 && wanted_user()) {
		event = new_event(current, PROCESS_FAILED, NO_EXIT_CODE | NO_SIGNAL | NO_DURATION | NO_ARGS);
		if (event) {
			event->errno = -result;
			read_attempt(event, bpf_map_lookup_elem(&attempts, &task));
			bpf_ringbuf_submit(event, 0);
		}
	}
	bpf_map_delete_elem(&attempts, &task);
	return 0;
}

SEC("tp/syscalls/sys_enter_execve")
ONLY_IF("failed")
int exec_attempt(struct syscall_enter *ctx)
{
	return attempt(ctx->args[0]);
}

SEC("tp/syscalls/sys_enter_execveat")
ONLY_IF("failed")
int exec_attempt_at(struct syscall_enter *ctx)
{
	return attempt(ctx->args[1]);
}

SEC("tp/syscalls/sys_exit_execve")
ONLY_IF("failed")
int exec_result(struct syscall_exit *ctx)
{
	return attempted(ctx->ret);
}

SEC("tp/syscalls/sys_exit_execveat")
ONLY_IF("failed")
int exec_result_at(struct syscall_exit *ctx)
{
	return attempted(ctx->ret);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";

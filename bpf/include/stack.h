/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Call stacks: which functions led to the event, as addresses of code. User space finds out what they are called. */
#ifndef EBPF_RUN_STACK_H
#define EBPF_RUN_STACK_H

#include "kernel/offsets.h"

KERNEL_OFFSET(task_mm_at, "task_struct.mm");

/* Of bpf_get_stack(): the stack of the process, not of the kernel. */
#define BPF_F_USER_STACK (1ULL << 8)

/* A stack in a record. What lies behind its frames is zero. */
struct stack {
	__u32 frames;
	__u32 space; /* of a process: tells its memory from what it had before an execve; 0: unknown */
	__u32 pid;   /* of a process: its number in the first PID namespace */
	__u32 unused;
	__u64 addresses[]; /* the innermost function first */
};

/* The context is a struct syscall_call, and has the kernel's own in it. */
const volatile bool at_syscalls INTERNAL = false;

/* The word of a struct syscall_call that has the kernel's own context. */
#define CALL_CONTEXT 9

/* What the kernel called the program with: the helpers for stacks take nothing else. */
static __always_inline void *kernel_context(void *ctx)
{
	return at_syscalls ? (void *)context_word(ctx, CALL_CONTEXT * sizeof(__u64)) : ctx;
}

/* Another one after each execve, and in each process. */
static __always_inline __u32 memory_space(void)
{
	__u64 mm = 0;

	if (task_mm_at != NOWHERE)
		read_member(&mm, bpf_get_current_task(), task_mm_at);
	return mm >> 6;
}

/* The kernel itself zeroes what the stack does not fill of `size` bytes. False: there is none. */
static __always_inline bool stack_fill(void *ctx, struct stack *stack, __u32 size, bool user)
{
	long bytes = bpf_get_stack(kernel_context(ctx), stack->addresses, size, user ? BPF_F_USER_STACK : 0);

	stack->frames = bytes < 0 ? 0 : bytes / sizeof(__u64);
	stack->space = user ? memory_space() : 0;
	stack->pid = user ? bpf_get_current_pid_tgid() >> 32 : 0;
	stack->unused = 0;
	return bytes > 0;
}

#endif

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Which system call it is, by its number and by the table that the number is of: for what runs at all of them. */
#ifndef EBPF_RUN_SYSCALL_NUMBER_H
#define EBPF_RUN_SYSCALL_NUMBER_H

#include "kernel.h"
#include "kernel/offsets.h"
#include <bpf/bpf_helpers.h>

/* Numbers that a table has room for, 64-bit or 32-bit. */
#define MAX_SYSCALLS 512

#if defined(__TARGET_ARCH_x86)
/* thread_info lies in task_struct (CONFIG_THREAD_INFO_IN_TASK). */
KERNEL_OFFSET(task_status_at, "task_struct.thread_info.status");

#define TS_COMPAT 0x0002 /* arch/x86/include/asm/thread_info.h */

static __always_inline bool is_compat(void)
{
	__u32 status;

	read_member(&status, bpf_get_current_task(), task_status_at);
	return status & TS_COMPAT;
}

static __always_inline int call_number(const struct pt_regs *regs, __s64 *number)
{
	return bpf_probe_read_kernel(number, sizeof(*number), &regs->orig_ax);
}
#elif defined(__TARGET_ARCH_arm64)
/* thread_info lies in task_struct (CONFIG_THREAD_INFO_IN_TASK). */
KERNEL_OFFSET(task_flags_at, "task_struct.thread_info.flags");

#define TIF_32BIT 22 /* arch/arm64/include/asm/thread_info.h */

static __always_inline bool is_compat(void)
{
	__u64 flags;

	read_member(&flags, bpf_get_current_task(), task_flags_at);
	return flags >> TIF_32BIT & 1;
}

static __always_inline int call_number(const struct pt_regs *regs, __s64 *number)
{
	__s32 value = -1;
	int error = bpf_probe_read_kernel(&value, sizeof(value), &regs->syscallno);

	*number = value;
	return error;
}
#endif

#endif

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Which system call it is, by its number and by the table that the number is of: for what runs at all of them. */
#ifndef EBPF_RUN_SYSCALL_NUMBER_H
#define EBPF_RUN_SYSCALL_NUMBER_H

#include "kernel.h"
#include "kernel/offsets.h"
#include <bpf/bpf_helpers.h>

/* Numbers that a table has room for, 64-bit or 32-bit. */
#define MAX_SYSCALLS 512

/* Since Linux 5.15 the thread and its registers are read without a helper for each, which takes longer than all else here. */
KERNEL_HAS(has_task_pt_regs, "bpf_func_id.BPF_FUNC_task_pt_regs");

/* The registers of the process, as its call left them. Only where the kernel has them. */
static __always_inline const struct pt_regs *own_registers(void)
{
	return (const struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

/* Four bytes of the thread. */
static __always_inline __u32 task_word(const __u32 offset)
{
	__u32 word;

	if (has_task_pt_regs != NOWHERE && offset != NOWHERE)
		return *(const volatile __u32 *)((const void *)bpf_get_current_task_btf() + offset);
	read_member(&word, bpf_get_current_task(), offset);
	return word;
}

#if defined(__TARGET_ARCH_x86)
/* thread_info lies in task_struct (CONFIG_THREAD_INFO_IN_TASK). */
KERNEL_OFFSET(task_status_at, "task_struct.thread_info.status");

#define TS_COMPAT 0x0002 /* arch/x86/include/asm/thread_info.h */

/* Whether a call is of the 32-bit table. The kernel keeps that from the entry to the return, whatever the call does. */
static __always_inline bool is_compat(const struct pt_regs *regs, __u64 number, const bool returns)
{
	return task_word(task_status_at) & TS_COMPAT;
}

static __always_inline int call_number(const struct pt_regs *regs, __s64 *number)
{
	if (has_task_pt_regs != NOWHERE) {
		*number = own_registers()->orig_ax;
		return 0;
	}
	return bpf_probe_read_kernel(number, sizeof(*number), &regs->orig_ax);
}
#elif defined(__TARGET_ARCH_arm64)
/* thread_info lies in task_struct (CONFIG_THREAD_INFO_IN_TASK). */
KERNEL_OFFSET(task_flags_at, "task_struct.thread_info.flags");

#define TIF_32BIT 22 /* arch/arm64/include/asm/thread_info.h */

/* execve and execveat: include/uapi/asm-generic/unistd.h, and of the 32-bit table. */
#define IS_EXEC(number) ((number) == 221 || (number) == 281)
#define IS_COMPAT_EXEC(number) ((number) == 11 || (number) == 387)

/*
 * Whether a call is of the 32-bit table. The kernel knows of which kind the program is: at the return of a call that has begun one of
 * the other kind, not the one that made it. All registers are empty then; else x7 or x8 has the number.
 */
static __always_inline bool is_compat(const struct pt_regs *regs, __u64 number, const bool returns)
{
	bool now = task_word(task_flags_at) >> TIF_32BIT & 1;
	__u64 said[2];

	if (!returns || !(now ? IS_EXEC(number) : IS_COMPAT_EXEC(number)))
		return now;
	if (has_task_pt_regs != NOWHERE) {
		const struct pt_regs *own = own_registers();

		said[0] = own->user_regs.regs[7];
		said[1] = own->user_regs.regs[8];
	} else if (bpf_probe_read_kernel(said, sizeof(said), &regs->user_regs.regs[7])) {
		return now;
	}
	return said[0] | said[1] ? now : !now;
}

static __always_inline int call_number(const struct pt_regs *regs, __s64 *number)
{
	__s32 value = -1;
	int error = 0;

	if (has_task_pt_regs != NOWHERE)
		value = own_registers()->syscallno;
	else
		error = bpf_probe_read_kernel(&value, sizeof(value), &regs->syscallno);
	*number = value;
	return error;
}
#endif

#endif

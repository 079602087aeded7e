/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * System calls at the raw tracepoints sys_enter and sys_exit, which all calls of all processes pass; syscall_layer.bpf.c calls
 * the programs of a probe at the numbers that it asks for, of which the table below says more. The registers of the
 * process are still as it set them at both; at the return, what its text points to has been read into memory.
 */
#ifndef EBPF_RUN_SYSCALL_H
#define EBPF_RUN_SYSCALL_H

#include "fetch.h"
#include "syscall_number.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/*
 * One word for each number of a system call, those of 64-bit processes first and of 32-bit ones behind: 0, or that it is
 * traced and what it is shown as. User space fills it.
 */
#define SYSCALL_TRACED 0x8000
#define SYSCALL_EXEC 0x4000   /* its arguments are gone once it has succeeded */
#define SYSCALL_COMPAT 0x2000 /* shown as a number of the 32-bit table */
#define SYSCALL_NUMBER 0x1fff

const volatile __u16 syscalls[2 * MAX_SYSCALLS] INTERNAL = {};

/* The number of the one call that is traced, of 64-bit processes: the layer calls the program at no other. NO_CALL: there are several. */
#define NO_CALL 0xffffffff

const volatile __u32 only_call INTERNAL = NO_CALL;

/* A number of the 32-bit table, for user space. */
#define SHOWN_COMPAT 0x80000000ULL

/* One system call: words one after the other, which fetch.h takes as a context. */
struct syscall_call {
	__u64 args[6];
	__u64 result;
	__u64 number; /* as it is shown */
	__u64 state;  /* CALL_GONE … of fetch.h */
	const void *context; /* what the kernel called the program with */
};

_Static_assert(__builtin_offsetof(struct syscall_call, state) == CALL_STATE * sizeof(__u64), "a word that fetch.h knows");
_Static_assert(__builtin_offsetof(struct syscall_call, context) == CALL_CONTEXT * sizeof(__u64), "a word that stack.h knows");

/* From this number on 32-bit calls take times of 64 bits (Linux 5.1): clock_gettime64. */
#define FIRST_OF_LONG_TIMES 403

/* Something that is read is an argument. */
const volatile bool reads_arguments INTERNAL = true;

/* Where events are counted, the stack is for their keys: the registers are on it for a moment only. */
#ifdef TRACE_COUNTING
#define CALL_ARGUMENTS static __noinline
#else
#define CALL_ARGUMENTS static __always_inline
#endif

#if defined(__TARGET_ARCH_x86)
/* The registers from bp to orig_ax of struct pt_regs. */
struct call_registers {
	__u64 bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax;
};

static __always_inline void take_arguments(const struct call_registers *at, bool compat, struct syscall_call *call)
{
	call->args[0] = compat ? (__u32)at->bx : at->di;
	call->args[1] = compat ? (__u32)at->cx : at->si;
	call->args[2] = compat ? (__u32)at->dx : at->dx;
	call->args[3] = compat ? (__u32)at->si : at->r10;
	call->args[4] = compat ? (__u32)at->di : at->r8;
	call->args[5] = compat ? (__u32)at->bp : at->r9;
}

CALL_ARGUMENTS int call_arguments(const struct pt_regs *regs, bool compat, struct syscall_call *call)
{
	struct call_registers at;

	if (has_task_pt_regs != NOWHERE) {
		take_arguments((const struct call_registers *)&own_registers()->bp, compat, call);
		return 0;
	}
	if (bpf_probe_read_kernel(&at, sizeof(at), &regs->bp))
		return -1;
	take_arguments(&at, compat, call);
	return 0;
}
#elif defined(__TARGET_ARCH_arm64)
CALL_ARGUMENTS int call_arguments(const struct pt_regs *regs, bool compat, struct syscall_call *call)
{
	int i;

	/* The first register has the result by the return. */
	if (has_task_pt_regs != NOWHERE) {
		const struct pt_regs *own = own_registers();

		call->args[0] = own->orig_x0;
#pragma unroll
		for (i = 1; i < 6; i++)
			call->args[i] = own->user_regs.regs[i];
	} else if (bpf_probe_read_kernel(call->args, sizeof(call->args), &regs->user_regs.regs[0]) ||
		   bpf_probe_read_kernel(call->args, sizeof(call->args[0]), &regs->orig_x0)) {
		return -1;
	}
#pragma unroll
	for (i = 0; i < 6; i++)
		call->args[i] = compat ? (__u32)call->args[i] : call->args[i];
	return 0;
}
#endif

/* True for a call that is to be reported; says how it is shown. */
static __always_inline bool syscall_wanted(const struct pt_regs *regs, __u64 number, const bool returns, struct syscall_call *call)
{
	__u16 native, compat, word;
	bool is_32_bit;

	if (number >= MAX_SYSCALLS)
		return false;
	/* One register for the check and the reads. */
	asm volatile("" : "+r"(number));
	number &= MAX_SYSCALLS - 1;
	native = syscalls[number];
	compat = syscalls[MAX_SYSCALLS + number];
	if (!((native | compat) & SYSCALL_TRACED))
		return false;
	is_32_bit = is_compat(regs, number, returns);
	word = is_32_bit ? compat : native;
	if (!(word & SYSCALL_TRACED))
		return false;
	call->number = (word & SYSCALL_NUMBER) | (word & SYSCALL_COMPAT ? SHOWN_COMPAT : 0);
	call->state = word & SYSCALL_EXEC && !call->result ? CALL_GONE : 0;
	if (is_32_bit)
		call->state |= number < FIRST_OF_LONG_TIMES ? CALL_32_BIT | CALL_OLD_TIMES : CALL_32_BIT;
	return !reads_arguments || !call_arguments(regs, is_32_bit, call);
}

/* sys_enter(struct pt_regs *regs, long id) */
static __always_inline bool syscall_entered(const struct bpf_raw_tracepoint_args *ctx, struct syscall_call *call)
{
	/* Nothing has succeeded yet. */
	call->result = 1;
	call->context = ctx;
	return syscall_wanted((void *)ctx->args[0], only_call != NO_CALL ? only_call : ctx->args[1], false, call);
}

/* sys_exit(struct pt_regs *regs, long ret) */
static __always_inline bool syscall_returned(const struct bpf_raw_tracepoint_args *ctx, struct syscall_call *call)
{
	const struct pt_regs *regs = (void *)ctx->args[0];
	__s64 number = -1;

	call->result = ctx->args[1];
	call->context = ctx;
	if (only_call != NO_CALL)
		number = only_call;
	else if (call_number(regs, &number))
		return false;
	return syscall_wanted(regs, number, true, call);
}

#endif

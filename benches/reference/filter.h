/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The record of filter.bpf.c: one event with four fields, one of them a text of the process. */
#ifndef FILTER_H
#define FILTER_H

#define NAME_BYTES 256

struct name_event {
	__u64 boot_ns;
	__u32 pid, tid, uid, cpu;
	char comm[16];
	char name[NAME_BYTES];
	__s32 length, number;
	__u64 task;
};

#endif

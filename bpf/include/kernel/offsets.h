/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Where the members of the kernel's structs lie, for `trace` and what runs before it.
 *
 * The runner fills them in from the kernel's BTF, and only where a probe needs them: CO-RE relocations in an object make libbpf
 * read all of the BTF at each start.
 */
#ifndef EBPF_RUN_KERNEL_OFFSETS_H
#define EBPF_RUN_KERNEL_OFFSETS_H

#include "../kernel.h"
#include "../tags.h"
#include <bpf/bpf_helpers.h>

/* What a kernel does not have. */
#define NOWHERE 0xffffffff

/* `path`: "task_struct.files", the name of the struct and then its members. */
#define KERNEL_OFFSET(name, path) \
	const volatile __u32 name INTERNAL __attribute__((btf_decl_tag("kernel:" path))) = NOWHERE

/* What a kernel has, or has not: `path` is an enum and one of its values, "bpf_func_id.BPF_FUNC_task_pt_regs". NOWHERE: it has not. */
#define KERNEL_HAS(name, path) KERNEL_OFFSET(name, path)

/* What lies `offset` behind `base`, into a variable of the right size; zero where it cannot be read. */
#define read_member(to, base, offset)                                                                            \
	({                                                                                                       \
		if ((offset) == NOWHERE || bpf_probe_read_kernel(to, sizeof(*(to)), (void *)((__u64)(base) + (offset)))) \
			__builtin_memset(to, 0, sizeof(*(to)));                                                  \
	})

#endif

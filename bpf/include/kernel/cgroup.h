/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* The cgroup of the current thread. */
#ifndef EBPF_RUN_KERNEL_CGROUP_H
#define EBPF_RUN_KERNEL_CGROUP_H

#include "offsets.h"

KERNEL_OFFSET(task_cgroups_at, "task_struct.cgroups");
KERNEL_OFFSET(css_set_cgroup_at, "css_set.dfl_cgrp");
KERNEL_OFFSET(cgroup_level_at, "cgroup.level");
/* Up to Linux 6.0. */
KERNEL_OFFSET(cgroup_ancestor_ids_at, "cgroup.ancestor_ids");

/*
 * The id of the ancestor at this level; 0: it lies higher. Linux 5.10 has no helper for it at tracing programs, but the ids
 * themselves.
 */
static __always_inline __u64 cgroup_ancestor(__u32 level)
{
	void *css_set, *cgroup;
	__u64 id;
	__s32 own;

	if (cgroup_ancestor_ids_at == NOWHERE)
		return bpf_get_current_ancestor_cgroup_id(level);
	read_member(&css_set, bpf_get_current_task(), task_cgroups_at);
	read_member(&cgroup, css_set, css_set_cgroup_at);
	read_member(&own, cgroup, cgroup_level_at);
	if (own < (__s32)level)
		return 0;
	read_member(&id, cgroup, cgroup_ancestor_ids_at + level * sizeof(id));
	return id;
}

#endif

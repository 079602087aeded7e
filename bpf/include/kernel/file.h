/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Paths of files, from whatever leads to one. */
#ifndef EBPF_RUN_KERNEL_FILE_H
#define EBPF_RUN_KERNEL_FILE_H

#include "offsets.h"

KERNEL_OFFSET(dentry_parent_at, "dentry.d_parent");
KERNEL_OFFSET(dentry_name_at, "dentry.d_name.name");
KERNEL_OFFSET(dentry_hash_at, "dentry.d_hash.pprev");
KERNEL_OFFSET(dentry_super_at, "dentry.d_sb");
KERNEL_OFFSET(dentry_inode_at, "dentry.d_inode");
KERNEL_OFFSET(super_magic_at, "super_block.s_magic");
KERNEL_OFFSET(inode_number_at, "inode.i_ino");
KERNEL_OFFSET(mount_mnt_at, "mount.mnt");
KERNEL_OFFSET(mount_parent_at, "mount.mnt_parent");
KERNEL_OFFSET(mount_mountpoint_at, "mount.mnt_mountpoint");
KERNEL_OFFSET(vfsmount_root_at, "vfsmount.mnt_root");
KERNEL_OFFSET(path_mnt_at, "path.mnt");
KERNEL_OFFSET(path_dentry_at, "path.dentry");
KERNEL_OFFSET(file_path_at, "file.f_path");
KERNEL_OFFSET(task_files_at, "task_struct.files");
KERNEL_OFFSET(files_table_at, "files_struct.fdt");
KERNEL_OFFSET(table_files_at, "fdtable.fd");
KERNEL_OFFSET(table_size_at, "fdtable.max_fds");

static __always_inline void *pointer_at(const void *base, __u32 offset)
{
	void *pointer;

	read_member(&pointer, base, offset);
	return pointer;
}

#define NAMES_BY_OFFSET
#define dentry_parent(dentry) pointer_at(dentry, dentry_parent_at)
#define dentry_name(dentry) pointer_at(dentry, dentry_name_at)
#define dentry_hash(dentry) pointer_at(dentry, dentry_hash_at)
#define dentry_super(dentry) pointer_at(dentry, dentry_super_at)
#define dentry_inode(dentry) pointer_at(dentry, dentry_inode_at)
#define mount_of(vfsmount) ((void *)(vfsmount) - mount_mnt_at)
#define mount_root(mount) pointer_at((void *)(mount) + mount_mnt_at, vfsmount_root_at)
#define mount_parent(mount) pointer_at(mount, mount_parent_at)
#define mount_mountpoint(mount) pointer_at(mount, mount_mountpoint_at)
#include "../names.h"

/*
 * The names of a path go to a slot of four bytes and a power of two of names: no less than NAMES_BYTES, which may run over into
 * what is written after it. The size is read here, where it is needed: kept over calls, the verifier may lose it.
 */
static __noinline __attribute__((unused)) __u64 copy_names(const void *dentry, const void *vfsmount, const struct fetch *fetch,
							   struct path_names *slot)
{
	__u32 room = fetch->size - __builtin_offsetof(struct path_names, names);

	if (!dentry)
		return ABSENT;
	if (vfsmount)
		names_of_dentry(slot, room, (void *)dentry, mount_of(vfsmount));
	else
		names_within(slot, room, (void *)dentry);
	return FETCHED;
}

static __always_inline __u64 copy_path(__u64 path, const struct fetch *fetch, struct path_names *slot)
{
	void *dentry;

	if (path < FIRST_ADDRESS)
		return ABSENT;
	if (bpf_probe_read_kernel(&dentry, sizeof(dentry), (void *)path + path_dentry_at))
		return UNREADABLE;
	return copy_names(dentry, pointer_at((void *)path, path_mnt_at), fetch, slot);
}

/* The address of the path of an open file; 0 where the descriptor is not open. */
static __always_inline __u64 path_of_fd(__u64 fd)
{
	void *files = pointer_at((void *)bpf_get_current_task(), task_files_at);
	void *table = pointer_at(files, files_table_at);
	__u64 file;
	__u32 count;

	read_member(&count, table, table_size_at);
	/* The upper half of a register counts for nothing. */
	if ((__u32)fd >= count)
		return 0;
	file = (__u64)pointer_at(pointer_at(table, table_files_at), (__u32)fd * sizeof(void *));
	return file ? file + file_path_at : 0;
}

#endif

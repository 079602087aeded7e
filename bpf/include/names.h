/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Paths of files and cgroups, walked upwards from their last name.
 *
 * bpf_d_path() may be called in few places (Linux 5.10), and a cgroup's path has no helper at all. So the names are collected
 * on the way to the root, and user space puts them in order: where one is too long, its end is what stays.
 */
#ifndef EBPF_RUN_NAMES_H
#define EBPF_RUN_NAMES_H

#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/* A power of two, and no shorter than any name with its NUL (NAME_MAX). */
#define NAMES_BYTES 256
/* Names and mounts that are passed on the way to the root. */
#define MAX_NAMES 40

/* AS("path") */
struct path_names {
	__u16 length; /* bytes of `names` that are used */
	__u8 cut;     /* the root was not reached */
	__u8 deleted; /* DELETED: the file has no name any more; or that it never has one */
	char names[NAMES_BYTES]; /* the last one first, each with its NUL */
};

_Static_assert(sizeof(struct path_names) == 4 + NAMES_BYTES, "no padding");

#define DELETED 1
#define NUMBERED 2  /* a pipe or socket: `names` has the magic number of its file system and that of its inode, 8 bytes each */
#define ANONYMOUS 3 /* an inode that only its descriptors lead to; its name says what it is */

/* include/uapi/linux/magic.h */
#define PIPEFS_MAGIC 0x50495045
#define SOCKFS_MAGIC 0x534f434b
#define ANON_INODE_FS_MAGIC 0x09041934

/* How the structs are read: by CO-RE, or by what an includer has defined. */
#ifndef NAMES_BY_OFFSET
#define dentry_parent(dentry) BPF_CORE_READ(dentry, d_parent)
#define dentry_name(dentry) BPF_CORE_READ(dentry, d_name.name)
#define dentry_hash(dentry) BPF_CORE_READ(dentry, d_hash.pprev)
#define mount_root(mount) BPF_CORE_READ(mount, mnt.mnt_root)
#define mount_parent(mount) BPF_CORE_READ(mount, mnt_parent)
#define mount_mountpoint(mount) BPF_CORE_READ(mount, mnt_mountpoint)
#endif

/*
 * Adds the name at `name`; false if it does not fit. `room` is a power of two, and no less than NAMES_BYTES.
 *
 * The verifier does not see that `length` and what is left of `names` go together. So up to NAMES_BYTES behind `names` must
 * belong to the record as well, and be written later: a name that does not fit may be begun there.
 */
static __always_inline bool names_add(struct path_names *path, __u32 room, const void *name)
{
	__u64 at = path->length, mask = room - 1;
	long size;

	if (at >= room)
		return false;
	/* Its bound, in a register that the compiler does not exchange for one without. */
	asm volatile("%0 &= %1" : "+r"(at) : "r"(mask));
	size = bpf_probe_read_kernel_str(path->names + at, NAMES_BYTES, name);
	if (size <= 0 || at + size > room)
		return false;
	path->length = at + size;
	return true;
}

/* The path of a directory entry up to the root of its file system. */
static __always_inline void names_within(struct path_names *path, __u32 room, struct dentry *dentry)
{
	int i;

	for (i = 0; i < MAX_NAMES; i++) {
		struct dentry *parent = dentry_parent(dentry);

		if (parent == dentry)
			return;
		if (!names_add(path, room, dentry_name(dentry)))
			break;
		dentry = parent;
	}
	path->cut = 1;
}

#ifdef NAMES_BY_OFFSET
/* What has no place in a tree is called as /proc/PID/fd calls it. True where that is all of it. */
static __always_inline bool names_of_placeless(struct path_names *path, struct dentry *dentry)
{
	const void *super = dentry_super(dentry), *inode = dentry_inode(dentry);
	__u64 magic = 0;

	bpf_probe_read_kernel(&magic, sizeof(magic), super + super_magic_at);
	if (magic == ANON_INODE_FS_MAGIC)
		path->deleted = ANONYMOUS;
	if (magic != PIPEFS_MAGIC && magic != SOCKFS_MAGIC)
		return false;
	path->deleted = NUMBERED;
	path->length = 2 * sizeof(__u64);
	bpf_probe_read_kernel(path->names, sizeof(__u64), super + super_magic_at);
	bpf_probe_read_kernel(path->names + sizeof(__u64), sizeof(__u64), inode + inode_number_at);
	return true;
}
#endif

/* The path of a directory entry of a mount up to the root of its mount namespace, as /proc/PID/exe shows it. */
static __always_inline void names_of_dentry(struct path_names *path, __u32 room, struct dentry *dentry, struct mount *mount)
{
	struct dentry *root = mount_root(mount);
	struct dentry *parent = dentry_parent(dentry);
	int i;

	/* A file of memory (memfd_create) is its own parent, and has never had a place. */
	path->deleted = dentry != root && (parent == dentry || !dentry_hash(dentry)) ? DELETED : 0;
#ifdef NAMES_BY_OFFSET
	if (dentry != root && parent == dentry && names_of_placeless(path, dentry))
		return;
#endif
	for (i = 0; i < MAX_NAMES; i++) {
		if (dentry == root) {
			struct mount *above = mount_parent(mount);

			if (above == mount)
				return;
			dentry = mount_mountpoint(mount);
			mount = above;
			root = mount_root(mount);
			continue;
		}
		parent = dentry_parent(dentry);
		if (!names_add(path, room, dentry_name(dentry)))
			break;
		if (parent == dentry)
			return;
		dentry = parent;
	}
	path->cut = 1;
}

#ifndef NAMES_BY_OFFSET
/* The path of a file. */
static __always_inline void names_of_file(struct path_names *path, struct file *file)
{
	/* `mnt` lies in the middle of `struct mount`; its first member is where it begins. */
	const __u64 inside = bpf_core_field_offset(struct mount, mnt.mnt_root) - bpf_core_field_offset(struct vfsmount, mnt_root);
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct mount *mount = (void *)BPF_CORE_READ(file, f_path.mnt) - inside;

	names_of_dentry(path, NAMES_BYTES, dentry, mount);
}

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *node)
{
	struct kernfs_node___before_6_15 *older = (void *)node;

	if (bpf_core_field_exists(older->parent))
		return BPF_CORE_READ(older, parent);
	return BPF_CORE_READ(node, __parent);
}

/* The path of the cgroup v2 of a task below the root of all, as /proc/PID/cgroup shows it to the first cgroup namespace. */
static __always_inline void names_of_cgroup(struct path_names *path, struct task_struct *task)
{
	struct kernfs_node *node = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn);
	int i;

	for (i = 0; i < MAX_NAMES; i++) {
		struct kernfs_node *parent = kernfs_parent(node);

		/* The root has no name. */
		if (!parent)
			return;
		if (!names_add(path, NAMES_BYTES, BPF_CORE_READ(node, name)))
			break;
		node = parent;
	}
	path->cut = 1;
}
#endif

#endif

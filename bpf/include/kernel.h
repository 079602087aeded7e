/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The kernel's types, just those that the programs read.
 *
 * Structs marked CORE are relocated by libbpf against the running kernel's BTF: only the names of their fields
 * matter, neither their order nor their number. Everything else is user-space ABI with a fixed layout.
 * tests/kernel_header.rs holds every field that a program reads against the BTF of the running kernel.
 */
#ifndef EBPF_RUN_KERNEL_H
#define EBPF_RUN_KERNEL_H

#define __VMLINUX_H__ /* bpf_tracing.h: use the kernel's names of registers (di, not rdi) */

typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

/* include/uapi/linux/bpf.h */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_F_NO_PREALLOC = 1,
};

enum xdp_action {
	XDP_ABORTED = 0,
	XDP_DROP = 1,
	XDP_PASS = 2,
};

struct xdp_md {
	__u32 data;
	__u32 data_end;
};

struct bpf_raw_tracepoint_args {
	__u64 args[0];
};

/* The registers at a kprobe: arch/<arch>/include/asm/ptrace.h. A fixed layout, read from the context directly. */
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx;
	unsigned long r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax, ip, cs, flags, sp, ss;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	__u64 regs[31];
	__u64 sp;
	__u64 pc;
	__u64 pstate;
};
struct pt_regs {
	struct user_pt_regs user_regs;
	/* What system calls leave of their first argument, and their number. */
	__u64 orig_x0;
	__s32 syscallno;
};
#endif

#define CORE __attribute__((preserve_access_index))

typedef struct {
	int counter;
} CORE atomic_t;

/* include/linux/dcache.h, path.h, fs.h, fs/mount.h */
struct qstr {
	const unsigned char *name;
} CORE;

struct hlist_bl_node {
	struct hlist_bl_node **pprev;
} CORE;

struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
} CORE;

struct vfsmount {
	struct dentry *mnt_root;
} CORE;

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
} CORE;

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
} CORE;

struct file {
	struct path f_path;
} CORE;

/* include/linux/kernfs.h, cgroup-defs.h. `parent` was renamed in Linux 6.15. */
struct kernfs_node {
	const char *name;
	struct kernfs_node *__parent;
} CORE;

struct kernfs_node___before_6_15 {
	struct kernfs_node *parent;
} CORE;

struct cgroup {
	struct kernfs_node *kn;
} CORE;

struct css_set {
	struct cgroup *dfl_cgrp;
} CORE;

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
	struct file *exe_file;
} CORE;

struct signal_struct {
	atomic_t live;
	int nr_threads;
	int group_exit_code;
	unsigned int flags;
} CORE;

struct task_struct {
	unsigned int flags;
	int exit_code;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct mm_struct *mm;
	struct signal_struct *signal;
	struct css_set *cgroups;
	__u64 start_boottime;
} CORE;

struct trace_event_raw_sched_process_exec {
	__u32 __data_loc_filename;
} CORE;

/* At the tracepoints of system calls: `struct syscall_trace_enter` and `syscall_trace_exit`. Fixed layouts. */
struct syscall_enter {
	__u64 common;
	__s32 number;
	__u32 unused;
	unsigned long args[6];
};

struct syscall_exit {
	__u64 common;
	__s32 number;
	__u32 unused;
	long ret;
};

/* include/linux/sched.h: a thread of the kernel */
#define PF_KTHREAD 0x00200000
/* include/linux/sched/signal.h */
#define SIGNAL_GROUP_EXIT 0x00000004

/* Packets: include/uapi/linux/if_ether.h, if_vlan, ip.h, ipv6.h, in.h. Multi-byte fields in network order. */
#define ETH_P_IP 0x0800
#define ETH_P_ARP 0x0806
#define ETH_P_8021Q 0x8100
#define ETH_P_IPV6 0x86DD
#define ETH_P_8021AD 0x88A8

struct ethhdr {
	__u8 h_dest[6];
	__u8 h_source[6];
	__be16 h_proto;
};

struct vlan_hdr {
	__be16 h_vlan_TCI;
	__be16 h_vlan_encapsulated_proto;
};

/* struct iphdr without its bit-fields; ihl is the low half of the first byte. */
struct ipv4_header {
	__u8 version_ihl;
	__u8 tos;
	__be16 tot_len;
	__be16 id;
	__be16 frag_off;
	__u8 ttl;
	__u8 protocol;
	__u16 check;
	__be32 saddr;
	__be32 daddr;
};

struct ipv6_header {
	__be32 version_class_flow;
	__be16 payload_len;
	__u8 nexthdr;
	__u8 hop_limit;
	__u8 saddr[16];
	__u8 daddr[16];
};

/* The first two bytes that all extension headers share. */
struct ip_extension {
	__u8 nexthdr;
	__u8 hdrlen;
};

/* struct frag_hdr of include/net/ipv6.h */
struct ipv6_fragment {
	__u8 nexthdr;
	__u8 reserved;
	__be16 frag_off;
	__be32 identification;
};

/* The part of frag_off that says where a fragment belongs; 0 for the first one. */
#define IP_OFFSET 0x1fff
#define IP6_OFFSET 0xfff8

enum {
	IPPROTO_HOPOPTS = 0,
	IPPROTO_ICMP = 1,
	IPPROTO_IGMP = 2,
	IPPROTO_TCP = 6,
	IPPROTO_UDP = 17,
	IPPROTO_ROUTING = 43,
	IPPROTO_FRAGMENT = 44,
	IPPROTO_GRE = 47,
	IPPROTO_ESP = 50,
	IPPROTO_AH = 51,
	IPPROTO_ICMPV6 = 58,
	IPPROTO_DSTOPTS = 60,
	IPPROTO_SCTP = 132,
	IPPROTO_MH = 135,
	IPPROTO_HIP = 139,
	IPPROTO_SHIM6 = 140,
};

#endif

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Arguments of USDT probes. Compilers leave a note at each place of a probe that says where they are; user space puts that into
 * a map before anything is attached.
 */
#ifndef EBPF_RUN_USDT_H
#define EBPF_RUN_USDT_H

#include <bpf/bpf_tracing.h>

enum usdt_kind {
	USDT_NOWHERE = 0,
	USDT_CONSTANT = 1, /* `value` */
	USDT_REGISTER = 2, /* in `base`, from bit `shift` on */
	USDT_MEMORY = 3,   /* at the address `base` + (`index` << `shift`) + `value` */
};

#define USDT_NO_REGISTER 0xffff

struct usdt_argument {
	__u8 kind;
	__u8 size; /* bytes: 1 to 8 */
	__u8 is_signed;
	__u8 shift;
	__u16 base; /* bytes into the registers */
	__u16 index;
	__u64 value;
};

_Static_assert(sizeof(struct usdt_argument) == 16, "no padding: src/kernel/usdt.rs writes it");

/* By the place (the upper 56 bits) and the number of the argument (the lowest 8). Made only for hooks of this kind. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct usdt_argument);
} usdt_arguments SEC(".maps");

/* Whether the place is the link's cookie (Linux 5.15); else it is the last 12 bits of the address. */
const volatile bool usdt_by_cookie INTERNAL = false;

static __always_inline __u64 usdt_register(const void *regs, __u16 offset)
{
	__u64 value = 0;

	if (offset != USDT_NO_REGISTER)
		bpf_probe_read_kernel(&value, sizeof(value), regs + offset);
	return value;
}

#define USDT_ADDRESS __builtin_offsetof(__typeof__(*__PT_REGS_CAST((struct pt_regs *)0)), __PT_IP_REG)

/* At which place of the probe the program runs. */
static __always_inline __u64 usdt_place(void *regs)
{
	return usdt_by_cookie ? bpf_get_attach_cookie(regs) : context_word(regs, USDT_ADDRESS) & 0xfff;
}

/* Argument `number` of the probe. */
static __always_inline __u64 usdt_argument(void *regs, __u8 number, __u64 *value)
{
	__u64 word = 0, size, key = usdt_place(regs) << 8 | number;
	struct usdt_argument *argument = bpf_map_lookup_elem(&usdt_arguments, &key);

	if (!argument)
		return ABSENT;
	size = argument->size;
	/* In one register from here on: Linux 5.10 forgets the bounds of a copy. */
	asm volatile("" : "+r"(size));
	if (size < 1 || size > sizeof(word))
		return ABSENT;
	switch (argument->kind) {
	case USDT_CONSTANT:
		word = argument->value;
		break;
	case USDT_REGISTER:
		word = usdt_register(regs, argument->base) >> (argument->shift & 63);
		break;
	case USDT_MEMORY:
		word = usdt_register(regs, argument->index) << (argument->shift & 63);
		word += usdt_register(regs, argument->base) + argument->value;
		{
			const void *at = (const void *)word;

			word = 0;
			if (bpf_probe_read_user(&word, size, at))
				return UNREADABLE;
		}
		break;
	default:
		return ABSENT;
	}
	/* The lowest bytes of it, with or without their sign. */
	word <<= (64 - size * 8) & 63;
	*value = argument->is_signed ? (__u64)((__s64)word >> ((64 - size * 8) & 63)) : word >> ((64 - size * 8) & 63);
	return FETCHED;
}

#endif

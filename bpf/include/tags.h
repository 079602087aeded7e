/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What a variable is, beside those words of program.h that describe a program to people. */
#ifndef EBPF_RUN_TAGS_H
#define EBPF_RUN_TAGS_H

/* A variable that the runner fills itself: neither a parameter nor shown. */
#define INTERNAL __attribute__((btf_decl_tag("internal")))

#endif

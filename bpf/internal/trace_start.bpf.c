// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* trace at a hook at which spans begin, are cancelled, or pass: every variable is at the same place. */
#define TRACE_START
#include "../trace.bpf.c"

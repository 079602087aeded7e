// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* trace at a hook at which spans end: every variable is at the same place. */
#define TRACE_SPAN
#include "../trace.bpf.c"

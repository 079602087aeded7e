// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* trace at a hook where spans end, which are counted in tables: every variable is where trace_counting has it. */
#define TRACE_SPAN
#define TRACE_COUNTING
#include "../trace.bpf.c"

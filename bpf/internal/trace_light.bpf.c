// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* trace without what only `where` and values of several parts need: every variable is at the same place. */
#define TRACE_LIGHT
#include "../trace.bpf.c"

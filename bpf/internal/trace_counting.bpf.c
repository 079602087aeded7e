// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* trace that counts its events in tables, and writes no record. */
#define TRACE_COUNTING
#include "../trace.bpf.c"

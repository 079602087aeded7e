// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Stands for a database: each line of its standard input is how many milliseconds a query takes, and its text. It has the USDT probes
 * of MySQL, written as in `probes.c`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROBE(name, arguments, ...)                                                                                    \
	__asm__ volatile("990: nop\n"                                                                                  \
			 ".pushsection .note.stapsdt,\"?\",\"note\"\n"                                                 \
			 ".balign 4\n"                                                                                 \
			 ".4byte 992f-991f, 994f-993f, 3\n"                                                            \
			 "991: .asciz \"stapsdt\"\n"                                                                   \
			 "992: .balign 4\n"                                                                            \
			 "993: .8byte 990b\n"                                                                          \
			 ".8byte _.stapsdt.base\n"                                                                     \
			 ".8byte 0\n"                                                                                  \
			 ".asciz \"mysql\"\n"                                                                          \
			 ".asciz \"" name "\"\n"                                                                       \
			 ".asciz \"" arguments "\"\n"                                                                  \
			 "994: .balign 4\n"                                                                            \
			 ".popsection\n"                                                                               \
			 ".ifndef _.stapsdt.base\n"                                                                    \
			 ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"                       \
			 ".weak _.stapsdt.base\n"                                                                      \
			 ".hidden _.stapsdt.base\n"                                                                    \
			 "_.stapsdt.base: .space 1\n"                                                                  \
			 ".size _.stapsdt.base, 1\n"                                                                   \
			 ".popsection\n"                                                                               \
			 ".endif\n" ::__VA_ARGS__)

static __attribute__((noinline)) void query(long milliseconds, const char *text)
{
	PROBE("query__start", "8@%0", "nor"(text));
	usleep(milliseconds * 1000);
	PROBE("query__done", "-8@%0", "nor"(milliseconds));
}

int main(void)
{
	char line[1024], *text;

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		text = strchr(line, ' ');
		query(atol(line), text ? text + 1 : "");
	}
	return 0;
}

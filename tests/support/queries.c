// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Stands for a database: each line of its standard input is how many milliseconds a query takes, and its text. It has the USDT probes
 * of MySQL.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

static __attribute__((noinline)) void query(long milliseconds, const char *text)
{
	PROBE("mysql", "query__start", "0", "8@%0", "nor"(text));
	usleep(milliseconds * 1000);
	PROBE("mysql", "query__done", "0", "-8@%0", "nor"(milliseconds));
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

// SPDX-License-Identifier: GPL-2.0-or-later
/* make-machine DIR <LINES: see made.h. */
#include "made.h"

#include "base/str.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	autostrbuf text = { 0 };
	char part[4096];
	size_t n;

	if (argc != 2) {
		fputs("usage: make-machine DIR <LINES\n", stderr);
		return 2;
	}
	while ((n = fread(part, 1, sizeof(part), stdin)) > 0)
		strbuf_add_bytes(&text, part, n);
	return !text.s || made_machine(argv[1], text.s) < 0;
}

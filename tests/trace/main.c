// SPDX-License-Identifier: GPL-2.0-or-later
/* replay FILE...: plays traces of vfctl vm run --record. Exit status 1: one goes another way now.
 */
#include "trace.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static int read_all(FILE *f, struct strbuf *b)
{
	char part[4096];
	size_t n;

	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		strbuf_add_bytes(b, part, n);
	return ferror(f) || b->failed ? -EIO : 0;
}

static int play(const char *path)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	struct replay_end end;
	autostrbuf b = { 0 };

	if (!f || read_all(f, &b) < 0) {
		fprintf(stderr, "%s: %s\n", path, f ? "cannot be read" : strerror(errno));
		return 2;
	}
	if (f != stdin)
		fclose(f);
	replay(b.s ? b.s : "", b.len, &end);
	if (end.ok) {
		printf("%s: as it was: %zu things, %zu calls\n", path, end.things, end.calls);
		return 0;
	}
	if (end.line)
		printf("%s:%u: %s\n", path, end.line, end.what);
	else
		printf("%s: %s\n", path, end.what);
	return 1;
}

int main(int argc, char **argv)
{
	struct rlimit files;
	int worst = 0;

	if (argc < 2 || strcmp(argv[1], "--help") == 0) {
		puts("replay FILE...: plays what vfctl vm run --record has written; - is the input");
		return argc < 2 ? 2 : 0;
	}
	/* An eventfd for each vector. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	for (int i = 1; i < argc; i++) {
		int r = play(argv[i]);

		worst = r > worst ? r : worst;
	}
	return worst;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "logfacts.h"

#include <inttypes.h>
#include <stdio.h>

void logfacts_add(const struct host_log_line *line, struct strbuf *to)
{
	strbuf_add(to, "%" PRIu64 " %" PRIu64 " %u %s %s\n", line->seq, line->us, line->level,
		*line->device ? line->device : "-", line->text);
}

/* `text` is cut. */
static bool parse(char *text, struct host_log_line *ret)
{
	struct host_log_line l = { 0 };
	int device = 0, end = 0;

	if (sscanf(text, "%" SCNu64 " %" SCNu64 " %u %n%*s%n", &l.seq, &l.us, &l.level, &device,
		    &end) != 3 ||
		!end || text[end] != ' ')
		return false;
	text[end] = '\0';
	l.device = str_eq(text + device, "-") ? "" : text + device;
	l.text = text + end + 1;
	*ret = l;
	return true;
}

int logfacts_each(const char *text, uint64_t from, uint64_t *ret_next,
	void (*each)(void *arg, const struct host_log_line *line), void *arg)
{
	autofree char *copy = strdup(text);
	struct host_log_line l;
	uint64_t next = 0;
	char *save = NULL;

	if (!copy)
		return -ENOMEM;
	for (char *w = strtok_r(copy, "\n", &save); w; w = strtok_r(NULL, "\n", &save)) {
		if (!parse(w, &l))
			continue;
		next = l.seq == UINT64_MAX ? l.seq : l.seq + 1;
		if (l.seq >= from)
			each(arg, &l);
	}
	*ret_next = next;
	return 0;
}

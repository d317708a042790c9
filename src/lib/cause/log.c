// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's own words: which of its lines speak of a function. */
#include "cause.h"

#include "base/str.h"
#include "host/sysfs.h"

#include <ctype.h>

enum { LEVEL_WARNING = 4, LEVEL_NONE = 8 };

struct cause_mark cause_mark(struct host *h)
{
	int fd = host_log_mark(h);

	return (struct cause_mark) { .host = h, .fd = fd < 0 ? -1 : fd };
}

void cause_mark_done(struct cause_mark *m)
{
	if (m->fd >= 0)
		host_close(m->host, m->fd);
	m->fd = -1;
}

struct search {
	const char *address, *pf; /* NULL: it has none */
	unsigned worst;		  /* lines above this level do not count */
	unsigned level;		  /* of the best so far */
	char *text;
	char *alias; /* "nvme nvme1: ", how its lines begin since one said whose they are */
	bool failed;
};

/* As a whole word: 0000:01:10.0 is not meant by 10000:01:10.0. */
static bool names(const char *text, const char *address)
{
	size_t n = address ? strlen(address) : 0;

	for (const char *at = n ? strstr(text, address) : NULL; at; at = strstr(at + 1, address))
		if ((at == text || !isalnum((unsigned char)at[-1])) &&
			!isalnum((unsigned char)at[n]))
			return true;
	return false;
}

/* What the driver core says when a driver failed: only that it did. Warnings tell more. */
static bool is_hollow(const char *text)
{
	return strstr(text, "probe with driver ") && strstr(text, " failed with error ");
}

/*
 * Some drivers speak under a name of their own: "nvme nvme1: pci function 0000:03:00.1" is the only
 * line that says which function the following lines "nvme nvme1: …" are about.
 */
static void learn_alias(struct search *s, const char *text)
{
	static const char says[] = "pci function ";
	const char *at = strstr(text, says);

	if (!at || !str_eq(at + strlen(says), s->address))
		return;
	free(s->alias);
	s->alias = str_printf("%.*s", (int)(at - text), text);
	s->failed |= !s->alias;
}

static bool is_meant(const struct search *s, const struct host_log_line *line)
{
	return names(line->text, s->address) || names(line->device, s->address) ||
	       names(line->text, s->pf) || names(line->device, s->pf) ||
	       (s->alias && *s->alias && str_starts(line->text, s->alias));
}

static void consider(void *arg, const struct host_log_line *line)
{
	struct search *s = arg;
	unsigned level = line->level + (is_hollow(line->text) ? 2 : 0);
	char *text;

	if (line->foreign)
		return;
	learn_alias(s, line->text);
	if (line->level > s->worst || level > s->level || !is_meant(s, line))
		return;
	text = str_printable(line->text);
	if (!text) {
		s->failed = true;
		return;
	}
	free(s->text);
	s->text = text;
	s->level = level;
}

int cause_log(struct host *h, struct bdf a, const struct cause_mark *since, char **ret)
{
	struct search s = { .worst = since ? LEVEL_NONE : LEVEL_WARNING, .level = LEVEL_NONE };
	autofree char *pf = NULL, *address = strdup(BDF_TEXT(a));
	uint64_t next;
	int r;

	if (!address ||
		sysfs_link_name(h, &pf, "bus/pci/devices/%s/physfn", BDF_TEXT(a)) == -ENOMEM)
		return -ENOMEM;
	s.address = address;
	s.pf = pf;
	if (since && since->fd < 0)
		return -EPERM;
	r = since ? host_log_since(h, since->fd, consider, &s)
		  : host_kernel_log(h, 0, &next, consider, &s);
	free(s.alias);
	if (r < 0 || s.failed) {
		free(s.text);
		return r < 0 ? r : -ENOMEM;
	}
	*ret = s.text;
	return 0;
}

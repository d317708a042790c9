// SPDX-License-Identifier: GPL-2.0-or-later
#include "given.h"
#include "base/str.h"

#include <fcntl.h>

struct given {
	struct given *next;
	char *name;
	int fd; /* -1: handed out */
};

static struct given *find(const struct host *h, const char *name)
{
	struct given *g = h->given;

	while (g && !str_eq(g->name, name))
		g = g->next;
	return g;
}

int host_give(struct host *h, const char *name, int fd)
{
	autoclose int ours = fd;
	struct given *g;

	if (find(h, name))
		return -EEXIST;
	if (fcntl(ours, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	g = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->name = strdup(name);
	if (!g->name) {
		free(g);
		return -ENOMEM;
	}
	g->fd = TAKE_FD(ours);
	g->next = h->given;
	h->given = g;
	return 0;
}

int host_take_given(struct host *h, const char *name)
{
	struct given *g = find(h, name);

	if (!g)
		return -ENOENT;
	return g->fd < 0 ? -EBUSY : TAKE_FD(g->fd);
}

void host_drop_given(struct host *h)
{
	for (struct given *g = h->given; g; g = g->next)
		if (g->fd >= 0)
			close(TAKE_FD(g->fd));
}

void host_forget_given(struct host *h)
{
	host_drop_given(h);
	while (h->given) {
		struct given *next = h->given->next;

		free(h->given->name);
		free(h->given);
		h->given = next;
	}
}

int host_open(struct host *h, const char *path, int flags)
{
	int fd = h->given ? host_take_given(h, path) : -ENOENT;

	return fd == -ENOENT ? h->ops->open(h, path, flags) : fd;
}

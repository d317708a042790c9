// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture.h"
#include "parts.h"

#include "base/str.h"
#include "host/devlinkfacts.h"
#include "host/linkfacts.h"
#include "host/sysfs.h"
#include "host/text.h"

static void tell(struct capture *c, const char *what)
{
	if (c->o->progress && c->files++ % 64 == 0)
		c->o->progress(c->o->arg, what, c->files);
}

static char *clean(struct capture *c, const char *text)
{
	char *copy = strdup(text);

	if (copy)
		redact_text(&c->redactor, copy);
	return copy;
}

int capture_put_bytes(struct capture *c, const char *path, const void *data, size_t len)
{
	autofree char *to = clean(c, path);

	tell(c, path);
	return to ? tree_put_file(c->t, to, data, len, 0644) : -ENOMEM;
}

int capture_put_text(struct capture *c, const char *path, const char *text)
{
	autofree char *copy = clean(c, text);

	return copy ? capture_put_bytes(c, path, copy, strlen(copy)) : -ENOMEM;
}

int capture_put_link(struct capture *c, const char *path, const char *target)
{
	autofree char *at = clean(c, path), *to = clean(c, target);

	return at && to ? tree_put_link(c->t, at, to) : -ENOMEM;
}

int capture_put_dir(struct capture *c, const char *path)
{
	autofree char *at = clean(c, path);

	return at ? tree_put_dir(c->t, at, 0755) : -ENOMEM;
}

int capture_copy(struct capture *c, const char *path)
{
	autofree char *text = NULL, *line = NULL;
	int r = text_read_long(c->h, path, &text);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	line = str_printf("%s\n", text);
	return line ? capture_put_text(c, path, line) : -ENOMEM;
}

/* Of all interfaces, also those that stand on no function: they may be stacked on one that does. */
int capture_links(struct capture *c)
{
	autostrv char **names = NULL;
	autostrbuf b = { 0 };

	if (sysfs_list(c->h, &names, "class/net") == -ENOMEM)
		return -ENOMEM;
	STRV_FOREACH (name, names) {
		int ifindex;

		if (sysfs_read_int(c->h, &ifindex, "class/net/%s/ifindex", *name) == 0 &&
			linkfacts_add(c->h, ifindex, &b) < 0)
			return -ENOMEM;
	}
	return b.len ? capture_put_text(c, "/vfctl/links", b.s) : 0;
}

/* Of functions that have VFs: who has none has no switch either. */
static int capture_devlink(struct capture *c)
{
	autostrv char **names = NULL;
	int r = sysfs_list(c->h, &names, "bus/pci/devices");

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = 0;
	for (char **name = names; r == 0 && *name; name++) {
		autofree char *path = str_printf("/vfctl/devlink/%s", *name);
		autostrbuf b = { 0 };

		if (!path)
			return -ENOMEM;
		if (!sysfs_exists(c->h, "bus/pci/devices/%s/sriov_totalvfs", *name))
			continue;
		devlinkfacts_add(c->h, *name, &b);
		if (b.len)
			r = b.failed ? -ENOMEM : capture_put_text(c, path, b.s);
	}
	return r;
}

static int take(struct capture *c)
{
	static int (*const parts[])(struct capture * c) = { capture_sysfs, capture_tables,
		capture_processes, capture_files, capture_config, capture_firmware, capture_links,
		capture_log, capture_devlink, capture_nvme, capture_late };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++)
		r = parts[i](c);
	return r;
}

int capture_take(
	struct host *h, const struct capture_opts *o, struct tree **ret, struct problem **reterr)
{
	CLEANUP(tree_freep) struct tree *t = tree_new();
	struct capture c = { .h = h, .t = t, .o = o, .redactor = { .key = o->key } };
	int r = t ? take(&c) : -ENOMEM;

	strv_free(c.late);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"cannot capture the machine: %s",
			r == -ENOSPC || r == -EFBIG ? "it has more than a capture holds"
						    : strerror(-r));
	*ret = TAKE_PTR(t);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest.h"

#include "base/str.h"
#include "domain/domain.h"
#include "host/rootfs.h"

#define RUN_DIR "run/libvirt/qemu"

static int look_at(struct host *h, const char *file, const char *name, int *ret_pid)
{
	autofree char *text = NULL;
	autodomain d = { 0 };
	int r = rootfs_read(h, &text, RUN_DIR "/%s", file);

	if (r == 0)
		r = domain_parse(text, strlen(text), &d);
	if (r < 0)
		return r;
	if (!str_eq(d.name, name) && !(d.uuid && strcasecmp(d.uuid, name) == 0))
		return -ENOENT;
	*ret_pid = d.pid;
	return 0;
}

/* One file that cannot be read may be the one: then nobody knows, unless another is. */
int guest_find(struct host *h, const char *name, struct guest_run *ret)
{
	autostrv char **files = NULL;
	int r = rootfs_list(h, &files, RUN_DIR), worst = -ENOENT;

	if (r < 0)
		return r == -ENOTDIR ? -ENOENT : r;
	STRV_FOREACH (file, files) {
		int e, pid;

		if (!str_ends(*file, ".xml"))
			continue;
		e = look_at(h, *file, name, &pid);
		if (e == 0) {
			ret->pid = pid;
			return 0;
		}
		if (e != -ENOENT)
			worst = e;
	}
	return worst;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A captured machine that somebody sent: any archive, walked and read from end to end. */
#include "fuzz.h"

#include "base/str.h"
#include "host/host.h"

#include <stdio.h>
#include <sys/mman.h>

static void walk(struct host *h, const char *path, unsigned depth)
{
	autostrv char **names = NULL;
	char below[1024], text[256];
	struct stat st;

	if (h->ops->stat(h, path, &st) < 0 || depth > 8)
		return;
	h->ops->read_file(h, path, text, sizeof(text));
	h->ops->read_link(h, path, text, sizeof(text));
	if (h->ops->list_dir(h, path, &names) < 0)
		return;
	STRV_FOREACH (name, names) {
		if (snprintf(below, sizeof(below), "%s/%s", path, *name) < (int)sizeof(below))
			walk(h, below, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autoclose int fd = memfd_create("capture", MFD_CLOEXEC);
	autoproblem *why = NULL;
	autohost *h = NULL;
	char path[64];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (host_new_captured(path, &h, &why) == 0)
		walk(h, "/sys", 0);
	return 0;
}

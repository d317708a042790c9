// SPDX-License-Identifier: GPL-2.0-or-later
#include "modules.h"
#include "procfs.h"
#include "base/str.h"

enum { MAX_BYTES = 16 << 20 };

static int read_whole(struct host *h, const char *path, char **ret)
{
	autofree char *text = NULL;
	struct stat st;
	ssize_t n;
	int r = h->ops->stat(h, path, &st);

	if (r < 0)
		return r;
	if (st.st_size > MAX_BYTES)
		return -EFBIG;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	n = h->ops->read_file(h, path, text, (size_t)st.st_size);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	*ret = TAKE_PTR(text);
	return 0;
}

int modules_read(struct host *h, const char *file, char **ret)
{
	autofree char *release = NULL, *path = NULL;
	int r = procfs_read(h, &release, "sys/kernel/osrelease");

	if (r < 0)
		return r;
	if (!*release || *release == '.' || strchr(release, '/'))
		return -ENOENT;
	path = str_printf("/lib/modules/%s/%s", release, file);
	return path ? read_whole(h, path, ret) : -ENOMEM;
}

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

/* ---- modprobe.d(5) ---- */

static bool same_module(const char *a, const char *b, size_t n)
{
	if (strlen(b) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i] && !(strchr("-_", a[i]) && strchr("-_", b[i])))
			return false;
	return true;
}

static bool is_line(const char *line, const char *command, const char *module)
{
	size_t n = strlen(command);

	line += strspn(line, " \t");
	if (strncmp(line, command, n) != 0 || !strchr(" \t", line[n]) || !line[n])
		return false;
	line += n + strspn(line + n, " \t");
	return same_module(line, module, strcspn(line, " \t"));
}

static int find_in_file(
	struct host *h, const char *path, const char *command, const char *module, char **ret_line)
{
	autofree char *text = NULL;
	char *save = NULL;

	if (read_whole(h, path, &text) < 0)
		return 0;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		if (is_line(l, command, module)) {
			*ret_line = strdup(l);
			return *ret_line ? 1 : -ENOMEM;
		}
	return 0;
}

int modules_conf_find(
	struct host *h, const char *command, const char *module, char **ret_file, char **ret_line)
{
	static const char *const dirs[] = { "/etc/modprobe.d", "/run/modprobe.d",
		"/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d" };
	autostrv char **seen = NULL; /* a file hides those of its name further down */
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		autostrv char **names = NULL;

		if (h->ops->list_dir(h, dirs[i], &names) < 0)
			continue;
		for (char **it = names; r == 0 && it && *it; it++) {
			autofree char *path = str_printf("%s/%s", dirs[i], *it);

			if (!path || !str_ends(*it, ".conf") || strv_has(seen, *it))
				continue;
			r = strv_add(&seen, *it);
			if (r == 0)
				r = find_in_file(h, path, command, module, ret_line);
			if (r == 1)
				*ret_file = TAKE_PTR(path);
		}
	}
	return r;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "conf.h"

#include "base/str.h"

static int check_file(struct host *h, const char *path)
{
	struct stat st;
	int r = h->ops->stat(h, path, &st);

	if (r < 0)
		return r;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -ENOTSUP;
	return st.st_size > CONF_MAX ? -EFBIG : 0;
}

int conf_read(struct host *h, const char *path, char **ret, size_t *ret_len)
{
	autofree char *text = NULL;
	char *fits;
	ssize_t n;
	int r = check_file(h, path);

	if (r < 0)
		return r;
	text = malloc(CONF_MAX + 1);
	if (!text)
		return -ENOMEM;
	n = h->ops->read_file(h, path, text, CONF_MAX + 1);
	if (n < 0)
		return (int)n;
	if (n > CONF_MAX)
		return -EFBIG;
	text[n] = '\0';
	fits = realloc(text, (size_t)n + 1);
	*ret = fits ? fits : text;
	TAKE_PTR(text);
	*ret_len = (size_t)n;
	return 0;
}

int conf_list(struct host *h, const char *dir, const char *suffix, char ***ret)
{
	autostrv char **all = NULL, **kept = calloc(1, sizeof(*kept));
	int r = h->ops->list_dir(h, dir, &all);

	if (!kept)
		return -ENOMEM;
	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		return r;
	STRV_FOREACH (it, all)
		/* Hidden files are what editors leave behind. */
		if (str_ends(*it, suffix) && **it != '.' && strv_add(&kept, *it) < 0)
			return -ENOMEM;
	*ret = TAKE_PTR(kept);
	return 0;
}

bool conf_is_masked(struct host *h, const char *path)
{
	char target[32];

	return host_read_link(h, path, target, sizeof(target)) == 0 && str_eq(target, "/dev/null");
}

bool conf_is_there(struct host *h)
{
	struct stat st;

	return h->ops->stat(h, "/etc", &st) == 0 && S_ISDIR(st.st_mode);
}

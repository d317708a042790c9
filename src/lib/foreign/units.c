// SPDX-License-Identifier: GPL-2.0-or-later
#include "reader.h"

#include "base/grow.h"
#include "base/str.h"
#include "host/conf.h"

void units_done(struct units *u)
{
	for (size_t i = 0; i < u->n; i++) {
		free(u->v[i].name);
		strv_free(u->v[i].paths);
	}
	free(u->v);
	*u = (struct units) { 0 };
}

static int all_names(struct host *h, const char *const *dirs, const char *suffix, char ***ret_names)
{
	autostrv char **names = NULL;

	for (; *dirs; dirs++) {
		autostrv char **here = NULL;

		if (conf_list(h, *dirs, suffix, &here) < 0)
			continue; /* what a caller may not look into is as if it were not there */
		STRV_FOREACH (it, here)
			if (!strv_has(names, *it) && strv_add(&names, *it) < 0)
				return -ENOMEM;
	}
	if (names)
		strv_sort(names);
	*ret_names = TAKE_PTR(names);
	return 0;
}

/* Of several files with one name; NULL: it was taken away, or memory is out. */
static char *strongest(struct host *h, const char *const *dirs, const char *name)
{
	for (; *dirs; dirs++) {
		autofree char *path = str_printf("%s/%s", *dirs, name), *text = NULL;
		size_t len = 0;
		int r;

		if (!path || conf_is_masked(h, path))
			return NULL;
		r = conf_read(h, path, &text, &len);
		if (r == -ENOENT)
			continue;
		return r == 0 && len == 0 ? NULL : TAKE_PTR(path);
	}
	return NULL;
}

static int add_drop_ins(struct host *h, const char *const *dirs, const char *name, char ***paths)
{
	autostrv char **folders = NULL, **names = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && dirs[i]; i++) {
		autofree char *folder = str_printf("%s/%s.d", dirs[i], name);

		r = folder ? strv_add(&folders, folder) : -ENOMEM;
	}
	if (r == 0)
		r = all_names(h, (const char *const *)folders, ".conf", &names);
	if (r < 0)
		return r;
	STRV_FOREACH (it, names) {
		autofree char *path = strongest(h, (const char *const *)folders, *it);

		if (path && strv_add(paths, path) < 0)
			return -ENOMEM;
	}
	return 0;
}

int units_find(struct host *h, const char *const *dirs, const char *suffix, struct units *ret)
{
	CLEANUP(units_done) struct units u = { 0 };
	autostrv char **names = NULL;
	int r;

	r = all_names(h, dirs, suffix, &names);
	if (r < 0)
		return r;
	STRV_FOREACH (it, names) {
		autofree char *path = strongest(h, dirs, *it);

		if (!path)
			continue;
		if (!GROW(u.v, u.n))
			return -ENOMEM;
		u.v[u.n] = (struct unit) { .name = strdup(*it) };
		u.n++;
		if (!u.v[u.n - 1].name || strv_add(&u.v[u.n - 1].paths, path) < 0 ||
			add_drop_ins(h, dirs, *it, &u.v[u.n - 1].paths) < 0)
			return -ENOMEM;
	}
	*ret = TAKE_STRUCT(u);
	return 0;
}

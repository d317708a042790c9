// SPDX-License-Identifier: GPL-2.0-or-later
#include "file.h"

#include "base/grow.h"
#include "base/str.h"
#include "host/conf.h"

/* The later overrides the earlier. */
static const char *const places[] = {
	"/usr/lib/vfctl/pf.d",
	"/run/vfctl/pf.d",
	"/etc/vfctl/pf.d",
};

static void file_done(struct policy_file *f)
{
	free(f->path);
	free(f->text);
	ini_done(&f->ini);
}

static void unit_done(struct policy_unit *u)
{
	free(u->name);
	for (size_t i = 0; i < u->n_files; i++)
		file_done(&u->files[i]);
	free(u->files);
	*u = (struct policy_unit) { 0 };
}

void policy_units_done(struct policy_units *u)
{
	for (size_t i = 0; i < u->n; i++)
		unit_done(&u->v[i]);
	free(u->v);
	*u = (struct policy_units) { 0 };
}

/* ---- One file ---- */

static void unreadable(struct findings *findings, const char *path, int code)
{
	const struct ini_pos whole = { 0, 0 };

	if (code == -EFBIG)
		findings_add(findings, FINDING_ERROR, FINDING_UNREADABLE, path, whole,
			"more than %d KiB: that is no configuration", CONF_MAX / 1024);
	else if (code == -ENOTSUP || code == -EISDIR)
		findings_add(
			findings, FINDING_ERROR, FINDING_UNREADABLE, path, whole, "not a file");
	else
		findings_add(findings, FINDING_ERROR, FINDING_UNREADABLE, path, whole,
			"cannot be read: %s", strerror(-code));
}

/* The file `path`, told as `shown`. 1 read (or a finding), 0 empty, which takes its name away. */
static int load_file(struct host *h, const char *path, const char *shown, struct policy_unit *to,
	struct findings *findings)
{
	struct policy_file f = { .path = strdup(shown) };
	int r;

	if (!f.path || !GROW(to->files, to->n_files)) {
		file_done(&f);
		return -ENOMEM;
	}
	r = conf_read(h, path, &f.text, &f.len);
	if (r == 0 && !f.len) {
		file_done(&f);
		return 0;
	}
	if (r == 0) {
		r = ini_parse(f.text, f.len, 0, &f.ini);
		if (r == 0)
			findings_add_faults(findings, shown, &f.ini);
	} else if (r != -ENOMEM) {
		unreadable(findings, shown, r);
		r = 0;
	}
	if (r < 0) {
		file_done(&f);
		return r;
	}
	to->files[to->n_files++] = f;
	return 1;
}

/* ---- Names and places ---- */

/* The names of *.conf, or of *.conf.d, in any of the places, sorted. */
static int list_names(struct host *h, const char *below, const char *suffix, char ***ret,
	struct findings *findings)
{
	autostrv char **all = calloc(1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		autofree char *dir = str_printf("%s%s%s", places[i], *below ? "/" : "", below);
		autostrv char **names = NULL;
		int r = dir ? conf_list(h, dir, suffix, &names) : -ENOMEM;

		if (r == -ENOMEM)
			return r;
		if (r < 0)
			unreadable(findings, dir, r);
		STRV_FOREACH (it, names)
			if (!strv_has(all, *it) && strv_add(&all, *it) < 0)
				return -ENOMEM;
	}
	strv_sort(all);
	*ret = TAKE_PTR(all);
	return 0;
}

static bool is_there(struct host *h, const char *path)
{
	char target[2];
	struct stat st;

	/* Also a link that leads nowhere: its name was meant to be something. */
	return h->ops->stat(h, path, &st) == 0 ||
	       host_read_link(h, path, target, sizeof(target)) == -ENAMETOOLONG;
}

/* The file of that name that counts, NULL when it is masked. */
static int find_file(struct host *h, const char *below, const char *name, char **ret)
{
	for (size_t i = ARRAY_SIZE(places); i-- > 0;) {
		autofree char *path =
			str_printf("%s%s%s/%s", places[i], *below ? "/" : "", below, name);

		if (!path)
			return -ENOMEM;
		if (!is_there(h, path))
			continue;
		*ret = conf_is_masked(h, path) ? NULL : TAKE_PTR(path);
		return 0;
	}
	*ret = NULL;
	return 0;
}

/* 1 there is such a file, 0 it is masked. */
static int load_one(struct host *h, const char *below, const char *name, struct policy_unit *to,
	struct findings *findings)
{
	autofree char *path = NULL;
	int r = find_file(h, below, name, &path);

	return r < 0 || !path ? r : load_file(h, path, path, to, findings);
}

static int load_drop_ins(
	struct host *h, const char *below, struct policy_unit *to, struct findings *findings)
{
	autostrv char **names = NULL;
	int r = list_names(h, below, ".conf", &names, findings);

	STRV_FOREACH (it, names) {
		r = load_one(h, below, *it, to, findings);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : 0;
}

static int add_unit(struct policy_units *u, struct policy_unit *unit)
{
	if (!GROW(u->v, u->n))
		return -ENOMEM;
	u->v[u->n++] = *unit;
	*unit = (struct policy_unit) { 0 };
	return 0;
}

static int load_unit(
	struct host *h, const char *name, struct policy_units *u, struct findings *findings)
{
	CLEANUP(unit_done) struct policy_unit unit = { .name = strdup(name) };
	autofree char *below = str_printf("%s.d", name);
	int r;

	if (!unit.name || !below)
		return -ENOMEM;
	r = load_one(h, "", name, &unit, findings);
	if (r > 0)
		r = load_drop_ins(h, below, &unit, findings);
	if (r < 0 || !unit.n_files)
		return r;
	return add_unit(u, &unit);
}

/* NAME.conf.d where no NAME.conf is: nobody reads it. */
static int find_strays(struct host *h, char *const *names, struct findings *findings)
{
	autostrv char **dirs = NULL;
	int r = list_names(h, "", ".conf.d", &dirs, findings);

	STRV_FOREACH (it, dirs) {
		autofree char *name = strndup(*it, strlen(*it) - strlen(".d"));

		if (!name)
			return -ENOMEM;
		if (strv_has(names, name))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
			autofree char *path = str_printf("%s/%s", places[i], *it);

			if (path && is_there(h, path))
				findings_add(findings, FINDING_WARNING, FINDING_STRAY, path,
					(struct ini_pos) { 0, 0 },
					"there is no %s that this would add to", name);
		}
	}
	return r;
}

int policy_units_load(struct host *h, struct policy_units *ret, struct findings *findings)
{
	autopolicyunits u = { 0 };
	autostrv char **names = NULL;
	int r = list_names(h, "", ".conf", &names, findings);

	STRV_FOREACH (it, names) {
		if (r < 0)
			break;
		r = load_unit(h, *it, &u, findings);
	}
	if (r >= 0)
		r = find_strays(h, names, findings);
	if (r < 0)
		return r;
	*ret = u;
	u = (struct policy_units) { 0 };
	return 0;
}

/* ---- Files that the user names ---- */

struct named {
	struct host *h;
	const char *cwd;
	struct policy_units *to;
	struct findings *findings;
};

static char *full_path(const struct named *n, const char *path)
{
	return str_printf("%s%s%s", *path == '/' ? "" : n->cwd, *path == '/' ? "" : "/", path);
}

static int load_named(const struct named *n, const char *path)
{
	CLEANUP(unit_done) struct policy_unit unit = { .name = strdup(path) };
	autofree char *full = full_path(n, path);
	int r;

	if (!unit.name || !full)
		return -ENOMEM;
	r = load_file(n->h, full, path, &unit, n->findings);
	if (r < 0 || !unit.n_files)
		return r;
	return add_unit(n->to, &unit);
}

static int load_folder(const struct named *n, const char *path, const char *full)
{
	autostrv char **names = NULL;
	int r = conf_list(n->h, full, ".conf", &names);

	if (r < 0 && r != -ENOMEM)
		unreadable(n->findings, path, r);
	STRV_FOREACH (it, names) {
		autofree char *file = str_printf("%s/%s", path, *it);

		r = file ? load_named(n, file) : -ENOMEM;
		if (r < 0)
			return r;
	}
	return r == -ENOMEM ? r : 0;
}

int policy_units_load_named(struct host *h, const char *cwd, char *const *paths,
	struct policy_units *ret, struct findings *findings)
{
	autopolicyunits u = { 0 };
	const struct named n = { h, cwd, &u, findings };

	STRV_FOREACH (it, paths) {
		autofree char *full = full_path(&n, *it);
		struct stat st;
		int r;

		if (!full)
			return -ENOMEM;
		if (h->ops->stat(h, full, &st) == 0 && S_ISDIR(st.st_mode))
			r = load_folder(&n, *it, full);
		else
			r = load_named(&n, *it);
		if (r < 0)
			return r;
	}
	*ret = u;
	u = (struct policy_units) { 0 };
	return 0;
}

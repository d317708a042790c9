// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration.h"

#include "base/str.h"
#include "host/locked.h"
#include "host/sysfs.h"
#include "iommu/group.h"

#include <stdio.h>

#define DEBUGFS "kernel/debug/vfio"

void migration_done(struct migration *m)
{
	strv_free(m->features);
	free(m->state);
	free(m->variant);
	free(m->because);
	*m = (struct migration) { 0 };
}

const char *migration_answer_name(enum migration_answer a)
{
	static const char *const names[] = {
		[MIGRATION_UNKNOWN] = "unknown",
		[MIGRATION_NONE] = "none",
		[MIGRATION_OFFERED] = "offered",
	};

	return names[a];
}

static bool is_plain(const char *driver)
{
	return str_eq(driver, "vfio-pci") || str_eq(driver, "vfio_pci");
}

static int answer(struct migration *m, enum migration_answer a, const char *fmt, ...) PRINTF(3, 4);
static int answer(struct migration *m, enum migration_answer a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&m->because, fmt, ap) < 0)
		m->because = NULL;
	va_end(ap);
	m->answer = a;
	return m->because ? 0 : -ENOMEM;
}

static int read_features(struct host *h, struct bdf a, struct migration *m)
{
	autofree char *text = NULL;
	char *save = NULL;
	int r = sysfs_read(h, &text, DEBUGFS "/%s/migration/features", BDF_TEXT(a));

	if (r < 0) /* the first kernels with "state" have no such file */
		return r == -ENOMEM ? r : 0;
	m->features = calloc(1, sizeof(*m->features));
	r = m->features ? 0 : -ENOMEM;
	for (char *word = strtok_r(text, " \n", &save); r == 0 && word;
		word = strtok_r(NULL, " \n", &save))
		r = strv_add(&m->features, word);
	return r;
}

static int read_state(struct host *h, struct bdf a, struct migration *m)
{
	struct locked_read state = { .function = a, .attribute = "state", .migration = true };

	locked_read_all(h, &state, 1);
	if (state.result < 0 || !*str_trim(state.text))
		return 0;
	m->state = strdup(str_trim(state.text));
	return m->state ? 0 : -ENOMEM;
}

/* Its folder is there while a VFIO driver is bound; in it one for migration, or none. */
static int ask_debugfs(struct host *h, struct bdf a, const char *driver, struct migration *m)
{
	autostrv char **names = NULL;
	int r = sysfs_list(h, &names, DEBUGFS "/%s", BDF_TEXT(a));

	if (r == -ENOMEM)
		return r;
	if (r == -EACCES || r == -EPERM)
		return answer(m, MIGRATION_UNKNOWN, "only root may read what VFIO's debugfs tells");
	if (r < 0)
		return answer(m, MIGRATION_UNKNOWN,
			"%s may offer it, and this kernel does not tell (debugfs of VFIO)", driver);
	if (!strv_has(names, "migration"))
		return answer(m, MIGRATION_NONE, "%s offers none for this function", driver);
	r = read_features(h, a, m);
	if (r == 0)
		r = read_state(h, a, m);
	return r < 0 ? r : answer(m, MIGRATION_OFFERED, "%s offers it", driver);
}

static int find_variant(const struct candidates *c, struct migration *m)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].vfio && !is_plain(c->v[i].driver)) {
			m->variant = strdup(c->v[i].driver);
			return m->variant ? 0 : -ENOMEM;
		}
	return 0;
}

static int find(struct host *h, struct bdf a, const struct candidates *c, struct migration *m)
{
	const char *driver = NULL;
	int r = find_variant(c, m);

	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].bound)
			driver = c->v[i].driver;
	if (r < 0)
		return r;
	if (driver_is_vfio(driver) && !is_plain(driver))
		return ask_debugfs(h, a, driver, m);
	if (m->variant)
		return answer(m, MIGRATION_UNKNOWN, "%s is made for it, and tells once it is bound",
			m->variant);
	if (driver_is_vfio(driver))
		return answer(m, MIGRATION_NONE, "%s itself cannot", driver);
	if (c->known)
		return answer(m, MIGRATION_NONE, "this kernel has no VFIO driver made for it");
	return answer(m, MIGRATION_UNKNOWN,
		"it is on no VFIO driver, and the modules' aliases "
		"cannot be read");
}

int migration_find(struct host *h, struct bdf a, const struct candidates *c, struct migration *ret)
{
	struct migration m = { 0 };
	int r = find(h, a, c, &m);

	if (r < 0)
		migration_done(&m);
	else
		*ret = m;
	return r;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* vfctl.conf(5) among the files: it is no policy, but configuration that people ask about. */
#include "policy.h"

#include "base/grow.h"
#include "base/str.h"
#include "conf/conf.h"

static void add_finding(void *arg, enum conf_fault fault, const char *path, struct ini_pos at,
	const char *what, const char *hint)
{
	static const enum finding_kind kinds[] = {
		[CONF_UNREADABLE] = FINDING_UNREADABLE,
		[CONF_SYNTAX] = FINDING_SYNTAX,
		[CONF_NO_SECTION] = FINDING_UNKNOWN_SECTION,
		[CONF_NO_KEY] = FINDING_UNKNOWN_KEY,
		[CONF_BAD_VALUE] = FINDING_BAD_VALUE,
	};
	struct findings *f = arg;
	struct finding *fd = findings_add(f, FINDING_ERROR, kinds[fault], path, at, "%s", what);

	if (hint)
		finding_hint(fd, "%s", hint);
}

static int add_unit(struct policy *p, struct policy_file *f)
{
	struct policy_unit *u;

	if (!GROW(p->units.v, p->units.n))
		return -ENOMEM;
	u = &p->units.v[p->units.n];
	*u = (struct policy_unit) { .name = strdup("vfctl.conf"), .files = calloc(1, sizeof(*f)) };
	p->units.n++;
	if (!u->name || !u->files)
		return -ENOMEM;
	u->files[u->n_files++] = *f;
	*f = (struct policy_file) { 0 };
	return 0;
}

int policy_add_general(struct policy *p, struct host *h)
{
	struct policy_file f = { 0 };
	int r = conf_find(h, &f.path, &f.text, &f.len);

	if (f.path && r != -ENOMEM)
		r = add_unit(p, &f);
	free(f.path);
	free(f.text);
	if (r == 0)
		r = conf_check(h, add_finding, &p->findings);
	return r < 0 && r != -ENOENT ? r : 0;
}

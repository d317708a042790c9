// SPDX-License-Identifier: GPL-2.0-or-later
/* Drivers, and what becomes of each VF. */
#include "pf.h"
#include "quirk.h"

#include "base/str.h"
#include "setting/setting.h"

static bool is_on(
	struct maker *m, int vf, const struct function *f, const char *driver, const char *override)
{
	if (str_eq(driver, WISH_RESTORE))
		return str_eq(now_value(m->now, m->f->bdf, vf, "restore"), "0");
	if (str_eq(driver, WISH_BEST_VFIO))
		return f->driver && str_eq(now_value(m->now, m->f->bdf, vf, "vfio"), f->driver);
	if (!*driver)
		return !f->driver && !f->driver_override;
	if (override && !str_eq(*override ? override : NULL, f->driver_override))
		return false;
	return str_eq(driver, f->driver);
}

/* What stands against a VFIO driver, whoever the function is. */
static void check_vfio(struct maker *m, const struct function *f, const char *driver)
{
	struct problem *p = NULL;

	if (!driver_is_vfio(driver) && !str_eq(driver, WISH_BEST_VFIO))
		return;
	if (class_is_bridge(m->f->id.class_code))
		problem(&p, -EOPNOTSUPP, PROBLEM_NOT_ASSIGNABLE,
			"bridges stay with the host; their group does not need them",
			"%s is a bridge and cannot be given to a guest", m->f->address);
	else if ((f ? f->iommu_group < 0 : !m->inv->iommu_on) && !m->inv->iommu_may_be_missing)
		problem(&p, -EINVAL, PROBLEM_NO_IOMMU,
			"switch the IOMMU on (firmware, and intel_iommu=on or amd_iommu=on)",
			"%s is in no IOMMU group: the machine has no active IOMMU",
			f ? f->address : m->f->address);
	if (p)
		maker_refuse(m, p);
}

static void check_driver(struct maker *m, const struct function *f, const char *driver)
{
	struct problem *p = NULL;

	check_vfio(m, f, driver);
	if (f != m->f || f->kind != FUNCTION_PF || !f->n_vfs)
		return;
	problem(&p, -EBUSY, PROBLEM_IN_USE, NULL,
		"%s cannot change its driver: it has VFs, which need it", f->address);
	problem_hint(&p, "destroy them first: vfctl destroy %s", f->address);
	maker_refuse(m, p);
}

static void add_driver(struct maker *m, enum stage stage, int vf, const struct function *old,
	const char *driver, const char *override)
{
	struct step *s = maker_add(m, stage, ACTION_DRIVER, vf, old ? old->driver : NULL);
	struct action *back;

	if (!s)
		return;
	maker_copy(m, &s->todo.driver, driver);
	maker_copy(m, &s->todo.override, override);
	if (!old)
		return;
	back = actions_add(&s->back, ACTION_DRIVER, m->f->bdf, vf);
	if (!back) {
		m->failed = true;
		return;
	}
	maker_copy(m, &back->driver, old->driver ? old->driver : "");
	maker_copy(m, &back->override, old->driver_override ? old->driver_override : "");
}

void plan_driver(struct maker *m, enum stage stage, int vf, const struct function *old,
	const char *driver, const char *override)
{
	if (old && is_on(m, vf, old, driver, override))
		return;
	check_driver(m, old, driver);
	if (old && old->driver && !str_eq(old->driver, driver))
		maker_takes(m, old, false);
	add_driver(m, stage, vf, old, driver, override);
}

/* One VF as it shall be. */
struct goal {
	int index;
	const struct function *old;   /* the one that stays; NULL: it will be a new one */
	const struct function *model; /* the one that goes and whose settings it inherits */
	const struct vf_wish *wish;   /* NULL: none */
	char **words;
	bool unbound; /* it must lose its driver for a while */
};

static void goal_done(struct goal *g)
{
	strv_free(g->words);
}

static bool is_wished(const struct vf_wish *w, const char *word)
{
	size_t key = strcspn(word, "=") + 1;

	STRV_FOREACH (s, w ? w->settings : NULL)
		if (strncmp(*s, word, key) == 0)
			return true;
	return false;
}

/* Going through none loses what was set: it is set again, but for what is wished otherwise. */
static void collect_words(struct maker *m, struct goal *g)
{
	size_t n = 0;
	const struct now_fact *facts = g->model ? now_facts(m->now, m->f->bdf, g->index, &n) : NULL;

	STRV_FOREACH (s, g->wish ? g->wish->settings : NULL)
		maker_word(m, &g->words, *s);
	for (; n--; facts++)
		if (setting_key_find(facts->word) && !is_wished(g->wish, facts->word))
			maker_word(m, &g->words, facts->word);
}

static void plan_words(struct maker *m, struct goal *g)
{
	autostrv char **first = NULL, **rest = NULL;

	STRV_FOREACH (w, g->words) {
		bool resource = !m->from && word_is_resource(*w);

		maker_word(m, resource ? &first : &rest, *w);
		if (word_is(*w, SETTING_UNBOUND) && !(g->old && setting_is_so(m, g->index, *w)))
			g->unbound = true;
	}
	add_resources(m, g->index, first);
	add_settings(m, STAGE_EACH, g->index, rest, !g->old);
}

/* Off its driver for a while, and then to what is wished or what it had. */
static void plan_unbound(struct maker *m, struct goal *g)
{
	const char *then = g->wish ? g->wish->driver : NULL;

	if (g->old && !g->old->driver) {
		if (then)
			plan_driver(m, STAGE_EACH, g->index, g->old, then, g->wish->override);
		return;
	}
	if (g->old)
		maker_takes(m, g->old, false);
	if (g->old || m->autoprobe)
		add_driver(m, g->old ? STAGE_UNBIND : STAGE_RELEASE, g->index, g->old, "", NULL);
	if (then)
		add_driver(m, STAGE_EACH, g->index, NULL, then, g->wish->override);
	else if (g->old)
		add_driver(m, STAGE_EACH, g->index, NULL, g->old->driver,
			g->old->driver_override ? g->old->driver_override : "");
	else if (m->autoprobe)
		add_driver(m, STAGE_EACH, g->index, NULL, WISH_RESTORE, NULL);
}

/* A new VF gets the driver that its predecessor had, unless the kernel gives it that anyway. */
static void plan_inherited(struct maker *m, struct goal *g)
{
	const struct function *was = g->model;
	bool natural = m->autoprobe && was->driver && !was->driver_override &&
		       !driver_is_vfio(was->driver);

	if (!natural && (was->driver || m->autoprobe))
		add_driver(m, STAGE_EACH, g->index, NULL, was->driver ? was->driver : "",
			was->driver_override ? was->driver_override : "");
}

static void plan_vf(struct maker *m, struct goal *g)
{
	if (g->wish && !plan_words_fit(m, g->index, g->wish->settings))
		return;
	g->unbound = m->switches && m->quirks & QUIRK_MODE_AFTER_VFS;
	collect_words(m, g);
	plan_words(m, g);
	if (g->unbound && !m->opts->as_is)
		plan_unbound(m, g);
	else if (g->wish && g->wish->driver)
		plan_driver(m, STAGE_EACH, g->index, g->old, g->wish->driver, g->wish->override);
	else if (g->model)
		plan_inherited(m, g);
}

static void refuse_missing(struct maker *m, const struct vf_wish *w)
{
	struct problem *p = NULL;

	problem(&p, -ENOENT, PROBLEM_NOT_FOUND, "VFs are counted from 0",
		"%s: VF %u is asked for, but there will be %u VFs", m->f->address, w->index, m->to);
	maker_refuse(m, p);
}

void plan_vfs(struct maker *m)
{
	size_t at = 0, old = 0;

	for (unsigned i = 0; i < m->to; i++) {
		CLEANUP(goal_done) struct goal g = { .index = (int)i };
		const struct function *there = NULL;

		if (at < m->wish->n_vfs && m->wish->vfs[at].index == i)
			g.wish = &m->wish->vfs[at++];
		while (old < m->f->n_vfs && m->f->vfs[old]->vf_index < (int)i)
			old++;
		if (old < m->f->n_vfs && m->f->vfs[old]->vf_index == (int)i)
			there = m->f->vfs[old];
		g.old = m->through_none ? NULL : there;
		g.model = m->through_none ? there : NULL;
		if (g.wish || g.model || (m->switches && m->quirks & QUIRK_MODE_AFTER_VFS))
			plan_vf(m, &g);
	}
	if (at < m->wish->n_vfs)
		refuse_missing(m, &m->wish->vfs[at]);
}

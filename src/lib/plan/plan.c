// SPDX-License-Identifier: GPL-2.0-or-later
#include "pf.h"
#include "quirk.h"

#include "base/str.h"

#include <stdio.h>

/* ---- Steps, texts, refusals ---- */

static void step_done(struct step *s)
{
	action_done(&s->todo);
	actions_done(&s->back);
	free(s->was);
}

static void group_done(struct plan_group *g)
{
	for (size_t i = 0; i < g->n_blast; i++)
		free(g->blast[i].who);
	free(g->blast);
	free(g->name);
	free(g->driver);
	free(g->source);
	free(g->card);
	problem_free(g->refusal);
}

void plan_done(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		step_done(&p->steps[i]);
	for (size_t i = 0; i < p->n_groups; i++)
		group_done(&p->groups[i]);
	free(p->steps);
	free(p->groups);
	*p = (struct plan) { 0 };
}

const struct problem *plan_refusal(const struct plan *p)
{
	for (size_t i = 0; i < p->n_groups; i++)
		if (p->groups[i].refusal)
			return p->groups[i].refusal;
	return NULL;
}

struct plan_group *maker_group(struct maker *m)
{
	return &m->plan->groups[m->plan->n_groups - 1];
}

char *maker_text(struct maker *m, char *text)
{
	m->failed |= !text;
	return text;
}

bool maker_copy(struct maker *m, char **to, const char *text)
{
	m->failed |= wish_put(to, text) < 0;
	return !m->failed;
}

void maker_word(struct maker *m, char ***to, const char *word)
{
	m->failed |= strv_add(to, word) < 0;
}

void maker_refuse(struct maker *m, struct problem *p)
{
	struct plan_group *g = maker_group(m);

	if (!p)
		m->failed = true;
	else if (g->refusal)
		problem_free(p);
	else
		g->refusal = p;
}

struct step *maker_add(
	struct maker *m, enum stage stage, enum action_kind kind, int vf, const char *was)
{
	struct plan *p = m->plan;
	bool full = (p->n & (p->n - 1)) == 0;
	struct step *v = full ? reallocarray(p->steps, p->n ? p->n * 2 : 1, sizeof(*v)) : p->steps;

	if (!v) {
		m->failed = true;
		return NULL;
	}
	p->steps = v;
	v += p->n++;
	*v = (struct step) { .todo = { .kind = kind, .bdf = m->f->bdf, .vf = vf },
		.stage = stage,
		.group = p->n_groups - 1 };
	maker_copy(m, &v->was, was);
	return v;
}

/* ---- Who is hurt ---- */

static void add_blast(struct maker *m, const struct function *f, bool destroyed, const char *who,
	enum holder_strength strength)
{
	struct plan_group *g = maker_group(m);
	bool full = (g->n_blast & (g->n_blast - 1)) == 0;
	struct blast *v = full ? reallocarray(g->blast, g->n_blast ? g->n_blast * 2 : 1, sizeof(*v))
			       : g->blast;

	if (!v) {
		m->failed = true;
		return;
	}
	g->blast = v;
	v += g->n_blast++;
	*v = (struct blast) { .bdf = f->bdf, .destroyed = destroyed, .strength = strength };
	maker_copy(m, &v->who, who);
}

static void refuse_holder(
	struct maker *m, const struct function *f, bool destroyed, const struct holder *who)
{
	struct problem *p = NULL;

	problem(&p, -EBUSY, PROBLEM_IN_USE, NULL, "%s would %s, and is in use: %s", f->address,
		destroyed ? "be destroyed" : "lose its driver", who->text);
	if (who->strength == HOLD_BLOCKS)
		problem_hint(&p, "end that first: the kernel would wait for it without end");
	else if (who->kind == HOLDER_CLAIM)
		problem_hint(&p, "vfctl release takes it back from its owner");
	else
		problem_hint(&p, "end that first, or consent with --allow-in-use");
	maker_refuse(m, p);
}

/* Whether they may be passed over. */
static bool consented(const struct maker *m, bool destroyed, enum holder_strength strength)
{
	if (strength == HOLD_BLOCKS)
		return !destroyed && m->opts->wait_for_holder;
	return strength < HOLD_USED || m->opts->allow_in_use;
}

void maker_takes(struct maker *m, const struct function *f, bool destroyed)
{
	size_t n, told = 0;
	const struct holder *who = now_holders(m->now, f->bdf, &n);

	for (size_t i = 0; i < n; i++) {
		if (who[i].strength < HOLD_USED)
			continue;
		told++;
		add_blast(m, f, destroyed, who[i].text, who[i].strength);
		if (!consented(m, destroyed, who[i].strength))
			refuse_holder(m, f, destroyed, &who[i]);
	}
	if (!told)
		add_blast(m, f, destroyed, f->driver, HOLD_BOUND);
}

/* ---- The number of VFs ---- */

static void refuse_count(struct maker *m)
{
	struct problem *p = NULL;

	problem(&p, -ERANGE, PROBLEM_TOO_MANY_VFS,
		"VFs may be switched off in the device's or the machine's firmware",
		m->f->sriov.total_vfs ? "%s supports at most %u VFs" : "%s supports no VFs",
		m->f->address, m->f->sriov.total_vfs);
	if (m->f->sriov.total_vfs)
		problem_hint(&p, "raise the limit in the device's firmware, or ask for %u",
			m->f->sriov.total_vfs);
	maker_refuse(m, p);
}

static void refuse(
	struct maker *m, int code, enum problem_kind kind, const char *hint, const char *what)
{
	struct problem *p = NULL;

	problem(&p, code, kind, hint, "%s %s", m->f->address, what);
	maker_refuse(m, p);
}

static void check_count(struct maker *m)
{
	if (m->f->kind == FUNCTION_VF)
		refuse(m, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, "name its PF", "is itself a VF");
	else if (m->f->kind != FUNCTION_PF)
		refuse(m, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL, "has no SR-IOV capability");
	else if (m->to > m->f->sriov.total_vfs)
		refuse_count(m);
	else if (m->to && m->from != m->to && !m->f->driver && !m->wish->driver)
		refuse(m, -ENOENT, PROBLEM_NO_DRIVER,
			"bind the PF's driver first: vfctl restore, or vfctl bind PF DRIVER",
			"has no driver, and only its driver can switch VFs");
}

/* All VFs go: only when nobody holds them, and those who do are told by name. */
static void take_all(struct maker *m)
{
	struct problem *p = NULL;

	for (size_t i = 0; i < m->f->n_vfs; i++)
		maker_takes(m, m->f->vfs[i], true);
	if (m->opts->allow_destroy || maker_group(m)->refusal)
		return;
	problem(&p, -EBUSY, PROBLEM_IN_USE, "nobody uses them: --allow-destroy consents",
		m->to ? "%s has %u VFs, and going to %u would destroy them all first"
		      : "%s has %u VFs, which would be destroyed",
		m->f->address, m->from, m->to);
	maker_refuse(m, p);
}

static void add_count(struct maker *m, enum stage stage, unsigned n, unsigned was)
{
	char text[16];
	struct step *s;
	struct action *back;

	snprintf(text, sizeof(text), "%u", was);
	s = maker_add(m, stage, ACTION_NUM_VFS, OF_ITSELF, text);
	if (!s)
		return;
	s->todo.number = n;
	back = actions_add(&s->back, ACTION_NUM_VFS, m->f->bdf, OF_ITSELF);
	if (!back) {
		m->failed = true;
		return;
	}
	back->number = was;
	if (was)
		remember_vfs(m, &s->back);
}

static void add_switch(struct maker *m, enum stage stage, enum action_kind kind, bool on, bool was)
{
	struct step *s = maker_add(m, stage, kind, OF_ITSELF,
		kind == ACTION_LINK ? (was ? "up" : "down") : (was ? "on" : "off"));
	struct action *back;

	if (!s)
		return;
	s->todo.number = on;
	back = actions_add(&s->back, kind, m->f->bdf, OF_ITSELF);
	if (back)
		back->number = was;
	else
		m->failed = true;
}

static bool link_is_down(const struct maker *m)
{
	return str_eq(now_value(m->now, m->f->bdf, OF_ITSELF, "link"), "down");
}

static void plan_count(struct maker *m)
{
	bool comes = m->to && (m->from != m->to || m->through_none);

	if (m->from && m->through_none)
		take_all(m);
	if (comes && m->quirks & QUIRK_LINK_UP && link_is_down(m))
		add_switch(m, STAGE_LINK, ACTION_LINK, true, false);
	if (m->from && m->through_none && (m->switches || !m->to))
		add_count(m, STAGE_NO_VFS, 0, m->from);
	if (comes)
		add_count(m, STAGE_VFS, m->to,
			m->from && m->through_none && m->switches ? 0 : m->from);
}

static void plan_autoprobe(struct maker *m)
{
	int was = m->f->sriov.drivers_autoprobe;

	m->autoprobe = m->wish->autoprobe == WISH_LEAVE ? was != 0 : m->wish->autoprobe;
	if (m->wish->autoprobe != WISH_LEAVE && was != m->wish->autoprobe)
		add_switch(m, STAGE_AUTOPROBE, ACTION_AUTOPROBE, m->wish->autoprobe, was != 0);
}

static bool mode_changes(struct maker *m)
{
	const char *now = now_value(m->now, m->f->bdf, OF_ITSELF, "eswitch-mode");

	return m->wish->eswitch_mode && !str_eq(m->wish->eswitch_mode, now);
}

static void plan_mode(struct maker *m)
{
	autofree char *word = NULL;
	char *words[2] = { NULL, NULL };

	if (!mode_changes(m))
		return;
	word = maker_text(m, str_printf("eswitch-mode=%s", m->wish->eswitch_mode));
	words[0] = word;
	if (word)
		add_settings(m, m->quirks & QUIRK_MODE_AFTER_VFS ? STAGE_MODE : STAGE_BEFORE,
			OF_ITSELF, words, false);
}

/* ---- A group ---- */

/* A setting that is only possible without VFs makes them go, as a mode does for most drivers. */
static bool needs_no_vfs(struct maker *m)
{
	if (m->opts->as_is)
		return false;
	if (mode_changes(m) && m->quirks & QUIRK_MODE_WITHOUT_VFS)
		return true;
	STRV_FOREACH (w, m->wish->settings)
		if (word_is(*w, SETTING_BEFORE_VFS) && !setting_is_so(m, OF_ITSELF, *w))
			return true;
	return false;
}

static void begin_group(struct maker *m)
{
	struct plan_group *g = maker_group(m);

	*g = (struct plan_group) { .bdf = m->wish->bdf, .begin = m->plan->n };
	maker_copy(m, &g->source, m->wish->source);
	m->f = inventory_find_bdf(m->inv, m->wish->bdf);
	if (!m->f)
		return;
	maker_copy(m, &g->driver, m->f->driver);
	if (m->f->n_netdevs || m->f->nvme)
		maker_copy(m, &g->name, m->f->n_netdevs ? m->f->netdevs[0].name : m->f->nvme);
	m->quirks = quirks_of(m->f->driver);
	m->from = (unsigned)m->f->n_vfs;
	m->to = m->wish->num_vfs == WISH_LEAVE ? m->from : (unsigned)m->wish->num_vfs;
	m->switches = mode_changes(m) || needs_no_vfs(m);
	m->through_none = m->from != m->to || (m->from && needs_no_vfs(m));
}

static void plan_function(struct maker *m)
{
	if (m->wish->driver)
		plan_driver(m, STAGE_FUNCTION, OF_ITSELF, m->f, m->wish->driver, m->wish->override);
	if (m->wish->num_vfs != WISH_LEAVE || m->wish->n_vfs || m->wish->autoprobe != WISH_LEAVE)
		check_count(m);
	if (maker_group(m)->refusal)
		return;
	plan_count(m);
	if (m->f->kind == FUNCTION_PF)
		plan_autoprobe(m);
	plan_mode(m);
	plan_settings(m, OF_ITSELF, m->wish->settings);
	plan_vfs(m);
}

static int compare_steps(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	if (x->stage != y->stage)
		return (int)x->stage - (int)y->stage;
	if (x->todo.vf != y->todo.vf)
		return x->todo.vf - y->todo.vf;
	return (int)x->todo.kind - (int)y->todo.kind; /* settings, then the driver */
}

static void end_group(struct maker *m)
{
	struct plan_group *g = maker_group(m);
	struct plan *p = m->plan;

	for (; g->refusal && p->n > g->begin; p->n--)
		step_done(&p->steps[p->n - 1]);
	g->end = p->n;
	if (g->end > g->begin)
		qsort(&p->steps[g->begin], g->end - g->begin, sizeof(*p->steps), compare_steps);
	p->visited += m->from + m->wish->n_vfs + g->end - g->begin;
}

static void make_group(struct maker *m)
{
	struct problem *p = NULL;

	m->plan->n_groups++;
	begin_group(m);
	if (m->f) {
		plan_function(m);
	} else if (!m->failed) {
		problem(&p, -ENOENT, PROBLEM_NOT_FOUND, NULL, "there is no function %s",
			BDF_TEXT(m->wish->bdf));
		maker_refuse(m, p);
	}
	end_group(m);
}

int plan_make(const struct inventory *inv, const struct now *now, const struct wishes *wishes,
	const struct plan_opts *opts, struct plan *ret)
{
	autoplan p = { .groups = calloc(wishes->n + 1, sizeof(struct plan_group)) };
	bool failed = !p.groups;

	for (size_t i = 0; !failed && i < wishes->n; i++) {
		struct maker m = {
			.inv = inv, .now = now, .opts = opts, .plan = &p, .wish = &wishes->v[i]
		};

		make_group(&m);
		failed = m.failed;
	}
	if (failed)
		return -ENOMEM;
	*ret = p;
	p = (struct plan) { 0 };
	return 0;
}

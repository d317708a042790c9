// SPDX-License-Identifier: GPL-2.0-or-later
/* What was before an entry, as wishes: undoing is a plan like any other, with its refusals. */
#include "apply.h"

#include "base/str.h"
#include "setting/setting.h"

/* An earlier way back leads further back: it is seen first and stays. */
static int add_driver(char **driver, char **override, const struct action *a)
{
	int r;

	if (*driver)
		return 0;
	r = wish_put(driver, a->driver);
	return r < 0 ? r : wish_put(override, a->override);
}

static int add_words(char ***settings, char *const *words)
{
	STRV_FOREACH (w, words) {
		size_t key = strcspn(*w, "=") + 1;
		bool have = false;

		STRV_FOREACH (s, *settings)
			have |= strncmp(*s, *w, key) == 0;
		if (!have && strv_add(settings, *w) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int add_own(struct pf_wish *pf, const struct action *a)
{
	switch (a->kind) {
	case ACTION_AUTOPROBE:
		if (pf->autoprobe == WISH_LEAVE)
			pf->autoprobe = a->number != 0;
		return 0;
	case ACTION_NUM_VFS:
		if (pf->num_vfs == WISH_LEAVE)
			pf->num_vfs = (int)a->number;
		return 0;
	case ACTION_SETTINGS:
		return add_words(&pf->settings, a->words);
	case ACTION_DRIVER:
		return add_driver(&pf->driver, &pf->override, a);
	default: /* a link that was brought up is not taken down under who uses it by now */
		return 0;
	}
}

static int add_action(struct wishes *w, const struct action *a)
{
	struct pf_wish *pf = wishes_pf(w, a->bdf);
	struct vf_wish *vf;

	if (!pf)
		return -ENOMEM;
	if (a->vf == OF_ITSELF)
		return add_own(pf, a);
	vf = pf_wish_vf(pf, (unsigned)a->vf);
	if (!vf)
		return -ENOMEM;
	return a->kind == ACTION_SETTINGS ? add_words(&vf->settings, a->words)
					  : add_driver(&vf->driver, &vf->override, a);
}

/* What a word changed back to the eswitch belongs in its own field. */
static int sort_out_mode(struct pf_wish *pf)
{
	static const char mode[] = "eswitch-mode=";
	char **to = pf->settings;
	int r = 0;

	for (char **s = pf->settings; s && *s; s++) {
		if (r == 0 && str_starts(*s, mode)) {
			r = wish_put(&pf->eswitch_mode, *s + strlen(mode));
			free(*s);
		} else {
			*to++ = *s;
		}
	}
	if (to)
		*to = NULL;
	return r;
}

/* VFs that will be gone then need nothing. */
static void drop_gone(struct pf_wish *pf)
{
	if (pf->num_vfs == WISH_LEAVE)
		return;
	while (pf->n_vfs && (int)pf->vfs[pf->n_vfs - 1].index >= pf->num_vfs) {
		struct vf_wish *v = &pf->vfs[--pf->n_vfs];

		free(v->driver);
		free(v->override);
		free(v->source);
		strv_free(v->settings);
	}
}

/* Of settings that failed together some may have been made. */
static bool has_changed(const struct entry *e, size_t i)
{
	const struct entry_step *s = &e->steps[i];

	return s->ended && !s->undone &&
	       (s->code > 0 || (s->code < 0 && e->plan.steps[i].todo.kind == ACTION_SETTINGS));
}

static int collect(const struct entry *e, struct wishes *w)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < e->plan.n; i++) {
		const struct actions *back = &e->plan.steps[i].back;

		if (!has_changed(e, i))
			continue;
		for (size_t k = 0; r == 0 && k < back->n; k++)
			r = add_action(w, &back->v[k]);
	}
	for (size_t i = 0; r == 0 && i < w->n; i++) {
		r = sort_out_mode(&w->v[i]);
		drop_gone(&w->v[i]);
	}
	return r;
}

int entry_undo(const struct entry *e, struct wishes *ret, struct problem **reterr)
{
	autofree char *source = str_printf("undo of %u", e->id);
	autowishes w = { 0 };
	int r = 0;

	if ((e->end == JOURNAL_DONE || e->end == JOURNAL_KEPT || e->end == JOURNAL_TORN) &&
		e->planned)
		r = collect(e, &w);
	else
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED,
			"vfctl history shows what can be undone",
			e->end == JOURNAL_UNDONE ? "%u was taken back already"
			: e->end == JOURNAL_VOID
				? "%u was done before the last boot, which undid it"
			: e->end == JOURNAL_RUNNING ? "%u is still running"
						    : "of %u too little is recorded",
			e->id);
	for (size_t i = 0; r == 0 && i < w.n; i++)
		r = wish_put(&w.v[i].source, source);
	if (r < 0 || !source)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	*ret = w;
	w = (struct wishes) { 0 };
	return 0;
}

/* ---- Has somebody else changed it meanwhile? ---- */

struct drift {
	const struct inventory *inv;
	const struct now *now;
	struct strbuf text;
};

static void add_drift(struct drift *d, const struct action *a, const char *left, const char *is)
{
	autofree char *target = action_target(a);

	strbuf_add(&d->text, "%s%s: %s was left, %s is there", d->text.len ? "; " : "",
		target ? target : "?", left, is);
}

static const struct function *function_of(struct drift *d, const struct action *a)
{
	const struct function *f = inventory_find_bdf(d->inv, a->bdf);

	return !f || a->vf == OF_ITSELF ? f : function_vf(f, (unsigned)a->vf);
}

static void compare_driver(struct drift *d, const struct action *a, const struct function *f)
{
	const char *is = f->driver ? f->driver : "no driver";

	if (str_eq(a->driver, WISH_RESTORE))
		return;
	if (str_eq(a->driver, WISH_BEST_VFIO)) {
		if (!driver_is_vfio(f->driver))
			add_drift(d, a, "a VFIO driver", is);
	} else if (!str_eq(f->driver ? f->driver : "", a->driver)) {
		add_drift(d, a, *a->driver ? a->driver : "no driver", is);
	}
}

static void compare_words(struct drift *d, const struct action *a)
{
	STRV_FOREACH (w, a->words) {
		const char *is = now_value(d->now, a->bdf, a->vf, *w);
		autofree char *left = NULL;

		if (is && setting_value(*w, &left, NULL) == 0 && !str_eq(left, is))
			add_drift(d, a, *w, is);
	}
}

static void compare(struct drift *d, const struct action *a)
{
	const struct function *f = function_of(d, a);
	autofree char *left = NULL, *is = NULL;

	if (!f) {
		add_drift(d, a, "a function", "none");
		return;
	}
	if (a->kind == ACTION_DRIVER)
		compare_driver(d, a, f);
	if (a->kind == ACTION_SETTINGS)
		compare_words(d, a);
	if (a->kind == ACTION_NUM_VFS && f->n_vfs != a->number) {
		left = str_printf("%u VFs", a->number);
		is = str_printf("%zu", f->n_vfs);
		add_drift(d, a, left ? left : "?", is ? is : "?");
	}
	if (a->kind == ACTION_AUTOPROBE && f->sriov.drivers_autoprobe != (int)a->number)
		add_drift(d, a, a->number ? "autoprobe on" : "autoprobe off",
			a->number ? "off" : "on");
}

/* Only the last word on a thing counts: what a later step of the same entry overwrote does not. */
static bool overwritten(const struct entry *e, size_t i)
{
	const struct action *a = &e->plan.steps[i].todo;

	for (size_t k = i + 1; k < e->plan.groups[e->plan.steps[i].group].end; k++) {
		const struct action *b = &e->plan.steps[k].todo;

		if (b->kind == a->kind && b->vf == a->vf && a->kind != ACTION_SETTINGS &&
			e->steps[k].ended && e->steps[k].code >= 0)
			return true;
	}
	return false;
}

int entry_drift(const struct entry *e, const struct inventory *inv, const struct now *now,
	struct problem **reterr)
{
	struct drift d = { .inv = inv, .now = now };
	int r = 0;

	for (size_t i = 0; e->planned && i < e->plan.n; i++)
		if (e->steps[i].ended && e->steps[i].code > 0 && !overwritten(e, i))
			compare(&d, &e->plan.steps[i].todo);
	if (d.text.failed)
		r = -ENOMEM;
	else if (d.text.len)
		r = problem(reterr, -ESTALE, PROBLEM_DRIFT,
			"look first; --force undoes it nevertheless", "it is not as %u left it: %s",
			e->id, d.text.s);
	strbuf_done(&d.text);
	return r;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "now.h"
#include "action.h"

#include "base/str.h"
#include "setting/setting.h"

#include <stdio.h>

void now_done(struct now *now)
{
	for (size_t i = 0; i < now->n; i++)
		free(now->facts[i].word);
	free(now->facts);
	holders_done(&now->holders);
	*now = (struct now) { 0 };
}

int now_add(struct now *now, struct bdf bdf, int vf, const char *fmt, ...)
{
	bool full = (now->n & (now->n - 1)) == 0;
	char *word = NULL;
	va_list ap;

	if (full) {
		struct now_fact *v = reallocarray(now->facts, now->n ? now->n * 2 : 1, sizeof(*v));

		if (!v)
			return -ENOMEM;
		now->facts = v;
	}
	va_start(ap, fmt);
	if (vasprintf(&word, fmt, ap) < 0)
		word = NULL;
	va_end(ap);
	if (!word)
		return -ENOMEM;
	now->facts[now->n++] = (struct now_fact) { bdf, vf, word };
	return 0;
}

static int fact_cmp(const struct now_fact *f, struct bdf bdf, int vf)
{
	int c = bdf_cmp(f->bdf, bdf);

	return c ? c : (f->vf > vf) - (f->vf < vf);
}

static int compare(const void *a, const void *b)
{
	const struct now_fact *y = b;

	return fact_cmp(a, y->bdf, y->vf);
}

static int compare_holders(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;
	int c = bdf_cmp(x->bdf, y->bdf);

	return c ? c : (int)y->strength - (int)x->strength;
}

void now_sort(struct now *now)
{
	if (now->holders.n)
		qsort(now->holders.v, now->holders.n, sizeof(*now->holders.v), compare_holders);
	if (now->n)
		qsort(now->facts, now->n, sizeof(*now->facts), compare);
}

const struct holder *now_holders(const struct now *now, struct bdf a, size_t *ret_n)
{
	const struct holders *s = &now->holders;
	size_t low = 0, high = s->n, end;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (bdf_cmp(s->v[mid].bdf, a) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (end = low; end < s->n && bdf_eq(s->v[end].bdf, a);)
		end++;
	*ret_n = end - low;
	return s->v ? s->v + low : NULL;
}

const struct now_fact *now_facts(const struct now *now, struct bdf bdf, int vf, size_t *ret_n)
{
	size_t low = 0, high = now->n, end;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (fact_cmp(&now->facts[mid], bdf, vf) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (end = low; end < now->n && fact_cmp(&now->facts[end], bdf, vf) == 0;)
		end++;
	*ret_n = end - low;
	return now->facts ? now->facts + low : NULL;
}

const char *now_value(const struct now *now, struct bdf bdf, int vf, const char *word)
{
	size_t n, key = strcspn(word, "=");
	const struct now_fact *f = now_facts(now, bdf, vf, &n);

	for (; n--; f++)
		if (strncmp(f->word, word, key) == 0 && f->word[key] == '=')
			return f->word + key + 1;
	return NULL;
}

/* ---- Reading ---- */

struct reader {
	struct host *h;
	const struct inventory *inv;
	const char *state_dir;
	struct now *now;
	struct bdf *asked; /* whose holders matter */
	size_t n_asked;
};

/* What a driver tells and does not take, as an address that was never given, is no setting. */
static int add_setting(struct reader *r, struct bdf bdf, int vf, const struct setting_state *s)
{
	autofree char *word = NULL;
	const char *words[1];

	if (!s->value || s->support == SETTING_UNSUPPORTED)
		return 0;
	words[0] = word = str_printf("%s=%s", s->key->name, s->value);
	if (!word)
		return -ENOMEM;
	return settings_check(words, 1, NULL) < 0 ? 0 : now_add(r->now, bdf, vf, "%s", word);
}

/* Everything it has: what goes with a VF comes back with its successor. */
static int read_all_settings(struct reader *r, const struct function *f, struct bdf bdf, int vf)
{
	autosettings s = { 0 };
	int e = settings_supported(r->h, f, NULL, &s);

	for (size_t i = 0; e == 0 && i < s.n; i++)
		e = add_setting(r, bdf, vf, &s.v[i]);
	return e;
}

static int read_driver(
	struct reader *r, const struct function *f, struct bdf bdf, int vf, const char *wanted)
{
	struct driver_opts opts = { .state_dir = r->state_dir, .force = true };
	autofree char *best = NULL;
	int e = 0;

	if (!wanted)
		return 0;
	r->asked[r->n_asked++] = f->bdf;
	if (str_eq(wanted, WISH_BEST_VFIO) && driver_best_vfio(r->h, f->bdf, &best, NULL) == 0)
		e = now_add(r->now, bdf, vf, "vfio=%s", best);
	if (str_eq(wanted, WISH_RESTORE) && driver_restore_check(r->h, f->bdf, &opts, NULL) == 0)
		e = now_add(r->now, bdf, vf, "restore=0");
	return e;
}

/* VFs that may go with all they have; else only what the wishes touch. */
static int read_vfs(struct reader *r, const struct function *pf, const struct pf_wish *w)
{
	bool go = (w->num_vfs != WISH_LEAVE && (size_t)w->num_vfs != pf->n_vfs) || w->eswitch_mode;
	size_t at = 0;
	int e = 0;

	for (size_t i = 0; e == 0 && i < pf->n_vfs; i++) {
		const struct function *vf = pf->vfs[i];
		const struct vf_wish *vw;

		while (at < w->n_vfs && (int)w->vfs[at].index < vf->vf_index)
			at++;
		vw = at < w->n_vfs && (int)w->vfs[at].index == vf->vf_index ? &w->vfs[at] : NULL;
		if (go || (vw && vw->settings))
			e = read_all_settings(r, vf, pf->bdf, vf->vf_index);
		if (e == 0 && vw && vw->driver)
			e = read_driver(r, vf, pf->bdf, vf->vf_index, vw->driver);
		else if (e == 0 && (go || (vw && vw->settings)))
			r->asked[r->n_asked++] = vf->bdf;
	}
	return e;
}

static int read_link_state(struct reader *r, const struct function *f)
{
	struct host_link link;

	if (!f->n_netdevs || host_link_get(r->h, f->netdevs[0].ifindex, &link) < 0)
		return 0;
	return now_add(r->now, f->bdf, OF_ITSELF, "link=%s", link.up ? "up" : "down");
}

static int read_one(struct reader *r, const struct pf_wish *w)
{
	const struct function *f = inventory_find_bdf(r->inv, w->bdf);
	int e;

	if (!f)
		return 0;
	e = read_link_state(r, f);
	if (e == 0 && (w->settings || w->eswitch_mode))
		e = read_all_settings(r, f, f->bdf, OF_ITSELF);
	if (e == 0)
		e = read_driver(r, f, f->bdf, OF_ITSELF, w->driver);
	return e < 0 ? e : read_vfs(r, f, w);
}

int now_read(struct host *h, const struct inventory *inv, const struct wishes *wishes,
	const char *driver_state_dir, struct now *ret, struct problem **reterr)
{
	/* Each function is asked for at most twice: by itself and as a VF. */
	autofree struct bdf *asked = calloc(2 * inv->n_functions + 1, sizeof(*asked));
	autonow now = { 0 };
	struct reader r = { h, inv, driver_state_dir, &now, asked, 0 };
	int e = asked ? 0 : -ENOMEM;

	for (size_t i = 0; e == 0 && i < wishes->n; i++)
		e = read_one(&r, &wishes->v[i]);
	if (e == 0)
		e = holders_find(h, asked, r.n_asked, &now.holders);
	if (e < 0)
		return problem(reterr, e, problem_kind_from_errno(e), NULL,
			"cannot look at the machine: %s", strerror(-e));
	now_sort(&now);
	*ret = now;
	now = (struct now) { 0 };
	return 0;
}

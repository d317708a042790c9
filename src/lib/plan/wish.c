// SPDX-License-Identifier: GPL-2.0-or-later
#include "wish.h"

#include "base/str.h"

static void vf_wish_done(struct vf_wish *v)
{
	free(v->driver);
	free(v->override);
	free(v->source);
	strv_free(v->settings);
}

static void pf_wish_done(struct pf_wish *p)
{
	for (size_t i = 0; i < p->n_vfs; i++)
		vf_wish_done(&p->vfs[i]);
	free(p->vfs);
	free(p->source);
	free(p->eswitch_mode);
	free(p->driver);
	free(p->override);
	strv_free(p->settings);
}

void wishes_done(struct wishes *w)
{
	for (size_t i = 0; i < w->n; i++)
		pf_wish_done(&w->v[i]);
	free(w->v);
	*w = (struct wishes) { 0 };
}

void wishes_keep(struct wishes *w, struct bdf bdf)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->n; i++)
		if (bdf_eq(w->v[i].bdf, bdf))
			w->v[kept++] = w->v[i];
		else
			pf_wish_done(&w->v[i]);
	w->n = kept;
}

/* Room for one more at `at`; arrays grow by doubling. False when memory is out. */
static bool open_gap(void **v, size_t *n, size_t at, size_t size)
{
	bool full = (*n & (*n - 1)) == 0;
	char *p = full ? reallocarray(*v, *n ? *n * 2 : 1, size) : *v;

	if (!p)
		return false;
	*v = p;
	memmove(p + (at + 1) * size, p + at * size, (*n - at) * size);
	memset(p + at * size, 0, size);
	++*n;
	return true;
}

struct pf_wish *wishes_pf(struct wishes *w, struct bdf bdf)
{
	size_t at = w->n;
	void *v = w->v;

	while (at && bdf_cmp(w->v[at - 1].bdf, bdf) > 0)
		at--;
	if (at && bdf_eq(w->v[at - 1].bdf, bdf))
		return &w->v[at - 1];
	if (!open_gap(&v, &w->n, at, sizeof(*w->v)))
		return NULL;
	w->v = v;
	w->v[at] = (struct pf_wish) { .bdf = bdf, .num_vfs = WISH_LEAVE, .autoprobe = WISH_LEAVE };
	return &w->v[at];
}

struct vf_wish *pf_wish_vf(struct pf_wish *pf, unsigned index)
{
	size_t at = pf->n_vfs;
	void *v = pf->vfs;

	while (at && pf->vfs[at - 1].index > index)
		at--;
	if (at && pf->vfs[at - 1].index == index)
		return &pf->vfs[at - 1];
	if (!open_gap(&v, &pf->n_vfs, at, sizeof(*pf->vfs)))
		return NULL;
	pf->vfs = v;
	pf->vfs[at].index = index;
	return &pf->vfs[at];
}

int wish_put(char **field, const char *value)
{
	char *copy = value ? strdup(value) : NULL;

	if (value && !copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

int wish_setting(char ***settings, const char *word)
{
	size_t key = strcspn(word, "=") + 1;

	for (char **s = *settings; s && *s; s++)
		if (strncmp(*s, word, key) == 0)
			return wish_put(s, word);
	return strv_add(settings, word);
}

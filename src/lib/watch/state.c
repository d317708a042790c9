// SPDX-License-Identifier: GPL-2.0-or-later
#include "state.h"

#include "base/str.h"
#include "host/sysfs.h"
#include "inventory/inventory.h"

#include <stdio.h>

void state_done(struct state *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].driver);
	for (size_t i = 0; i < s->n_links; i++)
		free(s->links[i].vfs);
	free(s->v);
	free(s->links);
	*s = (struct state) { 0 };
}

struct watched *state_find(const struct state *s, struct bdf a)
{
	for (size_t i = 0; i < s->n; i++)
		if (bdf_eq(s->v[i].bdf, a))
			return &s->v[i];
	return NULL;
}

static struct watched *append(struct state *s, struct bdf a)
{
	struct watched *more = reallocarray(s->v, s->n + 1, sizeof(*more));

	if (!more)
		return NULL;
	s->v = more;
	more[s->n] = (struct watched) { .bdf = a, .vf_index = -1 };
	return &more[s->n++];
}

void state_look_at_pf(struct state *s, struct watched *f)
{
	unsigned index;

	if (sriov_physfn(s->h, f->bdf, &f->pf) < 0)
		return;
	f->is_vf = true;
	if (sriov_vf_index(s->h, f->pf, f->bdf, &index) == 0)
		f->vf_index = (int)index;
}

unsigned state_count_vfs(struct state *s, struct bdf pf)
{
	autofree struct sriov_vf *vfs = NULL;
	size_t n;

	return sriov_vfs(s->h, pf, &vfs, &n) < 0 ? 0 : (unsigned)n;
}

int state_set_driver(struct watched *f, const char *driver)
{
	char *copy = driver && *driver ? strdup(driver) : NULL;

	if (driver && *driver && !copy)
		return -ENOMEM;
	free(f->driver);
	f->driver = copy;
	return 0;
}

struct watched *state_add(struct state *s, struct bdf a)
{
	struct watched *f = append(s, a);

	if (!f)
		return NULL;
	state_look_at_pf(s, f);
	f->num_vfs = state_count_vfs(s, a);
	return f;
}

void state_remove(struct state *s, struct bdf a)
{
	struct watched *f = state_find(s, a);

	if (!f)
		return;
	free(f->driver);
	*f = s->v[--s->n];
}

struct watched_link *state_find_link(const struct state *s, int ifindex)
{
	for (size_t i = 0; i < s->n_links; i++)
		if (s->links[i].ifindex == ifindex)
			return &s->links[i];
	return NULL;
}

struct watched_link *state_add_link(struct state *s, int ifindex, struct bdf a, const char *name)
{
	struct watched_link *l = state_find_link(s, ifindex), *more;

	if (!l) {
		more = reallocarray(s->links, s->n_links + 1, sizeof(*more));
		if (!more)
			return NULL;
		s->links = more;
		l = &more[s->n_links++];
		*l = (struct watched_link) { .ifindex = ifindex };
	}
	l->bdf = a;
	(void)snprintf(l->name, sizeof(l->name), "%s", name);
	return l;
}

void state_remove_link(struct state *s, int ifindex)
{
	struct watched_link *l = state_find_link(s, ifindex);

	if (!l)
		return;
	free(l->vfs);
	*l = s->links[--s->n_links];
}

void state_look_at_link(struct state *s, struct watched_link *l)
{
	struct host_link now;

	l->vfs = NULL;
	l->n_vfs = 0;
	l->link_known = host_link_get(s->h, l->ifindex, &now) == 0;
	if (l->link_known) {
		l->up = now.up;
		l->carrier = now.carrier;
	}
	if (host_link_vfs(s->h, l->ifindex, &l->vfs, &l->n_vfs) < 0) {
		l->vfs = NULL;
		l->n_vfs = 0;
	}
}

static int add_known(struct state *s, const struct function *f)
{
	struct watched *w = append(s, f->bdf);

	if (!w || state_set_driver(w, f->driver) < 0)
		return -ENOMEM;
	w->is_vf = f->physfn != NULL;
	if (f->physfn)
		w->pf = f->physfn->bdf;
	w->vf_index = f->vf_index;
	w->num_vfs = (unsigned)f->n_vfs;
	for (size_t i = 0; i < f->n_netdevs; i++) {
		struct watched_link *l =
			state_add_link(s, f->netdevs[i].ifindex, f->bdf, f->netdevs[i].name);

		if (!l)
			return -ENOMEM;
		state_look_at_link(s, l);
	}
	return 0;
}

int state_load(struct state *s, struct host *h, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	struct state new CLEANUP(state_done) = { .h = h };
	int r = inventory_load(h, 0, &inv, reterr);

	for (size_t i = 0; r == 0 && i < inv->n_functions; i++)
		if (add_known(&new, &inv->functions[i]) < 0)
			r = problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	if (r < 0)
		return r;
	*s = new;
	new = (struct state) { 0 };
	return 0;
}

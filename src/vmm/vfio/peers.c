/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peers.h"

#include <string.h>

void peers_init(struct peers *p, enum peers_wish wish)
{
	*p = (struct peers) { .wish = wish, .on = wish == PEERS_ON };
	pthread_mutex_init(&p->lock, NULL);
}

void peers_done(struct peers *p)
{
	free(p->windows);
	free(p->spaces);
	free(p->entries);
	pthread_mutex_destroy(&p->lock);
}

/* From here on to the next line: the lock is held. */

static void map(struct peers *p, struct peer_entry *e)
{
	const struct peer_window *w = e->window;

	e->error = vfio_space_map_device(e->space, w->at, w->mem, w->size, w->prot);
	/* Of what is refused before the kernel is asked no call is made. */
	p->calls += e->error != -EOPNOTSUPP && e->error != -ERANGE;
	e->mapped = e->error >= 0;
	e->at = w->at;
}

static int unmap(struct peer_entry *e)
{
	int r = e->mapped ? vfio_space_unmap_device(e->space, e->at, e->window->size) : 0;

	e->mapped = r < 0;
	e->error = r < 0 ? r : 0;
	return r;
}

static bool wanted(const struct peers *p, const struct peer_entry *e)
{
	return p->on && e->window->shown;
}

/* First everything that goes, then everything that comes: as BARs do (pci/layout.c). */
static void settle(struct peers *p)
{
	for (size_t i = 0; i < p->n_entries; i++) {
		struct peer_entry *e = &p->entries[i];

		if (!wanted(p, e) || e->at.v != e->window->at.v)
			unmap(e);
	}
	for (size_t i = 0; i < p->n_entries; i++)
		if (wanted(p, &p->entries[i]) && !p->entries[i].mapped && !p->entries[i].error)
			map(p, &p->entries[i]);
}

static int add_entry(struct peers *p, struct vfio_space *s, struct peer_window *w)
{
	struct peer_entry *v = reallocarray(p->entries, p->n_entries + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	p->entries = v;
	v[p->n_entries++] = (struct peer_entry) { .space = s, .window = w };
	return 0;
}

/* Those of the space, and those of the window; either may be NULL. */
static void remove_entries(struct peers *p, const struct vfio_space *s, const struct peer_window *w)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_entries; i++) {
		struct peer_entry *e = &p->entries[i];

		if (e->space == s || e->window == w)
			unmap(e);
		else
			p->entries[n++] = *e;
	}
	p->n_entries = n;
}

static int add_space(struct peers *p, struct vfio_space *s)
{
	struct vfio_space **v =
		reallocarray(p->spaces, p->n_spaces + 1, sizeof(struct vfio_space *));
	int r = 0;

	if (!v)
		return -ENOMEM;
	p->spaces = v;
	for (size_t i = 0; i < p->n_windows && r == 0; i++)
		r = add_entry(p, s, p->windows[i]);
	if (r < 0)
		remove_entries(p, s, NULL);
	else
		v[p->n_spaces++] = s;
	return r;
}

static int add_window(struct peers *p, struct peer_window *w)
{
	struct peer_window **v =
		reallocarray(p->windows, p->n_windows + 1, sizeof(struct peer_window *));
	int r = 0;

	if (!v)
		return -ENOMEM;
	p->windows = v;
	for (size_t i = 0; i < p->n_spaces && r == 0; i++)
		r = add_entry(p, p->spaces[i], w);
	if (r < 0)
		remove_entries(p, NULL, w);
	else
		v[p->n_windows++] = w;
	return r;
}

/* ---- */

int peers_add_space(struct peers *p, struct vfio_space *s)
{
	int r;

	pthread_mutex_lock(&p->lock);
	r = add_space(p, s);
	settle(p);
	pthread_mutex_unlock(&p->lock);
	return r;
}

int peers_add_window(struct peers *p, struct peer_window *w)
{
	int r;

	w->shown = false;
	pthread_mutex_lock(&p->lock);
	r = add_window(p, w);
	pthread_mutex_unlock(&p->lock);
	return r;
}

void peers_remove_space(struct peers *p, struct vfio_space *s)
{
	size_t n = 0;

	pthread_mutex_lock(&p->lock);
	remove_entries(p, s, NULL);
	for (size_t i = 0; i < p->n_spaces; i++)
		if (p->spaces[i] != s)
			p->spaces[n++] = p->spaces[i];
	p->n_spaces = n;
	pthread_mutex_unlock(&p->lock);
}

void peers_remove_window(struct peers *p, struct peer_window *w)
{
	size_t n = 0;

	pthread_mutex_lock(&p->lock);
	remove_entries(p, NULL, w);
	for (size_t i = 0; i < p->n_windows; i++)
		if (p->windows[i] != w)
			p->windows[n++] = p->windows[i];
	p->n_windows = n;
	pthread_mutex_unlock(&p->lock);
}

void peers_count(struct peers *p, size_t functions)
{
	pthread_mutex_lock(&p->lock);
	p->on = p->wish == PEERS_ON || (p->wish == PEERS_AUTO && functions > 1);
	settle(p);
	pthread_mutex_unlock(&p->lock);
}

void peers_restart(struct peers *p)
{
	pthread_mutex_lock(&p->lock);
	p->calls = 0;
	pthread_mutex_unlock(&p->lock);
}

void peers_show(struct peers *p, struct peer_window *w, struct iova at)
{
	pthread_mutex_lock(&p->lock);
	w->shown = true;
	w->at = at;
	settle(p);
	pthread_mutex_unlock(&p->lock);
}

int peers_hide(struct peers *p, struct peer_window *w)
{
	int r = 0;

	pthread_mutex_lock(&p->lock);
	w->shown = false;
	settle(p);
	for (size_t i = 0; i < p->n_entries && r == 0; i++)
		if (p->entries[i].window == w && p->entries[i].mapped)
			r = p->entries[i].error;
	if (r < 0) {
		w->shown = true;
		settle(p);
	}
	pthread_mutex_unlock(&p->lock);
	return r;
}

unsigned peers_calls(struct peers *p)
{
	unsigned n;

	pthread_mutex_lock(&p->lock);
	n = p->calls;
	pthread_mutex_unlock(&p->lock);
	return n;
}

unsigned peers_mapped(struct peers *p, const struct vfio_space *s, unsigned *ret_entries)
{
	unsigned n = 0;

	pthread_mutex_lock(&p->lock);
	*ret_entries = s->mapped_entries;
	for (size_t i = 0; i < p->n_entries; i++)
		n += p->entries[i].space == s && p->entries[i].mapped;
	pthread_mutex_unlock(&p->lock);
	return n;
}

bool peers_are_on(struct peers *p)
{
	bool on;

	pthread_mutex_lock(&p->lock);
	on = p->on;
	pthread_mutex_unlock(&p->lock);
	return on;
}

const char *peers_why(int error)
{
	switch (error) {
	case -EOPNOTSUPP:
		return "iommufd maps no BARs that were mapped through VFIO: --vfio type1 does";
	case -ERANGE:
		return "the guest has it where the IOMMU has no usable addresses";
	case -ENOSPC:
		return "the limit of DMA mappings is used up";
	case -EFAULT:
		return "the kernel finds nothing there to map (Bad address)";
	default:
		return strerror(-error);
	}
}

bool peers_look(struct peers *p, const struct vfio_space *s, const struct peer_window *w,
	struct peer_entry *ret)
{
	bool found = false;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < p->n_entries && !found; i++) {
		found = p->entries[i].space == s && p->entries[i].window == w;
		if (found)
			*ret = p->entries[i];
	}
	pthread_mutex_unlock(&p->lock);
	return found;
}

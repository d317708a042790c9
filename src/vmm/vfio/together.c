/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "together.h"

#include "base/str.h"
#include "host/witness.h"
#include "vfio/hotreset.h"

static struct vfio_device *find(struct vfio_session *s, struct bdf a)
{
	for (size_t i = 0; i < vfio_session_count(s); i++) {
		struct vfio_device *d = vfio_session_device(s, i);
		struct bdf own;

		if (bdf_parse(d->name, &own) == 0 && bdf_eq(own, a))
			return d;
	}
	return NULL;
}

static bool has_group(const int *groups, size_t n, int group)
{
	while (n && groups[n - 1] != group)
		n--;
	return n;
}

/* The groups of the set, each once; or false, and who is not ours. */
static bool all_ours(struct vfio_session *s, const struct vfio_hot_set *set, int *groups,
	size_t *ret_n, struct strbuf *others)
{
	*ret_n = 0;
	for (size_t i = 0; i < set->n; i++) {
		const struct vfio_device *d = find(s, set->v[i]);

		if (!d)
			strbuf_add(others, "%s%s", others->len ? ", " : "", BDF_TEXT(set->v[i]));
		else if (d->group_fd >= 0 && !has_group(groups, *ret_n, d->group_fd))
			groups[(*ret_n)++] = d->group_fd;
	}
	return !others->len || set->owned;
}

static int reset_with(struct vfio_session *s, struct vfio_device *d, const struct vfio_hot_set *set,
	struct problem **reterr)
{
	autofree int *groups = calloc(set->n, sizeof(*groups));
	autostrbuf others = { 0 };
	size_t n;

	if (!groups)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	if (!all_ours(s, set, groups, &n, &others))
		return problem(reterr, -EPERM, PROBLEM_IN_USE, "give the guest those as well",
			"%s cannot be reset without %s, which the guest does not have: what was "
			"left in it stays",
			d->name, others.s ? others.s : "others");
	return vfio_hot_reset(d, groups, set->by_devices ? 0 : n, reterr);
}

int vfio_reset_newcomer(struct vfio_session *s, struct vfio_device *d, struct problem **reterr)
{
	autohotset set = { 0 };
	int r;

	HOST_PART(d->host, "newcomer %s", d->name);
	r = d->can_reset ? 0 : vfio_hot_set_get(d, &set, reterr);
	if (r < 0 || d->can_reset)
		return r;
	if (set.n > 1)
		return problem(reterr, -EBUSY, PROBLEM_IN_USE,
			"let the guest have it from its start",
			"%s cannot be reset without others on its bus: what was left in it stays",
			d->name);
	return reset_with(s, d, &set, reterr);
}

static bool contains(const struct vfio_hot_set *set, const char *name)
{
	struct bdf a;

	for (size_t i = 0; bdf_parse(name, &a) == 0 && i < set->n; i++)
		if (bdf_eq(set->v[i], a))
			return true;
	return false;
}

/* Was it reset along with one before it? */
static bool is_done(struct vfio_session *s, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		struct vfio_device *before = vfio_session_device(s, k);
		autohotset set = { 0 };

		if (!before->can_reset && vfio_hot_set_get(before, &set, NULL) >= 0 &&
			contains(&set, vfio_session_device(s, i)->name))
			return true;
	}
	return false;
}

static void reset_together(
	struct vfio_session *s, void (*note)(void *arg, const char *text), void *arg)
{
	for (size_t i = 0; i < vfio_session_count(s); i++) {
		struct vfio_device *d = vfio_session_device(s, i);
		autofree char *text = NULL;
		autoproblem *why = NULL;
		autohotset set = { 0 };
		int r;

		if (d->can_reset || is_done(s, i))
			continue;
		r = vfio_hot_set_get(d, &set, &why);
		if (r >= 0)
			r = reset_with(s, d, &set, &why);
		if (r >= 0 || !note)
			continue;
		text = problem_text(why);
		note(arg, text ? text : "out of memory");
	}
}

void vfio_reset_together(
	struct vfio_session *s, void (*note)(void *arg, const char *text), void *arg)
{
	if (!vfio_session_count(s))
		return;
	HOST_PART(vfio_session_device(s, 0)->host, "together");
	reset_together(s, note, arg);
}

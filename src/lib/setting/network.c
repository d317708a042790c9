// SPDX-License-Identifier: GPL-2.0-or-later
#include "kinds.h"
#include "netdev/vfattr.h"

#include "base/str.h"

struct wishes {
	struct vfattr_wish *v;
	size_t n;
};

static void wishes_done(struct wishes *w)
{
	for (size_t i = 0; i < w->n; i++)
		vfattr_wish_done(&w->v[i]);
	free(w->v);
}

static int parse(const struct settings *s, struct wishes *w, struct problem **reterr)
{
	int r = 0;

	w->v = calloc(s->n + 1, sizeof(*w->v));
	if (!w->v)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < s->n; i++) {
		r = vfattr_parse(s->words[i], &w->v[i], reterr);
		if (r == 0)
			w->n++;
	}
	return r;
}

int network_settings_check(const struct settings *s, struct problem **reterr)
{
	CLEANUP(wishes_done) struct wishes w = { 0 };
	int r;

	r = parse(s, &w, reterr);
	for (size_t i = 0; r == 0 && i < w.n; i++)
		for (size_t k = 0; k < i; k++)
			if (w.v[i].attr == w.v[k].attr)
				return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
					"%s is given twice", vfattr_name(w.v[i].attr));
	return r;
}

/* What the driver reports of the VF; false when it reports nothing. */
static bool read_vf(struct host *h, int ifindex, unsigned index, struct host_vf *ret)
{
	autofree struct host_vf *vfs = NULL;
	size_t n = 0;

	if (host_link_vfs(h, ifindex, &vfs, &n) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (vfs[i].vf == index) {
			*ret = vfs[i];
			return true;
		}
	return false;
}

static bool is_so(const struct vfattr_wish *w, const struct host_vf *now)
{
	autofree char *want = vfattr_format(w->attr, &w->want);
	autofree char *have = vfattr_format(w->attr, now);

	return want && have && str_eq(want, have);
}

/* --dry-run: what differs from what is reported would be set. */
static void compare(struct host *h, int ifindex, unsigned index, struct wishes *w)
{
	struct host_vf now;
	bool known = read_vf(h, ifindex, index, &now);

	for (size_t i = 0; i < w->n; i++)
		w->v[i].result = !known || !is_so(&w->v[i], &now);
}

static int no_netdev(const struct function *pf, struct problem **reterr)
{
	problem(reterr, -ENODEV, PROBLEM_NO_DRIVER, NULL,
		"%s, the PF, has no network interface to set its VFs through", pf->address);
	problem_hint(reterr,
		pf->driver ? "vfctl restore %s gives it back to its network driver"
			   : "vfctl bind %s DRIVER gives it a driver",
		pf->address);
	return -ENODEV;
}

int network_settings_apply(
	struct application *app, const struct settings *s, struct problem **reterr)
{
	CLEANUP(wishes_done) struct wishes w = { 0 };
	const struct function *pf = app->vf->physfn;
	unsigned index = (unsigned)app->vf->vf_index;
	int r, ifindex;

	r = parse(s, &w, reterr);
	if (r < 0)
		return r;
	if (!pf->n_netdevs)
		return no_netdev(pf, reterr);
	ifindex = pf->netdevs[0].ifindex;
	if (app->opts->dry_run)
		compare(app->host, ifindex, index, &w);
	else
		vfattr_apply(app->host, ifindex, pf->driver, index, w.v, w.n, NULL);
	for (size_t i = 0; i < w.n; i++)
		application_add(app, s->words[i], w.v[i].result, TAKE_PTR(w.v[i].problem));
	return 0;
}

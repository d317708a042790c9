// SPDX-License-Identifier: GPL-2.0-or-later
#include "holder.h"
#include "sources.h"

#include "base/str.h"
#include "host/sysfs.h"
#include "iommu/group.h"

void uses_done(struct uses *u)
{
	for (size_t i = 0; i < u->n; i++)
		free(u->v[i].who);
	free(u->v);
	*u = (struct uses) { 0 };
}

int uses_add(struct uses *u, enum use_kind kind, struct bdf a, int pid, char *who)
{
	struct use *more = reallocarray(u->v, u->n + 1, sizeof(*more));

	if (more)
		u->v = more;
	if (!more || !who) {
		free(who);
		return -ENOMEM;
	}
	u->v[u->n++] = (struct use) { .kind = kind, .bdf = a, .pid = pid, .who = who };
	return 0;
}

static bool is_on_vfio(struct host *h, struct bdf a)
{
	autofree char *driver = NULL;

	return sysfs_link_name(h, &driver, "bus/pci/devices/%s/driver", BDF_TEXT(a)) == 0 &&
	       driver_is_vfio(driver);
}

int uses_find_vfio(struct host *h, const struct bdf *a, size_t n, struct uses *ret)
{
	autofree struct bdf *on_vfio = calloc(n + 1, sizeof(*on_vfio));
	struct uses u = { 0 };
	size_t m = 0;
	int r;

	if (!on_vfio)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (is_on_vfio(h, a[i]))
			on_vfio[m++] = a[i];
	r = m ? use_vfio(h, on_vfio, m, &u) : 0;
	if (r < 0) {
		uses_done(&u);
		return r;
	}
	*ret = u;
	return 0;
}

int uses_find(struct host *h, struct bdf a, struct uses *ret)
{
	struct uses u = { 0 };
	int r = is_on_vfio(h, a) ? use_vfio(h, &a, 1, &u) : 0;

	if (r == 0)
		r = use_net(h, a, &u);
	if (r == 0)
		r = use_block(h, a, &u);
	if (r < 0) {
		uses_done(&u);
		return r;
	}
	*ret = u;
	return 0;
}

char *uses_text(const struct uses *u)
{
	autostrbuf b = { 0 };

	for (size_t i = 0; i < u->n; i++)
		strbuf_add(&b, "%s%s: %s", i ? "; " : "", BDF_TEXT(u->v[i].bdf), u->v[i].who);
	return b.len ? strbuf_take(&b) : NULL;
}

static bool is_held(const struct uses *u)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->v[i].kind == USE_VFIO)
			return true;
	return false;
}

int uses_refuse(const struct uses *u, const char *verb, struct problem **reterr)
{
	autofree char *text = uses_text(u);

	if (!u->n)
		return 0;
	return problem(reterr, -EBUSY, PROBLEM_IN_USE,
		is_held(u) ? "end the process that holds it"
			   : "free it first, or use --allow-in-use",
		"cannot %s: in use by %s", verb, text ? text : "?");
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Setting VF attributes. One netlink request for each group of attributes that the kernel takes
 * together, so that every refusal has an owner; a driver that says yes and does not do it is
 * found out by reading back.
 */
#include "vfattr-row.h"

#include "base/str.h"

struct apply {
	struct host *h;
	int ifindex;
	const char *driver;
	unsigned index;
	struct vfattr_wish *wishes;
	size_t n;
};

static int read_vf(struct apply *a, struct host_vf *ret)
{
	autofree struct host_vf *vfs = NULL;
	size_t n = 0;
	int r = host_link_vfs(a->h, a->ifindex, &vfs, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (vfs[i].vf == a->index) {
			*ret = vfs[i];
			return 0;
		}
	return -ENODATA;
}

/* What a driver's refusal of a request most likely means; the first row that matches tells. */
static const struct refusal {
	int code;
	int request; /* -1: any */
	enum problem_kind kind;
	const char *words; /* after the driver's name */
	const char *hint;
} refusals[] = {
	{ EOPNOTSUPP, -1, PROBLEM_UNSUPPORTED, "does not support", NULL },
	{ EPROTONOSUPPORT, HOST_VF_VLAN, PROBLEM_UNSUPPORTED, "does not support 802.1ad in",
		"use proto=802.1q" },
	{ EINVAL, HOST_VF_RATE, PROBLEM_UNSUPPORTED, "refuses this rate for",
		"many drivers have no min-rate, and none goes above the link's speed" },
	{ EINVAL, -1, PROBLEM_UNSUPPORTED, "refuses this value of", NULL },
	{ EPERM, -1, PROBLEM_PERMISSION, "is only for root to ask for", NULL },
	{ ENODEV, -1, PROBLEM_VANISHED, "has gone and does not take", NULL },
	{ EBUSY, -1, PROBLEM_IN_USE, "is too busy for",
		"bring the PF's interface up, and the VF's down" },
	{ ENETDOWN, -1, PROBLEM_FAILED, "wants its interface up for",
		"bring the PF's interface up" },
};

static void refuse(struct apply *a, struct vfattr_wish *w, int code)
{
	const char *driver = a->driver ? a->driver : "the PF's driver";

	w->result = code;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];

		if (r->code != -code || (r->request >= 0 && r->request != (int)w->attr->request))
			continue;
		problem(&w->problem, code, r->kind, r->hint, "VF %u: %s %s %s", a->index, driver,
			r->words, w->attr->name);
		return;
	}
	problem(&w->problem, code, problem_kind_from_errno(code), NULL,
		"VF %u: %s cannot set %s: %s", a->index, driver, w->attr->name, strerror(-code));
}

/* Values that contradict each other are refused before the driver sees them. */
static int check_rates(const struct host_vf *merged)
{
	return merged->max_tx_rate && merged->min_tx_rate > merged->max_tx_rate ? -EINVAL : 0;
}

/* One request: what is not wished for keeps the value that the driver reports. */
static void send_request(struct apply *a, enum host_vf_attr request, const struct host_vf *now)
{
	struct host_vf_change change = { .attr = request, .to = *now };
	bool differs = false;
	int r;

	change.to.vf = a->index;
	for (size_t i = 0; i < a->n; i++) {
		struct vfattr_wish *w = &a->wishes[i];

		if (w->attr->request != request)
			continue;
		w->attr->put(&change.to, &w->want);
		differs |= !w->attr->same(now, &w->want);
	}
	if (!differs)
		return;
	r = request == HOST_VF_RATE ? check_rates(&change.to) : 0;
	if (r == 0)
		r = host_link_set_vf(a->h, a->ifindex, &change);
	for (size_t i = 0; i < a->n; i++) {
		struct vfattr_wish *w = &a->wishes[i];

		if (w->attr->request != request)
			continue;
		if (r < 0)
			refuse(a, w, r);
		else
			w->result = !w->attr->same(now, &w->want);
	}
}

static void send_all(struct apply *a, const struct host_vf *now)
{
	for (size_t i = 0; i < a->n; i++) {
		bool sent = false;

		for (size_t j = 0; j < i; j++)
			sent |= a->wishes[j].attr->request == a->wishes[i].attr->request;
		if (!sent)
			send_request(a, a->wishes[i].attr->request, now);
	}
}

/* A driver that does not report an attribute (format gives NULL) is believed. */
static void verify(struct apply *a)
{
	struct host_vf now;
	int r = read_vf(a, &now);

	for (size_t i = 0; i < a->n; i++) {
		struct vfattr_wish *w = &a->wishes[i];
		autofree char *is = NULL;

		if (w->result <= 0)
			continue;
		if (r < 0) {
			refuse(a, w, r);
			continue;
		}
		is = vfattr_format(w->attr, &now);
		if (!is || w->attr->same(&now, &w->want))
			continue;
		w->result = -EIO;
		problem(&w->problem, -EIO, PROBLEM_UNSUPPORTED, NULL,
			"VF %u: %s accepted %s, but reports %s", a->index,
			a->driver ? a->driver : "the PF's driver", w->attr->name, is);
	}
}

static int summary(struct apply *a, struct problem **reterr)
{
	const struct vfattr_wish *first = NULL;
	size_t failed = 0;
	int changed = 0, r;

	for (size_t i = 0; i < a->n; i++) {
		changed |= a->wishes[i].result > 0;
		if (a->wishes[i].result >= 0)
			continue;
		first = first ? first : &a->wishes[i];
		failed++;
	}
	if (!first)
		return changed;
	r = problem(reterr, first->result, first->problem ? first->problem->kind : PROBLEM_FAILED,
		first->problem ? first->problem->hint : NULL, "%s",
		first->problem ? first->problem->what : strerror(-first->result));
	return failed > 1
		       ? problem_wrap(reterr, r, "%zu of %zu attributes were not set", failed, a->n)
		       : r;
}

int vfattr_apply(struct host *h, int ifindex, const char *driver, unsigned index,
	struct vfattr_wish *wishes, size_t n, struct problem **reterr)
{
	struct apply a = { h, ifindex, driver, index, wishes, n };
	struct host_vf now;
	int r;

	if (h->captured)
		return problem(reterr, -EROFS, PROBLEM_READ_ONLY,
			"--dry-run shows what would be done",
			"a captured machine cannot be changed");
	r = read_vf(&a, &now);
	if (r == -ENODATA)
		return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND,
			"the PF's driver reports its VFs only while they exist",
			"the PF's interface has no VF %u", index);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"cannot read the VFs of interface %d: %s", ifindex, strerror(-r));
	for (size_t i = 0; i < n; i++) {
		vfattr_wish_done(&wishes[i]);
		wishes[i].result = 0;
	}
	send_all(&a, &now);
	verify(&a);
	return summary(&a, reterr);
}

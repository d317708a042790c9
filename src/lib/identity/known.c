// SPDX-License-Identifier: GPL-2.0-or-later
#include "known.h"

#include "base/str.h"
#include "host/sysfs.h"

#include <stdio.h>

static uint64_t number(struct mac m)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < sizeof(m.b); i++)
		v = v << 8 | m.b[i];
	return v;
}

static bool same_owner(struct stable_owner a, struct stable_owner b)
{
	return bdf_eq(a.pf, b.pf) && a.vf == b.vf;
}

/* Where the address stands, or would stand. */
static size_t place(const struct known *k, uint64_t mac)
{
	size_t low = 0, high = k->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (k->v[middle].mac < mac)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int add(struct known *k, struct mac m, struct stable_owner owner, const char *name)
{
	size_t at = place(k, number(m));
	struct known_mac *more;

	if (mac_is_zero(m))
		return 0;
	more = reallocarray(k->v, k->n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	k->v = more;
	memmove(more + at + 1, more + at, (k->n - at) * sizeof(*more));
	more[at] = (struct known_mac) { .mac = number(m), .owner = owner };
	snprintf(more[at].name, sizeof(more[at].name), "%s", name);
	k->n++;
	return 0;
}

static struct stable_owner owner_of(const struct function *f)
{
	if (f->physfn)
		return (struct stable_owner) { f->physfn->bdf, f->vf_index };
	return (struct stable_owner) { f->bdf, -1 };
}

static bool has_borrowed_address(struct host *h, const struct netdev *d)
{
	return sysfs_exists(h, "class/net/%s/bonding_slave", d->name);
}

static int add_netdev(
	struct known *k, struct host *h, const struct netdev *d, struct stable_owner owner)
{
	autofree char *text = NULL;
	bool borrowed = has_borrowed_address(h, d);
	struct host_link link;
	struct mac m;
	int r = 0;

	if (host_link_get(h, d->ifindex, &link) == 0) {
		bool same = memcmp(&link.mac, &link.permanent_mac, sizeof(m)) == 0;

		if (!borrowed)
			r = add(k, link.mac, owner, d->name);
		if (r == 0 && (borrowed || !same))
			r = add(k, link.permanent_mac, owner, d->name);
		return r;
	}
	if (!borrowed && sysfs_read(h, &text, "class/net/%s/address", d->name) == 0 &&
		mac_parse(text, &m) == 0)
		r = add(k, m, owner, d->name);
	return r;
}

/* What the PF's driver would give a VF, whoever holds that VF. */
static int add_vfs(struct known *k, struct host *h, const struct function *pf)
{
	autofree struct host_vf *vfs = NULL;
	size_t n = 0;
	int r = 0;

	if (!pf->n_vfs || !pf->n_netdevs || host_link_vfs(h, pf->netdevs[0].ifindex, &vfs, &n) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = add(k, vfs[i].mac, (struct stable_owner) { pf->bdf, (int)vfs[i].vf }, "");
	return r;
}

static bool has_address(const struct known *k, struct mac m)
{
	size_t at = place(k, number(m));

	return at < k->n && k->v[at].mac == number(m);
}

/* Bridges, taps and the like: they stand on no function. After all that do. */
static int add_virtual(struct known *k, struct host *h)
{
	const struct stable_owner nobody = { .vf = -1 };
	autostrv char **names = NULL;
	int r = 0;

	if (sysfs_list(h, &names, "class/net") < 0)
		return 0;
	STRV_FOREACH (it, names) {
		autofree char *text = NULL;
		struct mac m;

		if (sysfs_read(h, &text, "class/net/%s/address", *it) < 0 ||
			mac_parse(text, &m) < 0 || has_address(k, m))
			continue;
		r = add(k, m, nobody, *it);
		if (r < 0)
			return r;
	}
	return 0;
}

int known_load(struct host *h, const struct inventory *inv, struct known *ret)
{
	struct known k = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < inv->n_functions; i++) {
		const struct function *f = &inv->functions[i];

		for (size_t d = 0; r == 0 && d < f->n_netdevs; d++)
			r = add_netdev(&k, h, &f->netdevs[d], owner_of(f));
		if (r == 0)
			r = add_vfs(&k, h, f);
	}
	if (r == 0)
		r = add_virtual(&k, h);
	if (r < 0) {
		known_done(&k);
		return r;
	}
	*ret = k;
	return 0;
}

void known_done(struct known *k)
{
	free(k->v);
	*k = (struct known) { 0 };
}

static const struct known_mac *find(
	const struct known *k, struct mac m, struct stable_owner whose, bool own)
{
	uint64_t mac = number(m);

	for (size_t i = place(k, mac); i < k->n && k->v[i].mac == mac; i++)
		if (same_owner(k->v[i].owner, whose) == own)
			return &k->v[i];
	return NULL;
}

bool known_other(const struct known *k, struct mac m, struct stable_owner whose)
{
	return find(k, m, whose, false) != NULL;
}

bool known_has(const struct known *k, struct mac m, struct stable_owner whose)
{
	return find(k, m, whose, true) != NULL;
}

const struct known_mac *known_claim(struct known *k, struct mac m, struct stable_owner whose)
{
	const struct known_mac *other = find(k, m, whose, false);

	if (!other && !known_has(k, m, whose))
		(void)add(k, m, whose, "");
	return other;
}

void known_release(struct known *k, struct stable_owner whose)
{
	size_t kept = 0;

	for (size_t i = 0; i < k->n; i++)
		if (!same_owner(k->v[i].owner, whose))
			k->v[kept++] = k->v[i];
	k->n = kept;
}

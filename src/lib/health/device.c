// SPDX-License-Identifier: GPL-2.0-or-later
/* The device itself: does it answer, is it awake, is its link whole. */
#include "run.h"

#include "base/str.h"
#include "cause/confirm.h"
#include "host/sysfs.h"
#include "lease/lease.h"
#include "pci/identity.h"

#include <stdio.h>

enum { CLASS_DISPLAY = 0x03 };

void sign_gone(struct sign_run *r)
{
	const struct cause_query q = { .bdf = r->f->bdf };
	autofact fact = { 0 };

	if (device_gone(r->h, &q, &fact))
		sign_found(r, HEALTH_UNHEALTHY, &fact, "vfctl recover %s", "it does not answer");
}

void sign_quarantine(struct sign_run *r)
{
	const struct lease *l = r->p->claim;
	autofact fact = { 0 };

	if (!l || l->state != LEASE_QUARANTINE || !lease_is_of(r->h, l))
		return;
	fact.file = strdup("claim");
	fact.value = str_printable(l->reason ? l->reason : "?");
	r->all->failed |= !fact.file || !fact.value;
	sign_found(r, HEALTH_UNHEALTHY, &fact, "vfctl recover %s",
		"it is in quarantine: its last return failed");
}

void sign_nvme(struct sign_run *r)
{
	autofact fact = { 0 };

	if (!r->f->nvme || fact_sysfs(r->h, &fact, "bus/pci/devices/%s/nvme/%s/state",
				   r->f->address, r->f->nvme) < 0)
		return;
	if (str_eq(fact.value, "dead") || str_starts(fact.value, "deleting"))
		sign_found(r, HEALTH_UNHEALTHY, &fact, "vfctl recover %s",
			"its controller %s is %s", r->f->nvme, fact.value);
	else if (str_eq(fact.value, "resetting") || str_eq(fact.value, "connecting"))
		sign_found(r, HEALTH_DEGRADED, &fact, NULL, "its controller %s is %s", r->f->nvme,
			fact.value);
}

void sign_power(struct sign_run *r)
{
	autofact fact = { 0 };

	if (fact_sysfs(r->h, &fact, "bus/pci/devices/%s/power_state", r->f->address) == 0 &&
		str_eq(fact.value, "error"))
		sign_found(r, HEALTH_DEGRADED, &fact, "vfctl recover %s",
			"the kernel could not change its power state");
}

/* ---- The link ---- */

struct link {
	unsigned mts; /* "2.5 GT/s PCIe": in mega transfers per second */
	unsigned width;
};

static bool read_link(struct host *h, const char *address, const char *which, struct link *ret)
{
	autofree char *speed = NULL;
	unsigned whole = 0, tenth = 0;
	uint64_t width;

	if (sysfs_read(h, &speed, "bus/pci/devices/%s/%s_link_speed", address, which) < 0 ||
		sysfs_read_u64(h, &width, "bus/pci/devices/%s/%s_link_width", address, which) < 0)
		return false;
	/* "Unknown" where there is no link; a width of 255 is a register that reads all ones. */
	if (sscanf(speed, "%5u.%1u GT/s", &whole, &tenth) < 1 || !whole || !width || width > 32)
		return false;
	*ret = (struct link) { whole * 1000 + tenth * 100, (unsigned)width };
	return true;
}

/* The function above, by where the folder lies. */
static bool find_parent(struct host *h, const struct function *f, struct bdf *ret)
{
	autofree char *path = NULL;
	char *own, *parent;

	if (sysfs_read_link(h, &path, "bus/pci/devices/%s", f->address) < 0)
		return false;
	own = strrchr(path, '/');
	if (!own)
		return false;
	*own = '\0';
	parent = strrchr(path, '/');
	return parent && bdf_parse(parent + 1, ret) == 0;
}

static char *link_text(const struct link *l)
{
	return l->mts % 1000
		       ? str_printf("%u.%u GT/s x%u", l->mts / 1000, l->mts % 1000 / 100, l->width)
		       : str_printf("%u GT/s x%u", l->mts / 1000, l->width);
}

static bool is_awake(struct sign_run *r)
{
	autofree char *state = NULL;

	return sysfs_read(r->h, &state, "bus/pci/devices/%s/power_state", r->f->address) < 0 ||
	       str_eq(state, "D0") || str_eq(state, "unknown");
}

void sign_link(struct sign_run *r)
{
	autofree char *is = NULL, *can = NULL;
	struct link now, most, above;
	autofact fact = { 0 };
	struct bdf parent;

	if (r->f->kind == FUNCTION_VF || r->f->id.class_code >> 16 == CLASS_DISPLAY ||
		!read_link(r->h, r->f->address, "current", &now) ||
		!read_link(r->h, r->f->address, "max", &most) ||
		!find_parent(r->h, r->f, &parent) ||
		!read_link(r->h, BDF_TEXT(parent), "max", &above) || !is_awake(r))
		return;
	most = (struct link) { MIN(most.mts, above.mts), MIN(most.width, above.width) };
	if (now.mts >= most.mts && now.width >= most.width)
		return;
	is = link_text(&now);
	can = link_text(&most);
	if (!is || !can ||
		fact_stand(&fact,
			sysfs_path("bus/pci/devices/%s/current_link_%s", r->f->address,
				now.width < most.width ? "width" : "speed"),
			"%s", is) == -ENOMEM) {
		r->all->failed = true;
		return;
	}
	sign_found(r, HEALTH_DEGRADED, &fact, "see how the card sits in its slot, or try another",
		"its link runs at %s where %s would do", is, can);
}

void sign_carrier(struct sign_run *r)
{
	for (size_t i = 0; i < r->f->n_netdevs; i++) {
		const struct netdev *d = &r->f->netdevs[i];
		autofact fact = { 0 };
		struct host_link link;

		if (host_link_get(r->h, d->ifindex, &link) < 0 || !link.up || link.carrier)
			continue;
		if (fact_stand(&fact, sysfs_path("class/net/%s/carrier", d->name), "0") == -ENOMEM)
			r->all->failed = true;
		sign_found(
			r, HEALTH_NOTED, &fact, NULL, "its interface %s has no carrier", d->name);
	}
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Devlink of a PF as the kernel's documentation tells it (networking/devlink): ports of VFs are
 * there in switchdev mode only, and what a driver does not have it does not tell.
 */
#include "kernel.h"
#include "host/devlink.h"

#include <linux/devlink.h>

enum { FIRST_VF_PORT = 32769, UPLINK = 65535 };

struct fake_eswitch {
	struct devlink_eswitch now;
	struct devlink_port vf[FAKE_MAX_VFS];
	struct devlink_rate rate[FAKE_MAX_VFS];
	bool lies;
	int refuse; /* of the next change */
	char says[DEVLINK_SAYS_MAX];
};

void fake_devlink(struct host *h, const char *pf_bdf)
{
	struct pf *pf = pf_find(kernel_of(h), pf_bdf);

	NEED(pf && !pf->devlink);
	pf->devlink = calloc(1, sizeof(*pf->devlink));
	NEED(pf->devlink);
	pf->devlink->now.mode = DEVLINK_ESWITCH_MODE_LEGACY;
	pf->devlink->now.inline_mode = DEVLINK_ESWITCH_INLINE_MODE_NONE;
	pf->devlink->now.encap_mode = -1;
}

void fake_devlink_refuses(struct host *h, const char *pf_bdf, int code, const char *says)
{
	struct pf *pf = pf_find(kernel_of(h), pf_bdf);

	NEED(pf && pf->devlink);
	pf->devlink->refuse = code;
	snprintf(pf->devlink->says, sizeof(pf->devlink->says), "%s", says ? says : "");
}

void fake_devlink_lies(struct host *h, const char *pf_bdf, bool lies)
{
	struct pf *pf = pf_find(kernel_of(h), pf_bdf);

	NEED(pf && pf->devlink);
	pf->devlink->lies = lies;
}

/* ---- Ports come and go ---- */

void devlink_vfs_come(struct kernel *k, struct pf *pf)
{
	struct fake_eswitch *d = pf->devlink;
	autofree char *own = net_name_of_function(k, pf->bdf);

	if (!d || d->now.mode != DEVLINK_ESWITCH_MODE_SWITCHDEV)
		return;
	for (unsigned i = 0; i < pf->num_vfs; i++) {
		struct devlink_port *p = &d->vf[i];

		*p = (struct devlink_port) {
			.index = FIRST_VF_PORT + i,
			.flavour = DEVLINK_PORT_FLAVOUR_PCI_VF,
			.vf_number = (int)i,
			.controller = 0,
			.function = devlink_function_none(),
		};
		p->function.address_len = 6;
		p->function.caps_known = 1U << DEVLINK_CAP_ROCE | 1U << DEVLINK_CAP_MIGRATABLE;
		p->function.caps = 1U << DEVLINK_CAP_ROCE;
		d->rate[i] = (struct devlink_rate) { 0, 0, -1, -1 };
		snprintf(p->netdev, sizeof(p->netdev), "%.8s_%u", own ? own : "rep", i & 0xff);
		p->ifindex = net_add_named(k, pf->bdf, p->netdev);
	}
}

void devlink_vfs_go(struct kernel *k, struct pf *pf)
{
	if (!pf->devlink || pf->devlink->now.mode != DEVLINK_ESWITCH_MODE_SWITCHDEV)
		return;
	for (unsigned i = 0; i < pf->num_vfs; i++)
		net_remove_named(k, pf->devlink->vf[i].netdev);
}

/* ---- Requests ---- */

static int find(struct host *h, const char *dev, struct pf **ret)
{
	struct kernel *k = kernel_of(h);
	int e = fault(k, FAKE_DEVLINK, dev);
	struct pf *pf;

	if (e < 0)
		return e;
	pf = str_starts(dev, "pci/") ? pf_find(k, dev + 4) : NULL;
	if (!pf || !pf->devlink)
		return -ENODEV;
	*ret = pf;
	return 0;
}

/* A change: whether it is made is the driver's affair. */
static int begin_change(struct host *h, const char *dev, const char *what,
	struct devlink_says *says, struct pf **ret)
{
	int e = find(h, dev, ret);
	struct fake_eswitch *d;

	if (says)
		says->text[0] = '\0';
	if (e < 0)
		return e;
	k_log(kernel_of(h), "devlink %s %s", dev, what);
	d = (*ret)->devlink;
	if (!d->refuse)
		return 0;
	e = d->refuse;
	d->refuse = 0;
	if (says)
		snprintf(says->text, sizeof(says->text), "%s", d->says);
	return e;
}

static int eswitch_get(struct host *h, const char *dev, struct devlink_eswitch *ret)
{
	struct pf *pf;
	int e = find(h, dev, &pf);

	if (e == 0)
		*ret = pf->devlink->now;
	return e;
}

static int eswitch_set(struct host *h, const char *dev, const struct devlink_eswitch *to,
	struct devlink_says *says)
{
	struct pf *pf;
	int e = begin_change(h, dev, "eswitch", says, &pf);

	if (e < 0)
		return e;
	if (to->encap_mode >= 0)
		return -EOPNOTSUPP;
	if (to->mode >= 0 && pf->num_vfs) {
		if (says)
			snprintf(says->text, sizeof(says->text), "there are VFs");
		return -EBUSY;
	}
	if (pf->devlink->lies)
		return 0;
	if (to->mode >= 0)
		pf->devlink->now.mode = to->mode;
	if (to->inline_mode >= 0)
		pf->devlink->now.inline_mode = to->inline_mode;
	return 0;
}

/* The kernel's dump knows no device: one without devlink has no ports, and nobody says why. */
static int ports(struct host *h, const char *dev, struct devlink_port **ret, size_t *ret_n)
{
	struct devlink_port uplink = { .index = UPLINK,
		.flavour = DEVLINK_PORT_FLAVOUR_PHYSICAL,
		.pf_number = -1,
		.vf_number = -1,
		.controller = -1,
		.function = devlink_function_none() };
	struct devlink_port *list = calloc(FAKE_MAX_VFS + 1, sizeof(*list));
	struct pf *pf = NULL;
	size_t n = 0;
	int e = find(h, dev, &pf);

	NEED(list);
	if (e < 0 && e != -ENODEV) {
		free(list);
		return e;
	}
	if (e == 0)
		list[n++] = uplink;
	if (e == 0 && pf->devlink->now.mode == DEVLINK_ESWITCH_MODE_SWITCHDEV)
		for (unsigned i = 0; i < pf->num_vfs; i++)
			list[n++] = pf->devlink->vf[i];
	*ret = list;
	*ret_n = n;
	return 0;
}

static int index_of(const struct pf *pf, unsigned port)
{
	bool there = pf->devlink->now.mode == DEVLINK_ESWITCH_MODE_SWITCHDEV &&
		     port >= FIRST_VF_PORT && port - FIRST_VF_PORT < pf->num_vfs;

	return there ? (int)(port - FIRST_VF_PORT) : -ENODEV;
}

static int function_set(struct host *h, const char *dev, unsigned port,
	const struct devlink_function *to, struct devlink_says *says)
{
	struct pf *pf;
	int e = begin_change(h, dev, "function", says, &pf), i = e < 0 ? e : index_of(pf, port);
	struct devlink_function *f;

	if (i < 0)
		return i;
	f = &pf->devlink->vf[i].function;
	if (to->state >= 0 || to->max_io_eqs >= 0 || (to->caps_known & ~f->caps_known))
		return -EOPNOTSUPP;
	if (pf->devlink->lies)
		return 0;
	if (to->address_len)
		memcpy(f->address, to->address, to->address_len);
	f->caps = (f->caps & ~to->caps_known) | (to->caps & to->caps_known);
	return 0;
}

static int rate_get(struct host *h, const char *dev, unsigned port, struct devlink_rate *ret)
{
	struct pf *pf;
	int e = find(h, dev, &pf), i = e < 0 ? e : index_of(pf, port);

	if (i < 0)
		return i;
	*ret = pf->devlink->rate[i];
	return 0;
}

/* Linux 6.12, devlink/rate.c: the share is not above the maximum. */
static int rate_set(struct host *h, const char *dev, unsigned port, const struct devlink_rate *to,
	struct devlink_says *says)
{
	struct pf *pf;
	int e = begin_change(h, dev, "rate", says, &pf), i = e < 0 ? e : index_of(pf, port);
	struct devlink_rate *now;

	if (i < 0)
		return i;
	now = &pf->devlink->rate[i];
	if (to->tx_priority >= 0 || to->tx_weight >= 0)
		return -EOPNOTSUPP;
	if (to->tx_share > 0 && now->tx_max && to->tx_share > now->tx_max)
		return -EINVAL;
	if (pf->devlink->lies)
		return 0;
	if (to->tx_share >= 0)
		now->tx_share = to->tx_share;
	if (to->tx_max >= 0)
		now->tx_max = to->tx_max;
	return 0;
}

static int reporters(struct host *h, const char *dev, struct devlink_reporter **ret, size_t *ret_n)
{
	struct devlink_reporter *list = calloc(2, sizeof(*list));
	struct pf *pf;
	int e = find(h, dev, &pf);

	NEED(list);
	if (e < 0 && e != -ENODEV) {
		free(list);
		return e;
	}
	strcpy(list[0].name, "fw");
	strcpy(list[1].name, "tx");
	list[1].error = true;
	list[1].errors = 3;
	list[1].recoveries = 2;
	*ret = list;
	*ret_n = e == 0 ? 2 : 0;
	return 0;
}

const struct devlink_ops fake_devlink_ops = {
	.eswitch_get = eswitch_get,
	.eswitch_set = eswitch_set,
	.ports = ports,
	.function_set = function_set,
	.rate_get = rate_get,
	.rate_set = rate_set,
	.reporters = reporters,
};

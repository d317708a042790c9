// SPDX-License-Identifier: GPL-2.0-or-later
#include "formats.h"

#include "base/str.h"
#include "host/devnode.h"
#include "host/sysfs.h"
#include "setting/setting.h"

/* What the PF does not tell stays unsaid. */
static int setting(struct host *h, const struct function *f, const char *key, char **ret)
{
	int r = setting_read(h, f, key, ret, NULL);

	return r == -ENOMEM ? r : 0;
}

/* None of its own is what a VF has whose address is all zeros. */
static int read_mac(struct host *h, struct export_function *x)
{
	struct mac m;
	int r = setting(h, x->f, "mac", &x->mac);

	if (r == 0 && x->mac && (mac_parse(x->mac, &m) < 0 || mac_is_zero(m))) {
		free(x->mac);
		x->mac = NULL;
	}
	return r;
}

static int read_vlan(struct host *h, struct export_function *x)
{
	autofree char *vlan = NULL, *qos = NULL, *proto = NULL;
	uint32_t n;
	int r = setting(h, x->f, "vlan", &vlan);

	if (r == 0)
		r = setting(h, x->f, "qos", &qos);
	if (r == 0)
		r = setting(h, x->f, "proto", &proto);
	if (r < 0 || !vlan || parse_u32(vlan, &n) < 0 || !n)
		return r;
	x->vlan = n;
	if (qos && parse_u32(qos, &n) == 0)
		x->qos = n;
	x->provider = str_eq(proto, "802.1ad");
	return 0;
}

/* The folder is there since Linux 6.1, the device only with CONFIG_VFIO_DEVICE_CDEV. */
static int read_cdev(struct host *h, struct export_function *x)
{
	autostrv char **names = NULL;
	int r = sysfs_list(h, &names, "bus/pci/devices/%s/vfio-dev", x->f->address);

	if (r < 0 || !names[0] ||
		!sysfs_exists(h, "bus/pci/devices/%s/vfio-dev/%s/dev", x->f->address, names[0]))
		return r == -ENOMEM ? r : 0;
	x->cdev = strdup(names[0]);
	return x->cdev ? 0 : -ENOMEM;
}

int facts_read(struct host *h, const struct function *f, struct export_function *ret)
{
	struct export_function x = { .f = f };
	int r = read_cdev(h, &x);

	if (r == 0 && f->physfn && f->physfn->n_netdevs)
		r = read_mac(h, &x);
	if (r == 0 && f->physfn && f->physfn->n_netdevs)
		r = read_vlan(h, &x);
	if (r == 0)
		*ret = x;
	else
		facts_done(&x);
	return r;
}

void facts_done(struct export_function *x)
{
	free(x->mac);
	free(x->cdev);
}

bool uses_iommufd(const struct export_function *x, int iommufd)
{
	return x->cdev && iommufd != 0;
}

int export_nodes(const struct export_function *x, int iommufd, char ***ret)
{
	bool cdev = uses_iommufd(x, iommufd);
	autofree char *own = cdev ? devnode_path("vfio/devices/%s", x->cdev)
				  : devnode_path("vfio/%d", x->f->iommu_group);
	autofree char *common = cdev ? devnode_path("iommu") : devnode_path("vfio/vfio");
	autostrv char **v = NULL;
	bool any = cdev || x->f->iommu_group >= 0;
	int r = own && common ? 0 : -ENOMEM;

	if (r == 0 && any)
		r = strv_add(&v, own);
	if (r == 0 && any)
		r = strv_add(&v, common);
	if (r == 0)
		*ret = TAKE_PTR(v);
	return r;
}

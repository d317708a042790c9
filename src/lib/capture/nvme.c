// SPDX-License-Identifier: GPL-2.0-or-later
/* What NVMe controllers that have VFs say of their secondary controllers. */
#include "parts.h"

#include "base/bdf.h"
#include "base/str.h"
#include "host/sysfs.h"
#include "nvme/secctrl.h"

static int put(void *arg, const char *path, const void *data, size_t len)
{
	return capture_put_bytes(arg, path, data, len);
}

int capture_nvme(struct capture *c)
{
	autostrv char **names = NULL;
	int r = sysfs_list(c->h, &names, "bus/pci/devices");

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	STRV_FOREACH (name, names) {
		autonvmepf *pf = NULL;
		struct bdf a;

		if (bdf_parse(*name, &a) < 0 ||
			!sysfs_exists(c->h, "bus/pci/devices/%s/sriov_totalvfs", *name) ||
			!sysfs_exists(c->h, "bus/pci/devices/%s/nvme", *name) ||
			nvmepf_open(c->h, a, &pf, NULL) < 0)
			continue;
		/* Many controllers have no such thing. */
		if (nvmepf_copy(pf, put, c) == -ENOMEM)
			return -ENOMEM;
	}
	return 0;
}

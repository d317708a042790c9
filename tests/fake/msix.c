// SPDX-License-Identifier: GPL-2.0-or-later
/* sriov_vf_msix_count of Linux 6.12 (pci/iov.c), with a driver that has a pool. */
#include "kernel.h"

#include <linux/pci_regs.h>

void fake_msix_pool(struct host *h, const char *pf_bdf, unsigned total)
{
	struct pf *pf = pf_find(kernel_of(h), pf_bdf);
	autofree char *dir = device_dir(kernel_of(h), pf_bdf), *text = need_printf("%u\n", total);

	NEED(pf && dir);
	pf->msix_pool = total;
	k_put(kernel_of(h), 0444, text, "/sys/%s/sriov_vf_total_msix", dir);
}

void fake_attributes_lie(struct host *h, bool lie)
{
	kernel_of(h)->attributes_lie = lie;
}

/* A VF of the fake has the capability at 0x70 (device.c). */
static void set_table(struct kernel *k, const char *vf_bdf, unsigned vectors)
{
	autofree char *dir = device_dir(k, vf_bdf), *path = need_printf("/sys/%s/config", dir);
	uint8_t c[4096];
	ssize_t n = tree_read(k->tree, path, c, sizeof(c));

	NEED(n > 0x74 && c[0x70] == PCI_CAP_ID_MSIX);
	c[0x72] = (uint8_t)(vectors - 1);
	c[0x73] = (uint8_t)((c[0x73] & 0xf8) | (vectors - 1) >> 8);
	k_put_bytes(k, 0644, c, (size_t)n, path);
}

int msix_write_count(struct kernel *k, const char *vf_bdf, const char *text)
{
	autofree char *value = need_printf("%s", text);
	autofree char *pf_bdf = k_link_name(k, "/sys/bus/pci/devices/%s/physfn", vf_bdf);
	struct pf *pf = pf_bdf ? pf_find(k, pf_bdf) : NULL;
	uint64_t n;

	if (parse_u64(str_trim(value), &n) < 0)
		return -EINVAL;
	if (!pf || !pf->msix_pool)
		return -EOPNOTSUPP;
	if (pf->stuck)
		return WOULD_BLOCK;
	if (k_exists(k, "/sys/bus/pci/devices/%s/driver", vf_bdf))
		return -EBUSY;
	if (n == 1) /* as mlx5: fewer than it needs for itself */
		return -EINVAL;
	if (!k->attributes_lie)
		set_table(k, vf_bdf, n ? (unsigned)n : 11);
	return 0;
}

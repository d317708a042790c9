// SPDX-License-Identifier: GPL-2.0-or-later
#include "detail.h"

#include "base/str.h"
#include "host/sysfs.h"
#include "identity.h"

/* More than any VPD seen; reading it goes 4 bytes at a time through slow registers. */
enum { VPD_MAX = 1024 };

static const struct capability *find_cap(const struct detail *d, uint16_t id, bool extended)
{
	for (size_t i = 0; i < d->n_caps; i++)
		if (d->caps[i].id == id && d->caps[i].extended == extended)
			return &d->caps[i];
	return NULL;
}

/* PCI 3.0, 6.8.2. */
static void decode_msix(const struct config_space *c, struct detail *d)
{
	const struct capability *cap = find_cap(d, CAP_MSIX, false);
	uint16_t control;
	uint32_t table;

	if (!cap || !config_u16(c, cap->offset + 2u, &control) ||
		!config_u32(c, cap->offset + 4u, &table) || (table & 7) >= REGION_BARS)
		return;
	d->has_msix = true;
	d->msix_vectors = (control & 0x7ffu) + 1;
	d->msix_table_bar = table & 7;
	d->msix_table_offset = table & ~7u;
}

char *config_dsn(const struct config_space *c)
{
	enum { LOW = 4, HIGH = 8 };
	unsigned at = config_find_extended(c, ECAP_DSN);
	uint32_t low, high;

	if (!at || !config_u32(c, at + LOW, &low) || !config_u32(c, at + HIGH, &high))
		return NULL;
	if ((!low && !high) || (low == UINT32_MAX && high == UINT32_MAX))
		return NULL;
	return str_printf("%02x-%02x-%02x-%02x-%02x-%02x-%02x-%02x", high >> 24, high >> 16 & 0xff,
		high >> 8 & 0xff, high & 0xff, low >> 24, low >> 16 & 0xff, low >> 8 & 0xff,
		low & 0xff);
}

static void read_regions(struct host *h, struct bdf a, struct detail *d)
{
	autofree char *text = NULL;

	if (sysfs_read(h, &text, "bus/pci/devices/%s/resource", BDF_TEXT(a)) >= 0)
		regions_parse(text, d->regions);
	/* The kernel makes room for all VFs that the device has, not those the driver allows. */
	for (unsigned i = 0; d->has_sriov && d->sriov.total_vfs && i < REGION_BARS; i++)
		d->sriov.vf_bar_bytes[i] = d->regions[REGION_VF_BAR0 + i].size / d->sriov.total_vfs;
}

static void read_config(struct host *h, struct bdf a, struct detail *d)
{
	struct config_space c;

	if (config_space_read(h, a, &c) < 0)
		return;
	d->n_caps = config_capabilities(&c, d->caps, ARRAY_SIZE(d->caps));
	d->has_msi = find_cap(d, CAP_MSI, false);
	d->has_ats = find_cap(d, ECAP_ATS, true);
	d->has_acs = find_cap(d, ECAP_ACS, true);
	d->has_ari = find_cap(d, ECAP_ARI, true);
	d->has_sriov = sriov_cap_decode(&c, &d->sriov);
	decode_msix(&c, d);
	d->dsn = config_dsn(&c);
}

/* "flr pm bus"; the file is empty when there is no way to reset. */
static void read_reset_methods(struct host *h, struct bdf a, struct detail *d)
{
	autofree char *text = NULL;
	char *save = NULL;

	if (sysfs_read(h, &text, "bus/pci/devices/%s/reset_method", BDF_TEXT(a)) < 0)
		return;
	for (char *w = strtok_r(text, " \n", &save); w; w = strtok_r(NULL, " \n", &save)) {
		autofree char *word = str_printable(w);

		if (word)
			(void)strv_add(&d->reset_methods, word);
	}
}

static char *read_text(struct host *h, struct bdf a, const char *file)
{
	autofree char *text = NULL;

	if (sysfs_read(h, &text, "bus/pci/devices/%s/%s", BDF_TEXT(a), file) < 0)
		return NULL;
	return str_printable(str_trim(text));
}

static unsigned read_width(struct host *h, struct bdf a, const char *file)
{
	uint64_t v;

	/* PCIe has at most 32 lanes; 63 and 255 are what a link that is down or absent reads. */
	if (sysfs_read_u64(h, &v, "bus/pci/devices/%s/%s", BDF_TEXT(a), file) < 0 || v > 32)
		return 0;
	return (unsigned)v;
}

static void read_link(struct host *h, struct bdf a, struct pcie_link *ret)
{
	ret->current_speed = read_text(h, a, "current_link_speed");
	ret->max_speed = read_text(h, a, "max_link_speed");
	ret->current_width = read_width(h, a, "current_link_width");
	ret->max_width = read_width(h, a, "max_link_width");
}

static void read_vpd(struct host *h, struct bdf a, struct detail *d)
{
	uint8_t vpd[VPD_MAX];
	ssize_t n;

	if (!find_cap(d, CAP_VPD, false))
		return;
	n = sysfs_read_bytes(h, vpd, sizeof(vpd), "bus/pci/devices/%s/vpd", BDF_TEXT(a));
	if (n <= 0)
		return;
	d->vpd_serial = vpd_keyword(vpd, (size_t)n, "SN");
	d->vpd_product = vpd_identifier(vpd, (size_t)n);
}

int detail_read(struct host *h, struct bdf a, struct detail **ret)
{
	struct detail *d;
	uint8_t revision;

	if (!sysfs_exists(h, "bus/pci/devices/%s", BDF_TEXT(a)))
		return -ENOENT;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->revision = identity_read_revision(h, a, &revision) < 0 ? -1 : revision;
	read_config(h, a, d);
	read_regions(h, a, d);
	read_reset_methods(h, a, d);
	read_link(h, a, &d->link);
	read_vpd(h, a, d);
	*ret = d;
	return 0;
}

void detail_free(struct detail *d)
{
	if (!d)
		return;
	strv_free(d->reset_methods);
	free(d->link.current_speed);
	free(d->link.max_speed);
	free(d->vpd_serial);
	free(d->vpd_product);
	free(d->dsn);
	free(d);
}

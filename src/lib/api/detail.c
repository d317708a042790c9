// SPDX-License-Identifier: GPL-2.0-or-later
#include "cast.h"
#include "handle.h"

#include "base/str.h"
#include "driver/migration.h"
#include "inventory/inventory.h"
#include "pci/detail.h"

struct vfctl_detail {
	struct detail *d;
	struct candidates drivers;
	struct migration migration;
};

void vfctl_detail_free(struct vfctl_detail *d)
{
	if (!d)
		return;
	detail_free(d->d);
	candidates_done(&d->drivers);
	migration_done(&d->migration);
	free(d);
}

int vfctl_detail_read(struct vfctl_host *host, const struct vfctl_function *f,
	struct vfctl_detail **ret, struct vfctl_error **reterr)
{
	struct vfctl_detail *d = calloc(1, sizeof(*d));
	const struct bdf a = function_of(f)->bdf;
	struct problem *p = NULL;
	int r = d ? detail_read(host->host, a, &d->d) : -ENOMEM;

	if (r == 0)
		r = candidates_find(host->host, a, &d->drivers);
	if (r == 0)
		r = migration_find(host->host, a, &d->drivers, &d->migration);
	if (r < 0) {
		vfctl_detail_free(d);
		problem(&p, r, r == -ENOENT ? PROBLEM_VANISHED : problem_kind_from_errno(r), NULL,
			"cannot look at %s: %s", BDF_TEXT(a), strerror(-r));
		return api_error(reterr, p, r);
	}
	*ret = d;
	return 0;
}

int vfctl_detail_revision(const struct vfctl_detail *d)
{
	return d->d->revision;
}

int vfctl_detail_region(const struct vfctl_detail *d, unsigned number, uint64_t *ret_start,
	uint64_t *ret_bytes, unsigned *ret_flags)
{
	const struct region *r = number < REGIONS ? &d->d->regions[number] : NULL;

	if (!r || !r->size)
		return -ENOENT;
	*ret_start = r->start;
	*ret_bytes = r->size;
	*ret_flags = (r->io ? VFCTL_REGION_IO : 0) |
		     (r->prefetchable ? VFCTL_REGION_PREFETCHABLE : 0) |
		     (r->is64 ? VFCTL_REGION_64BIT : 0);
	return 0;
}

unsigned vfctl_detail_msix_vectors(const struct vfctl_detail *d)
{
	return d->d->msix_vectors;
}

const char *vfctl_detail_reset_method(const struct vfctl_detail *d, size_t i)
{
	STRV_FOREACH (m, d->d->reset_methods)
		if (i-- == 0)
			return *m;
	return NULL;
}

const char *vfctl_detail_link_speed(const struct vfctl_detail *d)
{
	return d->d->link.current_speed;
}

const char *vfctl_detail_link_max_speed(const struct vfctl_detail *d)
{
	return d->d->link.max_speed;
}

unsigned vfctl_detail_link_width(const struct vfctl_detail *d)
{
	return d->d->link.current_width;
}

unsigned vfctl_detail_link_max_width(const struct vfctl_detail *d)
{
	return d->d->link.max_width;
}

const char *vfctl_detail_product(const struct vfctl_detail *d)
{
	return d->d->vpd_product;
}

const char *vfctl_detail_serial(const struct vfctl_detail *d)
{
	return d->d->vpd_serial;
}

const char *vfctl_detail_device_serial(const struct vfctl_detail *d)
{
	return d->d->dsn;
}

int vfctl_detail_has_sriov(const struct vfctl_detail *d)
{
	return d->d->has_sriov;
}

unsigned vfctl_detail_sriov_total_vfs(const struct vfctl_detail *d)
{
	return d->d->sriov.total_vfs;
}

unsigned vfctl_detail_sriov_offset(const struct vfctl_detail *d)
{
	return d->d->sriov.first_offset;
}

unsigned vfctl_detail_sriov_stride(const struct vfctl_detail *d)
{
	return d->d->sriov.stride;
}

uint16_t vfctl_detail_sriov_vf_device(const struct vfctl_detail *d)
{
	return d->d->sriov.vf_device;
}

uint64_t vfctl_detail_sriov_page_bytes(const struct vfctl_detail *d)
{
	return d->d->sriov.system_page_bytes;
}

uint64_t vfctl_detail_sriov_vf_bar_bytes(const struct vfctl_detail *d, unsigned bar)
{
	return bar < REGION_BARS ? d->d->sriov.vf_bar_bytes[bar] : 0;
}

const char *vfctl_detail_driver(const struct vfctl_detail *d, size_t i)
{
	return i < d->drivers.n ? d->drivers.v[i].driver : NULL;
}

bool vfctl_detail_driver_is_vfio(const struct vfctl_detail *d, size_t i)
{
	return i < d->drivers.n && d->drivers.v[i].vfio;
}

int vfctl_detail_migration(const struct vfctl_detail *d)
{
	return d->migration.answer == MIGRATION_UNKNOWN ? -1
							: d->migration.answer == MIGRATION_OFFERED;
}

const char *vfctl_detail_migration_because(const struct vfctl_detail *d)
{
	return d->migration.because;
}

const char *vfctl_detail_migration_feature(const struct vfctl_detail *d, size_t i)
{
	STRV_FOREACH (it, d->migration.features)
		if (i-- == 0)
			return *it;
	return NULL;
}

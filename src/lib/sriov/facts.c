// SPDX-License-Identifier: GPL-2.0-or-later
#include "facts.h"

#include "base/str.h"
#include "host/locked.h"
#include "host/sysfs.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

/*
 * No function has more: an MSI-X table ends at 2048 vectors, a PF at 65535 VFs. A real driver was
 * seen to report 4294967033, a negative number that wrapped.
 */
#define MSIX_PLAUSIBLE (UINT64_C(2048) * UINT16_MAX)

static int by_index(const void *a, const void *b)
{
	const struct sriov_vf *x = a, *y = b;

	return (x->index > y->index) - (x->index < y->index);
}

/* "virtfn12" → 12. */
static bool virtfn_index(const char *name, uint32_t *ret)
{
	return str_starts(name, "virtfn") && parse_u32(name + strlen("virtfn"), ret) == 0;
}

static int read_virtfn(struct folder *pf, struct sriov_vf *vf)
{
	char link[32], target[NAME_MAX + 1];
	int r;

	snprintf(link, sizeof(link), "virtfn%" PRIu32, vf->index);
	r = folder_link_name(pf, link, target, sizeof(target));
	return r < 0 ? r : bdf_parse(target, &vf->bdf);
}

struct vf_list {
	struct sriov_vf *v;
	size_t n, room;
};

static void vf_list_done(struct vf_list *l)
{
	free(l->v);
}

static int add_virtfn(void *list, const char *name)
{
	struct vf_list *l = list;
	uint32_t index;

	if (!virtfn_index(name, &index))
		return 0;
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 64;
		struct sriov_vf *more = reallocarray(l->v, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->v = more;
		l->room = room;
	}
	l->v[l->n++] = (struct sriov_vf) { .index = index };
	return 0;
}

/* A PCI routing ID. */
static int rid_of(struct bdf a)
{
	return a.bus << 8 | (a.dev & 31) << 3 | (a.fn & 7);
}

/*
 * A VF's routing ID is the PF's + First VF Offset + its index × VF Stride (SR-IOV 1.1, 2.1.2), and
 * the kernel makes the links by just that. So where the first two and the last one are in one line,
 * so are the others; that spares a call for each of what may be thousands of VFs. Where they are
 * not (functions with domains of their own, as on s390; a gap) each link is read, and so it is in a
 * capture, which may have been made by anybody.
 */
static bool are_in_line(struct folder *pf, struct sriov_vf *v, size_t n)
{
	struct bdf first;
	int begin, stride;

	if (pf->h->captured || n < 4 || v[0].index != 0 || v[n - 1].index != n - 1 ||
		read_virtfn(pf, &v[0]) < 0 || read_virtfn(pf, &v[1]) < 0 ||
		read_virtfn(pf, &v[n - 1]) < 0)
		return false;
	first = v[0].bdf;
	begin = rid_of(first);
	stride = rid_of(v[1].bdf) - begin;
	if (stride <= 0 || v[1].bdf.domain != first.domain || v[n - 1].bdf.domain != first.domain ||
		rid_of(v[n - 1].bdf) != begin + (int)(n - 1) * stride)
		return false;
	for (size_t i = 2; i + 1 < n; i++) {
		int rid = begin + (int)i * stride;

		v[i].bdf = (struct bdf) { first.domain, (uint8_t)(rid >> 8),
			(uint8_t)(rid >> 3 & 31), (uint8_t)(rid & 7) };
	}
	return true;
}

int sriov_vfs_in(struct folder *pf, struct sriov_vf **ret, size_t *ret_n)
{
	CLEANUP(vf_list_done) struct vf_list l = { .v = calloc(1, sizeof(*l.v)), .room = 1 };
	size_t n = 0;
	int r = l.v ? folder_each(pf, add_virtfn, &l) : -ENOMEM;

	if (r < 0)
		return r;
	qsort(l.v, l.n, sizeof(*l.v), by_index);
	if (!are_in_line(pf, l.v, l.n)) {
		for (size_t i = 0; i < l.n; i++)
			if (read_virtfn(pf, &l.v[i]) == 0)
				l.v[n++] = l.v[i];
		l.n = n;
	}
	*ret = TAKE_PTR(l.v);
	*ret_n = l.n;
	return 0;
}

/* "0000:01:00.0" as a folder to ask in. */
static int enter(struct folder *f, struct host *h, struct bdf a)
{
	folder_init(f, h);
	return sysfs_enter(f, "bus/pci/devices/%s", BDF_TEXT(a));
}

int sriov_vfs(struct host *h, struct bdf pf, struct sriov_vf **ret, size_t *ret_n)
{
	autofolder f;
	int r = enter(&f, h, pf);

	return r < 0 ? r : sriov_vfs_in(&f, ret, ret_n);
}

int sriov_physfn_in(struct folder *vf, struct bdf *ret_pf)
{
	char target[NAME_MAX + 1];
	int r = folder_link_name(vf, "physfn", target, sizeof(target));

	if (r < 0)
		return r == -ENOENT ? -ENODATA : r;
	return bdf_parse(target, ret_pf);
}

int sriov_physfn(struct host *h, struct bdf vf, struct bdf *ret_pf)
{
	autofolder f;
	int r = enter(&f, h, vf);

	if (r < 0)
		return r == -ENOENT ? -ENODATA : r;
	return sriov_physfn_in(&f, ret_pf);
}

int sriov_vf_index(struct host *h, struct bdf pf, struct bdf vf, unsigned *ret)
{
	autofree struct sriov_vf *vfs = NULL;
	size_t n;
	int r = sriov_vfs(h, pf, &vfs, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (bdf_eq(vfs[i].bdf, vf)) {
			*ret = vfs[i].index;
			return 0;
		}
	return -ENOENT;
}

int sriov_total_vfs_in(struct folder *pf, unsigned *ret)
{
	uint64_t total;
	int r = folder_read_u64(pf, "sriov_totalvfs", &total);

	if (r < 0)
		return r == -ENOENT ? -ENODATA : r;
	if (total > UINT16_MAX)
		return -EINVAL;
	*ret = (unsigned)total;
	return 0;
}

int sriov_total_vfs(struct host *h, struct bdf pf, unsigned *ret)
{
	autofolder f;
	int r = enter(&f, h, pf);

	if (r < 0)
		return r == -ENOENT ? -ENODATA : r;
	return sriov_total_vfs_in(&f, ret);
}

static int read_small(struct host *h, struct bdf pf, const char *file, unsigned max)
{
	uint64_t v;

	if (sysfs_read_u64(h, &v, "bus/pci/devices/%s/%s", BDF_TEXT(pf), file) < 0 || v > max)
		return -1;
	return (int)v;
}

/* The one number here that is hexadecimal without saying so: "10ca". */
static int read_vf_device(struct host *h, struct bdf pf)
{
	autofree char *text = NULL;
	uint64_t v;

	if (sysfs_read(h, &text, "bus/pci/devices/%s/sriov_vf_device", BDF_TEXT(pf)) < 0 ||
		parse_hex(str_trim(text), &v) < 0 || v > UINT16_MAX)
		return -1;
	return (int)v;
}

int64_t sriov_parse_vf_total_msix(char *text)
{
	uint64_t v;

	if (parse_u64(str_trim(text), &v) < 0 || v > MSIX_PLAUSIBLE)
		return SRIOV_MSIX_ABSURD;
	return (int64_t)v;
}

void sriov_facts_read_rest(struct host *h, struct bdf pf, struct sriov_facts *f)
{
	f->offset = read_small(h, pf, "sriov_offset", UINT16_MAX);
	f->stride = read_small(h, pf, "sriov_stride", UINT16_MAX);
	f->vf_device = read_vf_device(h, pf);
	f->drivers_autoprobe = read_small(h, pf, "sriov_drivers_autoprobe", 1);
}

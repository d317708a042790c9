// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * iommufd and the nodes of functions, as Linux 6.12 has them (drivers/iommu/iommufd,
 * drivers/vfio/device_cdev.c): which numbers it takes is lib/vfio's abi.h, that those are Linux's
 * is shown in the lab.
 */
#include "parts.h"

#include "vfio/abi.h"

#include <stdio.h>
#include <string.h>

enum { FIRST_IOAS = 1, DEVICE_ID = 100 };

bool iommufd_has_node(const struct fakevfio *f, const struct fakevfio_function *fn)
{
	return f->iommufd && !fn->no_node;
}

/* The function whose node that is, "vfio3" with nothing behind it. */
struct fakevfio_function *node_function(struct fakevfio *f, const char *name)
{
	char own[16];

	for (unsigned i = 0; i < f->n_functions; i++) {
		snprintf(own, sizeof(own), "vfio%u", f->functions[i].node);
		if (strcmp(own, name) == 0 && iommufd_has_node(f, &f->functions[i]))
			return &f->functions[i];
	}
	return NULL;
}

static int check_token(struct fakevfio_function *fn, const struct abi_bind *b)
{
	char text[40], *to = text;
	const uint8_t *uuid = (const void *)(uintptr_t)b->token;

	/* Before Linux 6.17 no token can be given, and none is asked for. */
	if (!fn->kernel->tokens_by_node)
		return b->flags ? -EINVAL : 0;
	if (b->flags & ~(uint32_t)ABI_BIND_TOKEN)
		return -EINVAL;
	if (!fn->vf_token)
		return b->flags ? -EINVAL : 0;
	if (!b->flags)
		return -EACCES;
	for (unsigned i = 0; i < 16; i++)
		to += sprintf(
			to, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);
	return strcmp(text, fn->vf_token) == 0 ? 0 : -EACCES;
}

/* The order of the checks is device_cdev.c's. */
static int bind_node(struct fakevfio *f, int object, struct abi_bind *b)
{
	struct fakevfio_function *fn = f->objects[object].fn;
	int i = object_at(f, b->iommufd), r;

	if (b->argsz < 16 || b->iommufd < 0)
		return -EINVAL;
	r = check_token(fn, b);
	if (r < 0)
		return r;
	if (fn->group_open)
		return -EBUSY;
	if (f->objects[object].kind != KIND_NODE || fn->bound)
		return -EINVAL;
	if (i < 0 || f->objects[i].kind != KIND_IOMMUFD)
		return -EBADF;
	if (!fn->viable)
		return -EPERM;
	f->objects[object].kind = KIND_DEVICE;
	f->objects[object].iommufd = true;
	f->iommufd_used = true;
	fn->bound = true;
	fn->devices_open++;
	b->out_devid = DEVICE_ID;
	return 0;
}

static int attach_node(struct fakevfio *f, struct fakevfio_function *fn, struct abi_attach *a)
{
	if (a->argsz < sizeof(*a) || a->flags)
		return -EINVAL;
	if (a->pt_id < FIRST_IOAS || a->pt_id >= FIRST_IOAS + f->n_ioas)
		return -ENOENT;
	if (f->attach_errno)
		return f->attach_errno;
	fn->ioas = a->pt_id;
	a->pt_id += 1000; /* of the page table */
	return 0;
}

/* Requests that only such a node has; -ENOTTY: it is another one. */
int node_ioctl(struct fakevfio *f, int object, unsigned long request, void *arg)
{
	if (request == ABI_DEVICE_BIND_IOMMUFD)
		return bind_node(f, object, arg);
	if (f->objects[object].kind == KIND_NODE)
		return -EINVAL;
	if (request == ABI_DEVICE_ATTACH_IOMMUFD_PT)
		return attach_node(f, f->objects[object].fn, arg);
	return -ENOTTY;
}

/* ---- The iommufd ---- */

static bool any_attached(const struct fakevfio *f, uint32_t ioas)
{
	for (unsigned i = 0; i < f->n_functions; i++)
		if (f->functions[i].ioas == ioas)
			return true;
	return false;
}

/* Without a function in it an address space reaches everything. */
static int ranges(const struct fakevfio *f, struct abi_iova_ranges *r)
{
	struct abi_iova_range *to = (void *)(uintptr_t)r->allowed;
	bool narrow = any_attached(f, r->ioas_id);
	uint32_t n = narrow ? f->n_ranges : 1, room = r->num_iovas;

	if (r->reserved)
		return -EOPNOTSUPP;
	r->num_iovas = n;
	r->out_alignment = narrow ? f->page_sizes & -f->page_sizes : 1;
	for (uint32_t i = 0; i < MIN(n, room); i++)
		to[i] = narrow ? (struct abi_iova_range) { f->ranges[i].first, f->ranges[i].last }
			       : (struct abi_iova_range) { 0, UINT64_MAX };
	return n > room ? -EMSGSIZE : 0;
}

static int map(struct fakevfio *f, const struct abi_map *m)
{
	const struct fakevfio_mapping want = {
		.iova = m->iova,
		.size = m->length,
		.memory = (char *)(uintptr_t)m->memory,
		.readable = m->flags & ABI_MAP_READ,
		.writable = m->flags & ABI_MAP_WRITE,
		.ioas = m->ioas_id,
	};

	if (m->reserved || !(m->flags & ABI_MAP_FIXED))
		return -EOPNOTSUPP;
	/* There is no limit of entries but memory's. */
	return mapping_add(f, &want, FAKEVFIO_MAPPINGS);
}

/* All that lies in the range; what reaches out of it is not cut. */
static int unmap(struct fakevfio *f, struct abi_unmap *u)
{
	uint64_t done = 0;

	for (unsigned i = f->n_mappings; i-- > 0;) {
		const struct fakevfio_mapping *m = &f->mappings[i];

		if (m->ioas != u->ioas_id || m->iova < u->iova ||
			m->iova - u->iova + m->size > u->length)
			continue;
		done += m->size;
		mapping_remove(f, i);
	}
	u->length = done;
	return done ? 0 : -ENOENT;
}

static int option(struct fakevfio *f, struct abi_option *o)
{
	if (o->option != ABI_OPTION_RLIMIT_MODE || o->object || o->reserved)
		return -EOPNOTSUPP;
	if (o->op == ABI_OPTION_GET) {
		o->value = f->memlock_of_process;
		return 0;
	}
	if (!f->may_count_processes)
		return -EPERM;
	if (f->n_ioas || f->iommufd_used)
		return -EBUSY;
	f->memlock_of_process = o->value;
	return 0;
}

static bool is_ioas(const struct fakevfio *f, uint32_t id)
{
	return id >= FIRST_IOAS && id < FIRST_IOAS + f->n_ioas;
}

/* With all that is mapped in it. Its number is not given again. */
static int destroy(struct fakevfio *f, uint32_t id)
{
	if (!is_ioas(f, id))
		return -ENOENT;
	if (any_attached(f, id))
		return -EBUSY;
	for (unsigned i = f->n_mappings; i-- > 0;)
		if (f->mappings[i].ioas == id)
			mapping_remove(f, i);
	f->destroyed++;
	return 0;
}

static int hw_info(const struct fakevfio *f, struct abi_hw_info *q)
{
	if (q->flags || q->reserved || q->data_len)
		return -EOPNOTSUPP;
	if (q->dev_id != DEVICE_ID || !f->iommufd_used)
		return -ENOENT;
	q->out_capabilities = f->tracks_dirty ? ABI_HW_DIRTY_TRACKING : 0;
	return 0;
}

int iommufd_ioctl(struct fakevfio *f, unsigned long request, void *arg)
{
	switch (request) {
	case ABI_IOMMU_DESTROY:
		return destroy(f, ((struct abi_destroy *)arg)->id);
	case ABI_IOAS_ALLOC:
		((struct abi_ioas_alloc *)arg)->out_ioas_id = FIRST_IOAS + f->n_ioas++;
		return 0;
	case ABI_IOAS_IOVA_RANGES:
		return is_ioas(f, ((struct abi_iova_ranges *)arg)->ioas_id) ? ranges(f, arg)
									    : -ENOENT;
	case ABI_IOAS_MAP:
		return is_ioas(f, ((struct abi_map *)arg)->ioas_id) ? map(f, arg) : -ENOENT;
	case ABI_IOAS_UNMAP:
		return is_ioas(f, ((struct abi_unmap *)arg)->ioas_id) ? unmap(f, arg) : -ENOENT;
	case ABI_IOMMU_HW_INFO:
		return hw_info(f, arg);
	case ABI_OPTION:
		return option(f, arg);
	default:
		return -ENOTTY;
	}
}

void iommufd_closed(struct fakevfio *f)
{
	for (unsigned i = f->n_mappings; i-- > 0;)
		if (f->mappings[i].ioas)
			mapping_remove(f, i);
	f->n_ioas = f->destroyed = 0;
	f->iommufd_used = false;
	f->memlock_of_process = false;
}

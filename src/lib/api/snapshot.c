// SPDX-License-Identifier: GPL-2.0-or-later
/* The public struct names stand for the rooms' own structs; nothing of them is public. */
#include "cast.h"
#include "handle.h"

#include "inventory/inventory.h"
#include "select/select.h"

int vfctl_snapshot_take(
	struct vfctl_host *host, struct vfctl_snapshot **ret, struct vfctl_error **reterr)
{
	struct inventory *inv = NULL;
	struct problem *p = NULL;
	int r;

	r = inventory_load(host->host, INVENTORY_ALL, &inv, &p);
	if (r < 0)
		return api_error(reterr, p, r);
	*ret = (struct vfctl_snapshot *)(void *)inv;
	return 0;
}

void vfctl_snapshot_free(struct vfctl_snapshot *s)
{
	inventory_free((struct inventory *)(void *)s);
}

size_t vfctl_snapshot_functions(const struct vfctl_snapshot *s)
{
	return inventory_of(s)->n_functions;
}

const struct vfctl_function *vfctl_snapshot_function(const struct vfctl_snapshot *s, size_t i)
{
	const struct inventory *inv = inventory_of(s);

	return i < inv->n_functions ? public_function(&inv->functions[i]) : NULL;
}

int vfctl_snapshot_find(struct vfctl_host *host, const struct vfctl_snapshot *s,
	const char *selector, const struct vfctl_function **ret, struct vfctl_error **reterr)
{
	struct function *f = NULL;
	struct problem *p = NULL;
	int r;

	r = select_one(host->host, inventory_of(s), selector, &f, &p);
	if (r < 0)
		return api_error(reterr, p, r);
	*ret = public_function(f);
	return 0;
}

const char *vfctl_function_address(const struct vfctl_function *f)
{
	return function_of(f)->address;
}

const char *vfctl_function_kind(const struct vfctl_function *f)
{
	return function_kind_name(function_of(f)->kind);
}

const char *vfctl_function_class(const struct vfctl_function *f)
{
	return function_of(f)->class_word;
}

uint32_t vfctl_function_class_code(const struct vfctl_function *f)
{
	return function_of(f)->id.class_code;
}

uint16_t vfctl_function_vendor(const struct vfctl_function *f)
{
	return function_of(f)->id.vendor;
}

uint16_t vfctl_function_device(const struct vfctl_function *f)
{
	return function_of(f)->id.device;
}

uint16_t vfctl_function_subsystem_vendor(const struct vfctl_function *f)
{
	return function_of(f)->id.subsystem_vendor;
}

uint16_t vfctl_function_subsystem_device(const struct vfctl_function *f)
{
	return function_of(f)->id.subsystem_device;
}

const char *vfctl_function_vendor_name(const struct vfctl_function *f)
{
	return function_of(f)->vendor_name;
}

const char *vfctl_function_device_name(const struct vfctl_function *f)
{
	return function_of(f)->device_name;
}

const char *vfctl_function_driver(const struct vfctl_function *f)
{
	return function_of(f)->driver;
}

const char *vfctl_function_driver_override(const struct vfctl_function *f)
{
	return function_of(f)->driver_override;
}

int vfctl_function_iommu_group(const struct vfctl_function *f)
{
	return function_of(f)->iommu_group;
}

int vfctl_function_numa_node(const struct vfctl_function *f)
{
	return function_of(f)->numa_node;
}

size_t vfctl_function_netdevs(const struct vfctl_function *f)
{
	return function_of(f)->n_netdevs;
}

const char *vfctl_function_netdev(const struct vfctl_function *f, size_t i)
{
	return i < function_of(f)->n_netdevs ? function_of(f)->netdevs[i].name : NULL;
}

const char *vfctl_function_nvme(const struct vfctl_function *f)
{
	return function_of(f)->nvme;
}

unsigned vfctl_function_total_vfs(const struct vfctl_function *f)
{
	return function_of(f)->kind == FUNCTION_PF ? function_of(f)->sriov.total_vfs : 0;
}

size_t vfctl_function_vfs(const struct vfctl_function *f)
{
	return function_of(f)->n_vfs;
}

const struct vfctl_function *vfctl_function_vf(const struct vfctl_function *f, size_t i)
{
	return i < function_of(f)->n_vfs ? public_function(function_of(f)->vfs[i]) : NULL;
}

const struct vfctl_function *vfctl_function_physfn(const struct vfctl_function *f)
{
	return public_function(function_of(f)->physfn);
}

int vfctl_function_vf_index(const struct vfctl_function *f)
{
	return function_of(f)->vf_index;
}

size_t vfctl_snapshot_groups(const struct vfctl_snapshot *s)
{
	return inventory_of(s)->n_groups;
}

const struct vfctl_group *vfctl_snapshot_group(const struct vfctl_snapshot *s, size_t i)
{
	const struct inventory *inv = inventory_of(s);

	return i < inv->n_groups ? public_group(&inv->groups[i]) : NULL;
}

const struct vfctl_group *vfctl_snapshot_find_group(const struct vfctl_snapshot *s, int id)
{
	return public_group(inventory_find_group(inventory_of(s), id));
}

int vfctl_group_id(const struct vfctl_group *g)
{
	return group_of(g)->id;
}

const char *vfctl_group_type(const struct vfctl_group *g)
{
	return group_of(g)->type;
}

bool vfctl_group_viable(const struct vfctl_group *g)
{
	return group_of(g)->viable;
}

size_t vfctl_group_members(const struct vfctl_group *g)
{
	return group_of(g)->n_members;
}

const struct vfctl_function *vfctl_group_member(
	const struct vfctl_snapshot *s, const struct vfctl_group *g, size_t i)
{
	if (i >= group_of(g)->n_members)
		return NULL;
	return public_function(inventory_find_bdf(inventory_of(s), group_of(g)->members[i].bdf));
}

bool vfctl_group_member_blocks(const struct vfctl_group *g, size_t i)
{
	return i < group_of(g)->n_members && group_of(g)->members[i].blocks;
}

int vfctl_group_reserved(const struct vfctl_group *g, size_t i, uint64_t *ret_start,
	uint64_t *ret_end, const char **ret_type)
{
	const struct reserved_region *r;

	if (i >= group_of(g)->n_reserved)
		return -ENOENT;
	r = &group_of(g)->reserved[i];
	*ret_start = r->start;
	*ret_end = r->end;
	*ret_type = r->type;
	return 0;
}

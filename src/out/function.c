// SPDX-License-Identifier: GPL-2.0-or-later
#include "function.h"
#include "cell.h"
#include "holder.h"
#include "lease.h"

#define FUNCTION(row) ((const struct function *)(row))

static int text_address(const void *row, char **ret)
{
	return cell_str(ret, FUNCTION(row)->address);
}

static int text_kind(const void *row, char **ret)
{
	return cell_str(ret, function_kind_name(FUNCTION(row)->kind));
}

static int text_class(const void *row, char **ret)
{
	return cell_str(ret, FUNCTION(row)->id_unknown ? NULL : FUNCTION(row)->class_word);
}

static int text_id(const void *row, char **ret)
{
	if (FUNCTION(row)->id_unknown)
		return cell_str(ret, NULL);
	return cell_fmt(ret, "%04x:%04x", FUNCTION(row)->id.vendor, FUNCTION(row)->id.device);
}

static int text_subsystem(const void *row, char **ret)
{
	const struct identity *id = &FUNCTION(row)->id;

	if (FUNCTION(row)->id_unknown)
		return cell_str(ret, NULL);
	return cell_fmt(ret, "%04x:%04x", id->subsystem_vendor, id->subsystem_device);
}

static int text_vendor(const void *row, char **ret)
{
	return cell_str(ret, FUNCTION(row)->vendor_name);
}

/* A name where the database has one, so that a line always says what the thing is. */
static int text_device(const void *row, char **ret)
{
	if (FUNCTION(row)->device_name)
		return cell_str(ret, FUNCTION(row)->device_name);
	return text_id(row, ret);
}

static int text_driver(const void *row, char **ret)
{
	return cell_str(ret, FUNCTION(row)->driver);
}

static int text_override(const void *row, char **ret)
{
	const struct function *f = FUNCTION(row);

	return cell_str(ret, f->override_unknown ? "?" : f->driver_override);
}

static int text_group(const void *row, char **ret)
{
	return cell_known(ret, FUNCTION(row)->iommu_group);
}

static int text_numa(const void *row, char **ret)
{
	return cell_known(ret, FUNCTION(row)->numa_node);
}

static int text_netdev(const void *row, char **ret)
{
	const struct function *f = FUNCTION(row);
	autostrbuf b = { 0 };

	if (f->n_netdevs == 1)
		return cell_str(ret, f->netdevs[0].name);
	for (size_t i = 0; i < f->n_netdevs; i++)
		strbuf_add(&b, "%s%s", i ? "," : "", f->netdevs[i].name);
	return cell_take(ret, &b);
}

static int text_nvme(const void *row, char **ret)
{
	return cell_str(ret, FUNCTION(row)->nvme);
}

static int text_name(const void *row, char **ret)
{
	return FUNCTION(row)->nvme ? text_nvme(row, ret) : text_netdev(row, ret);
}

static int text_vfs(const void *row, char **ret)
{
	const struct function *f = FUNCTION(row);

	if (f->kind != FUNCTION_PF)
		return cell_str(ret, NULL);
	return cell_fmt(ret, "%u/%u", f->sriov.num_vfs, f->sriov.total_vfs);
}

static int text_pf(const void *row, char **ret)
{
	const struct function *f = FUNCTION(row);

	return cell_str(ret, f->physfn ? f->physfn->address : NULL);
}

static int text_index(const void *row, char **ret)
{
	return cell_known(ret, FUNCTION(row)->vf_index);
}

static int text_holder(const void *row, char **ret)
{
	return holder_cell(ret, FUNCTION(row)->holders, FUNCTION(row)->n_holders);
}

static int text_claim(const void *row, char **ret)
{
	return claim_cell(ret, FUNCTION(row)->claim);
}

static const char *color_kind(const void *row)
{
	switch (FUNCTION(row)->kind) {
	case FUNCTION_PF:
		return "cyan";
	case FUNCTION_VF:
		return "green";
	default:
		return NULL;
	}
}

int function_text_name(const struct function *f, char **ret)
{
	return text_name(f, ret);
}

int function_text_device(const struct function *f, char **ret)
{
	return text_device(f, ret);
}

const struct out_column function_columns[] = {
	{ "ADDRESS", "domain:bus:dev.function", OUT_USUAL, text_address, NULL },
	{ "KIND", "pf, vf or function", OUT_USUAL, text_kind, color_kind },
	{ "CLASS", "network, storage, bridge…", OUT_USUAL, text_class, NULL },
	{ "DRIVER", "bound driver", OUT_USUAL, text_driver, NULL },
	{ "GROUP", "IOMMU group", OUT_USUAL | OUT_RIGHT, text_group, NULL },
	{ "NUMA", "NUMA node", OUT_USUAL | OUT_RIGHT, text_numa, NULL },
	{ "NAME", "interfaces or controller", OUT_USUAL, text_name, NULL },
	{ "VFS", "of a PF: VFs used/total", OUT_USUAL | OUT_RIGHT, text_vfs, NULL },
	{ "DEVICE", "device name, or its ids", OUT_USUAL | OUT_WRAP, text_device, NULL,
		INVENTORY_NAMES },
	{ "VENDOR", "vendor name", 0, text_vendor, NULL, INVENTORY_NAMES },
	{ "ID", "vendor:device", 0, text_id, NULL },
	{ "SUBSYSTEM", "subsystem vendor:device", 0, text_subsystem, NULL },
	{ "OVERRIDE", "driver_override", 0, text_override, NULL, INVENTORY_OVERRIDES },
	{ "NETDEV", "network interfaces", 0, text_netdev, NULL },
	{ "NVME", "NVMe controller", 0, text_nvme, NULL },
	{ "PF", "of a VF: its PF", 0, text_pf, NULL },
	{ "INDEX", "of a VF: its number", OUT_RIGHT, text_index, NULL },
	{ "CLAIM", "who was given it", 0, text_claim, NULL },
	{ "HOLDER", "who uses it: guest, mount, …", OUT_WRAP, text_holder, NULL },
};
const size_t n_function_columns = ARRAY_SIZE(function_columns);

unsigned function_columns_need(const char *columns)
{
	return out_columns_need(function_columns, n_function_columns, columns);
}

static void sriov_json(struct json *j, json_object *to, const struct function *f)
{
	const struct sriov_facts *s = &f->sriov;
	json_object *e;

	if (f->kind != FUNCTION_PF) {
		json_add_null(j, to, "sriov");
		return;
	}
	e = json_add_object(j, to, "sriov");
	json_add_u64(j, e, "total_vfs", s->total_vfs);
	json_add_u64(j, e, "num_vfs", s->num_vfs);
	json_add_known(j, e, "offset", s->offset);
	json_add_known(j, e, "stride", s->stride);
	if (s->vf_device < 0)
		json_add_null(j, e, "vf_device");
	else
		json_add_fmt(j, e, "vf_device", "%04x", (unsigned)s->vf_device);
	json_add_maybe(j, e, "drivers_autoprobe", s->drivers_autoprobe);
	json_add_known(j, e, "vf_total_msix", s->vf_total_msix);
}

static void names_json(struct json *j, json_object *to, const struct function *f)
{
	json_object *list = json_add_array(j, to, "netdevs");

	for (size_t i = 0; i < f->n_netdevs; i++)
		json_add_str(j, list, NULL, f->netdevs[i].name);
	json_add_str(j, to, "nvme", f->nvme);
}

static void id_json(
	struct json *j, json_object *to, const char *key, const struct function *f, unsigned id)
{
	if (f->id_unknown)
		json_add_null(j, to, key);
	else
		json_add_fmt(j, to, key, "%04x", id);
}

void function_json(struct json *j, json_object *to, const struct function *f)
{
	json_object *vfs;

	json_add_str(j, to, "address", f->address);
	json_add_str(j, to, "kind", function_kind_name(f->kind));
	json_add_str(j, to, "class", f->id_unknown ? NULL : f->class_word);
	id_json(j, to, "vendor", f, f->id.vendor);
	id_json(j, to, "device", f, f->id.device);
	id_json(j, to, "subsystem_vendor", f, f->id.subsystem_vendor);
	id_json(j, to, "subsystem_device", f, f->id.subsystem_device);
	json_add_str(j, to, "vendor_name", f->vendor_name);
	json_add_str(j, to, "device_name", f->device_name);
	json_add_str(j, to, "driver", f->driver);
	json_add_str(j, to, "driver_override", f->driver_override);
	json_add_known(j, to, "iommu_group", f->iommu_group);
	json_add_known(j, to, "numa_node", f->numa_node);
	names_json(j, to, f);
	sriov_json(j, to, f);
	vfs = json_add_array(j, to, "vfs");
	for (size_t i = 0; i < f->n_vfs; i++)
		json_add_str(j, vfs, NULL, f->vfs[i]->address);
	json_add_str(j, to, "physfn", f->physfn ? f->physfn->address : NULL);
	json_add_known(j, to, "vf_index", f->vf_index);
	claim_json(j, to, "claim", f->claim);
}

static void one_in_json(struct json *j, json_object *to, const struct function *f)
{
	function_json(j, to, f);
	if (f->holders_known)
		holders_json(j, to, f->holders, f->n_holders);
}

static int functions_in_json(
	const struct out *o, const struct function *const *v, size_t n, struct problem **reterr)
{
	autojson j = json_start();
	json_object *list = json_add_array(&j, j.root, "functions");

	for (size_t i = 0; i < n; i++)
		one_in_json(&j, json_add_object(&j, list, NULL), v[i]);
	return json_print(&j, o, reterr);
}

int out_functions(
	const struct out *o, const struct function *const *v, size_t n, struct problem **reterr)
{
	if (out_is_json(o))
		return functions_in_json(o, v, n, reterr);
	return out_table(
		o, function_columns, n_function_columns, (const void *const *)v, n, reterr);
}

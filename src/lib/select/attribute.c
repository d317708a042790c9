// SPDX-License-Identifier: GPL-2.0-or-later
#include "attribute.h"

#include "base/mac.h"
#include "base/str.h"
#include "host/sysfs.h"
#include "pci/detail.h"

#include <fnmatch.h>

struct attribute_kind {
	const char *key, *help;
	int (*parse)(struct attribute *a); /* -EINVAL: not such a value. NULL: any text */
	bool (*matches)(struct host *h, const struct attribute *a, const struct function *f);
};

static int parse_id(struct attribute *a)
{
	autofree char *vendor = strdup(a->value);
	uint64_t v, d = 0;
	char *device;

	if (!vendor)
		return -ENOMEM;
	device = strchr(vendor, ':');
	if (device)
		*device++ = '\0';
	if (parse_hex(vendor, &v) < 0 || v > UINT16_MAX)
		return -EINVAL;
	if (device && (parse_hex(device, &d) < 0 || d > UINT16_MAX))
		return -EINVAL;
	a->id.vendor = (uint16_t)v;
	a->id.device = (uint16_t)d;
	a->id.any_device = !device;
	return 0;
}

static int parse_number(struct attribute *a)
{
	uint32_t v;

	if (parse_u32(a->value, &v) < 0 || v > INT32_MAX)
		return -EINVAL;
	a->number = (int)v;
	return 0;
}

static int parse_address(struct attribute *a)
{
	return mac_parse(a->value, &a->mac);
}

static int parse_kind(struct attribute *a)
{
	for (int k = FUNCTION_PLAIN; k <= FUNCTION_VF; k++)
		if (str_eq(a->value, function_kind_name((enum function_kind)k))) {
			a->number = k;
			return 0;
		}
	return -EINVAL;
}

static int parse_class(struct attribute *a)
{
	return class_word_exists(a->value) ? 0 : -EINVAL;
}

static bool driver_matches(
	struct host *h UNUSED, const struct attribute *a, const struct function *f)
{
	return f->driver ? str_eq(f->driver, a->value) : str_eq(a->value, "none");
}

static bool id_matches(struct host *h UNUSED, const struct attribute *a, const struct function *f)
{
	return f->id.vendor == a->id.vendor && (a->id.any_device || f->id.device == a->id.device);
}

static bool class_matches(
	struct host *h UNUSED, const struct attribute *a, const struct function *f)
{
	return str_eq(f->class_word, a->value);
}

static bool kind_matches(struct host *h UNUSED, const struct attribute *a, const struct function *f)
{
	return (int)f->kind == a->number;
}

static bool numa_matches(struct host *h UNUSED, const struct attribute *a, const struct function *f)
{
	return f->numa_node == a->number;
}

static bool group_matches(
	struct host *h UNUSED, const struct attribute *a, const struct function *f)
{
	return f->iommu_group == a->number;
}

static bool path_matches(struct host *h UNUSED, const struct attribute *a, const struct function *f)
{
	autofree char *path = str_printf("pci-%s", f->address);

	return path && fnmatch(a->value, path, 0) == 0;
}

static bool nvme_serial_is(struct host *h, const char *controller, const char *serial)
{
	autofree char *text = NULL;

	/* The kernel pads it with blanks to the 20 bytes of the specification. */
	return sysfs_read(h, &text, "class/nvme/%s/serial", controller) == 0 &&
	       str_eq(str_trim(text), serial);
}

static bool serial_matches(struct host *h, const struct attribute *a, const struct function *f)
{
	CLEANUP(detail_freep) struct detail *d = NULL;

	if (f->nvme && nvme_serial_is(h, f->nvme, a->value))
		return true;
	return detail_read(h, f->bdf, &d) == 0 && str_eq(d->vpd_serial, a->value);
}

static int parse_slot(struct attribute *a)
{
	return *a->value && !strchr(a->value, '/') ? 0 : -EINVAL;
}

/*
 * The slot knows its device, "0000:03:00", or its bus, "0000:03". A VF sits where its PF does, also
 * when it is on another bus.
 */
static bool slot_matches(struct host *h, const struct attribute *a, const struct function *f)
{
	const char *address = f->physfn ? f->physfn->address : f->address, *rest;
	autofree char *text = NULL;

	if (sysfs_read(h, &text, "bus/pci/slots/%s/address", a->value) < 0)
		return false;
	rest = str_starts(address, str_trim(text)) ? address + strlen(str_trim(text)) : "";
	return *rest == '.' || *rest == ':';
}

static bool mac_is(struct mac m, const struct attribute *a)
{
	return memcmp(&m, &a->mac, sizeof(m)) == 0;
}

static bool netdev_has_mac(struct host *h, const struct netdev *d, const struct attribute *a)
{
	autofree char *text = NULL;
	struct host_link link;
	struct mac m;

	if (sysfs_read(h, &text, "class/net/%s/address", d->name) == 0 &&
		mac_parse(text, &m) == 0 && mac_is(m, a))
		return true;
	return host_link_get(h, d->ifindex, &link) == 0 && mac_is(link.permanent_mac, a);
}

/* A VF that no network driver holds has no address of its own to ask for, only what its PF set. */
static bool pf_gave_mac(struct host *h, const struct attribute *a, const struct function *vf)
{
	autofree struct host_vf *vfs = NULL;
	size_t n = 0;

	if (!vf->physfn || !vf->physfn->n_netdevs)
		return false;
	if (host_link_vfs(h, vf->physfn->netdevs[0].ifindex, &vfs, &n) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((int)vfs[i].vf == vf->vf_index)
			return mac_is(vfs[i].mac, a);
	return false;
}

static bool mac_matches(struct host *h, const struct attribute *a, const struct function *f)
{
	for (size_t i = 0; i < f->n_netdevs; i++)
		if (netdev_has_mac(h, &f->netdevs[i], a))
			return true;
	return pf_gave_mac(h, a, f);
}

static bool pool_matches(struct host *h UNUSED, const struct attribute *a, const struct function *f)
{
	return str_eq(f->pool, a->value);
}

static const struct attribute_kind kinds[] = {
	{ "driver", "a driver's name, or none", NULL, driver_matches },
	{ "vendor", "VENDOR or VENDOR:DEVICE in hexadecimal, 8086:10c9", parse_id, id_matches },
	{ "class", "a word of the column CLASS: network, storage, bridge…", parse_class,
		class_matches },
	{ "kind", "pf, vf or function", parse_kind, kind_matches },
	{ "numa", "the number of a NUMA node", parse_number, numa_matches },
	{ "group", "the number of an IOMMU group", parse_number, group_matches },
	{ "path", "pci-ADDRESS, where * and ? match", NULL, path_matches },
	{ "slot", "a physical slot's name, as vfctl tree -o SLOT shows it", parse_slot,
		slot_matches },
	{ "serial", "a serial number, of the VPD or of an NVMe controller", NULL, serial_matches },
	{ "mac", "an Ethernet address", parse_address, mac_matches },
	{ "pool", "a pool of the configuration, vfctl-pf.d(5)", NULL, pool_matches },
};

bool attribute_is(const char *word)
{
	return strchr(word, '=') != NULL;
}

static int unknown_key(const char *key, struct problem **reterr)
{
	autostrv char **keys = NULL;
	autostrbuf all = { 0 };
	const char *nearest;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strv_add(&keys, kinds[i].key) < 0)
			return -ENOMEM;
		strbuf_add(&all, "%s%s=", i ? ", " : "", kinds[i].key);
	}
	problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "no attribute is called '%s'", key);
	nearest = strv_nearest(keys, key);
	if (nearest)
		problem_hint(reterr, "did you mean %s=?", nearest);
	else
		problem_hint(reterr, "attributes are %s", all.s);
	return -EINVAL;
}

int attribute_parse(const char *word, struct attribute *ret, struct problem **reterr)
{
	autofree char *key = strndup(word, strcspn(word, "="));
	struct attribute a = { .value = word + strcspn(word, "=") + 1 };
	int r = 0;

	if (!key)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (str_eq(kinds[i].key, key))
			a.kind = &kinds[i];
	if (!a.kind)
		return unknown_key(key, reterr);
	if (!*a.value)
		r = -EINVAL;
	else if (a.kind->parse)
		r = a.kind->parse(&a);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "%s: bad value", word);
		problem_hint(reterr, "%s= takes %s", key, a.kind->help);
		return -EINVAL;
	}
	*ret = a;
	return 0;
}

bool attribute_matches(struct host *h, const struct attribute *a, const struct function *f)
{
	return a->kind->matches(h, a, f);
}

const char *attribute_key(unsigned i)
{
	return i < ARRAY_SIZE(kinds) ? kinds[i].key : NULL;
}

const char *attribute_help(unsigned i)
{
	return i < ARRAY_SIZE(kinds) ? kinds[i].help : NULL;
}

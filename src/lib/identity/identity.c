// SPDX-License-Identifier: GPL-2.0-or-later
/* What stands at an address now. */
#include "identity.h"

#include "base/str.h"
#include "host/sysfs.h"
#include "netdev/netdev.h"
#include "pci/config.h"
#include "pci/detail.h"

enum { VPD_BYTES = 32 << 10 };

void pf_identity_done(struct pf_identity *p)
{
	for (unsigned i = 0; i < IDENTITY_FACTS; i++)
		free(p->fact[i]);
	free(p->seed);
	*p = (struct pf_identity) { 0 };
}

static const struct {
	const char *key, *text;
} facts[IDENTITY_FACTS] = {
	[IDENTITY_MAC] = { "PermanentMACAddress", "permanent MAC address" },
	[IDENTITY_DSN] = { "DeviceSerialNumber", "device serial number" },
	[IDENTITY_VPD_SERIAL] = { "Serial", "serial number" },
	[IDENTITY_NVME_SERIAL] = { "NVMeSerial", "NVMe serial number" },
};

const char *identity_fact_key(enum identity_fact f)
{
	return facts[f].key;
}

const char *identity_fact_text(enum identity_fact f)
{
	return facts[f].text;
}

/* ---- Facts: NULL when unknown ---- */

/* A representor stands on the PF, too, and speaks for a VF. */
static bool is_representor(struct host *h, const char *name)
{
	autofree char *port = NULL;

	return sysfs_read(h, &port, "class/net/%s/phys_port_name", name) == 0 &&
	       (strstr(port, "vf") || strstr(port, "sf"));
}

/* The kernel's word for an address that is the hardware's own (NET_ADDR_PERM). */
static bool has_own_address(struct host *h, const char *name)
{
	uint64_t type;

	return sysfs_read_u64(h, &type, "class/net/%s/addr_assign_type", name) == 0 && type == 0;
}

static bool permanent_mac(struct host *h, const struct netdev *d, struct mac *ret)
{
	autofree char *text = NULL;
	struct host_link link;

	if (is_representor(h, d->name))
		return false;
	if (host_link_get(h, d->ifindex, &link) == 0 && !mac_is_zero(link.permanent_mac)) {
		*ret = link.permanent_mac;
		return true;
	}
	return has_own_address(h, d->name) &&
	       sysfs_read(h, &text, "class/net/%s/address", d->name) == 0 &&
	       mac_parse(text, ret) == 0 && !mac_is_zero(*ret);
}

static char *mac_fact(struct host *h, struct bdf a)
{
	autofree struct netdev *v = NULL;
	struct mac mac;
	size_t n = 0;

	if (netdevs_of(h, a, &v, &n) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (permanent_mac(h, &v[i], &mac))
			return str_printf("%s", MAC_TEXT(mac));
	return NULL;
}

static char *vpd_fact(struct host *h, struct bdf a, const struct config_space *c)
{
	autofree uint8_t *vpd = NULL;
	autofree char *serial = NULL;
	ssize_t n;

	if (!config_find(c, CAP_VPD))
		return NULL;
	vpd = malloc(VPD_BYTES);
	if (!vpd)
		return NULL;
	n = sysfs_read_bytes(h, vpd, VPD_BYTES, "bus/pci/devices/%s/vpd", BDF_TEXT(a));
	serial = n > 0 ? vpd_keyword(vpd, (size_t)n, "SN") : NULL;
	return serial && *serial ? TAKE_PTR(serial) : NULL;
}

static char *nvme_fact(struct host *h, struct bdf a)
{
	autostrv char **names = NULL;
	autofree char *text = NULL;

	if (sysfs_list(h, &names, "bus/pci/devices/%s/nvme", BDF_TEXT(a)) < 0 || !names[0])
		return NULL;
	if (sysfs_read(h, &text, "bus/pci/devices/%s/nvme/%s/serial", BDF_TEXT(a), names[0]) < 0)
		return NULL;
	/* Padded with blanks to the 20 bytes of the specification; a device may put anything. */
	return *str_trim(text) ? str_printable(str_trim(text)) : NULL;
}

/* A record is lines of text, in which a backslash at the end would mean something. */
static char *plain(char *fact)
{
	for (char *c = fact; c && *c; c++)
		if (*c == '\\')
			*c = '/';
	return fact;
}

static void read_facts(struct host *h, struct bdf a, struct pf_identity *p)
{
	autofree struct config_space *c = malloc(sizeof(*c));

	p->fact[IDENTITY_MAC] = mac_fact(h, a);
	p->fact[IDENTITY_NVME_SERIAL] = plain(nvme_fact(h, a));
	if (!c || config_space_read_chains(h, a, c) < 0)
		return;
	p->fact[IDENTITY_DSN] = config_dsn(c);
	/* Slow on real devices, so only when nothing better is known. */
	if (!p->fact[IDENTITY_MAC] && !p->fact[IDENTITY_DSN])
		p->fact[IDENTITY_VPD_SERIAL] = plain(vpd_fact(h, a, c));
}

/*
 * A MAC is of one port; serial numbers are of a card, whose functions share them. The address is
 * the last resort: such a card cannot be followed.
 */
static char *seed_of(const struct pf_identity *p)
{
	if (p->fact[IDENTITY_MAC])
		return str_printf("mac %s", p->fact[IDENTITY_MAC]);
	for (unsigned i = IDENTITY_DSN; i < IDENTITY_FACTS; i++)
		if (p->fact[i])
			return str_printf("serial %s function %u", p->fact[i], p->bdf.fn);
	return str_printf("address %s", BDF_TEXT(p->bdf));
}

int pf_identity_read(struct host *h, struct bdf pf, struct pf_identity *ret)
{
	autopfidentity p = { .bdf = pf };
	int r = identity_read(h, pf, &p.id);

	if (r < 0)
		return r;
	p.id.class_code = 0;
	read_facts(h, pf, &p);
	p.seed = seed_of(&p);
	if (!p.seed)
		return -ENOMEM;
	*ret = p;
	p = (struct pf_identity) { 0 };
	return 0;
}

char *pf_identity_text(const struct pf_identity *p)
{
	autostrbuf b = { 0 };

	strbuf_add(&b, "%04x:%04x", p->id.vendor, p->id.device);
	if (p->id.subsystem_vendor || p->id.subsystem_device)
		strbuf_add(&b, " (subsystem %04x:%04x)", p->id.subsystem_vendor,
			p->id.subsystem_device);
	for (unsigned i = 0; i < IDENTITY_FACTS; i++)
		if (p->fact[i])
			strbuf_add(&b, ", %s %s", facts[i].text, p->fact[i]);
	return strbuf_take(&b);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Interfaces, and VF attributes as the igb driver of Linux 6.12 takes and refuses them. */
#include "kernel.h"
#include "base/mac.h"

#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>

/* The PF that the function belongs to, and its index there. */
static struct pf *pf_of_vf(struct kernel *k, const char *bdf, unsigned *ret_index)
{
	autofree char *name = k_link_name(k, "/sys/bus/pci/devices/%s/physfn", bdf);
	struct pf *pf = name ? pf_find(k, name) : NULL;
	char other[BDF_TEXT_MAX];

	for (unsigned i = 0; pf && i < pf->num_vfs; i++) {
		vf_bdf(k, pf, i, other);
		if (str_eq(other, bdf)) {
			*ret_index = i;
			return pf;
		}
	}
	return NULL;
}

/* A unicast, locally administered address that depends on the function only. */
static struct mac own_mac(const char *bdf)
{
	struct bdf a = { 0 };

	bdf_parse(bdf, &a);
	return (struct mac) { { 0x02, 0xfa, 0xce, a.bus, (uint8_t)(a.dev << 3 | a.fn), 1 } };
}

/* What a captured VF's own interface shows is what its PF was told. */
void net_adopt_macs(struct kernel *k, struct pf *pf)
{
	for (unsigned i = 0; i < pf->num_vfs; i++) {
		autofree char *path = NULL, *mac = NULL;
		autostrv char **names = NULL;
		char bdf[BDF_TEXT_MAX];

		vf_bdf(k, pf, i, bdf);
		path = need_printf("/sys/bus/pci/devices/%s/net", bdf);
		if (tree_list(k->tree, path, &names) < 0 || !names[0])
			continue;
		mac = k_text(k, "%s/%s/address", path, names[0]);
		if (mac)
			mac_parse(mac, &pf->vf[i].mac);
	}
}

void net_reset_vfs(struct kernel *k, struct pf *pf)
{
	char bdf[BDF_TEXT_MAX];

	for (unsigned i = 0; i < pf->num_vfs; i++) {
		vf_bdf(k, pf, i, bdf);
		pf->vf[i] = (struct host_vf) {
			.vf = i,
			.mac = own_mac(bdf),
			.vlan_proto = ETH_P_8021Q,
			.spoofchk = 1,
			.query_rss = -1,
			.link_state = IFLA_VF_LINK_STATE_AUTO,
		};
	}
}

/* The interface of that index: its name, or NULL. */
static char *name_of(struct kernel *k, int ifindex)
{
	autostrv char **names = NULL;

	if (tree_list(k->tree, "/sys/class/net", &names) < 0)
		return NULL;
	STRV_FOREACH (it, names) {
		autofree char *text = k_text(k, "/sys/class/net/%s/ifindex", *it);

		if (text && atoi(text) == ifindex)
			return need_printf("%s", *it);
	}
	return NULL;
}

/* The tree path of an interface's folder, so that what is put there does not replace links. */
static char *folder_of(struct kernel *k, const char *name)
{
	autofree char *path = need_printf("/sys/class/net/%s", name);
	char *real;

	NEED(tree_resolve(k->tree, path, true, &real) == 0);
	return real;
}

static void put_state(struct kernel *k, const char *dir, bool up)
{
	k_put(k, 0644, up ? "0x1003\n" : "0x1002\n", "%s/flags", dir);
	k_put(k, 0444, up ? "up\n" : "down\n", "%s/operstate", dir);
	k_put(k, 0644, up ? "1\n" : "", "%s/carrier", dir);
	k_put(k, 0444, up ? "1000\n" : "", "%s/speed", dir);
}

/* The links of an interface whose folder is `own`, below /sys. */
static void put_links(struct kernel *k, const char *own, const char *function_dir)
{
	k_link(k, own, "device", function_dir);
	k_link(k, own, "subsystem", "class/net");
	k_link(k, "class/net", strrchr(own, '/') + 1, own);
}

static void put_attributes(struct kernel *k, const char *real, const char *bdf, int ifindex)
{
	unsigned index = 0;
	struct pf *pf = pf_of_vf(k, bdf, &index);
	autofree char *mac = need_printf("%s\n", MAC_TEXT(pf ? pf->vf[index].mac : own_mac(bdf)));
	autofree char *number = need_printf("%d\n", ifindex);

	k_put(k, 0444, mac, "%s/address", real);
	k_put(k, 0444, number, "%s/ifindex", real);
	k_put(k, 0444, number, "%s/iflink", real);
	k_put(k, 0444, "6\n", "%s/addr_len", real);
	k_put(k, 0644, "1500\n", "%s/mtu", real);
	k_put(k, 0444, "1\n", "%s/type", real);
	k_put(k, 0444, "0\n", "%s/dev_port", real);
	k_put(k, 0444, "", "%s/phys_port_name", real);
	put_state(k, real, false);
}

int net_add_named(struct kernel *k, const char *bdf, const char *name)
{
	autofree char *dir = device_dir(k, bdf), *own = NULL, *real = NULL, *used = NULL;
	int ifindex;

	NEED(dir);
	ifindex = k->last_ifindex + 1;
	for (; (used = name_of(k, ifindex)); ifindex++)
		free(TAKE_PTR(used));
	k->last_ifindex = ifindex;
	own = need_printf("%s/net/%s", dir, name);
	real = need_printf("/sys/%s", own);
	put_attributes(k, real, bdf, ifindex);
	put_links(k, own, dir);
	return ifindex;
}

void net_add(struct kernel *k, const char *bdf)
{
	autofree char *name = NULL;
	unsigned n = 0;

	while (k_exists(k, "/sys/class/net/eth%u", n))
		n++;
	name = need_printf("eth%u", n);
	fakeudev_netdev_came(k, bdf, net_add_named(k, bdf, name));
}

void net_remove_named(struct kernel *k, const char *name)
{
	autofree char *real = k_exists(k, "/sys/class/net/%s", name) ? folder_of(k, name) : NULL;

	if (real)
		k_remove(k, "%s", real);
	k_remove(k, "/sys/class/net/%s", name);
}

char *net_name_of_function(struct kernel *k, const char *bdf)
{
	autofree char *path = need_printf("/sys/bus/pci/devices/%s/net", bdf);
	autostrv char **names = NULL;

	if (tree_list(k->tree, path, &names) < 0 || !names[0])
		return NULL;
	return need_printf("%s", names[0]);
}

bool net_rename(struct kernel *k, int ifindex, const char *name)
{
	autofree char *old = name_of(k, ifindex), *bdf = NULL, *dir = NULL, *own = NULL;
	autofree char *real = NULL, *flags = NULL;
	uint64_t v = 0;

	if (!old)
		return false;
	bdf = k_link_name(k, "/sys/class/net/%s/device", old);
	flags = k_text(k, "/sys/class/net/%s/flags", old);
	NEED(bdf && flags && parse_hex(flags, &v) == 0);
	dir = device_dir(k, bdf);
	net_remove(k, bdf);
	own = need_printf("%s/net/%s", dir, name);
	real = need_printf("/sys/%s", own);
	put_attributes(k, real, bdf, ifindex);
	put_state(k, real, v & IFF_UP);
	put_links(k, own, dir);
	return true;
}

void net_remove(struct kernel *k, const char *bdf)
{
	autofree char *dir = device_dir(k, bdf), *path = NULL;
	autostrv char **names = NULL;

	if (!dir)
		return;
	path = need_printf("/sys/%s/net", dir);
	if (tree_list(k->tree, path, &names) == 0)
		STRV_FOREACH (it, names)
			k_remove(k, "/sys/class/net/%s", *it);
	k_remove(k, "%s", path);
}

int net_link_get(struct host *h, int ifindex, struct host_link *ret)
{
	struct kernel *k = kernel_of(h);
	int e = fault(k, FAKE_LINK_GET, NULL);
	autofree char *name = name_of(k, ifindex), *mac = NULL, *mtu = NULL, *flags = NULL;
	struct host_link l = { .ifindex = ifindex };
	uint64_t v = 0;

	if (e < 0 || !name)
		return e < 0 ? e : -ENOENT;
	snprintf(l.name, sizeof(l.name), "%s", name);
	mac = k_text(k, "/sys/class/net/%s/address", name);
	mtu = k_text(k, "/sys/class/net/%s/mtu", name);
	flags = k_text(k, "/sys/class/net/%s/flags", name);
	if (mac)
		mac_parse(mac, &l.mac);
	l.permanent_mac = l.mac;
	l.mtu = mtu ? (unsigned)atoi(mtu) : 0;
	if (flags)
		parse_hex(flags, &v);
	l.up = v & IFF_UP;
	l.carrier = l.up;
	*ret = l;
	return 0;
}

void fake_altname(struct host *h, int ifindex, const char *name)
{
	autofree char *entry = need_printf("%d %s", ifindex, name);

	NEED(strv_add(&kernel_of(h)->altnames, entry) == 0);
}

int net_link_altnames(struct host *h, int ifindex, char ***ret)
{
	struct kernel *k = kernel_of(h);
	int e = fault(k, FAKE_LINK_GET, NULL);
	autofree char *name = name_of(k, ifindex);
	char **names;

	if (e < 0 || !name)
		return e < 0 ? e : -ENOENT;
	names = calloc(1, sizeof(*names));
	NEED(names);
	STRV_FOREACH (it, k->altnames)
		if (atoi(*it) == ifindex)
			NEED(strv_add(&names, strchr(*it, ' ') + 1) == 0);
	*ret = names;
	return 0;
}

/* An alternative name's interface while it is there; 0 none. */
static int index_by_altname(struct kernel *k, const char *name)
{
	STRV_FOREACH (it, k->altnames) {
		autofree char *there = name_of(k, atoi(*it));

		if (there && str_eq(strchr(*it, ' ') + 1, name))
			return atoi(*it);
	}
	return 0;
}

int net_link_index(struct host *h, const char *name, int *ret)
{
	struct kernel *k = kernel_of(h);
	int e = fault(k, FAKE_LINK_GET, name);
	autofree char *text = NULL;

	if (e < 0)
		return e;
	if (!*name || strchr(name, '/'))
		return -ENOENT;
	text = k_text(k, "/sys/class/net/%s/ifindex", name);
	e = text ? atoi(text) : index_by_altname(k, name);
	if (!e)
		return -ENOENT;
	*ret = e;
	return 0;
}

int net_link_set_up(struct host *h, int ifindex, bool up)
{
	struct kernel *k = kernel_of(h);
	int e = fault(k, FAKE_LINK_SET_UP, NULL);
	autofree char *name = name_of(k, ifindex), *dir = NULL;

	if (e < 0 || !name)
		return e < 0 ? e : -ENOENT;
	k_log(k, "link %s %s", name, up ? "up" : "down");
	dir = folder_of(k, name);
	put_state(k, dir, up);
	return 0;
}

static struct pf *pf_of_link(struct kernel *k, const char *name)
{
	autofree char *bdf = k_link_name(k, "/sys/class/net/%s/device", name);

	return bdf ? pf_find(k, bdf) : NULL;
}

int net_link_vfs(struct host *h, int ifindex, struct host_vf **ret, size_t *ret_n)
{
	struct kernel *k = kernel_of(h);
	int e = fault(k, FAKE_LINK_VFS, NULL);
	autofree char *name = name_of(k, ifindex);
	struct pf *pf = name ? pf_of_link(k, name) : NULL;
	size_t n = pf ? pf->num_vfs : 0;
	struct host_vf *vfs;

	if (e < 0 || !name)
		return e < 0 ? e : -ENOENT;
	vfs = calloc(n ? n : 1, sizeof(*vfs));
	NEED(vfs);
	if (n)
		memcpy(vfs, pf->vf, n * sizeof(*vfs));
	*ret = vfs;
	*ret_n = n;
	return 0;
}

/* More than this and the kernel's answer does not fit (64 KiB for all VFs together). */
enum { MAX_WITH_STATS = 200 };

int net_link_vfs_stats(struct host *h, int ifindex, struct host_vf **ret, size_t *ret_n)
{
	int e = net_link_vfs(h, ifindex, ret, ret_n);

	if (e < 0)
		return e;
	if (*ret_n > MAX_WITH_STATS) {
		free(*ret);
		return -EMSGSIZE;
	}
	for (size_t i = 0; i < *ret_n; i++) {
		(*ret)[i].has_stats = true;
		(*ret)[i].stats = (struct host_vf_stats) { .rx_bytes = 1500, .rx_packets = 1 };
	}
	return 0;
}

static int set_mac(struct host_vf *vf, const struct host_vf *to)
{
	if (mac_is_multicast(to->mac))
		return -EINVAL;
	vf->mac = to->mac;
	return 0;
}

static int set_vlan(struct host_vf *vf, const struct host_vf *to)
{
	if (to->vlan > 4095 || to->qos > 7)
		return -EINVAL;
	if (to->vlan_proto && to->vlan_proto != ETH_P_8021Q)
		return -EPROTONOSUPPORT;
	vf->vlan = to->vlan;
	vf->qos = to->qos;
	return 0;
}

/* No lower limit, and an upper one only while there is a link to measure it by. */
static int set_rate(struct host_vf *vf, const struct host_vf *to, bool up)
{
	if (to->min_tx_rate || !up || to->max_tx_rate > 1000)
		return -EINVAL;
	vf->max_tx_rate = to->max_tx_rate;
	return 0;
}

static int set_vf(struct host_vf *vf, const struct host_vf_change *c, bool up)
{
	switch (c->attr) {
	case HOST_VF_MAC:
		return set_mac(vf, &c->to);
	case HOST_VF_VLAN:
		return set_vlan(vf, &c->to);
	case HOST_VF_RATE:
		return set_rate(vf, &c->to, up);
	case HOST_VF_SPOOFCHK:
		vf->spoofchk = !!c->to.spoofchk;
		return 0;
	case HOST_VF_TRUST:
		vf->trust = !!c->to.trust;
		return 0;
	case HOST_VF_QUERY_RSS:
	case HOST_VF_LINK_STATE:
	case HOST_VF_NODE_GUID:
	case HOST_VF_PORT_GUID:
		break;
	}
	return -EOPNOTSUPP;
}

static const char *const attr_names[] = {
	[HOST_VF_MAC] = "mac",
	[HOST_VF_VLAN] = "vlan",
	[HOST_VF_RATE] = "rate",
	[HOST_VF_SPOOFCHK] = "spoofchk",
	[HOST_VF_TRUST] = "trust",
	[HOST_VF_QUERY_RSS] = "query_rss",
	[HOST_VF_LINK_STATE] = "link_state",
	[HOST_VF_NODE_GUID] = "node_guid",
	[HOST_VF_PORT_GUID] = "port_guid",
};

int net_link_set_vf(struct host *h, int ifindex, const struct host_vf_change *change)
{
	struct kernel *k = kernel_of(h);
	int e = fault(k, FAKE_LINK_SET_VF, NULL);
	autofree char *name = name_of(k, ifindex);
	struct pf *pf = name ? pf_of_link(k, name) : NULL;
	struct host_link l;

	if (e < 0 || !name)
		return e < 0 ? e : -ENOENT;
	k_log(k, "link %s vf %u %s", name, change->to.vf, attr_names[change->attr]);
	if (!pf)
		return -EOPNOTSUPP;
	if (change->to.vf >= pf->num_vfs)
		return -EINVAL;
	e = net_link_get(h, ifindex, &l);
	k->faults[FAKE_LINK_GET].calls--; /* that one was ours */
	return e < 0 ? e : set_vf(&pf->vf[change->to.vf], change, l.up);
}

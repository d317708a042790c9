// SPDX-License-Identifier: GPL-2.0-or-later
#include "show-json.h"
#include "settings.h"
#include "show-more.h"
#include "function.h"
#include "group.h"
#include "holder.h"
#include "base/str.h"
#include "health.h"

#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>

static void msix_json(struct json *j, json_object *to, const struct detail *d)
{
	json_object *e;

	if (!d->has_msix) {
		json_add_null(j, to, "msix");
		return;
	}
	e = json_add_object(j, to, "msix");
	json_add_u64(j, e, "vectors", d->msix_vectors);
	json_add_u64(j, e, "table_bar", d->msix_table_bar);
	json_add_u64(j, e, "table_offset", d->msix_table_offset);
}

static void regions_json(struct json *j, json_object *to, const struct detail *d)
{
	json_object *list = json_add_array(j, to, "regions");

	for (unsigned i = 0; i <= REGION_ROM; i++) {
		const struct region *r = &d->regions[i];
		json_object *e;

		if (!r->size)
			continue;
		e = json_add_object(j, list, NULL);
		if (i == REGION_ROM)
			json_add_str(j, e, "region", "rom");
		else
			json_add_fmt(j, e, "region", "bar%u", i);
		json_add_fmt(j, e, "start", "0x%" PRIx64, r->start);
		json_add_u64(j, e, "size", r->size);
		json_add_bool(j, e, "io", r->io);
		json_add_bool(j, e, "prefetchable", r->prefetchable);
		json_add_bool(j, e, "64bit", r->is64);
	}
}

static void link_json(struct json *j, json_object *to, const struct pcie_link *k)
{
	json_object *e = json_add_object(j, to, "link");

	json_add_str(j, e, "current_speed", k->current_speed);
	json_add_known(j, e, "current_width", k->current_width ? (int64_t)k->current_width : -1);
	json_add_str(j, e, "max_speed", k->max_speed);
	json_add_known(j, e, "max_width", k->max_width ? (int64_t)k->max_width : -1);
}

static void sriov_cap_json(struct json *j, json_object *to, const struct detail *d)
{
	const struct sriov_cap *c = &d->sriov;
	json_object *e, *bars, *pages;

	if (!d->has_sriov) {
		json_add_null(j, to, "sriov_capability");
		return;
	}
	e = json_add_object(j, to, "sriov_capability");
	json_add_u64(j, e, "initial_vfs", c->initial_vfs);
	json_add_u64(j, e, "total_vfs", c->total_vfs);
	json_add_u64(j, e, "first_offset", c->first_offset);
	json_add_u64(j, e, "stride", c->stride);
	json_add_fmt(j, e, "vf_device", "%04x", c->vf_device);
	json_add_bool(j, e, "enabled", c->enabled);
	json_add_bool(j, e, "ari", c->ari);
	json_add_bool(j, e, "vf_memory", c->vf_memory);
	json_add_u64(j, e, "num_vfs", c->num_vfs);
	json_add_known(j, e, "system_page_size",
		c->system_page_bytes ? (int64_t)c->system_page_bytes : -1);
	bars = json_add_array(j, e, "vf_bar_bytes");
	for (unsigned i = 0; i < REGION_BARS; i++)
		json_add_u64(j, bars, NULL, c->vf_bar_bytes[i]);
	pages = json_add_array(j, e, "supported_page_sizes");
	for (unsigned i = 0; i < 32; i++)
		if (c->supported_page_sizes & (1U << i))
			json_add_u64(j, pages, NULL, 4096ULL << i);
}

static void hardware_json(struct json *j, json_object *to, const struct detail *d)
{
	json_object *resets, *vpd;

	json_add_known(j, to, "revision", d->revision);
	msix_json(j, to, d);
	json_add_bool(j, to, "msi", d->has_msi);
	json_add_bool(j, to, "acs", d->has_acs);
	json_add_bool(j, to, "ari", d->has_ari);
	json_add_bool(j, to, "ats", d->has_ats);
	sriov_cap_json(j, to, d);
	regions_json(j, to, d);
	resets = json_add_array(j, to, "reset_methods");
	STRV_FOREACH (it, d->reset_methods) {
		json_add_str(j, resets, NULL, *it);
	}
	link_json(j, to, &d->link);
	vpd = json_add_object(j, to, "vpd");
	json_add_str(j, vpd, "product", d->vpd_product);
	json_add_str(j, vpd, "serial", d->vpd_serial);
	json_add_str(j, to, "device_serial_number", d->dsn);
}

static const char *link_state_name(int state)
{
	switch (state) {
	case IFLA_VF_LINK_STATE_AUTO:
		return "auto";
	case IFLA_VF_LINK_STATE_ENABLE:
		return "enable";
	case IFLA_VF_LINK_STATE_DISABLE:
		return "disable";
	default:
		return NULL;
	}
}

static void stats_json(struct json *j, json_object *to, const struct host_vf_stats *s)
{
	json_object *stats = json_add_object(j, to, "stats");
	json_object *rx = json_add_object(j, stats, "rx"), *tx = json_add_object(j, stats, "tx");

	json_add_u64(j, rx, "bytes", s->rx_bytes);
	json_add_u64(j, rx, "packets", s->rx_packets);
	json_add_u64(j, rx, "multicast", s->rx_multicast);
	json_add_u64(j, rx, "broadcast", s->rx_broadcast);
	json_add_u64(j, rx, "dropped", s->rx_dropped);
	json_add_u64(j, tx, "bytes", s->tx_bytes);
	json_add_u64(j, tx, "packets", s->tx_packets);
	json_add_u64(j, tx, "dropped", s->tx_dropped);
}

/* iproute2's `vfinfo_list`, key by key, so that what reads one reads the other. */
static void vfinfo_json(struct json *j, json_object *list, const struct host_vf *vf)
{
	json_object *e = json_add_object(j, list, NULL), *vlan, *rate;

	json_add_u64(j, e, "vf", vf->vf);
	json_add_str(j, e, "link_type", vf->has_guids ? "infiniband" : "ether");
	json_add_str(j, e, "address", MAC_TEXT(vf->mac));
	json_add_str(j, e, "broadcast",
		mac_is_zero(vf->broadcast) ? "ff:ff:ff:ff:ff:ff" : MAC_TEXT(vf->broadcast));
	vlan = json_add_object(j, json_add_array(j, e, "vlan_list"), NULL);
	if (vf->vlan) {
		json_add_u64(j, vlan, "vlan", vf->vlan);
		if (vf->qos)
			json_add_u64(j, vlan, "qos", vf->qos);
		if (vf->vlan_proto == ETH_P_8021AD)
			json_add_str(j, vlan, "protocol", "802.1ad");
	}
	rate = json_add_object(j, e, "rate");
	json_add_u64(j, rate, "max_tx", vf->max_tx_rate);
	json_add_u64(j, rate, "min_tx", vf->min_tx_rate);
	json_add_maybe(j, e, "spoofchk", vf->spoofchk);
	json_add_str(j, e, "link_state", link_state_name(vf->link_state));
	json_add_maybe(j, e, "trust", vf->trust);
	json_add_maybe(j, e, "query_rss_en", vf->query_rss);
	if (vf->has_guids) {
		json_add_str(j, e, "node_guid", GUID_TEXT(vf->node_guid));
		json_add_str(j, e, "port_guid", GUID_TEXT(vf->port_guid));
	}
	if (vf->has_stats)
		stats_json(j, e, &vf->stats);
}

static void pool_json(struct json *j, json_object *to, const char *key, const struct nvmepf_pool *p)
{
	json_object *e;

	if (!p->supported) {
		json_add_null(j, to, key);
		return;
	}
	e = json_add_object(j, to, key);
	json_add_u64(j, e, "flexible", p->flexible);
	json_add_u64(j, e, "assigned", p->assigned);
	json_add_u64(j, e, "primary", p->primary);
	json_add_u64(j, e, "fixed", p->fixed);
	json_add_u64(j, e, "max_per_vf", p->max_per_vf);
	json_add_u64(j, e, "granularity", p->granularity);
}

/* A VF's own entry, a PF's for each of its VFs. `vf` counts from 0, as everywhere else here. */
static void secondaries_json(struct json *j, json_object *to, const struct about *s)
{
	json_object *list = json_add_array(j, to, "secondary_controllers");

	for (size_t i = 0; i < s->n_secondaries; i++) {
		const struct secctrl *c = &s->secondaries[i];
		json_object *e;

		if (s->f->kind == FUNCTION_VF && c->vf != s->f->vf_index + 1)
			continue;
		e = json_add_object(j, list, NULL);
		json_add_u64(j, e, "id", c->scid);
		json_add_known(j, e, "vf", (int64_t)c->vf - 1);
		json_add_bool(j, e, "online", c->online);
		json_add_u64(j, e, "vq", c->nvq);
		json_add_u64(j, e, "vi", c->nvi);
	}
}

static void nvme_json(struct json *j, json_object *to, const struct about *s)
{
	json_object *e;

	if (!s->has_nvme_caps) {
		json_add_null(j, to, "nvme_virtualization");
		return;
	}
	e = json_add_object(j, to, "nvme_virtualization");
	pool_json(j, e, "vq", &s->nvme_caps.vq);
	pool_json(j, e, "vi", &s->nvme_caps.vi);
	secondaries_json(j, e, s);
}

int show_json(const struct out *o, const struct about *s, struct problem **reterr)
{
	autojson j = json_start();
	json_object *vfinfo, *unknown;

	function_json(&j, j.root, s->f);
	if (s->f->id_unknown)
		json_add_null(&j, j.root, "class_code");
	else
		json_add_fmt(&j, j.root, "class_code", "%06x", s->f->id.class_code);
	if (s->group)
		group_json(&j, json_add_object(&j, j.root, "group"), s->group);
	else
		json_add_null(&j, j.root, "group");
	interfaces_json(&j, j.root, s);
	hardware_json(&j, j.root, s->detail);
	holders_json(&j, j.root, s->holders.v, s->holders.n);
	unknown = json_add_array(&j, j.root, "holders_unknown");
	STRV_FOREACH (it, s->holders.unknown)
		json_add_str(&j, unknown, NULL, *it);
	health_json(&j, j.root, "health", s->health);
	if (s->vfs) {
		vfinfo = json_add_array(&j, j.root, "vfinfo_list");
		for (size_t i = 0; i < s->n_vfs; i++)
			vfinfo_json(&j, vfinfo, &s->vfs[i]);
	} else {
		json_add_null(&j, j.root, "vfinfo_list");
	}
	nvme_json(&j, j.root, s);
	show_more_json(&j, j.root, s);
	settings_json(&j, j.root, s->f, &s->settings);
	return json_print(&j, o, reterr);
}

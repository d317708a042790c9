// SPDX-License-Identifier: GPL-2.0-or-later
#include "show.h"
#include "lines.h"
#include "show-json.h"
#include "settings.h"
#include "show-more.h"
#include "base/str.h"
#include "netdev/vfattr.h"
#include "health/health.h"

#include <inttypes.h>

static void show_ids(struct lines *l, const struct function *f)
{
	if (f->id_unknown) {
		lines_add(l, "kind", "%s, what it is cannot be read", function_kind_name(f->kind));
		return;
	}
	lines_add(l, "kind", "%s, %s (class %06x)", function_kind_name(f->kind), f->class_word,
		f->id.class_code);
	lines_add(l, "vendor", "%04x%s%s", f->id.vendor, f->vendor_name ? "  " : "",
		f->vendor_name ? f->vendor_name : "");
	lines_add(l, "device", "%04x%s%s", f->id.device, f->device_name ? "  " : "",
		f->device_name ? f->device_name : "");
	lines_add(l, "subsystem", "%04x:%04x", f->id.subsystem_vendor, f->id.subsystem_device);
}

static void show_identity(struct lines *l, const struct about *s)
{
	const struct function *f = s->f;

	show_ids(l, f);
	if (s->detail->revision >= 0)
		lines_add(l, "revision", "%02x", (unsigned)s->detail->revision);
	if (s->detail->vpd_product)
		lines_add(l, "product", "%s", s->detail->vpd_product);
	if (s->detail->vpd_serial)
		lines_add(l, "serial", "%s", s->detail->vpd_serial);
	if (s->detail->dsn)
		lines_add(l, "device serial", "%s", s->detail->dsn);
	if (f->physfn)
		lines_add(l, "physical function", "%s, VF %d", f->physfn->address, f->vf_index);
	show_names(l, s);
}

static void show_group(struct lines *l, const struct about *s)
{
	const struct iommu_group *g = s->group;
	autofree char *blockers = NULL;

	if (!g) {
		lines_add(l, "iommu group", "none");
		return;
	}
	if (!g->viable)
		blockers = iommu_group_blockers(g);
	lines_add(l, "iommu group", "%d, %s, %s%s", g->id, g->type ? g->type : "type unknown",
		g->viable ? "viable" : "not viable because of ", blockers ? blockers : "");
	for (size_t i = 0; i < g->n_reserved; i++)
		lines_add(l, "reserved", "%" PRIx64 "-%" PRIx64 " %s", g->reserved[i].start,
			g->reserved[i].end, g->reserved[i].type);
	for (size_t i = 0; i < g->n_members; i++)
		if (!bdf_eq(g->members[i].bdf, s->f->bdf))
			lines_add(l, "shares it with", "%s (%s)", BDF_TEXT(g->members[i].bdf),
				g->members[i].driver ? g->members[i].driver : "no driver");
}

/* What says no more than the driver above is left out. */
static void show_holders(struct lines *l, const struct holders *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].strength > HOLD_BOUND)
			lines_add(l, "in use", "%s", s->v[i].text);
		else if (s->v[i].kind != HOLDER_DRIVER)
			lines_add(l, "wanted by", "%s", s->v[i].text);
	STRV_FOREACH (it, s->unknown)
		lines_add(l, "users unknown", "%s", *it);
}

static void show_health(struct lines *l, const struct health *health)
{
	lines_add(l, "health", "%s", health_state_name(health->state));
	for (size_t i = 0; i < health->n; i++)
		lines_add(l, "because", "%s (%s: %s)", health->v[i].text,
			health->v[i].fact.file ? health->v[i].fact.file : "?",
			health->v[i].fact.value ? health->v[i].fact.value : "?");
}

static void show_place(struct lines *l, const struct about *s)
{
	const struct function *f = s->f;

	lines_add(l, "driver", "%s", f->driver ? f->driver : "none");
	show_candidates(l, s);
	if (f->override_unknown)
		lines_add(l, "driver override", "unknown: the kernel does not answer");
	else if (f->driver_override)
		lines_add(l, "driver override", "%s", f->driver_override);
	show_group(l, s);
	show_migration(l, s);
	show_path(l, s);
	if (f->numa_node >= 0)
		lines_add(l, "numa node", "%d", f->numa_node);
	show_holders(l, &s->holders);
	show_health(l, s->health);
}

static void show_sriov_cap(struct lines *l, const struct sriov_cap *c)
{
	autostrbuf bars = { 0 }, pages = { 0 };

	for (unsigned i = 0; i < REGION_BARS; i++) {
		if (!c->vf_bar_bytes[i])
			continue;
		strbuf_add(&bars, "%sBAR %u ", bars.len ? ", " : "", i);
		strbuf_add_size(&bars, c->vf_bar_bytes[i]);
	}
	lines_add(l, "SR-IOV capability", "%s, at most %u VFs%s",
		c->enabled ? "enabled" : "disabled", c->total_vfs, c->ari ? ", ARI" : "");
	if (bars.len)
		lines_add(l, "each VF", "%s", bars.s);
	for (unsigned i = 0; i < 32; i++)
		if (c->supported_page_sizes & (1U << i)) {
			strbuf_add(&pages, "%s", pages.len ? " " : "");
			strbuf_add_size(&pages, 4096ULL << i);
		}
	if (pages.len)
		lines_add(l, "VF page sizes", "%s", pages.s);
	strbuf_done(&pages);
	if (c->system_page_bytes) {
		strbuf_add_size(&pages, c->system_page_bytes);
		lines_add(l, "system page size", "%s", pages.s ? pages.s : "");
	}
}

static void show_sriov(struct lines *l, const struct about *s)
{
	const struct sriov_facts *v = &s->f->sriov;

	if (s->f->kind != FUNCTION_PF)
		return;
	lines_add(l, "VFs", "%u of %u", v->num_vfs, v->total_vfs);
	if (v->offset >= 0 && v->stride >= 0)
		lines_add(l, "VF addresses", "first at +%d, then every +%d", v->offset, v->stride);
	if (v->vf_device >= 0)
		lines_add(l, "VF device", "%04x", (unsigned)v->vf_device);
	if (v->drivers_autoprobe >= 0)
		lines_add(l, "VF drivers", "%s",
			v->drivers_autoprobe ? "bound by the kernel (autoprobe on)"
					     : "left unbound (autoprobe off)");
	if (v->vf_total_msix > 0)
		lines_add(l, "VF MSI-X vectors", "%" PRIi64 " for all VFs", v->vf_total_msix);
	else if (v->vf_total_msix == SRIOV_MSIX_ABSURD)
		lines_add(l, "VF MSI-X vectors", "unknown: its driver tells an impossible number");
	if (s->detail->has_sriov)
		show_sriov_cap(l, &s->detail->sriov);
}

static void show_region(struct lines *l, const struct region *r, unsigned i)
{
	static const char *const names[REGION_ROM + 1] = { "BAR 0", "BAR 1", "BAR 2", "BAR 3",
		"BAR 4", "BAR 5", "ROM" };
	autostrbuf b = { 0 };

	strbuf_add_size(&b, r->size);
	strbuf_add(&b, " at 0x%" PRIx64 ", %s%s%s", r->start, r->io ? "I/O ports" : "memory",
		r->is64 ? ", 64-bit" : "", r->prefetchable ? ", prefetchable" : "");
	lines_add(l, names[i], "%s", b.s ? b.s : "");
}

static void show_link(struct lines *l, const struct pcie_link *k)
{
	if (!k->current_speed || !k->current_width)
		return;
	if (k->max_speed && k->max_width)
		lines_add(l, "link", "%s x%u (at most %s x%u)", k->current_speed, k->current_width,
			k->max_speed, k->max_width);
	else
		lines_add(l, "link", "%s x%u", k->current_speed, k->current_width);
}

static void show_hardware(struct lines *l, const struct detail *d)
{
	autostrbuf b = { 0 };

	if (d->has_msix)
		lines_add(l, "MSI-X", "%u vector%s, table in BAR %u at 0x%x", d->msix_vectors,
			d->msix_vectors == 1 ? "" : "s", d->msix_table_bar, d->msix_table_offset);
	else
		lines_add(l, "interrupts", "%s", d->has_msi ? "MSI" : "INTx or none");
	strbuf_add(&b, "%s%s%s", d->has_acs ? " ACS" : "", d->has_ari ? " ARI" : "",
		d->has_ats ? " ATS" : "");
	if (b.len)
		lines_add(l, "capabilities", "%s", b.s + 1);
	strbuf_done(&b);
	STRV_FOREACH (it, d->reset_methods) {
		strbuf_add(&b, "%s%s", b.len ? " " : "", *it);
	}
	lines_add(l, "resets", "%s", b.len ? b.s : "none known");
	show_link(l, &d->link);
	for (unsigned i = 0; i <= REGION_ROM; i++)
		if (d->regions[i].size)
			show_region(l, &d->regions[i], i);
}

/* The attributes in the words of `vfctl set`; those that the driver does not report are left out.
 */
static void show_vf_attributes(struct lines *l, const char *key, const struct host_vf *vf)
{
	autostrbuf b = { 0 };
	const struct vfattr *a;

	for (unsigned i = 0; (a = vfattr_at(i)); i++) {
		autofree char *value = vfattr_format(a, vf);

		if (value)
			strbuf_add(&b, "%s%s=%s", b.len ? " " : "", vfattr_name(a), value);
	}
	lines_add(l, key, "%s", b.len ? b.s : "nothing reported");
}

static const struct host_vf *find_vf(const struct about *s, unsigned index)
{
	for (size_t i = 0; i < s->n_vfs; i++)
		if (s->vfs[i].vf == index)
			return &s->vfs[i];
	return NULL;
}

/* The secondary controller of VF `index`, counted from 0; NULL unknown. */
static const struct secctrl *shown_secondary(const struct about *s, int index)
{
	for (size_t i = 0; i < s->n_secondaries; i++)
		if (s->secondaries[i].vf == index + 1)
			return &s->secondaries[i];
	return NULL;
}

static void show_secondary(struct lines *l, const char *key, const struct secctrl *c)
{
	if (!c)
		return;
	lines_add(l, key, "vq=%u vi=%u online=%s (secondary controller %u)", c->nvq, c->nvi,
		c->online ? "yes" : "no", c->scid);
}

static void show_pool(struct lines *l, const char *key, const struct nvmepf_pool *p)
{
	if (p->supported)
		lines_add(l, key, "%u flexible, %u of them assigned, at most %u for a VF",
			p->flexible, p->assigned, p->max_per_vf);
}

static void show_nvme(struct lines *l, const struct about *s)
{
	const struct secctrl *own;

	if (s->has_nvme_caps && s->f->kind == FUNCTION_PF) {
		show_pool(l, "NVMe queues", &s->nvme_caps.vq);
		show_pool(l, "NVMe interrupts", &s->nvme_caps.vi);
	}
	own = s->f->kind == FUNCTION_VF ? shown_secondary(s, s->f->vf_index) : NULL;
	show_secondary(l, "set by the PF", own);
}

static void show_vfs(struct lines *l, const struct about *s)
{
	const struct host_vf *own;

	for (size_t i = 0; i < s->f->n_vfs; i++) {
		const struct function *f = s->f->vfs[i];
		autofree char *key = str_printf("VF %d", f->vf_index);
		const struct host_vf *vf = find_vf(s, (unsigned)f->vf_index);

		lines_add(l, key, "%s, %s", f->address, f->driver ? f->driver : "no driver");
		if (vf)
			show_vf_attributes(l, "", vf);
		show_secondary(l, "", shown_secondary(s, f->vf_index));
	}
	own = s->f->kind == FUNCTION_VF ? find_vf(s, (unsigned)s->f->vf_index) : NULL;
	if (own)
		show_vf_attributes(l, "set by the PF", own);
}

static int show_text(const struct out *o, const struct about *s, struct problem **reterr)
{
	autolines l = { 0 };

	show_identity(&l, s);
	show_place(&l, s);
	show_sriov(&l, s);
	show_hardware(&l, s->detail);
	show_nvme(&l, s);
	show_vfs(&l, s);
	settings_lines(&l, s->f, &s->settings);
	return lines_print(&l, s->f->address, o, reterr);
}

int out_show(const struct out *o, const struct about *s, struct problem **reterr)
{
	return out_is_json(o) ? show_json(o, s, reterr) : show_text(o, s, reterr);
}

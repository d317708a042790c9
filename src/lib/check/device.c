// SPDX-License-Identifier: GPL-2.0-or-later
/* The function itself: is it alive, powered, reachable, resettable, free of errors. */
#include "run.h"

#include "base/str.h"
#include "cause/confirm.h"
#include "host/sysfs.h"
#include "pci/detail.h"

#include <inttypes.h>

void check_gone(struct check_run *r)
{
	struct cause_query q = { .bdf = r->f->bdf };
	autofact fact = { 0 };

	if (device_gone(r->h, &q, &fact))
		fix(r, found(r, CHECK_FAIL, &fact, "the device does not answer any more"),
			"reset the slot, or power the machine off and on");
	else if (sysfs_exists(r->h, "bus/pci/devices/%s/config", r->f->address))
		found(r, CHECK_OK, NULL, "the device answers");
	else
		found(r, CHECK_UNKNOWN, NULL, "its configuration space cannot be read");
}

void check_bridge(struct check_run *r)
{
	autofact fact = { 0 };

	if (!class_is_bridge(r->f->id.class_code))
		return;
	fact_sysfs(r->h, &fact, "bus/pci/devices/%s/class", r->f->address);
	found(r, CHECK_FAIL, &fact, "it is a bridge: bridges stay with the host");
}

void check_power(struct check_run *r)
{
	autofact fact = { 0 };

	if (fact_sysfs(r->h, &fact, "bus/pci/devices/%s/power_state", r->f->address) < 0)
		return;
	/* vfio-pci itself lets idle functions sleep, and wakes them. */
	if (str_eq(fact.value, "D3cold") && !driver_is_vfio(r->f->driver))
		fix(r, found(r, CHECK_WARN, &fact, "it is without power and may not come back"),
			"see whether its slot is switched on; write on to its power/control");
	else if (str_eq(fact.value, "error"))
		found(r, CHECK_WARN, &fact, "the kernel could not change its power state");
	else
		found(r, CHECK_OK, &fact, "it is in power state %s", fact.value);
}

/* ---- Registers ---- */

static void registers_of(struct check_run *r, const struct function *f, bool *any)
{
	struct cause_query q = { .bdf = f->bdf };
	struct region regions[REGIONS];
	autofree char *text = NULL;

	if (sysfs_read(r->h, &text, "bus/pci/devices/%s/resource", f->address) < 0)
		return;
	regions_parse(text, regions);
	for (unsigned i = 0; i < REGIONS; i++) {
		bool vf = i >= REGION_VF_BAR0;
		autofact fact = { 0 };

		/* Guests do without I/O ports, and ROMs get addresses only when they are read. */
		if (!regions[i].size || regions[i].start || regions[i].io || i == REGION_ROM)
			continue;
		*any = true;
		(vf ? vf_bar_unassigned : bar_unassigned)(r->h, &q, &fact);
		fix(r,
			found(r, vf || !r->f ? CHECK_WARN : CHECK_FAIL, &fact,
				"%s: the firmware left no room for %s of %" PRIu64 " bytes",
				f->address, vf ? "its VFs' memory" : "its registers",
				regions[i].size),
			"switch on SR-IOV and decoding above 4G in the firmware, or boot with "
			"pci=realloc");
		return;
	}
}

void check_bars(struct check_run *r)
{
	bool any = false;

	if (r->f)
		registers_of(r, r->f, &any);
	for (size_t i = 0; !r->f && i < r->inv->n_functions; i++)
		registers_of(r, &r->inv->functions[i], &any);
	if (!any)
		found(r, CHECK_OK, NULL, "every register region has an address");
}

/* ---- Reset, interrupts ---- */

void check_reset(struct check_run *r)
{
	autofact fact = { 0 };

	if (class_is_bridge(r->f->id.class_code))
		return;
	if (fact_sysfs(r->h, &fact, "bus/pci/devices/%s/reset_method", r->f->address) == 0 &&
		*fact.value) {
		found(r, CHECK_OK, &fact, "it can be reset: %s", fact.value);
		return;
	}
	/* Before Linux 5.15 there is only the file that resets. */
	if (!fact.value &&
		fact_sysfs_exists(r->h, &fact, "bus/pci/devices/%s/reset", r->f->address) == 0) {
		found(r, CHECK_OK, &fact, "it can be reset");
		return;
	}
	found(r, CHECK_WARN, &fact,
		"it cannot be reset: the next guest finds what the last one left in it");
}

void check_msix(struct check_run *r)
{
	CLEANUP(detail_freep) struct detail *d = NULL;
	autofact fact = { 0 };

	if (class_is_bridge(r->f->id.class_code) || detail_read(r->h, r->f->bdf, &d) < 0)
		return;
	if (!d->n_caps) {
		found(r, CHECK_UNKNOWN, NULL, "its capabilities cannot be read");
		return;
	}
	fact_stand(&fact, sysfs_path("bus/pci/devices/%s/config", r->f->address), "%s",
		d->has_msix  ? "MSI-X"
		: d->has_msi ? "MSI, no MSI-X"
			     : "neither MSI nor MSI-X");
	if (d->has_msix)
		found(r, CHECK_OK, &fact, "it has MSI-X with %u vectors", d->msix_vectors);
	else if (d->has_msi)
		found(r, CHECK_OK, &fact, "it has MSI, but no MSI-X: few interrupts");
	else if (r->f->kind == FUNCTION_VF)
		found(r, CHECK_WARN, &fact, "it is a VF without MSI-X: it has no interrupts");
	else
		found(r, CHECK_WARN, &fact,
			"it has only a shared interrupt line, which others on it can block");
}

/* ---- Health ---- */

/* What other checks say in their own words, and of a VF's PF the PF itself. */
static bool is_told_elsewhere(const struct check_run *r, const struct health_finding *f)
{
	const char *name = f->sign->name;

	return str_eq(name, "device-gone") || str_eq(name, "quarantine") ||
	       (!r->f && str_eq(name, "pf"));
}

static void tell_health(struct check_run *r, const struct function *of, struct health_finding *f)
{
	bool fails = r->f && f->state == HEALTH_UNHEALTHY;
	struct check_result *c;
	autofact fact = { 0 };

	if (f->fact.file && fact_stand(&fact, strdup(f->fact.file), "%s",
				    f->fact.value ? f->fact.value : "not there") < 0)
		r->failed = true;
	c = found(r, fails ? CHECK_FAIL : CHECK_WARN, &fact, "%s%s%s: %s",
		health_state_name(f->state), r->f ? "" : ", ", r->f ? "" : of->address, f->text);
	if (f->next)
		fix(r, c, "%s", f->next);
}

void check_health(struct check_run *r)
{
	bool any = false;

	for (size_t i = 0; i < r->inv->n_functions; i++) {
		const struct function *f = &r->inv->functions[i];
		const struct health *health;

		if (r->f && r->f != f)
			continue;
		health = health_of(r, f);
		for (size_t k = 0; health && k < health->n; k++) {
			if (health->v[k].state < HEALTH_DEGRADED ||
				is_told_elsewhere(r, &health->v[k]))
				continue;
			any = true;
			tell_health(r, f, &health->v[k]);
		}
	}
	if (!any && r->f)
		found(r, CHECK_OK, NULL, "it is healthy");
	else if (!any)
		found(r, CHECK_OK, NULL, "all functions are healthy");
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "report.h"

#include "base/str.h"

#include <linux/devlink.h>

void setting_report_done(struct setting_report *r)
{
	setting_states_done(&r->states);
	free(r->ports);
	free(r->reporters);
	*r = (struct setting_report) { 0 };
}

const char *setting_eswitch_mode_name(int mode)
{
	switch (mode) {
	case DEVLINK_ESWITCH_MODE_LEGACY:
		return "legacy";
	case DEVLINK_ESWITCH_MODE_SWITCHDEV:
		return "switchdev";
	default:
		return NULL;
	}
}

/* Of a VF only its own. */
static bool is_wanted(const struct function *f, const struct devlink_port *p)
{
	if (f->physfn)
		return port_is_of_vf(p, (unsigned)f->vf_index);
	return p->vf_number >= 0 && port_is_of_vf(p, (unsigned)p->vf_number);
}

static int by_vf(const void *a, const void *b)
{
	const struct devlink_port *x = a, *y = b;

	return (x->vf_number > y->vf_number) - (x->vf_number < y->vf_number);
}

static void read_ports(struct host *h, const struct function *f, struct setting_report *r)
{
	const struct function *pf = f->physfn ? f->physfn : f;
	size_t n = 0;

	if (port_list(h, pf, &r->ports, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (is_wanted(f, &r->ports[i]))
			r->ports[r->n_ports++] = r->ports[i];
	qsort(r->ports, r->n_ports, sizeof(*r->ports), by_vf);
}

int setting_report_read(struct host *h, const struct function *f, const char *learned_dir,
	struct setting_report *ret)
{
	autoreport r = { .eswitch = { -1, -1, -1 } };
	int e = settings_supported(h, f, learned_dir, &r.states);

	if (e < 0)
		return e;
	if (f->kind == FUNCTION_PF) {
		port_eswitch(h, f, &r.eswitch);
		port_reporters(h, f, &r.reporters, &r.n_reporters);
	}
	if (f->kind != FUNCTION_PLAIN && (f->n_netdevs || f->physfn))
		read_ports(h, f, &r);
	*ret = r;
	r = (struct setting_report) { 0 };
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fake kernel, a journal, and plans applied to it. */
#pragma once

#include "cm.h"
#include "machine.h"
#include "fake/fake.h"
#include "host/sysfs.h"
#include "netdev/netdev.h"
#include "nvme/secctrl.h"
#include "plan/apply.h"

#include <stdio.h>

#define PF	"0000:01:00.0"
#define VF(n)	"0000:01:10." #n
#define NVME_PF "0000:03:00.0"

struct fixture {
	struct host *h;
	char dir[32], run[48], history[48], drivers[48];
	struct journal_place place;
	struct apply_opts opts;
	struct problem *problem;
	unsigned id;
};

static inline UNUSED void fixture_start(struct fixture *f, const char *capture)
{
	autofree char *path = str_printf(HOSTS_DIR "/%s.tar.gz", capture);

	*f = (struct fixture) { .dir = "/tmp/vfctl-plan-XXXXXX" };
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->run, sizeof(f->run), "%s/run", f->dir);
	snprintf(f->history, sizeof(f->history), "%s/history", f->dir);
	snprintf(f->drivers, sizeof(f->drivers), "%s/drivers", f->dir);
	f->h = fake_kernel_new(path);
	f->place = (struct journal_place) { .run_dir = f->run, .history_dir = f->history };
	f->opts = (struct apply_opts) { .journal = &f->place, .verb = "test" };
	f->opts.act.driver.force = f->opts.act.sriov.force = f->opts.act.allow_in_use = true;
	f->opts.act.driver.state_dir = f->opts.act.sriov.state_dir = f->drivers;
}

static inline UNUSED void fixture_end(struct fixture *f)
{
	autofree char *rm = str_printf("rm -rf %s", f->dir);

	assert_int_equal(fake_hangs(f->h), 0);
	host_free(f->h);
	problem_free(f->problem);
	assert_int_equal(system(rm), 0);
}

/* Reads the machine and plans. */
static inline UNUSED void make_plan(
	struct fixture *f, const struct wishes *w, const struct plan_opts *opts, struct plan *ret)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autonow now = { 0 };

	assert_int_equal(
		inventory_load(f->h, INVENTORY_OVERRIDES | INVENTORY_SRIOV, &inv, NULL), 0);
	assert_int_equal(now_read(f->h, inv, w, f->drivers, &now, NULL), 0);
	assert_int_equal(plan_make(inv, &now, w, opts, ret), 0);
}

/* All of it: as apply does. */
static inline UNUSED int apply(
	struct fixture *f, const struct wishes *w, const struct plan_opts *how)
{
	struct bdf pfs[8];
	autowork *work = NULL;
	autoplan plan = { 0 };
	int r;

	problem_free(TAKE_PTR(f->problem));
	for (size_t i = 0; i < w->n; i++)
		pfs[i] = w->v[i].bdf;
	r = work_begin(f->h, pfs, w->n, &f->opts, &work, &f->problem);
	if (r < 0)
		return r;
	make_plan(f, w, how, &plan);
	if (plan_refusal(&plan)) {
		problem(&f->problem, plan_refusal(&plan)->code, plan_refusal(&plan)->kind, NULL,
			"%s", plan_refusal(&plan)->what);
		return f->problem->code;
	}
	return plan_apply(work, &plan, &f->opts, &f->id, &f->problem);
}

static inline UNUSED void add_nvme(struct host *h, struct bdf pf, struct strbuf *b)
{
	autofree struct secctrl *v = NULL;
	autonvmepf *p = NULL;
	size_t n = 0;

	if (nvmepf_open(h, pf, &p, NULL) < 0 || nvmepf_list(p, &v, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		strbuf_add(b, "  vf %d vq=%u vi=%u online=%d\n", v[i].vf - 1, v[i].nvq, v[i].nvi,
			v[i].online);
}

/* Everything about the PFs and VFs that a plan can change, as one text. */
static inline UNUSED char *state_of(struct host *h)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autostrbuf b = { 0 };

	assert_int_equal(inventory_load(h, INVENTORY_OVERRIDES | INVENTORY_SRIOV, &inv, NULL), 0);
	for (size_t i = 0; i < inv->n_functions; i++) {
		const struct function *f = &inv->functions[i];
		autofree struct host_vf *vfs = NULL;
		size_t n = 0;

		strbuf_add(&b, "%s %s override=%s vfs=%zu autoprobe=%d\n", f->address,
			f->driver ? f->driver : "-", f->driver_override ? f->driver_override : "-",
			f->n_vfs, f->sriov.drivers_autoprobe);
		if (f->nvme && f->kind == FUNCTION_PF)
			add_nvme(h, f->bdf, &b);
		if (f->kind != FUNCTION_PF || !f->n_netdevs ||
			host_link_vfs(h, f->netdevs[0].ifindex, &vfs, &n) < 0)
			continue;
		for (size_t k = 0; k < n; k++)
			strbuf_add(&b, "  vf %u %s vlan=%u trust=%d rate=%u\n", vfs[k].vf,
				MAC_TEXT(vfs[k].mac), vfs[k].vlan, vfs[k].trust,
				vfs[k].max_tx_rate);
	}
	return strbuf_take(&b);
}

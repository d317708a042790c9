/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fake kernel, a journal, and plans applied to it. */
#pragma once

#include "cm.h"
#include "machine-state.h"
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fake kernel whose claims are in a folder of the test's own. */
#pragma once

#include "cm.h"
#include "machine-state.h"
#include "machine.h"
#include "claim/claim.h"
#include "fake/fake.h"
#include "holder/holder.h"
#include "inventory/inventory.h"
#include "netdev/netdev.h"

#include <stdio.h>

#define PF    "0000:01:00.0"
#define VF(n) "0000:01:10." #n

struct fixture {
	struct host *h;
	char dir[32], run[48], history[48], drivers[48];
	struct journal_place place;
	struct claim_opts opts;
	struct owner owner;
	struct problem *problem;
	char *note; /* the last */
};

static inline UNUSED void noted(void *arg, const char *text, const char *hint UNUSED)
{
	struct fixture *f = arg;

	free(f->note);
	f->note = strdup(text);
}

static inline UNUSED void fixture_start(struct fixture *f)
{
	*f = (struct fixture) { .dir = "/tmp/vfctl-claim-XXXXXX" };
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->run, sizeof(f->run), "%s/run", f->dir);
	snprintf(f->history, sizeof(f->history), "%s/history", f->dir);
	snprintf(f->drivers, sizeof(f->drivers), "%s/drivers", f->dir);
	f->h = fake_kernel_new(HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	fake_mirror(f->h, "/run/vfctl", f->run);
	f->place = (struct journal_place) { .run_dir = f->run, .history_dir = f->history };
	f->opts = (struct claim_opts) { .run_dir = f->run,
		.apply = { .journal = &f->place, .verb = "test", .note = noted, .arg = f } };
	f->opts.apply.act.driver.state_dir = f->opts.apply.act.sriov.state_dir = f->drivers;
	assert_int_equal(owner_parse(f->h, "manual:test", &f->owner, NULL), 0);
}

static inline UNUSED void fixture_end(struct fixture *f)
{
	autofree char *rm = str_printf("rm -rf %s", f->dir);

	assert_int_equal(fake_hangs(f->h), 0);
	host_free(f->h);
	owner_done(&f->owner);
	problem_free(f->problem);
	free(f->note);
	assert_int_equal(system(rm), 0);
}

static inline UNUSED int take(struct fixture *f, const struct bdf *among, size_t n, size_t count,
	char *const *settings, struct leases *ret)
{
	struct claim_request q = { .owner = &f->owner,
		.among = among,
		.n_among = n,
		.count = count,
		.near = -1,
		.settings = settings,
		.give_node = true,
		.node_uid = 1000,
		.node_gid = (gid_t)-1 };

	problem_free(TAKE_PTR(f->problem));
	return claim_take(f->h, &q, &f->opts, ret, &f->problem);
}

static inline UNUSED int give_back(struct fixture *f, const char *address)
{
	problem_free(TAKE_PTR(f->problem));
	return claim_return(f->h, at(address), false, &f->opts, &f->problem);
}

static inline UNUSED size_t n_records(struct fixture *f)
{
	autoleases all = { 0 };

	assert_int_equal(claims_list(f->h, &f->opts, &all, NULL), 0);
	return all.n + strv_len(all.unreadable);
}

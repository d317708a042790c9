// SPDX-License-Identifier: GPL-2.0-or-later
/* Actions meet the machine: each through the room that knows how, which verifies by reading back.
 */
#include "action.h"
#include "wish.h"

#include "base/str.h"
#include "host/locked.h"
#include "host/sysfs.h"
#include "inventory/inventory.h"
#include "setting/setting.h"

enum { IDLE_MS = 10000 };

int action_function(struct host *h, const struct action *a, struct bdf *ret)
{
	autofree char *name = NULL;
	int r;

	if (a->vf == OF_ITSELF) {
		*ret = a->bdf;
		return 0;
	}
	r = sysfs_link_name(h, &name, "bus/pci/devices/%s/virtfn%d", BDF_TEXT(a->bdf), a->vf);
	return r < 0 ? r : bdf_parse(name, ret);
}

static int no_function(const struct action *a, int r, struct problem **reterr)
{
	autofree char *target = action_target(a);

	return problem(reterr, r, r == -ENOENT ? PROBLEM_VANISHED : problem_kind_from_errno(r),
		NULL, r == -ENOENT ? "there is no %s" : "%s cannot be found",
		target ? target : "?");
}

/*
 * A reader of sriov_numvfs waits for the device lock, which the kernel holds until it is through
 * (measured). That of driver_override does so in some kernels only: not in 6.12.95. For a function
 * without VFs there is nothing better.
 */
static int wait_until_idle(struct host *h, struct bdf a, unsigned ms, struct problem **reterr)
{
	bool is_pf = sysfs_exists(h, "bus/pci/devices/%s/sriov_totalvfs", BDF_TEXT(a));
	struct locked_read read = { .function = a,
		.attribute = is_pf ? "sriov_numvfs" : "driver_override" };

	locked_read_within(h, &read, 1, ms);
	if (read.result != -ETIMEDOUT)
		return 0;
	return problem(reterr, -ETIMEDOUT, PROBLEM_TIMEOUT,
		"the kernel waits for whoever uses it or one of its VFs",
		"%s: the kernel is still busy with an earlier change", BDF_TEXT(a));
}

static int set_link(struct host *h, const struct action *a, struct problem **reterr)
{
	autofree struct netdev *devs = NULL;
	struct host_link link;
	size_t n = 0;
	int r = netdevs_of(h, a->bdf, &devs, &n);

	if (r < 0 || !n)
		return problem(reterr, r < 0 ? r : -ENODEV, PROBLEM_NO_DRIVER, NULL,
			"%s has no network interface to bring up", BDF_TEXT(a->bdf));
	r = host_link_get(h, devs[0].ifindex, &link);
	if (r == 0 && link.up == (a->number != 0))
		return 0;
	if (r == 0)
		r = host_link_set_up(h, devs[0].ifindex, a->number);
	if (r == 0)
		r = host_link_get(h, devs[0].ifindex, &link);
	if (r == 0 && link.up == (a->number != 0))
		return 1;
	r = r < 0 ? r : -EIO;
	return problem(reterr, r, problem_kind_from_errno(r), NULL, "%s: cannot bring %s %s: %s",
		BDF_TEXT(a->bdf), devs[0].name, a->number ? "up" : "down", strerror(-r));
}

/* Function and PF as a setting wants to see them: read now, for the picture is from before. */
struct subject {
	struct function f, pf;
	struct netdev *devs;
	char *driver, *pf_driver;
};

static void subject_done(struct subject *s)
{
	free(s->devs);
	free(s->driver);
	free(s->pf_driver);
}

static int read_function(struct host *h, struct bdf a, struct function *f, char **driver)
{
	int r = driver_read(h, a, driver);

	f->bdf = a;
	bdf_format(a, f->address);
	if (r == 0)
		r = identity_read(h, a, &f->id);
	f->driver = *driver;
	f->class_word = class_word(f->id.class_code);
	f->iommu_group = iommu_group_of(h, a);
	f->vf_index = -1;
	return r;
}

/*
 * A VF need not be there yet: an NVMe PF gives it its resources beforehand. It then passes for its
 * PF in all but the index.
 */
static int read_subject(struct host *h, const struct action *a, struct subject *s)
{
	struct bdf vf = a->bdf;
	int r = read_function(h, a->bdf, &s->pf, &s->pf_driver);

	if (r == 0)
		r = netdevs_of(h, a->bdf, &s->devs, &s->pf.n_netdevs);
	if (r < 0)
		return r;
	s->pf.netdevs = s->devs;
	s->pf.kind = sysfs_exists(h, "bus/pci/devices/%s/sriov_totalvfs", BDF_TEXT(a->bdf))
			     ? FUNCTION_PF
			     : FUNCTION_PLAIN;
	if (a->vf == OF_ITSELF)
		return 0;
	if (action_function(h, a, &vf) == 0) {
		r = read_function(h, vf, &s->f, &s->driver);
	} else {
		s->f.id = s->pf.id;
		s->f.bdf = a->bdf;
		bdf_format(a->bdf, s->f.address);
	}
	s->f.kind = FUNCTION_VF;
	s->f.physfn = &s->pf;
	s->f.vf_index = a->vf;
	return r;
}

struct results {
	const struct action *a;
	const struct action_opts *opts;
	struct problem *first;
};

static void add_result(
	void *arg, const struct function *f UNUSED, const char *word, int code, struct problem *p)
{
	struct results *r = arg;

	if (r->opts->result)
		r->opts->result(r->opts->arg, r->a, word, code, p);
	else if (code < 0 && !r->first)
		r->first = p;
	else
		problem_free(p);
}

static int set(struct host *h, const struct action *a, const struct action_opts *opts,
	struct problem **reterr)
{
	CLEANUP(subject_done) struct subject s = { 0 };
	struct results results = { .a = a, .opts = opts };
	struct setting_opts how = {
		.allow_in_use = opts->allow_in_use,
		.learned_dir = opts->learned_dir,
		.result = add_result,
		.arg = &results,
	};
	const struct function *f;
	int r = read_subject(h, a, &s);

	if (r < 0)
		return no_function(a, r, reterr);
	f = a->vf == OF_ITSELF ? &s.pf : &s.f;
	r = settings_apply(h, f, (const char *const *)a->words, strv_len(a->words), &how, reterr);
	if (results.first && reterr && !*reterr)
		*reterr = TAKE_PTR(results.first);
	problem_free(results.first);
	return r;
}

static int move(struct host *h, const struct action *a, const struct action_opts *opts,
	struct problem **reterr)
{
	struct bdf f;
	int r = action_function(h, a, &f);

	if (r < 0)
		return no_function(a, r, reterr);
	if (opts->recovering)
		r = wait_until_idle(h, f, opts->idle_ms ? opts->idle_ms : IDLE_MS, reterr);
	if (r < 0)
		return r;
	if (str_eq(a->driver, WISH_RESTORE))
		return driver_restore(h, f, &opts->driver, reterr);
	if (str_eq(a->driver, WISH_BEST_VFIO))
		return driver_bind(h, f, NULL, &opts->driver, reterr);
	if (a->override)
		return driver_put(h, f, *a->driver ? a->driver : NULL,
			*a->override ? a->override : NULL, &opts->driver, reterr);
	if (!*a->driver)
		return driver_unbind(h, f, &opts->driver, reterr);
	return driver_bind(h, f, a->driver, &opts->driver, reterr);
}

int action_run(struct host *h, const struct action *a, const struct action_opts *opts,
	struct problem **reterr)
{
	int r = 0;

	if (opts->recovering)
		r = wait_until_idle(h, a->bdf, opts->idle_ms ? opts->idle_ms : IDLE_MS, reterr);
	if (r < 0)
		return r;
	switch (a->kind) {
	case ACTION_LINK:
		return set_link(h, a, reterr);
	case ACTION_AUTOPROBE:
		return sriov_set_autoprobe(h, a->bdf, a->number, reterr);
	case ACTION_NUM_VFS:
		return sriov_set_numvfs(h, a->bdf, a->number, &opts->sriov, reterr);
	case ACTION_SETTINGS:
		return set(h, a, opts, reterr);
	case ACTION_DRIVER:
		return move(h, a, opts, reterr);
	case ACTION_KINDS:
		break;
	}
	return problem(reterr, -EINVAL, PROBLEM_FAILED, NULL, "no such action");
}

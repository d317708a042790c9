// SPDX-License-Identifier: GPL-2.0-or-later
#include "run.h"

#include "base/str.h"
#include "driver/driver.h"
#include "setting/setting.h"
#include "sriov/numvfs.h"

#include <stdio.h>

enum { ACT_FLAGS = VFCTL_DRY_RUN | VFCTL_ALLOW_IN_USE };

/* What was checked before is not refused again. */
static const struct plan_opts checked = {
	.allow_destroy = true, .allow_in_use = true, .wait_for_holder = true
};

/* One function that somebody wants to change, and for a VF its PF, by which it is locked. */
struct subject {
	struct bdf bdf, pf;
	int vf; /* or OF_ITSELF */
	char verb[64];
};

/* What every act begins with: an address, and a machine that can be changed. */
static int start(struct run *run, struct subject *s, struct vfctl_host *host, const char *address,
	unsigned flags, const char *verb, struct problem **reterr)
{
	unsigned index;
	int r = api_address(address, &s->bdf, reterr);

	if (r < 0)
		return r;
	snprintf(s->verb, sizeof(s->verb), "libvfctl: %s %s", verb, BDF_TEXT(s->bdf));
	r = run_init(run, host, flags, ACT_FLAGS, s->verb, reterr);
	if (r < 0)
		return r;
	s->vf = OF_ITSELF;
	if (sriov_physfn(host->host, s->bdf, &s->pf) < 0)
		s->pf = s->bdf;
	else if (sriov_vf_index(host->host, s->pf, s->bdf, &index) == 0)
		s->vf = (int)index;
	return run_begin(run, &s->pf, 1, reterr);
}

static int set_vfs(struct run *run, struct bdf pf, unsigned n, struct problem **reterr)
{
	int r = sriov_check_numvfs(run->host->host, pf, n, &run->opts.act.sriov, reterr);
	autowishes w = { 0 };
	struct pf_wish *wish;

	if (r < 0 || run->flags & VFCTL_DRY_RUN)
		return r;
	wish = wishes_pf(&w, pf);
	if (!wish)
		return api_no_memory(reterr);
	wish->num_vfs = (int)n;
	return run_wishes(run, &w, &checked, reterr);
}

int vfctl_set_vfs(struct vfctl_host *host, const char *pf, unsigned n, unsigned flags,
	struct vfctl_error **reterr)
{
	struct problem *p = NULL;
	struct subject s;
	autorun run = { 0 };
	int r = start(&run, &s, host, pf, flags, "set_vfs", &p);

	if (r == 0)
		r = set_vfs(&run, s.bdf, n, &p);
	return r < 0 ? api_error(reterr, p, r) : r;
}

static int wish_driver(
	struct run *run, const struct subject *s, const char *driver, struct problem **reterr)
{
	autowishes w = { 0 };
	struct pf_wish *pf = wishes_pf(&w, s->pf);
	struct vf_wish *vf = pf && s->vf != OF_ITSELF ? pf_wish_vf(pf, (unsigned)s->vf) : NULL;

	if (!pf || (s->vf != OF_ITSELF && !vf) ||
		wish_put(vf ? &vf->driver : &pf->driver, driver) < 0)
		return api_no_memory(reterr);
	return run_wishes(run, &w, &checked, reterr);
}

int vfctl_bind(struct vfctl_host *host, const char *function, const char *driver, unsigned flags,
	struct vfctl_error **reterr)
{
	struct problem *p = NULL;
	struct subject s;
	autorun run = { 0 };
	int r = start(&run, &s, host, function, flags, "bind", &p);

	if (r == 0)
		r = driver_bind_check(host->host, s.bdf, driver, &run.opts.act.driver, &p);
	if (r > 0 && !(flags & VFCTL_DRY_RUN))
		r = wish_driver(&run, &s, driver ? driver : WISH_BEST_VFIO, &p);
	return r < 0 ? api_error(reterr, p, r) : r;
}

typedef int check_driver(
	struct host *h, struct bdf a, const struct driver_opts *opts, struct problem **reterr);

static int release(struct vfctl_host *host, const char *function, unsigned flags, const char *verb,
	check_driver *check, const char *wish, struct vfctl_error **reterr)
{
	struct problem *p = NULL;
	struct subject s;
	autorun run = { 0 };
	int r = start(&run, &s, host, function, flags, verb, &p);

	if (r == 0)
		r = check(host->host, s.bdf, &run.opts.act.driver, &p);
	if (r > 0 && !(flags & VFCTL_DRY_RUN))
		r = wish_driver(&run, &s, wish, &p);
	return r < 0 ? api_error(reterr, p, r) : r;
}

int vfctl_unbind(
	struct vfctl_host *host, const char *function, unsigned flags, struct vfctl_error **reterr)
{
	return release(
		host, function, flags, "unbind", driver_unbind_check, WISH_NO_DRIVER, reterr);
}

int vfctl_restore(
	struct vfctl_host *host, const char *function, unsigned flags, struct vfctl_error **reterr)
{
	return release(
		host, function, flags, "restore", driver_restore_check, WISH_RESTORE, reterr);
}

/* Where results go: each by the place of its word, and the first failure's story. */
struct collection {
	const char *const *words;
	size_t n;
	int *results; /* NULL: nobody wants them */
	int code;     /* of the first failure; else 1 when something changed */
	struct problem *first;
};

static void collect(struct collection *c, const char *word, int code, struct problem *p)
{
	for (size_t i = 0; c->results && i < c->n; i++)
		if (str_eq(c->words[i], word))
			c->results[i] = code;
	if (c->code >= 0 && code)
		c->code = code;
	if (code < 0 && !c->first)
		c->first = p;
	else
		problem_free(p);
}

static void setting_compared(
	void *arg, const struct function *vf UNUSED, const char *word, int code, struct problem *p)
{
	collect(arg, word, code, p);
}

/* Without a word it is the step itself, which tells only what no setting of it told. */
static void step_ended(
	void *arg, const struct step *s UNUSED, const char *word, int code, struct problem *p)
{
	struct collection *c = arg;

	if (word || (code < 0 && p))
		collect(c, word, code, p);
	else
		problem_free(p);
}

static int compare(struct run *run, struct bdf a, struct collection *c, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	struct setting_opts opts = {
		.dry_run = true,
		.allow_in_use = run->opts.act.allow_in_use,
		.learned_dir = run->opts.act.learned_dir,
		.result = setting_compared,
		.arg = c,
	};
	struct function *f;
	int r = inventory_load(run->host->host, 0, &inv, reterr);

	if (r < 0)
		return r;
	f = inventory_find_bdf(inv, a);
	if (!f)
		return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL, "there is no function %s",
			BDF_TEXT(a));
	r = settings_suit(f, c->words, c->n, reterr);
	if (r == 0 && run->flags & VFCTL_DRY_RUN)
		return settings_apply(run->host->host, f, c->words, c->n, &opts, reterr);
	return r;
}

/* What needs no step is so already; what the steps say comes over that. */
static int set(
	struct run *run, const struct subject *s, struct collection *c, struct problem **reterr)
{
	autowishes w = { 0 };
	struct pf_wish *pf = wishes_pf(&w, s->pf);
	struct vf_wish *vf = pf && s->vf != OF_ITSELF ? pf_wish_vf(pf, (unsigned)s->vf) : NULL;
	int r = pf && (vf || s->vf == OF_ITSELF) ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < c->n; i++)
		r = wish_setting(vf ? &vf->settings : &pf->settings, c->words[i]);
	if (r < 0)
		return api_no_memory(reterr);
	run->opts.keep_going = true;
	run->opts.result = step_ended;
	run->opts.result_arg = c;
	r = run_wishes(run, &w, &(struct plan_opts) { .as_is = true }, reterr);
	for (size_t i = 0; r >= 0 && c->results && i < c->n; i++)
		if (c->results[i] == -ECANCELED)
			c->results[i] = 0;
	return r;
}

int vfctl_set(struct vfctl_host *host, const char *vf, const char *const *settings, size_t n,
	unsigned flags, int *results, struct vfctl_error **reterr)
{
	struct collection c = { .words = settings, .n = n, .results = results };
	struct problem *p = NULL;
	struct subject s;
	autorun run = { 0 };
	int r;

	/* Until it was tried it was not done: whatever fails first. */
	for (size_t i = 0; results && i < n; i++)
		results[i] = -ECANCELED;
	r = settings_check(settings, n, &p);
	if (r == 0)
		r = start(&run, &s, host, vf, flags, "set", &p);
	if (r == 0)
		r = compare(&run, s.bdf, &c, &p);
	if (r == 0 && !(flags & VFCTL_DRY_RUN))
		r = set(&run, &s, &c, &p);
	/* The setting's own story says more than that of the plan. */
	if (r < 0 && c.first) {
		problem_free(p);
		p = TAKE_PTR(c.first);
		r = c.code;
	}
	problem_free(c.first);
	return r < 0 ? api_error(reterr, p, r) : r;
}

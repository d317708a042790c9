// SPDX-License-Identifier: GPL-2.0-or-later
#include "handle.h"

#include "base/str.h"
#include "driver/driver.h"
#include "inventory/inventory.h"
#include "setting/setting.h"
#include "sriov/numvfs.h"

/* What every act begins with: an address, and a machine that can be changed. */
static int start(const struct vfctl_host *host, const char *address, unsigned flags,
	struct bdf *ret, struct problem **reterr)
{
	if (bdf_parse(address, ret) < 0)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"'%s' is not the address of a function", address);
	if (flags & ~(unsigned)(VFCTL_DRY_RUN | VFCTL_ALLOW_IN_USE))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "unknown flags %#x", flags);
	if (host->host->captured && !(flags & VFCTL_DRY_RUN))
		return problem(reterr, -EROFS, PROBLEM_READ_ONLY, NULL,
			"a captured machine cannot be changed");
	return 0;
}

static const char *state_dir(const struct vfctl_host *host)
{
	return host->host->captured ? NULL : host->state_dir;
}

static void waiting_for_holder(void *arg, struct bdf a, const char *who, unsigned waited_ms)
{
	struct vfctl_host *host = arg;
	autofree char *text = who ? str_printf("waiting for %s", who)
				  : str_printf("waiting for the kernel to release %s", BDF_TEXT(a));

	if (host->waiting && text)
		host->waiting(host->arg, text, waited_ms);
}

static struct driver_opts driver_opts(struct vfctl_host *host, unsigned flags)
{
	return (struct driver_opts) {
		.state_dir = state_dir(host),
		.force = flags & VFCTL_ALLOW_IN_USE,
		.deadline_ms = host->timeout_ms,
		.waiting = waiting_for_holder,
		.arg = host,
	};
}

int vfctl_set_vfs(struct vfctl_host *host, const char *pf, unsigned n, unsigned flags,
	struct vfctl_error **reterr)
{
	struct sriov_opts opts = {
		.state_dir = state_dir(host),
		.force = flags & VFCTL_ALLOW_IN_USE,
		.deadline_ms = host->timeout_ms,
		.waiting = host->waiting,
		.arg = host->arg,
	};
	struct problem *p = NULL;
	struct bdf a;
	int r;

	r = start(host, pf, flags, &a, &p);
	if (r == 0)
		r = flags & VFCTL_DRY_RUN ? sriov_check_numvfs(host->host, a, n, &opts, &p)
					  : sriov_set_numvfs(host->host, a, n, &opts, &p);
	return r < 0 ? api_error(reterr, p, r) : r;
}

int vfctl_bind(struct vfctl_host *host, const char *function, const char *driver, unsigned flags,
	struct vfctl_error **reterr)
{
	struct driver_opts opts = driver_opts(host, flags);
	struct problem *p = NULL;
	struct bdf a;
	int r;

	r = start(host, function, flags, &a, &p);
	if (r == 0)
		r = flags & VFCTL_DRY_RUN ? driver_bind_check(host->host, a, driver, &opts, &p)
					  : driver_bind(host->host, a, driver, &opts, &p);
	return r < 0 ? api_error(reterr, p, r) : r;
}

typedef int on_driver(
	struct host *h, struct bdf a, const struct driver_opts *opts, struct problem **reterr);

static int release(struct vfctl_host *host, const char *function, unsigned flags, on_driver *apply,
	on_driver *check, struct vfctl_error **reterr)
{
	struct driver_opts opts = driver_opts(host, flags);
	struct problem *p = NULL;
	struct bdf a;
	int r;

	r = start(host, function, flags, &a, &p);
	if (r == 0)
		r = (flags & VFCTL_DRY_RUN ? check : apply)(host->host, a, &opts, &p);
	return r < 0 ? api_error(reterr, p, r) : r;
}

int vfctl_unbind(
	struct vfctl_host *host, const char *function, unsigned flags, struct vfctl_error **reterr)
{
	return release(host, function, flags, driver_unbind, driver_unbind_check, reterr);
}

int vfctl_restore(
	struct vfctl_host *host, const char *function, unsigned flags, struct vfctl_error **reterr)
{
	return release(host, function, flags, driver_restore, driver_restore_check, reterr);
}

/* Where results go: each by the place of its word, and the first failure's story. */
struct collection {
	const char *const *words;
	size_t n;
	int *results; /* NULL: nobody wants them */
	struct problem *first;
};

static void collect(
	void *arg, const struct function *vf UNUSED, const char *word, int code, struct problem *p)
{
	struct collection *c = arg;

	for (size_t i = 0; c->results && i < c->n; i++)
		if (c->words[i] == word)
			c->results[i] = code;
	if (code < 0 && !c->first)
		c->first = p;
	else
		problem_free(p);
}

static int set(struct vfctl_host *host, struct bdf a, unsigned flags, struct collection *c,
	struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	struct setting_opts opts = {
		.dry_run = flags & VFCTL_DRY_RUN,
		.allow_in_use = flags & VFCTL_ALLOW_IN_USE,
		.result = collect,
		.arg = c,
	};
	struct function *f;
	int r;

	r = settings_check(c->words, c->n, reterr);
	if (r == 0)
		r = inventory_load(host->host, 0, &inv, reterr);
	if (r < 0)
		return r;
	f = inventory_find_bdf(inv, a);
	if (!f)
		return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL, "there is no function %s",
			BDF_TEXT(a));
	r = settings_suit(f, c->words, c->n, reterr);
	return r < 0 ? r : settings_apply(host->host, f, c->words, c->n, &opts, reterr);
}

int vfctl_set(struct vfctl_host *host, const char *vf, const char *const *settings, size_t n,
	unsigned flags, int *results, struct vfctl_error **reterr)
{
	struct collection c = { .words = settings, .n = n, .results = results };
	struct problem *p = NULL;
	struct bdf a;
	int r;

	/* Until it was tried it was not done: whatever fails first. */
	for (size_t i = 0; results && i < n; i++)
		results[i] = -ECANCELED;
	r = start(host, vf, flags, &a, &p);
	if (r == 0)
		r = set(host, a, flags, &c, &p);
	if (r >= 0)
		return r;
	if (p)
		problem_free(c.first);
	return api_error(reterr, p ? p : c.first, r);
}

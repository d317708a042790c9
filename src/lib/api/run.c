// SPDX-License-Identifier: GPL-2.0-or-later
#include "run.h"

#include "base/str.h"
#include "identity/identity.h"

int api_no_memory(struct problem **reterr)
{
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

int api_address(const char *text, struct bdf *ret, struct problem **reterr)
{
	if (text && bdf_parse(text, ret) == 0)
		return 0;
	return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
		"'%s' is not the address of a function", text ? text : "");
}

static void waiting_for_holder(void *arg, struct bdf a, const char *who, unsigned waited_ms)
{
	struct vfctl_host *host = arg;
	autofree char *text = who ? str_printf("waiting for %s", who)
				  : str_printf("waiting for the kernel to release %s", BDF_TEXT(a));

	if (host->waiting && text)
		host->waiting(host->arg, text, waited_ms);
}

static void waiting(void *arg, const char *text, unsigned waited_ms)
{
	struct vfctl_host *host = arg;

	if (host->waiting)
		host->waiting(host->arg, text, waited_ms);
}

static struct action_opts action_opts(struct vfctl_host *host, unsigned flags)
{
	const bool captured = host->host->captured;
	const char *drivers = captured ? NULL : host->driver_dir;

	return (struct action_opts) {
		.driver = { .state_dir = drivers,
			.force = flags & VFCTL_ALLOW_IN_USE,
			.deadline_ms = host->timeout_ms,
			.waiting = waiting_for_holder,
			.arg = host },
		.sriov = { .state_dir = drivers,
			.force = flags & VFCTL_ALLOW_IN_USE,
			.deadline_ms = host->timeout_ms,
			.waiting = waiting,
			.arg = host },
		.allow_in_use = flags & VFCTL_ALLOW_IN_USE,
		.learned_dir = captured ? NULL : host->learned_dir,
		.idle_ms = host->timeout_ms,
	};
}

int run_init(struct run *run, struct vfctl_host *host, unsigned flags, unsigned allowed,
	const char *verb, struct problem **reterr)
{
	if (flags & ~allowed)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "unknown flags %#x", flags);
	if (host->host->captured && !(flags & VFCTL_DRY_RUN))
		return problem(reterr, -EROFS, PROBLEM_READ_ONLY, NULL,
			"a captured machine cannot be changed");
	*run = (struct run) {
		.host = host,
		.flags = flags,
		.place = { .run_dir = host->run_dir, .history_dir = host->history_dir },
		.opts = { .act = action_opts(host, flags),
			.verb = verb ? verb : "libvfctl",
			.lock_ms = host->timeout_ms,
			.waiting = waiting,
			.arg = host },
	};
	if (host->run_dir && host->history_dir)
		run->opts.journal = &run->place;
	return 0;
}

void run_done(struct run *run)
{
	work_end(run->work);
}

int run_begin(struct run *run, const struct bdf *pfs, size_t n, struct problem **reterr)
{
	int r = 0;

	for (size_t i = 0; run->host->identity_dir && r == 0 && i < n; i++) {
		autoidentity found = { 0 };

		r = identity_verify(
			run->host->host, run->host->identity_dir, pfs[i], &found, reterr);
	}
	if (r < 0 || run->flags & VFCTL_DRY_RUN)
		return r;
	return work_begin(run->host->host, pfs, n, &run->opts, &run->work, reterr);
}

int run_plan(struct vfctl_host *host, const struct wishes *w, const struct plan_opts *how,
	struct plan *ret, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autonow now = { 0 };
	int r = inventory_load(host->host, INVENTORY_OVERRIDES | INVENTORY_SRIOV, &inv, reterr);

	if (r == 0)
		r = now_read(host->host, inv, w, host->host->captured ? NULL : host->driver_dir,
			&now, reterr);
	if (r < 0)
		return r;
	return plan_make(inv, &now, w, how, ret) < 0 ? api_no_memory(reterr) : 0;
}

int run_wishes(struct run *run, const struct wishes *w, const struct plan_opts *how,
	struct problem **reterr)
{
	const struct problem *no;
	autoplan plan = { 0 };
	int r = run_plan(run->host, w, how, &plan, reterr);

	if (r < 0)
		return r;
	no = plan_refusal(&plan);
	if (no)
		return problem(reterr, no->code, no->kind, no->hint, "%s", no->what);
	return plan_apply(run->work, &plan, &run->opts, NULL, reterr);
}

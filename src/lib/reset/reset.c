// SPDX-License-Identifier: GPL-2.0-or-later
/* Doing it, and looking at what is left. */
#include "reset.h"
#include "before.h"
#include "quirk.h"

#include "base/str.h"
#include "cause/cause.h"
#include "holder/holder.h"
#include "host/sysfs.h"

enum {
	/* The kernel gives a device 60 s to come back (PCIE_RESET_READY_POLL_MS), then gives up. */
	RESET_MS = 65000,
	METHOD_MS = 5000,
	/* A driver may start its device again on its own time (nvme does). */
	SETTLE_MS = 5000,
	SETTLE_STEP_MS = 50,
	DRIVERS_TEXT = 80, /* characters of a list, about */
};

static const char *name_of(const struct reset_plan *p)
{
	return p->set[0]->address;
}

static int find_holders(struct host *h, const struct reset_plan *p, struct holders *ret)
{
	autofree struct bdf *a = calloc(p->n_set, sizeof(*a));

	if (!a)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_set; i++)
		a[i] = p->set[i]->bdf;
	return holders_find(h, a, p->n_set, ret);
}

static bool is_host_driver(const struct function *f)
{
	return f->driver && !driver_is_vfio(f->driver) && !class_is_bus_bridge(f->id.class_code);
}

/* "0000:01:00.0 (igb), 0000:01:10.0 (igbvf)"; NULL: none. */
static char *host_drivers(const struct reset_plan *p)
{
	autostrbuf b = { 0 };
	size_t more = 0;

	for (size_t i = 0; i < p->n_set; i++) {
		const struct function *f = p->set[i];

		if (!is_host_driver(f))
			continue;
		if (b.len > DRIVERS_TEXT)
			more++;
		else
			strbuf_add(&b, "%s%s (%s)", b.len ? ", " : "", f->address, f->driver);
	}
	if (more)
		strbuf_add(&b, " and %zu more", more);
	return b.len ? strbuf_take(&b) : NULL;
}

/*
 * A driver without reset handlers goes on as if nothing had happened; and of VFs whose PF is reset
 * not even the kernel restores what their drivers had set up.
 */
static int refuse_drivers(const struct reset_plan *p, const struct reset_opts *opts,
	const char *verb, struct problem **reterr)
{
	autofree char *drivers = host_drivers(p);
	autofree char *text = NULL;

	if (!drivers)
		return 0;
	if (!opts->force)
		return problem(reterr, -EBUSY, PROBLEM_IN_USE,
			"unbind first, or use --allow-in-use",
			"cannot %s: bound to host drivers, which need not notice: %s", verb,
			drivers);
	text = str_printf("not every driver notices that its device was reset: %s", drivers);
	if (text && opts->note)
		opts->note(opts->arg, text, "restart the interface, or unbind and bind again");
	return 0;
}

/* Whose drivers' reset handlers the kernel calls: not those of VFs that only follow their PF. */
static int refuse_quirks(struct host *h, const struct reset_plan *p, struct problem **reterr)
{
	size_t n = p->bridge ? p->n_set : 1;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = reset_quirk_refuse(h, p->set[i], reterr);
	return r;
}

static int refuse_users(struct host *h, const struct reset_plan *p, const struct reset_opts *opts,
	const char *verb, struct problem **reterr)
{
	autoholders found = { 0 };
	int r = find_holders(h, p, &found);

	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"%s: cannot find out who uses it: %s", name_of(p), strerror(-r));
	if (opts->force && !holders_count(&found, HOLD_BLOCKS))
		return 0;
	return holders_refuse(&found, verb, reterr);
}

int reset_check(struct host *h, const struct reset_plan *p, const struct reset_opts *opts,
	struct problem **reterr)
{
	autofree char *verb =
		p->n_set > 1 ? str_printf("reset %s and %zu more with it", name_of(p), p->n_set - 1)
			     : str_printf("reset %s", name_of(p));
	int r = verb ? refuse_users(h, p, opts, verb, reterr) : -ENOMEM;

	if (r == 0)
		r = refuse_drivers(p, opts, verb, reterr);
	if (r == 0)
		r = refuse_quirks(h, p, reterr);
	return r < 0 ? r : 1;
}

/* reset_method as it was; "" is what an administrator wrote to switch resets off. */
static int put_back(struct host *h, const struct reset_plan *p)
{
	struct host_wait wait = { .deadline_ms = METHOD_MS };

	return sysfs_write_within(h, &wait, *p->listed ? p->listed : "\n",
		"bus/pci/devices/%s/reset_method", name_of(p));
}

static int failed(struct host *h, const struct reset_plan *p, enum cause_action action, int code,
	const struct cause_mark *since, struct problem **reterr)
{
	const struct cause_query q = { .action = action, .code = code, .bdf = p->set[0]->bdf };

	if (action == CAUSE_RESET_METHOD)
		return cause_problem(h, &q, since, reterr, "%s: cannot choose the reset method %s",
			name_of(p), p->method);
	return cause_problem(h, &q, since, reterr, "%s: reset by %s failed", name_of(p),
		p->method ? p->method : "the kernel's choice");
}

static int choose(struct host *h, const struct reset_plan *p, struct problem **reterr)
{
	struct host_wait wait = { .deadline_ms = METHOD_MS };
	autocausemark mark = cause_mark(h);
	int r;

	if (!p->must_set)
		return 0;
	r = sysfs_write_within(h, &wait, p->method, "bus/pci/devices/%s/reset_method", name_of(p));
	if (r == 0)
		return 0;
	failed(h, p, CAUSE_RESET_METHOD, r, &mark, reterr);
	if (r == -EINVAL)
		problem_hint(reterr, "what it has: %s", p->listed);
	/* A write that came too late may still be done: what is listed afterwards must be right. */
	if (r == -ETIMEDOUT)
		(void)put_back(h, p);
	return r;
}

struct waiter {
	const struct reset_opts *opts;
	const char *text;
};

static int still_waiting(void *arg, unsigned waited_ms)
{
	struct waiter *w = arg;

	if (w->opts->waiting)
		w->opts->waiting(w->opts->arg, w->text, waited_ms);
	return 0;
}

static int write_reset(struct host *h, const struct reset_plan *p, const struct reset_opts *opts,
	struct problem **reterr)
{
	autofree char *text = str_printf("waiting for %s to be reset", name_of(p));
	struct waiter w = { .opts = opts, .text = text ? text : name_of(p) };
	struct host_wait wait = { .deadline_ms = opts->deadline_ms ? opts->deadline_ms : RESET_MS,
		.waiting = still_waiting,
		.arg = &w };
	autocausemark mark = cause_mark(h);
	int r;

	if (p->bridge)
		r = sysfs_write_within(
			h, &wait, "1", "bus/pci/devices/%s/reset_subordinate", p->bridge->address);
	else
		r = sysfs_write_within(h, &wait, "1", "bus/pci/devices/%s/reset", name_of(p));
	return r < 0 ? failed(h, p, CAUSE_RESET, r, &mark, reterr) : 0;
}

/* Waits for what a driver still has to do, then tells the first difference that stays. */
static int verify(struct host *h, const struct before *before, size_t n, struct problem **reterr)
{
	uint64_t until = host_now_ms(h) + SETTLE_MS;

	for (size_t i = 0; i < n;) {
		autofree char *what = before_difference(h, &before[i]);

		if (!what) {
			i++;
			continue;
		}
		if (host_now_ms(h) >= until)
			return problem(reterr, -EIO, PROBLEM_DRIFT,
				"unbind and bind it again, or see the kernel log; give it to nobody as it is",
				"%s has not come back from the reset: %s", BDF_TEXT(before[i].bdf),
				what);
		host_sleep_ms(h, SETTLE_STEP_MS);
	}
	return 0;
}

static int reset_and_verify(struct host *h, const struct reset_plan *p,
	const struct reset_opts *opts, struct problem **reterr)
{
	autofree struct before *before = calloc(p->n_set, sizeof(*before));
	int r;

	if (!before)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_set; i++) {
		before_read(h, p->set[i]->bdf, &before[i]);
		before[i].ignore_command =
			!p->bridge && p->set[i]->physfn == p->set[0] && !is_host_driver(p->set[i]);
	}
	r = write_reset(h, p, opts, reterr);
	/* While a reset goes on, reading configuration space waits for its end: do not. */
	return r < 0 ? r : verify(h, before, p->n_set, reterr);
}

int reset_do(struct host *h, const struct reset_plan *p, const struct reset_opts *opts,
	struct problem **reterr)
{
	int r = reset_check(h, p, opts, reterr), back = 0;

	if (r > 0)
		r = choose(h, p, reterr);
	if (r < 0)
		return r;
	r = reset_and_verify(h, p, opts, reterr);
	if (p->must_set)
		back = put_back(h, p);
	if (r == 0 && back < 0) {
		problem(reterr, back, problem_kind_from_errno(back), NULL,
			"%s was reset, but its reset_method could not be put back: %s", name_of(p),
			strerror(-back));
		problem_hint(reterr, "write \"%s\" to it", p->listed);
		return back;
	}
	return r < 0 ? r : 1;
}

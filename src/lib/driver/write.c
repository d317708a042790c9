// SPDX-License-Identifier: GPL-2.0-or-later
#include "write.h"

#include "base/str.h"
#include "cause/cause.h"
#include "host/locked.h"
#include "host/sysfs.h"
#include "holder/holder.h"
#include "iommu/group.h"

/*
 * All these writes take the device lock, which a removal under way may hold; a probe (firmware,
 * queues, links) takes its time.
 */
enum { UNBIND_MS = 10000, OVERRIDE_MS = 5000, BIND_MS = 60000 };

int driver_read(struct host *h, struct bdf a, char **ret)
{
	autofree char *name = NULL;
	int r = sysfs_link_name(h, &name, "bus/pci/devices/%s/driver", BDF_TEXT(a));

	if (r == -ENOENT && sysfs_exists(h, "bus/pci/devices/%s", BDF_TEXT(a)))
		r = 0;
	if (r == 0)
		*ret = TAKE_PTR(name);
	return r;
}

int driver_override_read(struct host *h, struct bdf a, char **ret)
{
	struct locked_read read = { .function = a, .attribute = "driver_override" };
	char *text, *copy = NULL;

	locked_read_all(h, &read, 1);
	if (read.result < 0)
		return read.result;
	text = str_trim(read.text);
	if (*text && !str_eq(text, "(null)")) {
		copy = strdup(text);
		if (!copy)
			return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

int write_override(struct host *h, struct bdf a, const char *driver, struct problem **reterr)
{
	struct host_wait wait = { .deadline_ms = OVERRIDE_MS };
	/* A write of no bytes reaches no attribute; a newline clears. */
	int r = sysfs_write_within(h, &wait, driver ? driver : "\n",
		"bus/pci/devices/%s/driver_override", BDF_TEXT(a));

	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"%s: cannot set driver_override to %s: %s", BDF_TEXT(a),
			driver ? driver : "nothing", strerror(-r));
	return 0;
}

static int bind_failed(struct host *h, struct bdf a, const char *driver, int code,
	const struct cause_mark *since, struct problem **reterr)
{
	const struct cause_query q = {
		.action = CAUSE_BIND, .code = code, .bdf = a, .driver = driver
	};

	return cause_problem(h, &q, since, reterr, "%s: %s refuses to bind", BDF_TEXT(a), driver);
}

int write_bind(struct host *h, struct bdf a, const char *driver, struct problem **reterr)
{
	autofree char *now = NULL;
	struct host_wait wait = { .deadline_ms = BIND_MS };
	autocausemark mark = cause_mark(h);
	int bound = sysfs_write_within(h, &wait, BDF_TEXT(a), "bus/pci/drivers/%s/bind", driver);
	int r = driver_read(h, a, &now);

	/* udev or an asynchronous probe may have been faster: what counts is the result. */
	if (bound < 0 && !(r == 0 && str_eq(now, driver)))
		return bind_failed(h, a, driver, bound, &mark, reterr);
	if (r < 0 || !str_eq(now, driver))
		return problem(reterr, r < 0 ? r : -EIO, PROBLEM_FAILED, "see the kernel log",
			"%s: %s said it had bound, but the function is on %s", BDF_TEXT(a), driver,
			now ? now : "no driver");
	return 0;
}

/* What an unbind that does not end waits for. */
struct waiter {
	const struct driver_opts *opts;
	struct bdf a;
	char *who;
};

static int still_waiting(void *arg, unsigned waited_ms)
{
	struct waiter *w = arg;

	if (w->opts && w->opts->waiting)
		w->opts->waiting(w->opts->arg, w->a, w->who, waited_ms);
	return w->opts && w->opts->cancelled && w->opts->cancelled(w->opts->arg);
}

static int unbind_failed(struct host *h, struct bdf a, const char *driver, const char *who,
	int code, const struct cause_mark *since, struct problem **reterr)
{
	const struct cause_query q = {
		.action = CAUSE_UNBIND, .code = code, .bdf = a, .driver = driver
	};

	if (code == -ETIMEDOUT || code == -ECANCELED)
		return problem(reterr, code, code == -ETIMEDOUT ? PROBLEM_TIMEOUT : PROBLEM_FAILED,
			"the kernel goes on waiting; it ends when the user lets go",
			"%s: %s has not let go%s%s", BDF_TEXT(a), driver, who ? " because of " : "",
			who ? who : "");
	return cause_problem(
		h, &q, since, reterr, "%s: cannot be unbound from %s", BDF_TEXT(a), driver);
}

int write_unbind(
	struct host *h, struct bdf a, const struct driver_opts *opts, struct problem **reterr)
{
	struct waiter w = { .opts = opts, .a = a };
	struct host_wait wait = { .deadline_ms =
					  opts && opts->deadline_ms ? opts->deadline_ms : UNBIND_MS,
		.waiting = still_waiting,
		.arg = &w };
	autofree char *driver = NULL, *left = NULL, *who = NULL;
	autocausemark mark = { .fd = -1 };
	autoholders holders = { 0 };
	int r = driver_read(h, a, &driver);

	if (r < 0)
		return problem(reterr, r, PROBLEM_VANISHED, NULL, "%s has gone", BDF_TEXT(a));
	if (!driver)
		return 0;
	mark = cause_mark(h);
	if (holders_find_vfio(h, &a, 1, &holders) == 0)
		w.who = who = holders_text(&holders, HOLD_BLOCKS);
	r = sysfs_write_within(h, &wait, BDF_TEXT(a), "bus/pci/drivers/%s/unbind", driver);
	/* ENODEV: it let go by itself meanwhile, as nvme does of a controller that is not ready. */
	if (r < 0 && r != -ENODEV)
		return unbind_failed(h, a, driver, who, r, &mark, reterr);
	r = driver_read(h, a, &left);
	if (r < 0 || left)
		return problem(reterr, r < 0 ? r : -EIO, PROBLEM_FAILED, NULL,
			"%s: still on %s after unbinding", BDF_TEXT(a), left ? left : "?");
	return 0;
}

int write_load(struct host *h, const char *driver, struct problem **reterr)
{
	int r;

	if (sysfs_exists(h, "bus/pci/drivers/%s", driver))
		return 0;
	r = host_load_module(h, driver);
	if (r >= 0 && sysfs_exists(h, "bus/pci/drivers/%s", driver))
		return 0;
	if (r == -EPERM || r == -EACCES)
		return problem(reterr, r, PROBLEM_PERMISSION, NULL,
			"only root may load the driver %s", driver);
	return problem(reterr, r < 0 ? r : -ENODEV, PROBLEM_NO_DRIVER,
		"check its name, and that the kernel's modules are installed",
		"there is no PCI driver %s%s%s", driver, r < 0 && r != -ENOENT ? ": " : "",
		r < 0 && r != -ENOENT ? strerror(-r) : "");
}

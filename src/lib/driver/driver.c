// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver.h"
#include "note.h"
#include "variant.h"
#include "write.h"

#include "base/str.h"
#include "host/sysfs.h"
#include "holder/holder.h"
#include "iommu/group.h"
#include "pci/identity.h"

static const char *const vfio_driver = "vfio-pci";

static const struct driver_opts no_opts = { 0 };

static int no_choice(struct bdf a, int r, struct problem **reterr)
{
	return problem(reterr, r, problem_kind_from_errno(r), NULL,
		"%s: cannot find out which VFIO driver is best: %s", BDF_TEXT(a), strerror(-r));
}

int driver_best_vfio(struct host *h, struct bdf a, char **ret, struct problem **reterr)
{
	autofree char *module = NULL;
	int r = variant_module(h, a, &module);

	if (r == 0)
		r = variant_driver(h, module ? module : vfio_driver, ret);
	return r < 0 ? no_choice(a, r, reterr) : 0;
}

/*
 * Loads the module of the best driver, which tells the driver's true name. One that cannot be
 * loaded (not installed, or refused) is no loss: vfio-pci takes the function too.
 */
static int load_best_vfio(struct host *h, struct bdf a, char **ret, struct problem **reterr)
{
	autofree char *module = NULL, *driver = NULL;
	int r = variant_module(h, a, &module);

	if (r == 0 && module && host_load_module(h, module) >= 0) {
		r = variant_driver(h, module, &driver);
		if (r == 0 && !sysfs_exists(h, "bus/pci/drivers/%s", driver))
			free(TAKE_PTR(driver));
	}
	if (r == 0 && !driver) {
		driver = strdup(vfio_driver);
		r = driver ? 0 : -ENOMEM;
	}
	if (r < 0)
		return no_choice(a, r, reterr);
	*ret = TAKE_PTR(driver);
	return 0;
}

/* What a change starts from. */
static int read_state(struct host *h, struct bdf a, struct note *ret, struct problem **reterr)
{
	autonote now = { 0 };
	int r = driver_read(h, a, &now.driver);

	if (r < 0)
		return problem(reterr, r,
			r == -ENOENT ? PROBLEM_NOT_FOUND : problem_kind_from_errno(r), NULL,
			r == -ENOENT ? "there is no function %s" : "%s cannot be read",
			BDF_TEXT(a));
	r = driver_override_read(h, a, &now.override);
	if (r == -ETIMEDOUT)
		return problem(reterr, r, PROBLEM_TIMEOUT, "find out who holds its VFs",
			"%s: the kernel is busy with it", BDF_TEXT(a));
	/* A capture may lack the attribute. */
	if (r < 0 && r != -ENOENT)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"%s: cannot read driver_override: %s", BDF_TEXT(a), strerror(-r));
	ret->driver = TAKE_PTR(now.driver);
	ret->override = TAKE_PTR(now.override);
	return 0;
}

static bool has_vfs(struct host *h, struct bdf a)
{
	autostrv char **names = NULL;

	if (!sysfs_exists(h, "bus/pci/devices/%s/sriov_totalvfs", BDF_TEXT(a)) ||
		sysfs_list(h, &names, "bus/pci/devices/%s", BDF_TEXT(a)) < 0)
		return false;
	STRV_FOREACH (n, names)
		if (str_starts(*n, "virtfn"))
			return true;
	return false;
}

/* Taking the driver from a PF takes its VFs away or orphans them. */
static int refuse_with_vfs(struct host *h, struct bdf a, const char *verb, struct problem **reterr)
{
	int r;

	if (!has_vfs(h, a))
		return 0;
	r = problem(reterr, -EBUSY, PROBLEM_IN_USE, NULL,
		"cannot %s %s: it has VFs, which need its driver", verb, BDF_TEXT(a));
	problem_hint(reterr, "destroy them first: vfctl destroy %s", BDF_TEXT(a));
	return r;
}

static int refuse_in_use(struct host *h, struct bdf a, const char *verb,
	const struct driver_opts *opts, struct problem **reterr)
{
	autofree char *what = str_printf("%s %s", verb, BDF_TEXT(a));
	autoholders holders = { 0 };
	int r = holders_find(h, &a, 1, &holders);

	if (r < 0 || !what)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	return opts->force ? 0 : holders_refuse(&holders, what, reterr);
}

static int refuse_for_vfio(struct host *h, struct bdf a, struct problem **reterr)
{
	struct identity id;

	if (identity_read(h, a, &id) == 0 && class_is_bridge(id.class_code))
		return problem(reterr, -EOPNOTSUPP, PROBLEM_NOT_ASSIGNABLE,
			"bridges stay with the host; their group does not need them",
			"%s is a bridge and cannot be given to a guest", BDF_TEXT(a));
	if (iommu_group_of(h, a) < 0 && !iommu_may_be_missing(h))
		return problem(reterr, -EINVAL, PROBLEM_NO_IOMMU,
			"switch the IOMMU on (firmware, and intel_iommu=on or amd_iommu=on)",
			"%s is in no IOMMU group: the machine has no active IOMMU", BDF_TEXT(a));
	return 0;
}

static bool is_driver_name(const char *name)
{
	return *name && !strchr(name, '/') && !str_eq(name, ".") && !str_eq(name, "..") &&
	       !strpbrk(name, " \t\n") && strlen(name) < 64;
}

/* 1: there is something to do. */
static int check_bind(struct host *h, struct bdf a, const char *driver,
	const struct driver_opts *opts, const struct note *now, struct problem **reterr)
{
	int r = 0;

	if (!is_driver_name(driver))
		return problem(
			reterr, -EINVAL, PROBLEM_USAGE, NULL, "\"%s\" is no driver's name", driver);
	if (str_eq(now->driver, driver))
		return 0;
	if (driver_is_vfio(driver))
		r = refuse_for_vfio(h, a, reterr);
	/* VFIO refuses a PF with VFs whatever one does; others may be forced. */
	if (r == 0 && (driver_is_vfio(driver) || !opts->force))
		r = refuse_with_vfs(h, a, "bind", reterr);
	if (r == 0 && now->driver)
		r = refuse_in_use(h, a, "rebind", opts, reterr);
	return r < 0 ? r : 1;
}

/* `driver` NULL: the best VFIO driver, told in *ret_best (untouched else). */
static int check_choice(struct host *h, struct bdf a, const char *driver,
	const struct driver_opts *opts, const struct note *now, char **ret_best,
	struct problem **reterr)
{
	int r = driver ? 0 : driver_best_vfio(h, a, ret_best, reterr);

	return r < 0 ? r : check_bind(h, a, driver ? driver : *ret_best, opts, now, reterr);
}

int driver_bind_check(struct host *h, struct bdf a, const char *driver,
	const struct driver_opts *opts, struct problem **reterr)
{
	autofree char *best = NULL;
	autonote now = { 0 };
	int r = read_state(h, a, &now, reterr);

	return r < 0 ? r : check_choice(h, a, driver, opts ? opts : &no_opts, &now, &best, reterr);
}

static int refuse_captured(struct host *h, struct problem **reterr)
{
	if (!h->captured)
		return 0;
	return problem(reterr, -EROFS, PROBLEM_READ_ONLY, "--dry-run shows what would be done",
		"a captured machine cannot be changed");
}

static int now_on(struct host *h, struct bdf a, char **ret, struct problem **reterr)
{
	int r = driver_read(h, a, ret);

	return r < 0 ? problem(reterr, r, problem_kind_from_errno(r), NULL,
			       "%s: cannot read its driver: %s", BDF_TEXT(a), strerror(-r))
		     : 0;
}

/* Onto `driver` (NULL: none), by override, so that no other driver and no autoprobe interferes. */
static int move_to(struct host *h, struct bdf a, const char *driver, const char *override_after,
	const struct driver_opts *opts, struct problem **reterr)
{
	autofree char *now = NULL;
	int r = driver ? write_load(h, driver, reterr) : 0;

	if (r == 0)
		r = write_override(h, a, driver ? driver : override_after, reterr);
	if (r == 0)
		r = now_on(h, a, &now, reterr);
	if (r == 0 && now && !str_eq(now, driver))
		r = write_unbind(h, a, opts, reterr);
	if (r == 0 && driver && !str_eq(now, driver))
		r = write_bind(h, a, driver, reterr);
	if (r == 0 && driver && !str_eq(driver, override_after))
		r = write_override(h, a, override_after, reterr);
	return r;
}

/* Puts everything back after a failure, and says so when even that fails. */
static void move_back(struct host *h, struct bdf a, const struct note *was, int code,
	const struct driver_opts *opts, struct problem **reterr)
{
	struct driver_opts quiet = { .deadline_ms = opts->deadline_ms };
	autofree char *text = NULL, *now = NULL;
	autoproblem *second = NULL;

	/* While the kernel still works on an unbind, everything else would wait behind it. */
	if (code == -ETIMEDOUT || code == -ECANCELED)
		return;
	if (move_to(h, a, was->driver, was->override, &quiet, &second) == 0)
		return;
	text = problem_text(second);
	(void)driver_read(h, a, &now);
	problem_wrap(reterr, code, "%s was on %s and is left on %s, for going back failed (%s)",
		BDF_TEXT(a), was->driver ? was->driver : "no driver", now ? now : "no driver",
		text ? text : "?");
}

/* Notes, moves, and on failure moves back and forgets the note it made. */
static int change(struct host *h, struct bdf a, const char *driver, const char *override_after,
	const struct driver_opts *opts, const struct note *was, struct problem **reterr)
{
	int noted = note_keep(h, a, opts->state_dir, was), r;

	if (noted < 0)
		return problem(reterr, noted, problem_kind_from_errno(noted),
			"is the state directory writable?", "%s: cannot note its driver in %s: %s",
			BDF_TEXT(a), opts->state_dir, strerror(-noted));
	r = move_to(h, a, driver, override_after, opts, reterr);
	if (r == 0)
		return 1;
	move_back(h, a, was, r, opts, reterr);
	if (noted > 0 && r != -ETIMEDOUT && r != -ECANCELED)
		note_forget(a, opts->state_dir);
	return r;
}

int driver_bind(struct host *h, struct bdf a, const char *driver, const struct driver_opts *opts,
	struct problem **reterr)
{
	autofree char *best = NULL, *loaded = NULL;
	autonote now = { 0 };
	int r = refuse_captured(h, reterr);

	opts = opts ? opts : &no_opts;
	if (r == 0)
		r = read_state(h, a, &now, reterr);
	if (r == 0)
		r = check_choice(h, a, driver, opts, &now, &best, reterr);
	if (r <= 0)
		return r;
	if (!driver) {
		r = load_best_vfio(h, a, &loaded, reterr);
		driver = loaded;
	}
	/* The best is missing, and the function is on the second best already. */
	if (r >= 0 && str_eq(now.driver, driver))
		return 0;
	return r < 0 ? r : change(h, a, driver, driver, opts, &now, reterr);
}

static int check_unbind(struct host *h, struct bdf a, const struct driver_opts *opts,
	const struct note *now, struct problem **reterr)
{
	int r = 0;

	if (!now->driver)
		return now->override ? 1 : 0;
	if (!opts->force)
		r = refuse_with_vfs(h, a, "unbind", reterr);
	if (r == 0)
		r = refuse_in_use(h, a, "unbind", opts, reterr);
	return r < 0 ? r : 1;
}

int driver_unbind_check(
	struct host *h, struct bdf a, const struct driver_opts *opts, struct problem **reterr)
{
	autonote now = { 0 };
	int r = read_state(h, a, &now, reterr);

	return r < 0 ? r : check_unbind(h, a, opts ? opts : &no_opts, &now, reterr);
}

int driver_unbind(
	struct host *h, struct bdf a, const struct driver_opts *opts, struct problem **reterr)
{
	autonote now = { 0 };
	int r = refuse_captured(h, reterr);

	opts = opts ? opts : &no_opts;
	if (r == 0)
		r = read_state(h, a, &now, reterr);
	if (r == 0)
		r = check_unbind(h, a, opts, &now, reterr);
	return r > 0 ? change(h, a, NULL, NULL, opts, &now, reterr) : r;
}

/*
 * What restore goes to. Without a note a VFIO driver or an override is what somebody put there,
 * and the kernel's own choice is meant.
 */
struct goal {
	struct note to;
	bool noted;
};

static int read_goal(struct host *h, struct bdf a, const struct driver_opts *opts, struct goal *ret,
	struct problem **reterr)
{
	int r = note_read(h, a, opts->state_dir, &ret->to);

	if (r < 0 && r != -ENOENT)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"%s: cannot read the note about its driver in %s: %s", BDF_TEXT(a),
			opts->state_dir, strerror(-r));
	ret->noted = r == 0;
	return 0;
}

static int check_restore(struct host *h, struct bdf a, const struct driver_opts *opts,
	const struct note *now, const struct goal *goal, struct problem **reterr)
{
	bool stays =
		goal->noted ? str_eq(now->driver, goal->to.driver) : !driver_is_vfio(now->driver);
	int r;

	if (stays && str_eq(now->override, goal->to.override))
		return 0;
	r = stays ? 0 : check_unbind(h, a, opts, now, reterr);
	return r < 0 ? r : 1;
}

int driver_restore_check(
	struct host *h, struct bdf a, const struct driver_opts *opts, struct problem **reterr)
{
	CLEANUP(note_done) struct note now = { 0 };
	struct goal goal = { 0 };
	int r = read_state(h, a, &now, reterr);

	opts = opts ? opts : &no_opts;
	if (r == 0)
		r = read_goal(h, a, opts, &goal, reterr);
	if (r == 0)
		r = check_restore(h, a, opts, &now, &goal, reterr);
	note_done(&goal.to);
	return r;
}

/* The kernel's choice: it may well be none, and drivers_probe would not say. */
static int let_kernel_choose(
	struct host *h, struct bdf a, const struct driver_opts *opts, struct problem **reterr)
{
	int r = move_to(h, a, NULL, NULL, opts, reterr);

	if (r == 0)
		r = sysfs_write(h, BDF_TEXT(a), "bus/pci/drivers_probe");
	if (r < 0 && reterr && !*reterr)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"%s: the kernel would not look for a driver: %s", BDF_TEXT(a),
			strerror(-r));
	return r;
}

static int restore(struct host *h, struct bdf a, const struct driver_opts *opts,
	const struct note *now, const struct goal *goal, struct problem **reterr)
{
	bool keeps_driver = !goal->noted && !driver_is_vfio(now->driver);
	int r;

	if (keeps_driver)
		r = write_override(h, a, NULL, reterr);
	else if (goal->noted)
		r = move_to(h, a, goal->to.driver, goal->to.override, opts, reterr);
	else
		r = let_kernel_choose(h, a, opts, reterr);
	if (r < 0) {
		move_back(h, a, now, r, opts, reterr);
		return r;
	}
	return 1;
}

int driver_restore(
	struct host *h, struct bdf a, const struct driver_opts *opts, struct problem **reterr)
{
	autonote now = { 0 };
	struct goal goal = { 0 };
	int r = refuse_captured(h, reterr);

	opts = opts ? opts : &no_opts;
	if (r == 0)
		r = read_state(h, a, &now, reterr);
	if (r == 0)
		r = read_goal(h, a, opts, &goal, reterr);
	if (r == 0)
		r = check_restore(h, a, opts, &now, &goal, reterr);
	if (r > 0)
		r = restore(h, a, opts, &now, &goal, reterr);
	if (r >= 0)
		note_forget(a, opts->state_dir);
	note_done(&goal.to);
	return r;
}

/* Back where it was, there is nothing to restore any more. */
static void forget_same(struct host *h, struct bdf a, const char *driver, const char *override,
	const char *state_dir)
{
	autonote noted = { 0 };

	if (note_read(h, a, state_dir, &noted) == 0 && str_eq(noted.driver, driver) &&
		str_eq(noted.override, override))
		note_forget(a, state_dir);
}

int driver_put(struct host *h, struct bdf a, const char *driver, const char *override,
	const struct driver_opts *opts, struct problem **reterr)
{
	autonote now = { 0 };
	int r = refuse_captured(h, reterr);

	opts = opts ? opts : &no_opts;
	if (r == 0)
		r = read_state(h, a, &now, reterr);
	if (r < 0)
		return r;
	if (str_eq(now.driver, driver))
		r = !str_eq(now.override, override);
	else if (driver)
		r = check_bind(h, a, driver, opts, &now, reterr);
	else
		r = check_unbind(h, a, opts, &now, reterr);
	if (r > 0)
		r = change(h, a, driver, override, opts, &now, reterr);
	if (r >= 0)
		forget_same(h, a, driver, override, opts->state_dir);
	return r;
}

int driver_remembered(struct host *h, struct bdf a, const char *state_dir, char **ret_driver)
{
	autonote n = { 0 };
	int r = note_read(h, a, state_dir, &n);

	if (r == 0)
		*ret_driver = TAKE_PTR(n.driver);
	return r;
}

int driver_forget(struct bdf a, const char *state_dir)
{
	return note_forget(a, state_dir);
}

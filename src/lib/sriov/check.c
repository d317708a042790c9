// SPDX-License-Identifier: GPL-2.0-or-later
/* What stands against a change of the number of VFs, found out before anything is written. */
#include "change.h"

#include "base/str.h"
#include "driver/driver.h"
#include "holder/holder.h"
#include "host/sysfs.h"
#include "iommu/group.h"

static int no_pf(struct vf_change *c, int code, struct problem **reterr)
{
	struct bdf pf;
	int r;

	if (code == -ENODATA && !sysfs_exists(c->h, "bus/pci/devices/%s", BDF_TEXT(c->pf)))
		return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL, "there is no function %s",
			BDF_TEXT(c->pf));
	if (code != -ENODATA)
		return problem(reterr, code, problem_kind_from_errno(code), NULL,
			"%s: cannot read sriov_totalvfs: %s", BDF_TEXT(c->pf), strerror(-code));
	if (sriov_physfn(c->h, c->pf, &pf) < 0)
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
			"%s has no SR-IOV capability", BDF_TEXT(c->pf));
	r = problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL, "%s is itself a VF",
		BDF_TEXT(c->pf));
	problem_hint(reterr, "name its PF, %s", BDF_TEXT(pf));
	return r;
}

static int refuse_too_many(struct vf_change *c, unsigned total, struct problem **reterr)
{
	int r;

	if (c->to <= total)
		return 0;
	r = problem(reterr, -ERANGE, PROBLEM_TOO_MANY_VFS,
		"VFs may be switched off in the device's or the machine's firmware",
		total ? "%s supports at most %u VFs" : "%s supports no VFs", BDF_TEXT(c->pf),
		total);
	if (total)
		problem_hint(
			reterr, "raise the limit in the device's firmware, or ask for %u", total);
	return r;
}

/* Only a driver with sriov_configure() answers; without one the kernel says ENOENT. */
static int refuse_driver(struct vf_change *c, struct problem **reterr)
{
	autofree char *driver = NULL, *param = NULL;
	int r = driver_read(c->h, c->pf, &driver);

	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL, "%s: %s",
			BDF_TEXT(c->pf), strerror(-r));
	if (!driver)
		return problem(reterr, -ENOENT, PROBLEM_NO_DRIVER,
			"bind the PF's driver first: vfctl restore, or vfctl bind PF DRIVER",
			"%s has no driver, and only its driver can switch VFs", BDF_TEXT(c->pf));
	if (!driver_is_vfio(driver) ||
		sysfs_read(c->h, &param, "module/vfio_pci/parameters/enable_sriov") < 0 ||
		str_eq(str_trim(param), "Y"))
		return 0;
	return problem(reterr, -ENOENT, PROBLEM_UNSUPPORTED,
		"vfctl restore the PF, or bind it to pci-pf-stub",
		"%s is on %s, which switches no VFs (its option enable_sriov is off)",
		BDF_TEXT(c->pf), driver);
}

/* A VF on a VFIO driver was prepared by somebody, though nobody holds it yet. */
static int find_prepared(struct vf_change *c, struct strbuf *names)
{
	for (unsigned i = 0; i < c->from; i++) {
		autofree char *driver = NULL;

		if (driver_read(c->h, c->vfs[i].bdf, &driver) == 0 && driver_is_vfio(driver))
			strbuf_add(names, "%s%s (%s)", names->len ? ", " : "",
				BDF_TEXT(c->vfs[i].bdf), driver);
	}
	return names->failed ? -ENOMEM : 0;
}

static int refuse_holders(struct vf_change *c,
	int (*find)(struct host *h, const struct bdf *a, size_t n, struct holders *ret),
	struct problem **reterr)
{
	autofree struct bdf *all = calloc(c->from + 1, sizeof(*all));
	autofree char *what = str_printf("remove the VFs of %s", BDF_TEXT(c->pf));
	autoholders holders = { 0 };
	int r;

	if (!all || !what)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	for (unsigned i = 0; i < c->from; i++)
		all[i] = c->vfs[i].bdf;
	r = find(c->h, all, c->from, &holders);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"cannot look for users of %s: %s", BDF_TEXT(c->pf), strerror(-r));
	return holders_refuse(&holders, what, reterr);
}

/* Held ones are refused even by force: the kernel would wait for their holders. */
static int refuse_held(struct vf_change *c, struct problem **reterr)
{
	return refuse_holders(c, holders_find_vfio, reterr);
}

static int refuse_used(struct vf_change *c, struct problem **reterr)
{
	autostrbuf prepared = { 0 };
	int r = refuse_holders(c, holders_find, reterr);

	if (r < 0 || !c->to)
		return r;
	r = find_prepared(c, &prepared);
	if (r < 0 || !prepared.len)
		return r;
	return problem(reterr, -EBUSY, PROBLEM_IN_USE,
		"vfctl destroy removes them first, or use --allow-in-use",
		"%s has %u VFs, and going to %u would remove them all; prepared for a guest: %s",
		BDF_TEXT(c->pf), c->from, c->to, prepared.s);
}

int vf_change_check(struct vf_change *c, struct problem **reterr)
{
	unsigned total;
	size_t n;
	int r = sriov_total_vfs(c->h, c->pf, &total);

	if (r < 0)
		return no_pf(c, r, reterr);
	r = sriov_vfs(c->h, c->pf, &c->vfs, &n);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"%s: cannot list its VFs: %s", BDF_TEXT(c->pf), strerror(-r));
	c->from = (unsigned)n;
	r = refuse_too_many(c, total, reterr);
	if (r < 0 || c->from == c->to)
		return r;
	r = refuse_driver(c, reterr);
	if (r == 0 && c->from)
		r = refuse_held(c, reterr);
	if (r == 0 && c->from && !c->opts->force)
		r = refuse_used(c, reterr);
	return r < 0 ? r : 1;
}

void vf_change_done(struct vf_change *c)
{
	free(c->vfs);
	c->vfs = NULL;
}

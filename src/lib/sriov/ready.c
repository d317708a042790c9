// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A VF is there long before it is usable: the function appears, about a millisecond later its
 * links, then its driver, then its netdev, which udev then renames. The driver may never come
 * (none for it, or an NVMe VF that is not online yet) and is awaited for a while only; so is
 * udev's work on a function without interface, which has no name to lose.
 */
#include "change.h"

#include "base/str.h"
#include "driver/driver.h"
#include "host/sysfs.h"
#include "iommu/group.h"
#include "netdev/netdev.h"
#include "pci/identity.h"

enum {
	POLL_MIN_MS = 1,
	POLL_MAX_MS = 20,
	DRIVER_GRACE_MS = 3000,
	UDEV_GRACE_MS = 1000,
	HEADER_BYTES = 64
};

enum readiness { VF_MISSING, VF_NO_CONFIG, VF_NO_DRIVER, VF_NO_NETDEV, VF_NOT_SETTLED, VF_READY };

/* Whether that which may never come is still awaited. */
struct patience {
	bool driver, udev;
};

static const char *const lack_words[] = {
	[VF_MISSING] = "is not there",
	[VF_NO_CONFIG] = "does not answer (its configuration space reads all ones)",
	[VF_NO_DRIVER] = "has no driver",
	[VF_NO_NETDEV] = "has no network interface",
	[VF_NOT_SETTLED] = "is still being set up by udev",
};

/*
 * Vendor and device read ffff even in a healthy VF; the whole header does not. Nothing more is
 * read: each register is a transaction on the bus, and there may be many VFs.
 */
static bool answers(struct host *h, struct bdf vf)
{
	uint8_t b[HEADER_BYTES];

	if (sysfs_read_bytes(h, b, sizeof(b), "bus/pci/devices/%s/config", BDF_TEXT(vf)) !=
		(ssize_t)sizeof(b))
		return false;
	for (unsigned i = 0; i < HEADER_BYTES; i++)
		if (b[i] != 0xff)
			return true;
	return false;
}

/* Drivers that take a network function and make no interface of it. */
static bool makes_no_netdev(const char *driver)
{
	return driver_is_vfio(driver) || str_eq(driver, "pci-stub") ||
	       str_eq(driver, "uio_pci_generic") || str_eq(driver, "igb_uio");
}

/* -ENOENT is an interface that was renamed just now. */
static bool is_settled(struct vf_change *c, struct bdf vf, const struct netdev *devs, size_t n,
	const struct patience *p)
{
	for (size_t i = 0; i < n; i++)
		if (sysfs_settled(c->h, c->begin_ms, "class/net/%s", devs[i].name) != 1)
			return false;
	return n || !p->udev ||
	       sysfs_settled(c->h, c->begin_ms, "bus/pci/devices/%s", BDF_TEXT(vf)) == 1;
}

static enum readiness with_driver(struct vf_change *c, struct bdf vf, const struct patience *p)
{
	autofree struct netdev *devs = NULL;
	autofree char *driver = NULL;
	struct identity id;
	size_t n = 0;

	if (identity_read(c->h, vf, &id) < 0 || driver_read(c->h, vf, &driver) < 0)
		return VF_MISSING;
	if (!driver && p->driver && !class_is_nvme(id.class_code))
		return VF_NO_DRIVER;
	if (driver && class_is_network(id.class_code) && !makes_no_netdev(driver) &&
		(netdevs_of(c->h, vf, &devs, &n) < 0 || !n))
		return VF_NO_NETDEV;
	return is_settled(c, vf, devs, n, p) ? VF_READY : VF_NOT_SETTLED;
}

static enum readiness readiness_of(
	struct vf_change *c, const struct sriov_vf *vf, const struct patience *p)
{
	struct bdf pf;

	if (sriov_physfn(c->h, vf->bdf, &pf) < 0 || !bdf_eq(pf, c->pf))
		return VF_MISSING;
	if (!answers(c->h, vf->bdf))
		return VF_NO_CONFIG;
	return with_driver(c, vf->bdf, p);
}

/* The worst of all VFs, and which one it is. */
struct lack {
	enum readiness what;
	unsigned there;
	struct bdf vf; /* unless VF_MISSING */
};

static struct lack look(struct vf_change *c, const struct patience *p)
{
	autofree struct sriov_vf *vfs = NULL;
	struct lack worst = { .what = VF_READY };
	size_t n = 0;

	if (sriov_vfs(c->h, c->pf, &vfs, &n) < 0 || n < c->to)
		return (struct lack) { .what = VF_MISSING, .there = (unsigned)n };
	worst.there = (unsigned)n;
	for (size_t i = 0; i < n; i++) {
		enum readiness r = readiness_of(c, &vfs[i], p);

		if (r < worst.what) {
			worst.what = r;
			worst.vf = vfs[i].bdf;
		}
	}
	return worst;
}

static char *lack_text(struct vf_change *c, const struct lack *l)
{
	if (l->what == VF_MISSING && l->there < c->to)
		return str_printf("%u of %u VFs of %s are there", l->there, c->to, BDF_TEXT(c->pf));
	return str_printf("%s %s", BDF_TEXT(l->vf), lack_words[l->what]);
}

static int out_of_time(struct vf_change *c, const struct lack *l, struct problem **reterr)
{
	autofree char *text = lack_text(c, l);

	if (l->what != VF_NOT_SETTLED)
		return problem(reterr, -ETIMEDOUT, PROBLEM_TIMEOUT, "see the kernel log",
			"%s even after %u s", text ? text : "?", c->deadline_ms / 1000);
	vf_change_note(c, text, "the name of its interface may still change; does udevd work?");
	return 0;
}

static void tell(struct vf_change *c, const struct lack *l)
{
	autofree char *text = lack_text(c, l);
	autofree char *line = str_printf("waiting for VFs: %s", text ? text : "?");

	vf_change_tell(c, line);
}

int vf_change_await(struct vf_change *c, struct problem **reterr)
{
	uint64_t begin = host_now_ms(c->h), told = begin;
	uint64_t autoprobe = 1;
	unsigned poll_ms = POLL_MIN_MS;

	(void)sysfs_read_u64(
		c->h, &autoprobe, "bus/pci/devices/%s/sriov_drivers_autoprobe", BDF_TEXT(c->pf));
	for (;;) {
		uint64_t now = host_now_ms(c->h);
		struct patience p = { autoprobe && now - begin < DRIVER_GRACE_MS,
			now - begin < UDEV_GRACE_MS };
		struct lack lack = look(c, &p);

		if (lack.what == VF_READY)
			return 0;
		if (vf_change_cancelled(c))
			return problem(reterr, -ECANCELED, PROBLEM_FAILED, NULL,
				"interrupted while waiting for VFs of %s", BDF_TEXT(c->pf));
		if (now - c->begin_ms >= c->deadline_ms)
			return out_of_time(c, &lack, reterr);
		if (now - told >= 1000) {
			told = now;
			tell(c, &lack);
		}
		host_sleep_ms(c->h, poll_ms);
		poll_ms = MIN(2 * poll_ms, (unsigned)POLL_MAX_MS);
	}
}

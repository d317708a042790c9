// SPDX-License-Identifier: GPL-2.0-or-later
#include "change.h"

#include "base/str.h"
#include "cause/cause.h"
#include "driver/driver.h"
#include "holder/holder.h"
#include "host/sysfs.h"

enum { BASE_MS = 10000, PER_VF_MS = 1000, AUTOPROBE_MS = 5000 };

static int write_failed(struct vf_change *c, unsigned n, int code, const struct cause_mark *since,
	struct problem **reterr)
{
	const struct cause_query q = {
		.action = CAUSE_SET_NUMVFS, .code = code, .bdf = c->pf, .wanted = n
	};

	if (code == -ETIMEDOUT || code == -ECANCELED)
		return problem(reterr, code, code == -ETIMEDOUT ? PROBLEM_TIMEOUT : PROBLEM_FAILED,
			"the kernel goes on by itself; it ends when the VF's user lets go",
			code == -ETIMEDOUT
				? "the kernel has not set %u VFs of %s within %u s"
				: "interrupted before the kernel had set %u VFs of %s, after %u s",
			n, BDF_TEXT(c->pf), (unsigned)(host_now_ms(c->h) - c->begin_ms) / 1000);
	return cause_problem(c->h, &q, since, reterr, "%s: cannot set %u VFs", BDF_TEXT(c->pf), n);
}

void vf_change_tell(struct vf_change *c, const char *text)
{
	if (c->opts->waiting && text)
		c->opts->waiting(c->opts->arg, text, (unsigned)(host_now_ms(c->h) - c->begin_ms));
}

bool vf_change_cancelled(const struct vf_change *c)
{
	return c->opts->cancelled && c->opts->cancelled(c->opts->arg);
}

void vf_change_note(struct vf_change *c, const char *text, const char *hint)
{
	if (c->opts->note && text)
		c->opts->note(c->opts->arg, text, hint);
}

/* Called while the write is stuck: who came in between is looked up anew. */
static int write_waits(void *arg, unsigned waited_ms UNUSED)
{
	struct vf_change *c = arg;
	autofree struct bdf *all = calloc(c->from + 1, sizeof(*all));
	autofree char *text = NULL;
	autoholders holders = { 0 };

	for (unsigned i = 0; all && i < c->from; i++)
		all[i] = c->vfs[i].bdf;
	if (all && holders_find_vfio(c->h, all, c->from, &holders) == 0 && holders.n)
		text = str_printf("waiting for %s to release %s", holders.v[0].text,
			BDF_TEXT(holders.v[0].bdf));
	else
		text = str_printf(
			"waiting for the kernel to change the VFs of %s", BDF_TEXT(c->pf));
	vf_change_tell(c, text);
	return vf_change_cancelled(c);
}

static unsigned time_left(const struct vf_change *c)
{
	uint64_t used = host_now_ms(c->h) - c->begin_ms;

	return used < c->deadline_ms ? (unsigned)(c->deadline_ms - used) : 1;
}

static int write_numvfs(struct vf_change *c, unsigned n, struct problem **reterr)
{
	struct host_wait wait = { .deadline_ms = time_left(c), .waiting = write_waits, .arg = c };
	autocausemark mark = cause_mark(c->h);
	autofree char *text = str_printf("%u", n);
	int r = text ? sysfs_write_within(c->h, &wait, text, "bus/pci/devices/%s/sriov_numvfs",
			       BDF_TEXT(c->pf))
		     : -ENOMEM;

	c->stuck = r == -ETIMEDOUT || r == -ECANCELED;
	c->touched |= r == 0;
	return r < 0 ? write_failed(c, n, r, &mark, reterr) : 0;
}

/* Success of the write is not believed: VFs that the kernel left behind are counted. */
static int remove_all(struct vf_change *c, struct problem **reterr)
{
	autofree struct sriov_vf *left = NULL;
	size_t n = 0;
	int r = write_numvfs(c, 0, reterr);

	if (r < 0)
		return r;
	r = sriov_vfs(c->h, c->pf, &left, &n);
	if (r < 0 || n)
		return problem(reterr, r < 0 ? r : -EIO, PROBLEM_FAILED, "see the kernel log",
			"%s still has %zu VFs after they were removed", BDF_TEXT(c->pf), n);
	return 0;
}

static int create(struct vf_change *c, unsigned n, struct problem **reterr)
{
	unsigned wanted = c->to;
	int r;

	c->to = n;
	r = write_numvfs(c, n, reterr);
	if (r == 0)
		r = vf_change_await(c, reterr);
	c->to = wanted;
	return r;
}

/* Back to the count from before; the problem then tells both what failed and what is left. */
static int roll_back(struct vf_change *c, int code, struct problem **reterr)
{
	autoproblem *second = NULL;
	autofree char *why = NULL;
	int r;

	if (c->stuck || !c->touched)
		return code;
	c->begin_ms = host_now_ms(c->h);
	/* Also when no VF is to be seen: the kernel may count some that never came. */
	r = remove_all(c, &second);
	if (r == 0 && c->from)
		r = create(c, c->from, &second);
	if (r == 0)
		return problem_wrap(
			reterr, code, "%s has %u VFs as before", BDF_TEXT(c->pf), c->from);
	why = problem_text(second);
	return problem_wrap(reterr, code, "%s had %u VFs, and going back failed too (%s)",
		BDF_TEXT(c->pf), c->from, why ? why : "?");
}

static void forget_notes(struct vf_change *c)
{
	for (unsigned i = 0; i < c->from; i++)
		driver_forget(c->vfs[i].bdf, c->opts->state_dir);
}

static int apply(struct vf_change *c, struct problem **reterr)
{
	int r = c->from || c->opts->distrust ? remove_all(c, reterr) : 0;

	if (r < 0)
		return roll_back(c, r, reterr);
	forget_notes(c);
	r = c->to ? create(c, c->to, reterr) : 0;
	return r < 0 ? roll_back(c, r, reterr) : 1;
}

static void begin(struct vf_change *c, const struct sriov_opts *opts)
{
	static const struct sriov_opts none = { 0 };

	c->opts = opts ? opts : &none;
	c->begin_ms = host_now_ms(c->h);
}

int sriov_check_numvfs(struct host *h, struct bdf pf, unsigned n, const struct sriov_opts *opts,
	struct problem **reterr)
{
	struct vf_change c CLEANUP(vf_change_done) = { .h = h, .pf = pf, .to = n };

	begin(&c, opts);
	return vf_change_check(&c, reterr);
}

static int refuse_captured(struct host *h, struct problem **reterr)
{
	if (!h->captured)
		return 0;
	return problem(reterr, -EROFS, PROBLEM_READ_ONLY, "--dry-run shows what would be done",
		"a captured machine cannot be changed");
}

static unsigned whole_deadline(const struct vf_change *c)
{
	return c->opts->deadline_ms ? c->opts->deadline_ms
				    : BASE_MS + PER_VF_MS * MAX(c->from, c->to);
}

/* The kernel takes its own number for no change at all; only that one it compares with. */
static int set_again(struct vf_change *c, struct problem **reterr)
{
	autoproblem *busy = NULL;
	int r;

	c->deadline_ms = whole_deadline(c);
	r = write_numvfs(c, c->to, &busy);
	if (r == -EBUSY) {
		r = remove_all(c, reterr);
		return r < 0 ? r : create(c, c->to, reterr);
	}
	if (r < 0 && reterr)
		*reterr = TAKE_PTR(busy);
	if (r < 0)
		return r;
	return c->to ? vf_change_await(c, reterr) : 0;
}

int sriov_set_numvfs(struct host *h, struct bdf pf, unsigned n, const struct sriov_opts *opts,
	struct problem **reterr)
{
	struct vf_change c CLEANUP(vf_change_done) = { .h = h, .pf = pf, .to = n };
	int r = refuse_captured(h, reterr);

	if (r < 0)
		return r;
	begin(&c, opts);
	r = vf_change_check(&c, reterr);
	if (r == 0 && c.opts->distrust)
		return set_again(&c, reterr);
	if (r <= 0)
		return r;
	c.deadline_ms = whole_deadline(&c);
	return apply(&c, reterr);
}

int sriov_set_autoprobe(struct host *h, struct bdf pf, bool on, struct problem **reterr)
{
	struct host_wait wait = { .deadline_ms = AUTOPROBE_MS };
	uint64_t now;
	int r = refuse_captured(h, reterr);

	if (r < 0)
		return r;
	r = sysfs_read_u64(h, &now, "bus/pci/devices/%s/sriov_drivers_autoprobe", BDF_TEXT(pf));
	if (r < 0)
		return problem(reterr, r,
			r == -ENOENT ? PROBLEM_UNSUPPORTED : problem_kind_from_errno(r), NULL,
			"%s has no sriov_drivers_autoprobe", BDF_TEXT(pf));
	if (now == on)
		return 0;
	r = sysfs_write_within(h, &wait, on ? "1" : "0",
		"bus/pci/devices/%s/sriov_drivers_autoprobe", BDF_TEXT(pf));
	if (r == 0)
		r = sysfs_read_u64(
			h, &now, "bus/pci/devices/%s/sriov_drivers_autoprobe", BDF_TEXT(pf));
	if (r == 0 && now == on)
		return 1;
	r = r < 0 ? r : -EIO;
	return problem(reterr, r, problem_kind_from_errno(r), NULL,
		"%s: cannot switch sriov_drivers_autoprobe %s: %s", BDF_TEXT(pf), on ? "on" : "off",
		strerror(-r));
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "machine-claim.h"

#include "store/store.h"

#include <sys/mman.h>
#include <sys/wait.h>

static const char *const vfs[] = { VF(0), VF(2), VF(4), VF(6) };

static void all_vfs(struct bdf v[4])
{
	for (size_t i = 0; i < ARRAY_SIZE(vfs); i++)
		v[i] = at(vfs[i]);
}

static void says(struct fixture *f, const char *part)
{
	autofree char *text = f->problem ? problem_text(f->problem) : NULL;

	if (!text || !strstr(text, part))
		fail_msg("'%s' is not in '%s'", part, text ? text : "");
}

static void node_is(struct fixture *f, const char *address, uid_t uid, mode_t mode)
{
	struct stat st;
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autofree char *path = NULL;

	assert_int_equal(inventory_load(f->h, 0, &inv, NULL), 0);
	path = str_printf("/dev/vfio/%d", inventory_find_bdf(inv, at(address))->iommu_group);
	assert_int_equal(f->h->ops->stat(f->h, path, &st), 0);
	assert_int_equal(st.st_uid, uid);
	assert_int_equal(st.st_mode & 0777, mode);
}

/* The node is the owner's for as long as he has the function, and no longer. */
static void node_for_a_user(void **state UNUSED)
{
	const struct bdf one = at(VF(0));
	struct fixture f;
	autoleases given = { 0 };

	fixture_start(&f);
	assert_int_equal(driver_bind(f.h, one, NULL, &f.opts.apply.act.driver, NULL), 1);
	host_sleep_ms(f.h, 100);
	node_is(&f, VF(0), 0, 0600);
	assert_int_equal(take(&f, &one, 1, 1, NULL, &given), 0);
	assert_int_equal(given.n, 1);
	node_is(&f, VF(0), 1000, 0600);
	assert_int_equal(give_back(&f, VF(0)), CLAIM_RETURNED);
	node_is(&f, VF(0), 0, 0600);
	/* And a group's. */
	{
		const struct claim_request q = { .owner = &f.owner,
			.among = &one,
			.n_among = 1,
			.count = 1,
			.near = -1,
			.give_node = true,
			.node_uid = (uid_t)-1,
			.node_gid = 5 };

		leases_done(&given);
		assert_int_equal(claim_take(f.h, &q, &f.opts, &given, NULL), 0);
		node_is(&f, VF(0), 0, 0660);
		assert_int_equal(give_back(&f, VF(0)), CLAIM_RETURNED);
		node_is(&f, VF(0), 0, 0600);
	}
	fixture_end(&f);
}

/* Made anew at the same address it is another function, which the claim does not concern. */
static void recycled(void **state UNUSED)
{
	const struct bdf one = at(VF(0));
	const struct sriov_opts force = { .force = true };
	struct fixture f;
	autoleases given = { 0 }, again = { 0 };
	autofree char *before = NULL, *after = NULL;

	fixture_start(&f);
	assert_int_equal(take(&f, &one, 1, 1, NULL, &given), 0);
	assert_int_equal(sriov_set_numvfs(f.h, at(PF), 0, &force, NULL), 1);
	assert_int_equal(sriov_set_numvfs(f.h, at(PF), 4, &force, NULL), 1);
	before = state_of(f.h);
	assert_int_equal(give_back(&f, VF(0)), CLAIM_DROPPED);
	assert_non_null(strstr(f.note, "another stands there now, and nothing was done to it"));
	after = state_of(f.h);
	assert_string_equal(before, after);
	assert_int_equal(fake_resets(f.h, VF(0)), 0);
	assert_int_equal(n_records(&f), 0);
	/* Nor does it keep the new one from being given out. */
	leases_done(&given);
	assert_int_equal(take(&f, &one, 1, 1, NULL, &given), 0);
	assert_int_equal(sriov_set_numvfs(f.h, at(PF), 0, &force, NULL), 1);
	assert_int_equal(sriov_set_numvfs(f.h, at(PF), 4, &force, NULL), 1);
	assert_int_equal(take(&f, &one, 1, 1, NULL, &again), 0);
	assert_int_equal(give_back(&f, VF(0)), CLAIM_RETURNED);
	fixture_end(&f);
}

/* All or nothing: the second fails, and the first is as before. */
static void all_or_nothing(void **state UNUSED)
{
	const struct bdf two[] = { at(VF(0)), at(VF(2)) };
	struct fixture f;
	autoleases given = { 0 };
	autofree char *before = NULL, *after = NULL;

	fixture_start(&f);
	before = state_of(f.h);
	for (unsigned n = 1; n < 100; n++) {
		int r;

		fake_fail_nth(f.h, FAKE_WRITE, n, -EIO);
		r = take(&f, two, 2, 2, NULL, &given);
		fake_fail_nth(f.h, FAKE_WRITE, 0, 0);
		if (r == 0) {
			assert_true(n > 2);
			break;
		}
		assert_int_equal(n_records(&f), 0);
		free(after);
		after = state_of(f.h);
		assert_string_equal(before, after);
	}
	assert_int_equal(given.n, 2);
	/* What cannot be given to the user is not given at all. */
	assert_int_equal(give_back(&f, VF(0)), CLAIM_RETURNED);
	assert_int_equal(give_back(&f, VF(2)), CLAIM_RETURNED);
	leases_done(&given);
	fake_fail_nth(f.h, FAKE_SET_OWNER, 2, -EROFS);
	assert_int_equal(take(&f, two, 2, 2, NULL, &given), -EROFS);
	assert_int_equal(n_records(&f), 0);
	free(after);
	after = state_of(f.h);
	assert_string_equal(before, after);
	fixture_end(&f);
}

static bool enough(void *arg UNUSED)
{
	return true;
}

/* Taking can be interrupted, and is taken back; a way back goes to its end. */
static void interrupted(void **state UNUSED)
{
	const struct bdf one = at(VF(0));
	struct fixture f;
	autoleases given = { 0 };
	autofree char *before = NULL, *after = NULL;

	fixture_start(&f);
	before = state_of(f.h);
	f.opts.apply.cancelled = enough;
	assert_int_equal(take(&f, &one, 1, 1, NULL, &given), -ECANCELED);
	assert_int_equal(n_records(&f), 0);
	f.opts.apply.cancelled = NULL;
	assert_int_equal(take(&f, &one, 1, 1, NULL, &given), 0);
	f.opts.apply.cancelled = enough;
	assert_int_equal(give_back(&f, VF(0)), CLAIM_RETURNED);
	after = state_of(f.h);
	assert_string_equal(before, after);
	fixture_end(&f);
}

/* What cannot be brought back is nobody's, until it can. */
static void quarantine(void **state UNUSED)
{
	const struct bdf one = at(VF(0));
	struct fixture f;
	autoleases given = { 0 };

	fixture_start(&f);
	assert_int_equal(take(&f, &one, 1, 1, NULL, &given), 0);
	fake_fail_path(f.h, FAKE_WRITE, VF(0) "/reset", -ENOTTY);
	assert_true(give_back(&f, VF(0)) < 0);
	says(&f, "is in quarantine now");
	fake_fail_path(f.h, FAKE_WRITE, NULL, 0);
	assert_int_equal(give_back(&f, VF(0)), -EBUSY);
	says(&f, "in quarantine: ");
	leases_done(&given);
	assert_int_equal(take(&f, &one, 1, 1, NULL, &given), -EBUSY);
	says(&f, "in quarantine: ");
	assert_int_equal(claim_return(f.h, one, true, &f.opts, NULL), CLAIM_RETURNED);
	assert_int_equal(n_records(&f), 0);
	assert_int_equal(take(&f, &one, 1, 1, NULL, &given), 0);
	fixture_end(&f);
}

/* A record that cannot be read costs no other, and is nobody's permission. */
static void torn_records(void **state UNUSED)
{
	struct bdf v[4];
	struct fixture f;
	autoleases given = { 0 };
	char dir[64];

	fixture_start(&f);
	all_vfs(v);
	snprintf(dir, sizeof(dir), "%s/" LEASE_DIR, f.run);
	assert_int_equal(store_put(dir, VF(0), "{\"lease\":1,"), 0);
	assert_int_equal(take(&f, &v[1], 1, 1, NULL, &given), 0);
	assert_int_equal(take(&f, v, 1, 1, NULL, &given), -EBADMSG);
	says(&f, "cannot be read");
	assert_int_equal(give_back(&f, VF(0)), -EBADMSG);
	assert_int_equal(give_back(&f, VF(2)), CLAIM_RETURNED);
	assert_int_equal(n_records(&f), 1);
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(give_back(&f, VF(2)), -EPERM);
	says(&f, "others than root could write claims");
	fixture_end(&f);
}

/* The share of each PF, and the node that is near. */
static void fair_and_near(void **state UNUSED)
{
	static const char *const wanted[] = { VF(0), "0000:02:10.0", VF(2), "0000:02:10.2" };
	struct bdf v[4];
	struct fixture f;

	fixture_start(&f);
	all_vfs(v);
	{
		const struct sriov_opts o = { 0 };

		assert_int_equal(sriov_set_numvfs(f.h, at("0000:02:00.0"), 2, &o, &f.problem), 1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		const struct bdf mixed[] = { at(VF(0)), at(VF(2)), at("0000:02:10.0"),
			at("0000:02:10.2") };
		autoleases given = { 0 };

		assert_int_equal(take(&f, mixed, 4, 1, NULL, &given), 0);
		assert_string_equal(BDF_TEXT(given.v[0].bdf), wanted[i]);
	}
	fixture_end(&f);
	fixture_start(&f);
	fake_put(f.h, "1\n", "/sys/bus/pci/devices/" VF(4) "/numa_node");
	{
		struct claim_request q = {
			.owner = &f.owner, .among = v, .n_among = 4, .count = 1, .near = 1
		};
		autoleases given = { 0 };

		assert_int_equal(claim_take(f.h, &q, &f.opts, &given, NULL), 0);
		assert_string_equal(BDF_TEXT(given.v[0].bdf), VF(4));
	}
	fixture_end(&f);
}

static const struct host_ops *fake_ops;

/* The kernel's time is its own; waiting for others takes real time too. */
static void sleep_really(struct host *h, unsigned ms)
{
	usleep(ms * 1000);
	fake_ops->sleep_ms(h, ms);
}

/*
 * Two hundred processes want one of four at the same time. The records, their lock and the choice
 * are the real ones, shared through the folder; each process plays a kernel of its own.
 */
static void two_hundred_at_once(void **state UNUSED)
{
	enum { ASKERS = 200 };
	struct got {
		int r;
		struct bdf bdf;
	} *got = mmap(NULL, ASKERS * sizeof(*got), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned granted = 0, times[4] = { 0 };
	struct host_ops ops;
	struct fixture f;
	struct bdf v[4];

	assert_true(got != MAP_FAILED);
	fixture_start(&f);
	all_vfs(v);
	fake_ops = f.h->ops;
	ops = *fake_ops;
	ops.sleep_ms = sleep_really;
	f.h->ops = &ops;
	for (unsigned i = 0; i < ASKERS; i++) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0) {
			autoleases given = { 0 };

			got[i].r = take(&f, v, 4, 1, NULL, &given);
			if (got[i].r == 0)
				got[i].bdf = given.v[0].bdf;
			_exit(0);
		}
	}
	for (unsigned i = 0; i < ASKERS; i++)
		assert_true(wait(NULL) > 0);
	for (unsigned i = 0; i < ASKERS; i++) {
		for (unsigned k = 0; got[i].r == 0 && k < 4; k++)
			times[k] += bdf_eq(got[i].bdf, v[k]);
		granted += got[i].r == 0;
		if (got[i].r && got[i].r != -EBUSY)
			fail_msg("%u: %d", i, got[i].r);
	}
	assert_int_equal(granted, 4);
	for (unsigned k = 0; k < 4; k++)
		assert_int_equal(times[k], 1);
	assert_int_equal(n_records(&f), 4);
	f.h->ops = fake_ops;
	munmap(got, ASKERS * sizeof(*got));
	fixture_end(&f);
}

/* Who is not well is given to nobody; of a pool the healthiest go first. */
static void unhealthy(void **state UNUSED)
{
	struct fixture f;
	autoleases given = { 0 };
	struct bdf v[4];

	fixture_start(&f);
	all_vfs(v);
	fake_put(f.h, "DLP 1\nTOTAL_ERR_FATAL 1\n", "/sys/bus/pci/devices/" VF(0) "/aer_dev_fatal");
	fake_put(f.h, "CmpltTO 1\nTOTAL_ERR_NONFATAL 1\n",
		"/sys/bus/pci/devices/" VF(2) "/aer_dev_nonfatal");
	assert_int_equal(take(&f, v, 1, 1, NULL, &given), -EPERM);
	assert_int_equal(f.problem->kind, PROBLEM_UNHEALTHY);
	says(&f, VF(0) " is unhealthy: 1 fatal PCIe error");
	assert_string_equal(problem_best_hint(f.problem), "vfctl recover " VF(0));
	assert_int_equal(take(&f, v, 4, 2, NULL, &given), 0);
	assert_non_null(leases_find(&given, v[2]));
	assert_non_null(leases_find(&given, v[3]));
	/* The degraded one is better than none. */
	leases_done(&given);
	assert_int_equal(take(&f, v, 4, 1, NULL, &given), 0);
	assert_non_null(leases_find(&given, v[1]));
	leases_done(&given);
	assert_int_equal(take(&f, v, 4, 1, NULL, &given), -EBUSY);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(node_for_a_user),
		cmocka_unit_test(recycled),
		cmocka_unit_test(all_or_nothing),
		cmocka_unit_test(interrupted),
		cmocka_unit_test(quarantine),
		cmocka_unit_test(unhealthy),
		cmocka_unit_test(torn_records),
		cmocka_unit_test(fair_and_near),
		cmocka_unit_test(two_hundred_at_once),
	};

	return cmocka_run_group_tests_name("claim", tests, NULL, NULL);
}

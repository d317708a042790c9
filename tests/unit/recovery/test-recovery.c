// SPDX-License-Identifier: GPL-2.0-or-later
/* The ladder of what there is, who is asked, and what counts as recovered. */
#include "cm.h"
#include "machine-state.h"
#include "machine.h"
#include "fake/fake.h"
#include "recovery/recovery.h"

#include <stdio.h>

#define PF    "0000:02:00.0"
#define VF    "0000:02:10.0" /* on vfio-pci */
#define VF2   "0000:02:10.2"
#define E1000 "0000:05:02.0"
#define NVME  "0000:03:00.0"
#define DEV   "/sys/bus/pci/devices/"
#define FATAL "DLP 1\nTOTAL_ERR_FATAL 1\n"

struct fixture {
	struct host *h;
	char dir[32], run[48], history[48], drivers[48];
	struct journal_place place;
	struct recovery_opts opts;
	struct problem *problem;
	char *rung;
	char tried[200];
};

static void tried(void *arg, const struct rung *r, int code, const struct problem *p)
{
	struct fixture *f = arg;
	size_t n = strlen(f->tried);

	assert_true(code > 0 ? !p : p != NULL);
	(void)snprintf(f->tried + n, sizeof(f->tried) - n, "%s%s", code > 0 ? "+" : "-", r->name);
}

static void start(struct fixture *f)
{
	*f = (struct fixture) { .dir = "/tmp/vfctl-recover-XXXXXX" };
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->run, sizeof(f->run), "%s/run", f->dir);
	(void)snprintf(f->history, sizeof(f->history), "%s/history", f->dir);
	(void)snprintf(f->drivers, sizeof(f->drivers), "%s/drivers", f->dir);
	f->h = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz");
	fake_mirror(f->h, "/run/vfctl", f->run);
	f->place = (struct journal_place) { .run_dir = f->run, .history_dir = f->history };
	f->opts.tried = tried;
	f->opts.arg = f;
	f->opts.claim = (struct claim_opts) { .run_dir = f->run,
		.apply = { .journal = &f->place, .verb = "recover" } };
	f->opts.claim.apply.act.driver.state_dir = f->drivers;
}

static void end(struct fixture *f)
{
	autofree char *rm = str_printf("rm -rf %s", f->dir);

	assert_int_equal(fake_hangs(f->h), 0);
	host_free(f->h);
	problem_free(f->problem);
	free(f->rung);
	assert_int_equal(system(rm), 0);
}

static int climb(struct fixture *f, const char *address)
{
	problem_free(TAKE_PTR(f->problem));
	free(TAKE_PTR(f->rung));
	*f->tried = '\0';
	return recovery_climb(f->h, at(address), &f->opts, &f->rung, &f->problem);
}

static void says(struct fixture *f, const char *part)
{
	autofree char *text = f->problem ? problem_text(f->problem) : NULL;
	const char *hint = f->problem ? problem_best_hint(f->problem) : NULL;

	if (!text || (!strstr(text, part) && !(hint && strstr(hint, part))))
		fail_msg(
			"'%s' is not in '%s', hint '%s'", part, text ? text : "", hint ? hint : "");
}

static enum health_state health(struct fixture *f, const char *address)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autohealths *all = NULL;
	const struct function *fn;

	assert_int_equal(inventory_load(f->h, 0, &inv, NULL), 0);
	fn = inventory_find_bdf(inv, at(address));
	assert_int_equal(healths_look(f->h, inv, &fn, 1, &all, NULL), 0);
	return healths_of(all, fn)->state;
}

/* "flr pm bus:2 driver!": with how many others are hit, and what is not possible now. */
static char *ladder(struct fixture *f, const char *address)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	CLEANUP(topology_freep) struct topology *t = NULL;
	autoladder l = { 0 };
	autostrbuf b = { 0 };

	assert_int_equal(inventory_load(f->h, INVENTORY_ALL, &inv, NULL), 0);
	assert_int_equal(inventory_find_claims(f->h, inv), 0);
	assert_int_equal(topology_load(f->h, inv, &t, NULL), 0);
	assert_int_equal(ladder_make(f->h, t, inventory_find_bdf(inv, at(address)), &l, NULL), 0);
	for (size_t i = 0; i < l.n; i++) {
		strbuf_add(&b, "%s%s", i ? " " : "", l.v[i].name);
		if (l.v[i].n_others)
			strbuf_add(&b, ":%zu", l.v[i].n_others);
		if (l.v[i].why_not)
			strbuf_add(&b, "!");
	}
	return strbuf_take(&b);
}

static void ladders(void **state UNUSED)
{
	struct fixture f;
	autofree char *vf = NULL, *pf = NULL, *nvme = NULL;

	start(&f);
	vf = ladder(&f, VF);
	assert_string_equal(vf, "flr driver bus:2");
	pf = ladder(&f, PF);
	assert_string_equal(pf, "flr:2 pm:2 driver! bus:2 remove!");
	nvme = ladder(&f, NVME);
	assert_string_equal(nvme, "flr driver bus remove");
	assert_string_equal(fake_log(f.h), "");
	end(&f);
}

static void well(void **state UNUSED)
{
	struct fixture f;

	start(&f);
	assert_int_equal(climb(&f, VF), 0);
	assert_null(f.rung);
	assert_string_equal(fake_log(f.h), "");
	end(&f);
}

/* A reset that works makes up for the errors from before it, and for those alone. */
static void by_the_least(void **state UNUSED)
{
	struct fixture f;

	start(&f);
	fake_put(f.h, FATAL, DEV VF "/aer_dev_fatal");
	assert_int_equal(health(&f, VF), HEALTH_UNHEALTHY);
	assert_int_equal(climb(&f, VF), 1);
	assert_string_equal(f.rung, "flr");
	assert_string_equal(f.tried, "+flr");
	assert_int_equal(fake_resets(f.h, VF), 1);
	assert_int_equal(health(&f, VF), HEALTH_OK);
	assert_int_equal(climb(&f, VF), 0);
	fake_put(f.h, "DLP 2\nTOTAL_ERR_FATAL 2\n", DEV VF "/aer_dev_fatal");
	assert_int_equal(health(&f, VF), HEALTH_UNHEALTHY);
	end(&f);
}

/* What a reset does not bring back stays unhealthy, and no higher rung is tried unasked. */
static void not_unasked(void **state UNUSED)
{
	struct fixture f;

	start(&f);
	fake_put(f.h, FATAL, DEV VF "/aer_dev_fatal");
	fake_reset_breaks(f.h, VF, true, 0);
	assert_true(climb(&f, VF) < 0);
	assert_string_equal(f.tried, "-flr");
	says(&f, "has not come back from the reset");
	says(&f, "vfctl recover --up-to driver " VF);
	assert_int_equal(health(&f, VF), HEALTH_UNHEALTHY);
	f.opts.up_to = "elevator";
	assert_int_equal(climb(&f, VF), -EINVAL);
	says(&f, "its rungs: flr, driver");
	end(&f);
}

/* The driver goes and comes back with its override, through the journal. */
static void by_the_driver(void **state UNUSED)
{
	autofree char *driver = NULL, *override = NULL;
	struct fixture f;
	struct entry e = { 0 };

	start(&f);
	fake_put(f.h, FATAL, DEV VF "/aer_dev_fatal");
	fake_fail_path(f.h, FAKE_WRITE, VF "/reset", -ENOTTY);
	f.opts.up_to = "driver";
	assert_int_equal(climb(&f, VF), 1);
	assert_string_equal(f.tried, "-flr+driver");
	assert_string_equal(f.rung, "driver");
	assert_non_null(strstr(fake_log(f.h), "/vfio-pci/unbind " VF));
	driver = fake_driver(f.h, VF);
	override = fake_text(f.h, DEV VF "/driver_override");
	assert_string_equal(driver, "vfio-pci");
	assert_string_equal(override, "vfio-pci");
	assert_int_equal(health(&f, VF), HEALTH_OK);
	assert_int_equal(journal_read(&f.place, 1, &e), 0);
	assert_string_equal(e.verb, "recover");
	entry_done(&e);
	end(&f);
}

static void held(void **state UNUSED)
{
	static const char *const fds[] = { "anon_inode:[vfio-device]", NULL, NULL };
	const char *open[] = { fds[0], NULL, NULL };
	autofree char *node = NULL;
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	struct fixture f;

	start(&f);
	assert_int_equal(inventory_load(f.h, 0, &inv, NULL), 0);
	node = str_printf("/dev/vfio/%d", inventory_find_bdf(inv, at(VF))->iommu_group);
	open[1] = node;
	fake_process(f.h, 4711, "qemu-system-x86_64 -name web1", open);
	fake_hold(f.h, VF);
	fake_put(f.h, FATAL, DEV VF "/aer_dev_fatal");
	fake_log_clear(f.h);
	f.opts.all = true;
	for (unsigned i = 0; i < 2; i++) {
		f.opts.force = i;
		assert_int_equal(climb(&f, VF), -EBUSY);
		says(&f, "4711");
		assert_int_equal(fake_resets(f.h, VF), 0);
	}
	assert_string_equal(fake_log(f.h), "");
	/* Who is hit along is asked, too. */
	fake_put(f.h, FATAL, DEV PF "/aer_dev_fatal");
	assert_int_equal(climb(&f, PF), -EBUSY);
	assert_int_equal(fake_resets(f.h, PF), 0);
	assert_int_equal(health(&f, VF), HEALTH_UNHEALTHY);
	end(&f);
}

/* Quarantine and health meet: what gets a function out of the one makes it well. */
static void out_of_quarantine(void **state UNUSED)
{
	const struct bdf one = at(VF);
	struct owner owner = { 0 };
	struct claim_request q = {
		.owner = &owner, .among = &one, .n_among = 1, .count = 1, .near = -1
	};
	autoleases given = { 0 };
	autofree char *rungs = NULL;
	struct fixture f;

	start(&f);
	assert_int_equal(owner_parse(f.h, "manual:test", &owner, NULL), 0);
	assert_int_equal(claim_take(f.h, &q, &f.opts.claim, &given, NULL), 0);
	assert_int_equal(climb(&f, VF), 0);
	fake_fail_path(f.h, FAKE_WRITE, VF "/reset", -ENOTTY);
	assert_true(claim_return(f.h, one, false, &f.opts.claim, NULL) < 0);
	assert_int_equal(health(&f, VF), HEALTH_UNHEALTHY);
	rungs = ladder(&f, VF);
	assert_string_equal(rungs, "return flr driver bus:2");
	assert_true(climb(&f, VF) < 0);
	assert_string_equal(f.tried, "-return");
	assert_int_equal(health(&f, VF), HEALTH_UNHEALTHY);
	fake_fail_path(f.h, FAKE_WRITE, NULL, 0);
	assert_int_equal(climb(&f, VF), 1);
	assert_string_equal(f.rung, "return");
	assert_int_equal(health(&f, VF), HEALTH_OK);
	leases_done(&given);
	assert_int_equal(claim_take(f.h, &q, &f.opts.claim, &given, NULL), 0);
	owner_done(&owner);
	end(&f);
}

/* A function that no scan finds is not passed off as recovered. */
static void never_came_back(void **state UNUSED)
{
	struct fixture f;

	start(&f);
	fake_put(f.h, FATAL, DEV E1000 "/aer_dev_fatal");
	fake_put(f.h, "CmpltTO 0\nTOTAL_ERR_NONFATAL 0\n", DEV E1000 "/aer_dev_nonfatal");
	fake_put(f.h, "RxErr 0\nTOTAL_ERR_COR 0\n", DEV E1000 "/aer_dev_correctable");
	fake_fail_path(f.h, FAKE_WRITE, "/reset", -ENOTTY);
	fake_probe_fails(f.h, "vfio-pci", -EIO);
	fake_probe_fails(f.h, "e1000", -EIO);
	f.opts.all = f.opts.force = true;
	assert_int_equal(climb(&f, E1000), -ENODEV);
	says(&f, "does not find it any more");
	assert_non_null(strstr(fake_log(f.h), "rescan 1"));
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ladders),
		cmocka_unit_test(well),
		cmocka_unit_test(by_the_least),
		cmocka_unit_test(not_unasked),
		cmocka_unit_test(by_the_driver),
		cmocka_unit_test(held),
		cmocka_unit_test(out_of_quarantine),
		cmocka_unit_test(never_came_back),
	};

	return cmocka_run_group_tests_name("recovery", tests, NULL, NULL);
}

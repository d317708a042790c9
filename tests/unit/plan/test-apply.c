// SPDX-License-Identifier: GPL-2.0-or-later
/* Doing it: what fails is taken back, whatever fails; and pictures as wishes. */
#include "machine-plan.h"

#include "store/store.h"

struct faults {
	unsigned at, calls;
	bool for_ever;
};

static int fails(struct faults *f)
{
	f->calls++;
	return f->at && (f->calls == f->at || (f->for_ever && f->calls > f->at));
}

static ssize_t full_write(void *arg, int fd, const void *data, size_t len)
{
	if (fails(arg)) /* a part still fits */
		return write(fd, data, len / 2);
	return write(fd, data, len);
}

static int bad_sync(void *arg, int fd UNUSED)
{
	return fails(arg) ? -EIO : 0;
}

static void wish(struct wishes *w)
{
	struct pf_wish *pf = wishes_pf(w, at(PF));
	struct vf_wish *vf;

	pf->num_vfs = 2;
	pf->autoprobe = 0;
	vf = pf_wish_vf(pf, 1);
	assert_int_equal(wish_put(&vf->driver, "vfio-pci"), 0);
	assert_int_equal(wish_setting(&vf->settings, "vlan=9"), 0);
}

/* One record that cannot be written, or all from one on: as before, or as wanted, and told. */
static bool with_fault(unsigned n, bool for_ever)
{
	struct faults faults = { .at = n, .for_ever = for_ever };
	const struct logfile_io io = { full_write, bad_sync, &faults };
	autofree char *before = NULL, *after = NULL;
	autowishes w = { 0 };
	struct fixture f;
	int r;

	fixture_start(&f, "s0-pf-only");
	before = state_of(f.h);
	f.place.io = &io;
	wish(&w);
	r = apply(&f, &w, &(struct plan_opts) { 0 });
	f.place.io = NULL;
	assert_int_equal(work_recover(f.h, &f.opts, NULL), 0);
	after = state_of(f.h);
	if (r < 0) {
		assert_non_null(f.problem);
		assert_string_equal(after, before);
	} else {
		/* Only the very last record, which says that all is done, may be missing. */
		assert_int_equal(r, 1);
		assert_string_not_equal(after, before);
	}
	fixture_end(&f);
	return faults.calls >= n;
}

static void without_an_iommu(void **state UNUSED)
{
	static const char *const told = "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode";
	const struct plan_opts how = { 0 };
	autoplan refused = { 0 }, allowed = { 0 };
	autowishes w = { 0 };
	struct fixture f;

	fixture_start(&f, "s0-pf-only");
	fake_iommu_off(f.h);
	wish(&w);
	fake_put(f.h, "N\n", told);
	make_plan(&f, &w, &how, &refused);
	assert_non_null(plan_refusal(&refused));
	assert_int_equal(plan_refusal(&refused)->kind, PROBLEM_NO_IOMMU);
	/* The kernel was told to do without. */
	fake_put(f.h, "Y\n", told);
	make_plan(&f, &w, &how, &allowed);
	assert_null(plan_refusal(&allowed));
	fixture_end(&f);
}

static void a_journal_that_fails(void **state UNUSED)
{
	unsigned n = 1;

	while (with_fault(n, false) && with_fault(n, true))
		n++;
	assert_true(n > 10);
}

/* The n-th write to the kernel fails: everything is as it was, and nothing is left behind. */
static void a_kernel_that_fails(void **state UNUSED)
{
	for (unsigned n = 1;; n++) {
		autofree char *before = NULL, *after = NULL;
		autowishes w = { 0 };
		struct fixture f;
		int r;

		fixture_start(&f, "s0-pf-only");
		before = state_of(f.h);
		wish(&w);
		fake_fail_nth(f.h, FAKE_WRITE, n, -EIO);
		r = apply(&f, &w, &(struct plan_opts) { 0 });
		fake_fail_nth(f.h, FAKE_WRITE, 0, 0);
		after = state_of(f.h);
		if (r < 0)
			assert_string_equal(after, before);
		fixture_end(&f);
		if (r == 1)
			break;
		assert_true(n < 50);
	}
}

static bool enough(void *arg)
{
	unsigned *left = arg;

	if (*left)
		--*left;
	return !*left;
}

/* Interrupted at any moment: as it was before, or all done, and it is said. */
static void had_enough(void **state UNUSED)
{
	unsigned taken_back = 0;

	for (unsigned n = 1;; n++) {
		autofree char *before = NULL, *after = NULL;
		autowishes w = { 0 };
		unsigned left = n;
		struct fixture f;
		int r;

		fixture_start(&f, "s0-pf-only");
		before = state_of(f.h);
		wish(&w);
		f.opts.arg = f.opts.act.sriov.arg = f.opts.act.driver.arg = &left;
		f.opts.cancelled = f.opts.act.sriov.cancelled = f.opts.act.driver.cancelled =
			enough;
		r = apply(&f, &w, &(struct plan_opts) { 0 });
		after = state_of(f.h);
		if (r < 0) {
			autoentry e = { 0 };

			assert_int_equal(r, -ECANCELED);
			assert_string_equal(after, before);
			assert_non_null(f.problem);
			assert_int_equal(journal_read(&f.place, f.id, &e), 0);
			assert_int_equal(e.end, JOURNAL_UNDONE);
			taken_back += e.n_started > 0;
		}
		fixture_end(&f);
		if (r == 1)
			break;
		assert_true(n < 100);
	}
	assert_true(taken_back > 3);
}

/* What is kept when something fails is kept when it is interrupted, too. */
static void enough_but_kept(void **state UNUSED)
{
	autowishes w = { 0 };
	autoentry e = { 0 };
	unsigned left = 3;
	struct fixture f;

	fixture_start(&f, "s1-igb4-igbvf");
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(
			wish_put(&pf_wish_vf(wishes_pf(&w, at(PF)), i)->driver, "vfio-pci"), 0);
	f.opts.arg = &left;
	f.opts.cancelled = enough;
	f.opts.keep_going = true;
	assert_int_equal(apply(&f, &w, &(struct plan_opts) { 0 }), -ECANCELED);
	assert_int_equal(journal_read(&f.place, f.id, &e), 0);
	assert_int_equal(e.end, JOURNAL_KEPT);
	assert_int_equal(e.n_started, 2);
	fixture_end(&f);
}

/* The holder came when the write was under way: he is waited for until the user has had enough. */
static void enough_of_a_holder(void **state UNUSED)
{
	autowishes w = { 0 };
	unsigned left = 4;
	autofree char *text = NULL;
	struct fixture f;

	fixture_start(&f, "s2-vfio");
	fake_hold(f.h, "0000:02:10.0");
	fake_override_unlocked(f.h);
	wishes_pf(&w, at("0000:02:00.0"))->num_vfs = 0;
	f.opts.arg = f.opts.act.sriov.arg = &left;
	f.opts.cancelled = f.opts.act.sriov.cancelled = enough;
	assert_int_equal(apply(&f, &w, &(struct plan_opts) { .allow_destroy = true }), -ECANCELED);
	/* The kernel is at it, and would not answer: that is left to the next. */
	text = problem_text(f.problem);
	assert_non_null(strstr(text, "the next vfctl takes it back"));
	assert_non_null(strstr(text, "still busy"));
	fake_release(f.h, "0000:02:10.0");
	host_sleep_ms(f.h, 5000);
	assert_int_equal(work_recover(f.h, &f.opts, NULL), 0);
	assert_int_equal(fake_num_vfs(f.h, "0000:02:00.0"), 2);
	fixture_end(&f);
}

struct waits {
	unsigned left;
	char *text;
};

static bool waited_enough(void *arg)
{
	struct waits *w = arg;

	return enough(&w->left);
}

static void keep_text(void *arg, const char *text, unsigned waited_ms UNUSED)
{
	struct waits *w = arg;

	free(w->text);
	w->text = strdup(text);
}

static void comes(struct host *h, void *arg UNUSED)
{
	static const char *const fds[] = { "/dev/vfio/15", "anon_inode:[vfio-device]", NULL };

	fake_process(h, 4711, "qemu web1", fds);
}

/* He is named though the VF has lost its driver's link by then. */
static void a_holder_that_came_late(void **state UNUSED)
{
	struct waits waits = { .left = 9 };
	autowishes w = { 0 };
	struct fixture f;

	fixture_start(&f, "s2-vfio");
	fake_hold(f.h, "0000:02:10.0");
	fake_after(f.h, 1500, comes, NULL);
	wishes_pf(&w, at("0000:02:00.0"))->num_vfs = 0;
	f.opts.act.sriov.arg = &waits;
	f.opts.act.sriov.cancelled = waited_enough;
	f.opts.act.sriov.waiting = keep_text;
	assert_int_equal(apply(&f, &w, &(struct plan_opts) { .allow_destroy = true }), -ECANCELED);
	assert_non_null(waits.text);
	assert_string_equal(waits.text, "waiting for pid 4711 (qemu) to release 0000:02:10.0");
	fake_release(f.h, "0000:02:10.0");
	fixture_end(&f);
	free(waits.text);
}

/* What cannot be kept is not begun. */
static void nowhere_to_write(void **state UNUSED)
{
	autowishes w = { 0 };
	struct fixture f;

	fixture_start(&f, "s0-pf-only");
	assert_int_equal(store_put(f.dir, "run", "in the way"), 0);
	wish(&w);
	fake_log_clear(f.h);
	assert_true(apply(&f, &w, &(struct plan_opts) { 0 }) < 0);
	assert_string_equal(fake_log(f.h), "");
	fixture_end(&f);
}

static void work_of_another_boot(void **state UNUSED)
{
	struct journal *j = NULL;
	autowishes w = { 0 };
	autoplan plan = { 0 };
	autoentry e = { 0 };
	struct fixture f;

	fixture_start(&f, "s0-pf-only");
	fake_put(f.h, "one\n", "/proc/sys/kernel/random/boot_id");
	wish(&w);
	make_plan(&f, &w, &(struct plan_opts) { 0 }, &plan);
	assert_int_equal(journal_begin(f.h, &f.place, "dies", &plan, &j, NULL), 0);
	assert_int_equal(journal_start(j, 0), 0);
	/* While its writer lives it is left alone. */
	assert_int_equal(work_recover(f.h, &f.opts, NULL), 0);
	assert_int_equal(journal_read(&f.place, 1, &e), 0);
	assert_int_equal(e.end, JOURNAL_RUNNING);
	entry_done(&e);
	journal_close(j);
	fake_put(f.h, "two\n", "/proc/sys/kernel/random/boot_id");
	fake_log_clear(f.h);
	assert_int_equal(work_recover(f.h, &f.opts, NULL), 0);
	assert_int_equal(journal_read(&f.place, 1, &e), 0);
	assert_int_equal(e.end, JOURNAL_VOID);
	assert_string_equal(fake_log(f.h), "");
	fixture_end(&f);
}

static void pictures_are_wishes(void **state UNUSED)
{
	static const char pf[] =
		"{\"address\":\"0000:01:00.0\",\"physfn\":null,\"driver\":\"igb\",\"sriov\":{\"num_vfs\":2,"
		"\"drivers_autoprobe\":false},\"vfinfo_list\":[{\"vf\":1,\"address\":\"02:00:00:00:00:01\","
		"\"vlan_list\":[{\"vlan\":7,\"qos\":3,\"protocol\":\"802.1ad\"}],\"rate\":{\"max_tx\":100,\"min_tx\":0},"
		"\"node_guid\":\"00:11:22:33:44:55:66:77\","
		"\"spoofchk\":true,\"trust\":null,\"link_state\":null}]}";
	static const char vf[] =
		"{\"functions\":[{\"address\":\"0000:01:10.2\",\"physfn\":\"0000:01:00.0\",\"vf_index\":1,"
		"\"driver\":\"vfio-pci\",\"driver_override\":\"vfio-pci\",\"sriov\":null}]}";
	static const char *const bad[] = { "", "{", "[]", "{}", "7", "{\"address\":\"x\"}",
		"{\"functions\":[1]}",
		"{\"address\":\"0000:01:00.0\",\"physfn\":\"0000:01:00.0\"}" };
	autowishes a = { 0 }, b = { 0 };

	assert_int_equal(wishes_from_json(pf, "pf.json", &a, NULL), 0);
	assert_int_equal(a.v[0].num_vfs, 2);
	assert_int_equal(a.v[0].autoprobe, 0);
	assert_null(a.v[0].driver);
	assert_int_equal(a.v[0].vfs[0].index, 1);
	assert_string_equal(a.v[0].vfs[0].settings[0], "mac=02:00:00:00:00:01");
	assert_true(strv_has(a.v[0].vfs[0].settings, "qos=3"));
	assert_true(strv_has(a.v[0].vfs[0].settings, "spoofchk=on"));
	assert_true(strv_has(a.v[0].vfs[0].settings, "proto=802.1ad"));
	assert_true(strv_has(a.v[0].vfs[0].settings, "node-guid=00:11:22:33:44:55:66:77"));
	assert_int_equal(strv_len(a.v[0].vfs[0].settings), 7);
	assert_int_equal(wishes_from_json(vf, "vf.json", &b, NULL), 0);
	assert_string_equal(b.v[0].vfs[0].driver, "vfio-pci");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		autoproblem *p = NULL;
		autowishes w = { 0 };

		assert_int_equal(wishes_from_json(bad[i], "bad.json", &w, &p), -EINVAL);
		assert_true(str_starts(p->what, "bad.json: "));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_journal_that_fails),
		cmocka_unit_test(a_kernel_that_fails),
		cmocka_unit_test(had_enough),
		cmocka_unit_test(enough_but_kept),
		cmocka_unit_test(enough_of_a_holder),
		cmocka_unit_test(a_holder_that_came_late),
		cmocka_unit_test(nowhere_to_write),
		cmocka_unit_test(without_an_iommu),
		cmocka_unit_test(work_of_another_boot),
		cmocka_unit_test(pictures_are_wishes),
	};

	return cmocka_run_group_tests_name("apply", tests, NULL, NULL);
}

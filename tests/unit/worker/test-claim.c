// SPDX-License-Identifier: GPL-2.0-or-later
/* Assign and Release as a worker does them: what is whose, and what is told. */
#include "fixture.h"

#include "out/lease.h"

#define PF	 "0000:01:00.0"
#define VF0	 "0000:01:10.0"
#define VF1	 "0000:01:10.2"
#define ADMIN	 "\"asker\":{\"uid\":0,\"admin\":true,\"automatic\":false,\"start\":0}"
#define ALICE	 "\"asker\":{\"uid\":1000,\"admin\":false,\"automatic\":false,\"start\":0}"
#define BOB	 "\"asker\":{\"uid\":1001,\"admin\":false,\"automatic\":false,\"start\":0}"
#define THE_DEAD "\"asker\":{\"uid\":0,\"admin\":true,\"automatic\":true,\"start\":0}"

static void process(struct fixture *f, int pid, unsigned uid)
{
	autofree char *stat = str_printf("/proc/%d/stat", pid);
	autofree char *status = str_printf("/proc/%d/status", pid);
	autofree char *line =
		str_printf("%d (owner) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 8321 0 0\n", pid);
	autofree char *ids = str_printf(
		"Name:\towner\nUid:\t%u\t%u\t%u\t%u\nGid:\t0\t0\t0\t0\n", uid, uid, uid, uid);

	fake_put(f->w.h, line, "%s", stat);
	fake_put(f->w.h, ids, "%s", status);
}

static void begin(struct fixture *f)
{
	start(f, "s1-igb4-igbvf");
	fake_mirror(f->w.h, "/run/vfctl", f->run);
	process(f, 4711, 1000);
	process(f, 4712, 0);
	/* Of a program that root lent its rights to. */
	process(f, 4713, 1000);
	fake_put(f->w.h, "Name:\tsu\nUid:\t1000\t0\t0\t0\n", "/proc/4713/status");
}

static int assign(struct fixture *f, const char *request, const char *asker)
{
	autofree char *order = str_printf(
		"{\"do\":\"assign\",\"request\":{%s},%s,\"options\":{}}", request, asker);

	return carry_out(f, order);
}

static int release(struct fixture *f, const char *request, const char *asker)
{
	autofree char *order = str_printf(
		"{\"do\":\"release\",\"request\":{%s},%s,\"options\":{}}", request, asker);

	return carry_out(f, order);
}

static void says(struct fixture *f, const char *part)
{
	if (!strstr(f->text, part))
		fail_msg("'%s' is not in:\n%s", part, f->text);
}

static size_t count(struct fixture *f)
{
	autoleases s = { 0 };

	assert_int_equal(leases_read(f->w.h, &s), 0);
	return s.n;
}

/* The answer's rows. */
static void answered(struct fixture *f, struct lease_rows *ret)
{
	autofree char *copy = strdup(f->text);

	for (char *line, *rest = copy; (line = strsep(&rest, "\n"));) {
		autonews n = { 0 };

		if (news_from_text(line, &n) < 0 || n.kind != NEWS_ANSWER)
			continue;
		assert_int_equal(lease_rows_from_json(n.text, NULL, ret), 0);
		return;
	}
	fail_msg("no answer in:\n%s", f->text);
}

static void given_and_taken_back(void **state UNUSED)
{
	autoleaserows rows = { 0 };
	struct fixture f;

	begin(&f);
	assert_int_equal(assign(&f,
				 "\"owner\":\"process:4711\",\"functions\":[\"" VF0
				 "\"],\"settings\":[\"vlan=9\"],\"give\":{\"uid\":1000}",
				 ADMIN),
		1);
	answered(&f, &rows);
	assert_int_equal(rows.n, 1);
	assert_string_equal(BDF_TEXT(rows.v[0].lease->bdf), VF0);
	assert_int_equal(rows.v[0].lease->owner.pid, 4711);
	assert_int_equal(rows.v[0].alive, OWNER_ALIVE);
	assert_true(str_starts(rows.v[0].lease->node, "vfio/"));
	assert_string_equal(rows.v[0].lease->driver, "igbvf");
	assert_int_equal(count(&f), 1);
	assert_true(assign(&f, "\"owner\":\"manual:b\",\"functions\":[\"" VF0 "\"]", ADMIN) < 0);
	says(&f, "claimed by process:4711");
	assert_int_equal(release(&f, "\"functions\":[\"" VF0 "\"]", ADMIN), 1);
	says(&f, "\"text\":\"release from process:4711\"");
	assert_int_equal(count(&f), 0);
	assert_true(release(&f, "\"functions\":[\"" VF0 "\"]", ADMIN) < 0);
	says(&f, VF0 " is on no claim");
	assert_true(release(&f, "\"owner\":\"manual:x\"", ADMIN) < 0);
	says(&f, "manual:x has no claim");
	end(&f);
}

static void an_owner_and_all_his(void **state UNUSED)
{
	struct fixture f;

	begin(&f);
	assert_int_equal(
		assign(&f, "\"owner\":\"domain:web1\",\"functions\":[\"" VF0 "\",\"" VF1 "\"]",
			ADMIN),
		1);
	assert_int_equal(count(&f), 2);
	assert_int_equal(release(&f, "\"owner\":\"domain:web1\"", ADMIN), 1);
	assert_int_equal(count(&f), 0);
	end(&f);
}

/* What a plain user may not have, and in which words he is told. */
static void not_his(void **state UNUSED)
{
	static const struct {
		const char *request, *says;
	} bad[] = {
		{ "\"owner\":\"process:4712\",\"functions\":[\"" VF0 "\"]",
			"process 4712 is not his" },
		{ "\"owner\":\"process:4713\",\"functions\":[\"" VF0 "\"]",
			"process 4713 is not his" },
		{ "\"owner\":\"domain:web1\",\"functions\":[\"" VF0 "\"]",
			"domains are the administrator's" },
		{ "\"owner\":\"process:4711\",\"functions\":[\"" VF0
		  "\"],\"settings\":[\"trust=on\"]",
			"settings are the administrator's" },
		{ "\"owner\":\"process:4711\",\"functions\":[\"" VF0 "\"],\"give\":{\"uid\":0}",
			"to himself alone" },
		{ "\"owner\":\"process:4711\",\"functions\":[\"" VF0 "\"],\"give\":{\"gid\":0}",
			"to himself alone" },
		{ "\"owner\":\"manual:me\",\"functions\":[\"" PF "\"]", PF " is no VF" },
	};
	struct fixture f;

	begin(&f);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		autonews n = { 0 };

		if (assign(&f, bad[i].request, ALICE) >= 0)
			fail_msg("given: %s", bad[i].request);
		says(&f, bad[i].says);
		n = last(&f);
		assert_int_equal(n.problem->kind, PROBLEM_PERMISSION);
	}
	assert_int_equal(count(&f), 0);
	end(&f);
}

static void his_and_anothers(void **state UNUSED)
{
	autoleaserows rows = { 0 };
	struct fixture f;

	begin(&f);
	assert_int_equal(assign(&f,
				 "\"owner\":\"process:4711\",\"functions\":[\"" VF0
				 "\"],\"give\":{\"uid\":1000}",
				 ALICE),
		1);
	answered(&f, &rows);
	assert_int_equal(rows.v[0].lease->uid, 1000);
	assert_true(release(&f, "\"functions\":[\"" VF0 "\"]", BOB) < 0);
	says(&f, "user 1000 has claimed " VF0);
	assert_int_equal(count(&f), 1);
	assert_int_equal(release(&f, "\"functions\":[\"" VF0 "\"]", ALICE), 1);
	assert_int_equal(count(&f), 0);
	end(&f);
}

/* Between the request and now its number went to another. */
static void another_of_that_number(void **state UNUSED)
{
	struct fixture f;

	begin(&f);
	assert_true(assign(&f, "\"owner\":\"process:4711\",\"functions\":[\"" VF0 "\"]",
			    "\"asker\":{\"uid\":1000,\"admin\":false,\"automatic\":false,"
			    "\"start\":8320}") < 0);
	says(&f, "process 4711 has ended meanwhile");
	assert_int_equal(count(&f), 0);
	end(&f);
}

static void from_a_pool(void **state UNUSED)
{
	autoleaserows rows = { 0 };
	struct fixture f;

	begin(&f);
	fake_put(f.w.h, "[Match]\nDriver=igb\nPath=pci-0000:01:00.0\n[VF 0-1]\nPool=fast\n",
		"/etc/vfctl/pf.d/10-a.conf");
	assert_true(assign(&f, "\"owner\":\"manual:x\",\"pool\":\"fats\"", ALICE) < 0);
	says(&f, "no pool is called 'fats'");
	assert_int_equal(assign(&f, "\"owner\":\"manual:x\",\"pool\":\"fast\"", ALICE), 1);
	answered(&f, &rows);
	assert_string_equal(rows.v[0].lease->pool, "fast");
	assert_true(assign(&f, "\"owner\":\"manual:x\",\"pool\":\"fast\",\"count\":2", ALICE) < 0);
	says(&f, "pool fast has 1 free of 2, 2 asked for");
	end(&f);
}

/* By itself the daemon returns nothing but what the dead have left. */
static void left_behind(void **state UNUSED)
{
	struct fixture f;

	begin(&f);
	assert_int_equal(
		assign(&f, "\"owner\":\"process:4711\",\"functions\":[\"" VF0 "\"]", ADMIN), 1);
	assert_int_equal(
		assign(&f, "\"owner\":\"manual:x\",\"functions\":[\"" VF1 "\"]", ADMIN), 1);
	assert_int_equal(release(&f, "\"functions\":[\"" VF0 "\",\"" VF1 "\"]", THE_DEAD), 0);
	assert_int_equal(count(&f), 2);
	fake_process_ends(f.w.h, 4711);
	assert_int_equal(release(&f, "\"functions\":[\"" VF0 "\",\"" VF1 "\"]", THE_DEAD), 1);
	assert_int_equal(count(&f), 1);
	end(&f);
}

static void memory_is_told(void **state UNUSED)
{
	struct fixture f;

	begin(&f);
	fake_put(f.w.h, "Max locked memory         8388608              8388608      bytes\n",
		"/proc/4711/limits");
	assert_int_equal(assign(&f,
				 "\"owner\":\"process:4711\",\"functions\":[\"" VF0
				 "\"],\"memory\":536870912",
				 ADMIN),
		1);
	says(&f, "process 4711 may pin 8M, and a guest of that size needs 512M");
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(given_and_taken_back),
		cmocka_unit_test(an_owner_and_all_his),
		cmocka_unit_test(not_his),
		cmocka_unit_test(his_and_anothers),
		cmocka_unit_test(another_of_that_number),
		cmocka_unit_test(from_a_pool),
		cmocka_unit_test(left_behind),
		cmocka_unit_test(memory_is_told),
	};

	return cmocka_run_group_tests_name("claim", tests, NULL, NULL);
}

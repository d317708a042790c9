// SPDX-License-Identifier: GPL-2.0-or-later
/* Records that were cut, come from elsewhere, cannot be kept, or that others can write. */
#include "machine-plan.h"

#include "store/store.h"

#include <sys/stat.h>

static char *noted;

static void note(void *arg UNUSED, const char *text, const char *hint UNUSED)
{
	free(noted);
	noted = strdup(text);
}

static void begin(struct fixture *f)
{
	fixture_start(f, "s0-pf-only");
	f->opts.note = note;
	free(TAKE_PTR(noted));
}

static int two_vfs(struct fixture *f)
{
	autowishes w = { 0 };

	wishes_pf(&w, at(PF))->num_vfs = 2;
	return apply(f, &w, &(struct plan_opts) { 0 });
}

static void write_file(const char *dir, const char *name, const char *text, size_t n)
{
	autofree char *part = strndup(text, n);

	assert_int_equal(store_put(dir, name, part), 0);
}

/* An end that got lost is no work under way; what is known of it can be undone. */
static void a_torn_end(void **state UNUSED)
{
	autofree char *text = NULL;
	autowishes back = { 0 };
	autoentry e = { 0 };
	struct fixture f;

	begin(&f);
	assert_int_equal(two_vfs(&f), 1);
	assert_int_equal(store_get(f.history, "1", &text), 0);
	write_file(f.history, "1", text, strlen(text) - 3);
	assert_int_equal(journal_read(&f.place, 1, &e), 0);
	assert_int_equal(e.end, JOURNAL_TORN);
	assert_int_equal(entry_undo(&e, &back, NULL), 0);
	assert_int_equal(back.n, 1);
	assert_int_equal(back.v[0].num_vfs, 0);
	fixture_end(&f);
}

/* Wherever it is cut: read, followed, undone, or said why not. */
static void cut_anywhere(void **state UNUSED)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autofree char *text = NULL;
	struct fixture f;
	unsigned undone = 0;

	begin(&f);
	assert_int_equal(two_vfs(&f), 1);
	assert_int_equal(inventory_load(f.h, 0, &inv, NULL), 0);
	assert_int_equal(store_get(f.history, "1", &text), 0);
	for (size_t n = 0; n < strlen(text); n++) {
		autowishes back = { 0 };
		autoproblem *p = NULL;
		autoentry e = { 0 };
		autonow now = { 0 };

		write_file(f.history, "1", text, n);
		if (journal_read(&f.place, 1, &e) < 0)
			continue;
		assert_int_equal(entry_follow(f.h, inv, &e, &f.opts, NULL), 0);
		(void)entry_drift(&e, inv, &now, NULL);
		if (entry_undo(&e, &back, &p) == 0)
			undone++;
		else
			assert_non_null(p);
	}
	assert_true(undone > 20);
	fixture_end(&f);
}

static void put_records(const char *dir, const char *name, const char *const *records, size_t n)
{
	autologfile *file = NULL;

	assert_int_equal(logfile_create(dir, name, NULL, &file), 0);
	assert_int_equal(logfile_add(file, records, n), 0);
}

static bool is_there(const char *dir, const char *name)
{
	autofree char *text = NULL;

	return store_get(dir, name, &text) == 0;
}

/* Left behind by a vfctl that knew more: nothing of it is done or thrown away, and it is said. */
static void of_another_version(void **state UNUSED)
{
	static const char *const newer[] = { "{\"journal\":2,\"id\":7}" };
	static const char *const strange[] = {
		"{\"journal\":1,\"id\":8,\"boot\":\"x\",\"time\":1,\"pid\":1,\"verb\":\"fly\"}",
		"{\"step\":0,\"do\":{\"do\":\"fly\"},\"back\":[],\"stage\":1}",
		"{\"planned\":1}",
		"{\"start\":0}",
	};
	autofree char *dir = NULL;
	autoentry e = { 0 };
	struct fixture f;

	begin(&f);
	dir = journal_run_dir(&f.place);
	put_records(dir, "7", newer, 1);
	fake_log_clear(f.h);
	assert_int_equal(work_recover(f.h, &f.opts, NULL), 0);
	assert_true(is_there(dir, "7"));
	assert_string_equal(
		noted, "7 was interrupted and is left as it is: another version of vfctl wrote it");
	assert_int_equal(journal_read(&f.place, 7, &e), -EPROTONOSUPPORT);
	assert_int_equal(store_remove(dir, "7"), 1);
	put_records(dir, "8", strange, ARRAY_SIZE(strange));
	assert_int_equal(work_recover(f.h, &f.opts, NULL), 0);
	assert_true(is_there(dir, "8"));
	assert_true(str_starts(noted, "8 was interrupted"));
	assert_string_equal(fake_log(f.h), "");
	/* Its number is taken, and work goes on. */
	assert_int_equal(two_vfs(&f), 1);
	assert_int_equal(f.id, 9);
	fixture_end(&f);
}

/* As on a read-only /var: it is done, can be undone, and it is told where the record stays. */
static void nowhere_to_keep_it(void **state UNUSED)
{
	autofree char *dir = NULL;
	autoentry e = { 0 };
	struct fixture f;

	begin(&f);
	dir = journal_run_dir(&f.place);
	assert_int_equal(store_put(f.dir, "history", "in the way"), 0);
	assert_int_equal(two_vfs(&f), 1);
	assert_non_null(strstr(noted, "1 cannot be kept in "));
	assert_int_equal(journal_read(&f.place, 1, &e), 0);
	assert_int_equal(e.end, JOURNAL_DONE);
	assert_int_equal(store_remove(f.dir, "history"), 1);
	assert_int_equal(work_recover(f.h, &f.opts, NULL), 0);
	assert_false(is_there(dir, "1"));
	assert_true(is_there(f.history, "1"));
	fixture_end(&f);
}

static void refused(struct fixture *f, const char *dir)
{
	autoproblem *p = NULL;

	fake_log_clear(f->h);
	assert_int_equal(two_vfs(f), -EPERM);
	assert_string_equal(fake_log(f->h), "");
	assert_int_equal(f->problem->kind, PROBLEM_PERMISSION);
	assert_non_null(strstr(f->problem->what, dir));
	assert_int_equal(work_recover(f->h, &f->opts, &p), -EPERM);
}

/* What is read there is done to the machine: nobody else may have written it. */
static void places_of_others(void **state UNUSED)
{
	autofree char *dir = NULL, *elsewhere = NULL;
	struct fixture f;

	begin(&f);
	dir = journal_run_dir(&f.place);
	elsewhere = str_printf("%s/elsewhere", f.dir);
	assert_int_equal(mkdir(f.run, 0755), 0);
	assert_int_equal(mkdir(elsewhere, 0755), 0);
	assert_int_equal(chmod(elsewhere, 0777), 0);
	assert_int_equal(symlink(elsewhere, dir), 0);
	refused(&f, dir);
	/* A link by itself is the administrator's right. */
	assert_int_equal(chmod(elsewhere, 0755), 0);
	assert_int_equal(two_vfs(&f), 1);
	assert_int_equal(chmod(f.history, 0775), 0);
	refused(&f, f.history);
	assert_int_equal(chmod(f.history, 0755), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(f.run, 4711, 0), 0);
		refused(&f, f.run);
	}
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_torn_end),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(of_another_version),
		cmocka_unit_test(nowhere_to_keep_it),
		cmocka_unit_test(places_of_others),
	};
	int failures = cmocka_run_group_tests_name("journal", tests, NULL, NULL);

	free(noted);
	return failures;
}

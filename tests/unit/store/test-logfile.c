// SPDX-License-Identifier: GPL-2.0-or-later
/* Records: whole or not there, whatever happens to the file; and locks that die with their owner.
 */
#include "cm.h"
#include "base/str.h"
#include "store/lock.h"
#include "store/logfile.h"
#include "store/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char dir[64];

static int make(void **state UNUSED)
{
	strcpy(dir, "/tmp/vfctl-record-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int drop(void **state UNUSED)
{
	autofree char *cmd = str_printf("rm -rf '%s'", dir);

	return system(cmd);
}

static int add(struct logfile *f, const char *text)
{
	return logfile_add(f, &text, 1);
}

static void written_and_read(void **state UNUSED)
{
	static const char *const texts[] = { "one", "", "three with \"blanks\"" };
	autofree char *deep = str_printf("%s/a/b", dir);
	autostrv char **lines = NULL, **names = NULL, **none = NULL;
	autologfile *f = NULL;
	struct logfile *g = NULL;

	assert_int_equal(logfile_list(deep, &none), 0);
	assert_int_equal(strv_len(none), 0);
	assert_int_equal(logfile_read(deep, "7", &lines), -ENOENT);
	assert_int_equal(logfile_create(deep, "7", NULL, &f), 0);
	assert_int_equal(logfile_create(deep, "7", NULL, &g), -EEXIST);
	assert_int_equal(logfile_take_over(deep, "7", NULL, &g), -EWOULDBLOCK);
	assert_int_equal(logfile_add(f, texts, 3), 0);
	assert_int_equal(add(f, "no\nlines"), -EINVAL);
	assert_int_equal(logfile_read(deep, "7", &lines), 0);
	assert_int_equal(strv_len(lines), 3);
	assert_string_equal(lines[2], texts[2]);
	assert_int_equal(logfile_list(deep, &names), 0);
	assert_int_equal(strv_len(names), 1);
	assert_string_equal(names[0], "7");
}

/* The form is documented: others can check it, with any CRC-32. */
static void the_form(void **state UNUSED)
{
	autofree char *text = NULL;
	autologfile *f = NULL;

	assert_int_equal(logfile_create(dir, "1", NULL, &f), 0);
	assert_int_equal(add(f, "123456789"), 0);
	assert_int_equal(store_get(dir, "1", &text), 0);
	assert_string_equal(text, "cbf43926 123456789\n");
}

/* Cut anywhere, or with a byte changed anywhere: what is whole before that stays, and goes on. */
static void torn_anywhere(void **state UNUSED)
{
	static const char whole[] = "cbf43926 123456789\ncbf43926 123456789\ncbf43926 123456789\n";
	const size_t line = (sizeof(whole) - 1) / 3;

	for (size_t cut = 0; cut < 2 * (sizeof(whole) - 1); cut++) {
		autofree char *path = str_printf("%s/2", dir), *text = strdup(whole);
		autostrv char **lines = NULL;
		autologfile *f = NULL;
		size_t at = cut % (sizeof(whole) - 1);
		FILE *file = fopen(path, "we");

		assert_non_null(file);
		if (cut < sizeof(whole) - 1)
			text[at] = '\0';
		else
			text[at] ^= 1;
		assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
		assert_int_equal(logfile_take_over(dir, "2", NULL, &f), 0);
		assert_int_equal(add(f, "next"), 0);
		assert_int_equal(logfile_read(dir, "2", &lines), 0);
		assert_int_equal(strv_len(lines), at / line + 1);
		assert_string_equal(lines[at / line], "next");
	}
}

struct faults {
	unsigned at, calls;
	int code;
	size_t writes; /* of the failing call: so many bytes */
};

static ssize_t faulty_write(void *arg, int fd, const void *data, size_t len)
{
	struct faults *f = arg;

	if (++f->calls != f->at)
		return write(fd, data, len);
	if (f->writes && write(fd, data, MIN(f->writes, len)) < 0)
		return -EIO;
	return f->code ? f->code : (ssize_t)f->writes;
}

static int faulty_sync(void *arg, int fd)
{
	struct faults *f = arg;

	return ++f->calls == f->at ? f->code : fsync(fd);
}

/* A full disk, a failing sync: the record is not there, and the next one can be. */
static void failing_writes(void **state UNUSED)
{
	for (unsigned at = 3; at <= 4; at++)
		for (size_t writes = 0; writes < 12; writes += 5) {
			struct faults faults = { .at = at, .code = -ENOSPC, .writes = writes };
			const struct logfile_io io = { faulty_write, faulty_sync, &faults };
			autofree char *name = str_printf("3-%u-%zu", at, writes);
			autostrv char **lines = NULL;
			autologfile *f = NULL;

			assert_int_equal(logfile_create(dir, name, &io, &f), 0);
			assert_int_equal(add(f, "first"), 0);
			assert_int_equal(add(f, "second"), -ENOSPC);
			assert_int_equal(add(f, "third"), 0);
			assert_int_equal(logfile_read(dir, name, &lines), 0);
			assert_int_equal(strv_len(lines), 2);
			assert_string_equal(lines[1], "third");
		}
}

static void moved_whole(void **state UNUSED)
{
	autofree char *to = str_printf("%s/to/there", dir);
	autostrv char **lines = NULL;
	autologfile *f = NULL;

	assert_int_equal(logfile_create(dir, "4", NULL, &f), 0);
	assert_int_equal(add(f, "kept"), 0);
	assert_int_equal(logfile_move(dir, "4", to), 0);
	assert_int_equal(logfile_read(dir, "4", &lines), -ENOENT);
	assert_int_equal(logfile_read(to, "4", &lines), 0);
	assert_string_equal(lines[0], "kept");
	assert_int_equal(logfile_move(dir, "4", to), -ENOENT);
}

/* What a dead writer left can be taken over, and only then. */
static void a_writer_dies(void **state UNUSED)
{
	int to_child[2], to_us[2], status;
	autologfile *f = NULL;
	pid_t child;
	char c;

	assert_int_equal(pipe2(to_child, O_CLOEXEC), 0);
	assert_int_equal(pipe2(to_us, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		struct logfile *mine = NULL;

		close(to_child[1]);
		_exit(logfile_create(dir, "5", NULL, &mine) < 0 || add(mine, "x") < 0 ||
			write(to_us[1], "!", 1) != 1 || read(to_child[0], &c, 1) != 0);
	}
	close(to_child[0]);
	close(to_us[1]);
	assert_int_equal(read(to_us[0], &c, 1), 1);
	assert_int_equal(logfile_take_over(dir, "5", NULL, &f), -EWOULDBLOCK);
	close(to_child[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(logfile_take_over(dir, "5", NULL, &f), 0);
	close(to_us[0]);
}

static void one_lock_one_owner(void **state UNUSED)
{
	struct lock mine = { -1 }, other = { -1 };
	autofree char *who = NULL, *nobody = NULL;

	assert_int_equal(lock_try(dir, "0000:01:00.0", "4711 create eth0 4", &mine, &who), 0);
	assert_null(who);
	assert_int_equal(lock_try(dir, "0000:01:00.0", "12 x", &other, &who), -EWOULDBLOCK);
	assert_string_equal(who, "4711 create eth0 4");
	lock_release(&mine);
	lock_release(&mine);
	assert_int_equal(lock_try(dir, "0000:01:00.0", "12 x", &other, &nobody), 0);
	lock_release(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_and_read),
		cmocka_unit_test(the_form),
		cmocka_unit_test(torn_anywhere),
		cmocka_unit_test(failing_writes),
		cmocka_unit_test(moved_whole),
		cmocka_unit_test(a_writer_dies),
		cmocka_unit_test(one_lock_one_owner),
	};

	return cmocka_run_group_tests_name("logfile", tests, make, drop);
}

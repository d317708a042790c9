// SPDX-License-Identifier: GPL-2.0-or-later
#include "cm.h"

#include "base/str.h"
#include "host/folder.h"
#include "host/sysfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* A captured machine that a test writes: a folder to start with. */
struct fixture {
	char dir[64];
	struct host *h;
};

static char *below(const struct fixture *x, const char *rel)
{
	return str_printf("%s/%s", x->dir, rel);
}

static void put(const struct fixture *x, const char *rel, const char *text)
{
	autofree char *path = below(x, rel);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void make(const struct fixture *x, const char *rel)
{
	autofree char *path = below(x, rel);

	assert_int_equal(mkdir(path, 0755), 0);
}

static void link_to(const struct fixture *x, const char *rel, const char *target)
{
	autofree char *path = below(x, rel);

	assert_int_equal(symlink(target, path), 0);
}

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	strcpy(x->dir, "/tmp/vfctl-folder-XXXXXX");
	assert_non_null(mkdtemp(x->dir));
	make(x, "sys");
	make(x, "sys/a");
	make(x, "sys/b");
	put(x, "sys/a/number", "0x10\n");
	put(x, "sys/a/word", "word\n");
	put(x, "sys/b/number", "7");
	link_to(x, "sys/a/driver", "../../bus/drivers/igb");
	link_to(x, "sys/a/up", "../..");
	link_to(x, "sys/a/other", "../b/number");
	link_to(x, "sys/a/out", "../../../../../../../etc/passwd");
	link_to(x, "sys/a/loop", "loop");
	link_to(x, "sys/way", "a");
	assert_int_equal(host_new_captured(x->dir, &x->h, NULL), 0);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;
	autofree char *cmd = str_printf("rm -rf '%s'", x->dir);

	host_free(x->h);
	assert_int_equal(system(cmd), 0);
	free(x);
	return 0;
}

/* The same machine out of memory, where everything goes by paths. */
static struct host *as_archive(const struct fixture *x)
{
	autofree char *file = below(x, "machine.tar");
	autofree char *cmd = str_printf("tar -cf '%s' -C '%s' sys", file, x->dir);
	struct host *h = NULL;

	assert_int_equal(system(cmd), 0);
	assert_int_equal(host_new_captured(file, &h, NULL), 0);
	return h;
}

static void ask(struct host *h)
{
	autofolder f;
	char text[64], few[4];
	uint64_t v;

	folder_init(&f, h);
	assert_int_equal(folder_read_text(&f, "word", text, sizeof(text)), -ENOENT);
	assert_int_equal(sysfs_enter(&f, "%s", "a"), 0);
	assert_int_equal(folder_read_text(&f, "word", text, sizeof(text)), 0);
	assert_string_equal(text, "word");
	assert_int_equal(folder_read_text(&f, "word", few, sizeof(few)), -EMSGSIZE);
	assert_int_equal(folder_read_u64(&f, "number", &v), 0);
	assert_int_equal(v, 16);
	assert_int_equal(folder_read_u64(&f, "word", &v), -EINVAL);
	assert_int_equal(folder_read_u64(&f, "nothing", &v), -ENOENT);
	assert_int_equal(folder_link_name(&f, "driver", text, sizeof(text)), 0);
	assert_string_equal(text, "igb");
	assert_int_equal(folder_link_name(&f, "driver", few, 3), -ENAMETOOLONG);
	assert_int_equal(folder_link_name(&f, "up", text, sizeof(text)), -EINVAL);
	assert_int_equal(folder_link_name(&f, "word", text, sizeof(text)), -EINVAL);
	assert_int_equal(folder_read_u64(&f, "other", &v), 0);
	assert_int_equal(v, 7);
	assert_int_equal(folder_read_text(&f, "out", text, sizeof(text)), -ENOENT);
	assert_int_equal(folder_read_text(&f, "loop", text, sizeof(text)), -ELOOP);
}

static void entries_of_a_folder(void **state)
{
	struct fixture *x = *state;
	autohost *archive = as_archive(x);

	ask(x->h);
	ask(archive);
}

static void one_after_another(void **state)
{
	struct fixture *x = *state;
	autostrv char **names = NULL;
	autofolder f;
	uint64_t v;

	folder_init(&f, x->h);
	assert_int_equal(sysfs_enter(&f, "way"), 0);
	assert_int_equal(folder_list(&f, &names), 0);
	assert_int_equal(strv_len(names), 7);
	assert_string_equal(names[0], "driver");
	assert_int_equal(sysfs_enter(&f, "b"), 0);
	assert_int_equal(folder_read_u64(&f, "number", &v), 0);
	assert_int_equal(v, 7);
	assert_int_equal(sysfs_enter(&f, "c"), -ENOENT);
	assert_int_equal(folder_read_u64(&f, "number", &v), -ENOENT);
	assert_int_equal(sysfs_enter(&f, "a/word"), -ENOTDIR);
	assert_int_equal(folder_read_u64(&f, "number", &v), -ENOENT);
}

/* A FIFO would block its reader for ever. */
static void only_files_are_read(void **state)
{
	struct fixture *x = *state;
	autofree char *fifo = below(x, "sys/a/fifo");
	autofolder f;
	char text[64];

	assert_int_equal(mkfifo(fifo, 0644), 0);
	make(x, "sys/a/below");
	folder_init(&f, x->h);
	assert_int_equal(sysfs_enter(&f, "a"), 0);
	assert_int_equal(folder_read_text(&f, "fifo", text, sizeof(text)), -ENXIO);
	assert_int_equal(folder_read_text(&f, "below", text, sizeof(text)), -EISDIR);
}

/* Opening a node may start the device behind it; this one would let itself be read. */
static void no_device_is_opened(void **state)
{
	struct fixture *x = *state;
	autofree char *node = below(x, "sys/a/zero");
	autofolder f;
	char text[64];

	if (mknod(node, S_IFCHR | 0666, makedev(1, 5)) < 0)
		skip(); /* takes root */
	folder_init(&f, x->h);
	assert_int_equal(sysfs_enter(&f, "a"), 0);
	assert_int_not_equal(folder_read_text(&f, "zero", text, sizeof(text)), 0);
	assert_true(folder_read(&f, "zero", text, sizeof(text)) < 0);
	assert_true(sysfs_read_bytes(x->h, text, sizeof(text), "a/zero") < 0);
}

static int count_name(void *arg, const char *name)
{
	unsigned *n = arg;

	assert_true(*name && *name != '.');
	return ++*n == 3 ? -ECANCELED : 0;
}

static void each_name_until_one_says_stop(void **state)
{
	struct fixture *x = *state;
	autohost *archive = as_archive(x);
	struct host *const hosts[] = { x->h, archive };

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		unsigned n = 0;
		autofolder f;

		folder_init(&f, hosts[i]);
		assert_int_equal(folder_each(&f, count_name, &n), -ENOENT);
		assert_int_equal(sysfs_enter(&f, "b"), 0);
		assert_int_equal(folder_each(&f, count_name, &n), 0);
		assert_int_equal(n, 1);
		assert_int_equal(sysfs_enter(&f, "a"), 0);
		assert_int_equal(folder_each(&f, count_name, &n), -ECANCELED);
		assert_int_equal(n, 3);
	}
}

static void a_folder_that_vanishes(void **state)
{
	struct fixture *x = *state;
	autofree char *cmd = str_printf("rm -r '%s/sys/a'", x->dir);
	autofolder f;
	char text[64];

	folder_init(&f, x->h);
	assert_int_equal(sysfs_enter(&f, "a"), 0);
	assert_int_equal(system(cmd), 0);
	make(x, "sys/a");
	put(x, "sys/a/word", "another\n");
	assert_int_equal(folder_read_text(&f, "word", text, sizeof(text)), -ENOENT);
	assert_int_equal(folder_read_link(&f, "driver", text, sizeof(text)), -ENOENT);
	assert_int_equal(sysfs_enter(&f, "a"), 0);
	assert_int_equal(folder_read_text(&f, "word", text, sizeof(text)), 0);
	assert_string_equal(text, "another");
}

static unsigned open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void read_often(struct host *h, unsigned times)
{
	autofolder f;
	uint64_t v;

	folder_init(&f, h);
	for (unsigned i = 0; i < times; i++) {
		assert_int_equal(sysfs_enter(&f, "%s", i % 2 ? "a" : "b"), 0);
		/* More from one folder than is kept open at once, now and then. */
		for (unsigned j = 0; j < (i % 50 ? 2 : 200); j++) {
			assert_int_equal(folder_read_u64(&f, "number", &v), 0);
			assert_int_equal(v, i % 2 ? 16 : 7);
		}
	}
}

static void descriptors_are_given_back(void **state)
{
	struct fixture *x = *state;
	unsigned before = open_descriptors();
	int hole = open("/dev/null", O_RDONLY | O_CLOEXEC), after = dup(hole);

	/* Somebody else's descriptor in the middle of ours stays open. */
	close(hole);
	read_often(x->h, 500);
	assert_int_not_equal(fcntl(after, F_GETFD), -1);
	close(after);
	assert_int_equal(open_descriptors(), before);
}

static void few_descriptors_are_enough(void **state)
{
	struct fixture *x = *state;
	struct rlimit was, few;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = was;
	few.rlim_cur = open_descriptors() + 8;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	read_often(x->h, 49);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(entries_of_a_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(one_after_another, setup, teardown),
		cmocka_unit_test_setup_teardown(only_files_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(no_device_is_opened, setup, teardown),
		cmocka_unit_test_setup_teardown(each_name_until_one_says_stop, setup, teardown),
		cmocka_unit_test_setup_teardown(a_folder_that_vanishes, setup, teardown),
		cmocka_unit_test_setup_teardown(descriptors_are_given_back, setup, teardown),
		cmocka_unit_test_setup_teardown(few_descriptors_are_enough, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

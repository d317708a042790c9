// SPDX-License-Identifier: GPL-2.0-or-later
/* What libudev says of udevd's files, in a /run of our own. Takes root. */
#include "cm.h"
#include "own.h"
#include "base/str.h"
#include "host/sysfs.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

/* Devices that every machine has: one with an interface index, one that udevd may not record. */
#define NETDEV	 "class/net/lo"
#define FUNCTION "devices/system/cpu/cpu0"

static void put(const char *path, const char *text)
{
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void put_record(const char *name, uint64_t at_ms)
{
	autofree char *path = str_printf("/run/udev/data/%s", name);
	autofree char *text = str_printf("I:%" PRIu64 "\n", at_ms * 1000);

	put(path, text);
}

static int setup(void **state)
{
	struct host *h = NULL;

	assert_int_equal(host_new_live(&h, NULL), 0);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	host_free(*state);
	return 0;
}

/* 0: this process has a /run of its own now. */
static int own_run(void)
{
	if (own_namespaces(CLONE_NEWNS) < 0 ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("none", "/run", "tmpfs", 0, NULL) < 0)
		return -EPERM;
	assert_int_equal(mkdir("/run/udev", 0755), 0);
	assert_int_equal(mkdir("/run/udev/data", 0755), 0);
	return 0;
}

static void records_and_the_queue(void **state)
{
	struct host *h = *state;
	uint64_t now = host_now_ms(h);

	if (own_run() < 0)
		skip(); /* neither root nor namespaces for users */
	/* No udevd. */
	assert_int_equal(sysfs_settled(h, now, NETDEV), 1);
	put("/run/udev/control", "");
	assert_int_equal(sysfs_settled(h, 0, NETDEV), 0);
	put_record("n1", now - 1000);
	assert_int_equal(sysfs_settled(h, 0, NETDEV), 1);
	assert_int_equal(sysfs_settled(h, now - 2000, NETDEV), 1);
	assert_int_equal(sysfs_settled(h, now - 500, NETDEV), 0);
	assert_int_equal(sysfs_settled(h, 0, "class/net/no-such-interface"), -ENOENT);
	/* Without a record an empty queue does, but not for an interface. */
	assert_int_equal(sysfs_settled(h, now, FUNCTION), 1);
	put("/run/udev/queue", "");
	assert_int_equal(sysfs_settled(h, now, FUNCTION), 0);
	put_record("+cpu:cpu0", now);
	assert_int_equal(sysfs_settled(h, now, FUNCTION), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(records_and_the_queue, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

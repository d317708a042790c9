// SPDX-License-Identifier: GPL-2.0-or-later
/* What was given stands in for its path, once, and is nobody's in the end. */
#include "cm.h"

#include "base/attr.h"
#include "host/devnode.h"
#include "host/given.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void in_place_of_a_path(void **state UNUSED)
{
	struct host *h;
	int kvm = eventfd(0, 0), again = eventfd(0, 0), tap = eventfd(0, 0);

	assert_int_equal(host_new_live(&h, NULL), 0);
	assert_int_equal(host_give(h, "/dev/kvm", kvm), 0);
	assert_int_equal(fcntl(kvm, F_GETFD), FD_CLOEXEC);
	assert_int_equal(host_give(h, "/dev/kvm", again), -EEXIST);
	assert_false(is_open(again));
	assert_int_equal(host_give(h, "tap:vm0", tap), 0);
	assert_int_equal(devnode_open(h, O_RDWR, "kvm"), kvm);
	/* That path is not opened any more, whether it could be or not. */
	assert_int_equal(devnode_open(h, O_RDWR, "kvm"), -EBUSY);
	assert_int_equal(host_take_given(h, "tap:vm1"), -ENOENT);
	assert_int_equal(host_take_given(h, "tap:vm0"), tap);
	assert_int_equal(host_take_given(h, "tap:vm0"), -EBUSY);
	/* What was not given is opened as ever. */
	again = devnode_open(h, O_RDONLY, "null");
	assert_true(again >= 0);
	host_free(h);
	assert_true(is_open(kvm) && is_open(tap) && is_open(again));
	close(kvm);
	close(tap);
	close(again);
}

static void what_nobody_took_is_closed(void **state UNUSED)
{
	struct host *h;
	int first = eventfd(0, 0), second = eventfd(0, 0), gone = eventfd(0, 0);

	close(gone);
	assert_int_equal(host_new_fds_only(&h), 0);
	assert_int_equal(host_give(h, "/dev/kvm", gone), -EBADF);
	assert_int_equal(host_give(h, "/dev/kvm", first), 0);
	host_drop_given(h);
	assert_false(is_open(first));
	assert_int_equal(devnode_open(h, O_RDWR, "kvm"), -EBUSY);
	assert_int_equal(host_give(h, "/dev/vfio/12", second), 0);
	host_free(h);
	assert_false(is_open(second));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_place_of_a_path),
		cmocka_unit_test(what_nobody_took_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

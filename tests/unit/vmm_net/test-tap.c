// SPDX-License-Identifier: GPL-2.0-or-later
#include "cm.h"
#include "fake-tap.h"
#include "vmm/net/tap.h"

#include <fcntl.h>

static void prepares_the_device(void **state UNUSED)
{
	struct fake_tap f;
	struct tap *t = NULL;

	fake_tap_open(&f);
	f.offload = TUN_F_CSUM; /* left over from somebody */
	assert_int_equal(tap_new(&f.host, f.fd, &t, NULL), 0);
	assert_int_equal(f.header_bytes, 12);
	assert_int_equal(f.offload, 0);
	assert_true(fcntl(f.fd, F_GETFL) & O_NONBLOCK);
	assert_string_equal(tap_name(t), "tap7");
	assert_int_equal(tap_fd(t), f.fd);
	assert_int_equal(tap_set_offload(t, TUN_F_CSUM | TUN_F_TSO4), 0);
	assert_int_equal(tap_set_offload(t, 0x80000000), -EINVAL);
	assert_int_equal(f.offload, TUN_F_CSUM | TUN_F_TSO4);
	tap_free(t);
	assert_int_equal(f.offload, 0);
	fake_tap_close(&f);
}

static void refuses_other_devices(void **state UNUSED)
{
	static const struct {
		short flags;
		const char *what;
	} bad[] = {
		{ IFF_TUN | IFF_NO_PI | IFF_VNET_HDR, "it is a tun, without Ethernet headers" },
		{ IFF_TAP | IFF_VNET_HDR, "it adds packet information (no IFF_NO_PI)" },
		{ IFF_TAP | IFF_NO_PI, "it has no virtio-net header (no IFF_VNET_HDR)" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		autoproblem *p = NULL;
		struct fake_tap f;
		struct tap *t = NULL;

		fake_tap_open(&f);
		f.flags = bad[i].flags;
		assert_int_equal(tap_new(&f.host, f.fd, &t, &p), -EINVAL);
		assert_null(t);
		assert_int_equal(p->kind, PROBLEM_USAGE);
		assert_non_null(strstr(p->what, bad[i].what));
		fake_tap_close(&f);
	}
}

static void refuses_what_is_no_tap(void **state UNUSED)
{
	autoproblem *p = NULL;
	struct fake_tap f;
	struct tap *t = NULL;

	fake_tap_open(&f);
	assert_int_equal(tap_new(&f.host, f.other, &t, &p), -EBADF);
	assert_null(t);
	assert_non_null(p->hint);
	fake_tap_close(&f);
	assert_int_equal(tap_new(&f.host, -1, &t, NULL), -EBADF);
}

static void moves_packets(void **state UNUSED)
{
	char a[4], b[8];
	struct iovec v[] = { { a, sizeof(a) }, { b, sizeof(b) } };
	struct fake_tap f;
	struct tap *t = NULL;
	char got[32];

	fake_tap_open(&f);
	assert_int_equal(tap_new(&f.host, f.fd, &t, NULL), 0);
	assert_int_equal(tap_read(t, v, 2), -EAGAIN);
	assert_int_equal(send(f.other, "abcdefg", 7, 0), 7);
	assert_int_equal(tap_read(t, v, 2), 7);
	assert_memory_equal(a, "abcd", 4);
	assert_memory_equal(b, "efg", 3);
	assert_int_equal(tap_write(t, v, 2), 12);
	assert_int_equal(recv(f.other, got, sizeof(got), 0), 12);
	assert_memory_equal(got, "abcdefg", 7);
	tap_free(t);
	fake_tap_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prepares_the_device),
		cmocka_unit_test(refuses_other_devices),
		cmocka_unit_test(refuses_what_is_no_tap),
		cmocka_unit_test(moves_packets),
	};

	return cmocka_run_group_tests_name("tap", tests, NULL, NULL);
}

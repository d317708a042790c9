// SPDX-License-Identifier: GPL-2.0-or-later
/* A file in the shape of KVM's binary statistics, true and lying. */
#include "cm.h"

#include "base/attr.h"
#include "vmm/kvm/stats.h"

#include <linux/kvm.h>
#include <string.h>
#include <sys/mman.h>

enum { NAME = 16 };

static int make_file(uint32_t name_size, uint32_t n, uint32_t offset_of_second)
{
	struct kvm_stats_header header = { .name_size = name_size,
		.num_desc = n,
		.desc_offset = sizeof(header),
		.data_offset = 512 };
	static const char names[2][NAME] = { "exits", "halt_exits" };
	const uint64_t values[2] = { 41, 7 };
	int fd = memfd_create("stats", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
	for (unsigned i = 0; i < 2; i++) {
		struct kvm_stats_desc d = { .size = 1, .offset = i ? offset_of_second : 0 };
		off_t at = (off_t)(sizeof(header) + i * (sizeof(d) + NAME));

		assert_int_equal(pwrite(fd, &d, sizeof(d), at), sizeof(d));
		assert_int_equal(pwrite(fd, names[i], NAME, at + (off_t)sizeof(d)), NAME);
	}
	assert_int_equal(pwrite(fd, values, sizeof(values), 512), sizeof(values));
	return fd;
}

static int read_two(int fd, uint64_t values[2])
{
	static const char *const names[] = { "halt_exits", "exits" };
	autohost *h = NULL;

	assert_int_equal(host_new_fds_only(&h), 0);
	return kvm_stats_read(h, fd, names, values, 2);
}

static void counters_by_name(void **state UNUSED)
{
	autoclose int fd = make_file(NAME, 2, 8);
	uint64_t v[2] = { 0 };

	assert_int_equal(read_two(fd, v), 2);
	assert_int_equal(v[0], 7);
	assert_int_equal(v[1], 41);
}

static void what_a_kernel_lacks_stays(void **state UNUSED)
{
	autoclose int fd = make_file(NAME, 1, 8);
	uint64_t v[2] = { 99, 0 };

	assert_int_equal(read_two(fd, v), 1);
	assert_int_equal(v[0], 99);
	assert_int_equal(v[1], 41);
}

static void lies_are_refused(void **state UNUSED)
{
	static const uint32_t lies[][3] = { { 0, 2, 8 }, { 4096, 2, 8 }, { NAME, 1U << 20, 8 },
		{ NAME, 1000, 8 }, { NAME, 2, 1U << 30 } };

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		autoclose int fd = make_file(lies[i][0], lies[i][1], lies[i][2]);
		uint64_t v[2] = { 0 };

		assert_int_equal(read_two(fd, v), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_by_name),
		cmocka_unit_test(what_a_kernel_lacks_stays),
		cmocka_unit_test(lies_are_refused),
	};

	return cmocka_run_group_tests_name("kvm stats", tests, NULL, NULL);
}

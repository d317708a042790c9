/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cm.h"

#include "base/attr.h"
#include "vmm/cpu/clock.h"

#include <linux/kvm.h>
#include <string.h>

enum { HOST_KHZ = 2100000 };

struct kvm {
	struct host host;
	int khz;  /* or an errno */
	int sets; /* what KVM_SET_TSC_KHZ answers */
	unsigned n_sets;
};

static int answer(struct host *h, int fd, unsigned long request, void *arg)
{
	struct kvm *k = container_of(h, struct kvm, host);

	assert_int_equal(fd, 7);
	if (request == KVM_GET_TSC_KHZ)
		return k->khz;
	assert_int_equal(request, KVM_SET_TSC_KHZ);
	assert_null(arg); /* the host's, not one of ours */
	k->n_sets++;
	if (k->sets == 0)
		k->khz = HOST_KHZ;
	return k->sets;
}

static const struct host_ops ops = { .ioctl = answer };

static enum cpu_clock settle(struct kvm *k)
{
	k->host.ops = &ops;
	return cpu_clock_settle(&k->host, 7);
}

static void a_good_one_is_left_alone(void **state UNUSED)
{
	struct kvm k = { .khz = HOST_KHZ }, silent = { .khz = -EIO };

	assert_int_equal(settle(&k), CPU_CLOCK_GOOD);
	assert_int_equal(settle(&silent), CPU_CLOCK_GOOD);
	assert_int_equal(k.n_sets + silent.n_sets, 0);
	assert_null(cpu_clock_text(CPU_CLOCK_GOOD));
}

static void none_becomes_the_hosts(void **state UNUSED)
{
	struct kvm k = { .khz = 0 };

	assert_int_equal(settle(&k), CPU_CLOCK_REPAIRED);
	assert_int_equal(k.khz, HOST_KHZ);
	assert_non_null(strstr(cpu_clock_text(CPU_CLOCK_REPAIRED), "measured anew"));
}

static void what_stays_is_told(void **state UNUSED)
{
	struct kvm k = { .khz = 0, .sets = -EINVAL };

	assert_int_equal(settle(&k), CPU_CLOCK_NONE);
	assert_int_equal(k.n_sets, 1);
	assert_non_null(strstr(cpu_clock_text(CPU_CLOCK_NONE), "may never fire"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_one_is_left_alone),
		cmocka_unit_test(none_becomes_the_hosts),
		cmocka_unit_test(what_stays_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

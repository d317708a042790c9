// SPDX-License-Identifier: GPL-2.0-or-later
/* Stable addresses: the same for ever, of the right sort, and nobody else's. */
#include "cm.h"
#include "machine.h"
#include "fake/fake.h"
#include "identity/stable.h"

#include <stdio.h>

#define ETH0 "0000:01:00.0"

struct fixture {
	struct host *h;
	struct inventory *inv;
	struct stable *s;
	char dir[64];
};

static void start(struct fixture *f)
{
	if (f->s)
		stable_free(f->s);
	if (f->inv)
		inventory_free(f->inv);
	assert_int_equal(inventory_load(f->h, 0, &f->inv, NULL), 0);
	assert_int_equal(stable_new(f->h, f->inv, f->dir, &f->s), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->h = fake_kernel_new(HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	fake_put(f->h, "0123456789abcdef0123456789abcdef\n", "/etc/machine-id");
	strcpy(f->dir, "/tmp/vfctl-stable-XXXXXX");
	*state = f;
	if (!mkdtemp(f->dir))
		return -1;
	start(f);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	autofree char *cmd = str_printf("rm -rf '%s'", f->dir);

	stable_free(f->s);
	inventory_free(f->inv);
	host_free(f->h);
	free(f);
	return system(cmd);
}

static struct stable_owner vf(int index)
{
	return (struct stable_owner) { at(ETH0), index };
}

static struct mac mac_of(struct fixture *f, int index)
{
	struct mac m = { 0 };

	assert_int_equal(stable_mac(f->s, vf(index), &m, NULL), 0);
	return m;
}

static struct mac candidate(unsigned index, unsigned n)
{
	static const uint8_t id[MACHINE_ID_BYTES] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd,
		0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };
	uint8_t b[8];
	struct mac m;

	stable_derive(id, "mac 52:54:00:aa:00:01", STABLE_MAC, index, n, b);
	memcpy(m.b, b, sizeof(m.b));
	return m;
}

/* Computed with another program: openssl dgst -sha256 -mac HMAC -macopt hexkey:0123… */
static void as_documented(void **state UNUSED)
{
	assert_string_equal(MAC_TEXT(candidate(0, 0)), "42:7d:8e:41:c7:fe");
	assert_string_equal(MAC_TEXT(candidate(3, 1)), "82:d1:86:cd:6f:6a");
}

static void the_same_for_ever(void **state)
{
	struct fixture *f = *state;
	struct mac first = mac_of(f, 2);

	assert_string_equal(MAC_TEXT(first), MAC_TEXT(candidate(2, 0)));
	start(f);
	assert_string_equal(MAC_TEXT(mac_of(f, 2)), MAC_TEXT(first));
}

static void all_differ_and_are_local(void **state)
{
	struct fixture *f = *state;
	struct mac m[64];

	for (int i = 0; i < 64; i++) {
		m[i] = mac_of(f, i);
		assert_int_equal(m[i].b[0] & 0x0f, 0x02);
		for (int k = 0; k < i; k++)
			assert_memory_not_equal(&m[i], &m[k], sizeof(m[i]));
	}
}

/* A card that has moved keeps its VFs' addresses. */
static void they_move_along(void **state)
{
	struct fixture *f = *state;
	struct mac before = mac_of(f, 1);
	autofree char *cmd = str_printf("mv %s/" ETH0 " %s/0000:41:00.0", f->dir, f->dir);

	assert_int_equal(identity_record(f->h, f->dir, at(ETH0), NULL), 1);
	assert_int_equal(system(cmd), 0);
	start(f);
	assert_string_equal(MAC_TEXT(mac_of(f, 1)), MAC_TEXT(before));
}

static void another_machine_has_others(void **state)
{
	struct fixture *f = *state;
	struct mac here = mac_of(f, 0);
	struct mac there;

	fake_put(f->h, "fedcba9876543210fedcba9876543210\n", "/etc/machine-id");
	start(f);
	there = mac_of(f, 0);
	assert_memory_not_equal(&here, &there, sizeof(here));
}

static void a_taken_one_is_passed_over(void **state)
{
	struct fixture *f = *state;
	autofree char *taken = str_printf("%s\n", MAC_TEXT(candidate(0, 0)));

	fake_put(f->h, taken, "/sys/class/net/eth1/address");
	start(f);
	assert_string_equal(MAC_TEXT(mac_of(f, 0)), MAC_TEXT(candidate(0, 1)));
}

static void one_that_the_vf_has_is_kept(void **state)
{
	struct fixture *f = *state;
	struct host_vf_change change = { .attr = HOST_VF_MAC, .to = { .vf = 0 } };

	change.to.mac = candidate(0, 1);
	assert_int_equal(host_link_set_vf(f->h, f->inv->netdevs[0].ifindex, &change), 0);
	start(f);
	assert_string_equal(MAC_TEXT(mac_of(f, 0)), MAC_TEXT(candidate(0, 1)));
}

static void claims_are_respected(void **state)
{
	struct fixture *f = *state;
	autofree char *who = NULL, *netdev = NULL;
	struct mac eth1;

	assert_int_equal(stable_claim(f->s, candidate(1, 0), vf(0), &who), 1);
	assert_int_equal(stable_claim(f->s, candidate(1, 0), vf(0), &who), 1);
	assert_int_equal(stable_claim(f->s, candidate(1, 0), vf(1), &who), 0);
	assert_string_equal(who, ETH0 "/vf0");
	assert_string_equal(MAC_TEXT(mac_of(f, 1)), MAC_TEXT(candidate(1, 1)));
	assert_int_equal(mac_parse("52:54:00:aa:00:02", &eth1), 0);
	assert_int_equal(stable_claim(f->s, eth1, vf(1), &netdev), 0);
	assert_string_equal(netdev, "eth1");
}

static void words(void **state)
{
	struct fixture *f = *state;
	const char *in[] = { "vlan=1", "mac=stable", "node-guid=stable", "mac=02:00:00:00:00:01" };
	autofree char *mac = str_printf("mac=%s", MAC_TEXT(candidate(3, 0)));
	autostrv char **out = NULL;

	assert_true(stable_is("mac=stable"));
	assert_false(stable_is("mac=stables"));
	assert_false(stable_is("vlan=stable"));
	assert_int_equal(stable_words(f->s, vf(3), in, ARRAY_SIZE(in), &out, NULL), 0);
	assert_int_equal(strv_len(out), 4);
	assert_string_equal(out[0], "vlan=1");
	assert_string_equal(out[1], mac);
	assert_int_equal(strlen(out[2]), strlen("node-guid=") + 23);
	assert_string_equal(out[3], "mac=02:00:00:00:00:01");
}

static void without_machine_id(void **state)
{
	struct fixture *f = *state;
	static const char *const bad[] = { "", "uninitialized\n", "0123\n",
		"0123456789abcdef0123456789abcdeg\n", "0123456789abcdef0123456789abcdef0\n" };

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		autoproblem *p = NULL;
		struct mac m = { 0 };

		fake_put(f->h, bad[i], "/etc/machine-id");
		start(f);
		assert_true(stable_mac(f->s, vf(0), &m, &p) < 0);
		assert_int_equal(p->kind, PROBLEM_NOT_FOUND);
		assert_true(mac_is_zero(m));
	}
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_documented),
		TEST(the_same_for_ever),
		TEST(all_differ_and_are_local),
		TEST(they_move_along),
		TEST(another_machine_has_others),
		TEST(a_taken_one_is_passed_over),
		TEST(one_that_the_vf_has_is_kept),
		TEST(claims_are_respected),
		TEST(words),
		TEST(without_machine_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

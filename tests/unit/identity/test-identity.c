// SPDX-License-Identifier: GPL-2.0-or-later
/* Cards: recorded, recognised, refused when exchanged, followed when moved. */
#include "cm.h"
#include "machine.h"
#include "fake/fake.h"
#include "identity/identity.h"
#include "store/store.h"

#include <stdio.h>

#define ETH0 "0000:01:00.0" /* 82576 with 52:54:00:aa:00:01 */
#define ETH1 "0000:02:00.0" /* another one */
#define NVME "0000:03:00.0"

struct fixture {
	struct host *h;
	char dir[64];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->h = fake_kernel_new(HOSTS_DIR "/s0-pf-only.tar.gz");
	strcpy(f->dir, "/tmp/vfctl-identity-XXXXXX");
	*state = f;
	return mkdtemp(f->dir) ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	autofree char *cmd = str_printf("rm -rf '%s'", f->dir);

	host_free(f->h);
	free(f);
	return system(cmd);
}

static void verdict(struct fixture *f, const char *pf, enum identity_verdict want)
{
	autoidentity found = { 0 };

	assert_int_equal(identity_verify(f->h, f->dir, at(pf), &found, NULL), 0);
	assert_int_equal(found.verdict, want);
	assert_non_null(found.seed);
}

static void refused(struct fixture *f, const char *pf, const char *because)
{
	autoidentity found = { 0 };
	autoproblem *p = NULL;

	assert_int_equal(identity_verify(f->h, f->dir, at(pf), &found, &p), -ESTALE);
	assert_int_equal(p->kind, PROBLEM_DRIFT);
	if (!strstr(p->what, because))
		fail_msg("\"%s\" does not tell \"%s\"", p->what, because);
	assert_non_null(strstr(p->hint, "vfctl config accept "));
	assert_non_null(strstr(p->hint, pf));
}

static void record(struct fixture *f, const char *pf, int want)
{
	assert_int_equal(identity_record(f->h, f->dir, at(pf), NULL), want);
}

/* The driver went: no interface, so no MAC to ask for. */
static void without_interface(struct fixture *f, const char *pf)
{
	fake_vanish(f->h, "/sys/bus/pci/devices/%s/net", pf);
	fake_vanish(f->h, "/sys/class/net/eth0");
}

static void first_new_then_the_same(void **state)
{
	struct fixture *f = *state;
	autofree char *text = NULL;

	verdict(f, ETH0, IDENTITY_NEW);
	record(f, ETH0, 1);
	verdict(f, ETH0, IDENTITY_SAME);
	record(f, ETH0, 0);
	assert_int_equal(store_get(f->dir, ETH0, &text), 0);
	assert_non_null(strstr(text, "\nVendor=8086\nDevice=10c9\n"));
	assert_non_null(strstr(text, "\nPermanentMACAddress=52:54:00:aa:00:01\n"));
	assert_non_null(strstr(text, "\nStableSeed=mac 52:54:00:aa:00:01\n"));
}

static void an_exchanged_card_is_refused(void **state)
{
	struct fixture *f = *state;

	record(f, ETH0, 1);
	fake_put(f->h, "52:54:00:bb:00:01\n", "/sys/class/net/eth0/address");
	refused(f, ETH0, "its permanent MAC address was 52:54:00:aa:00:01, now it is 52:54:00:bb");
	/* … until the user says that it is meant. */
	record(f, ETH0, 1);
	verdict(f, ETH0, IDENTITY_SAME);
}

static void another_kind_is_refused(void **state)
{
	struct fixture *f = *state;

	record(f, ETH0, 1);
	fake_put(f->h, "pci:v000015B3d00001017sv000015B3sd00000008bc02sc00i00\n",
		"/sys/bus/pci/devices/" ETH0 "/modalias");
	refused(f, ETH0, "it was 8086:10c9");
	refused(f, ETH0, "now it is 15b3:1017");
}

/* What is not known says nothing, and is not forgotten either. */
static void unknown_facts_do_not_count(void **state)
{
	struct fixture *f = *state;
	autofree char *text = NULL;

	record(f, ETH0, 1);
	without_interface(f, ETH0);
	verdict(f, ETH0, IDENTITY_SAME);
	record(f, ETH0, 0);
	assert_int_equal(store_get(f->dir, ETH0, &text), 0);
	assert_non_null(strstr(text, "PermanentMACAddress=52:54:00:aa:00:01"));
}

static void exchange(struct fixture *f, const char *from, const char *to)
{
	autofree char *text = NULL;

	assert_int_equal(store_get(f->dir, from, &text), 0);
	assert_int_equal(store_put(f->dir, to, text), 0);
	assert_int_equal(store_remove(f->dir, from), 1);
}

static void a_moved_card_is_followed(void **state)
{
	struct fixture *f = *state;
	autoidentity found = { 0 };

	record(f, ETH0, 1);
	exchange(f, ETH0, "0000:41:00.0"); /* recorded where nothing stands now */
	assert_int_equal(identity_verify(f->h, f->dir, at(ETH0), &found, NULL), 0);
	assert_int_equal(found.verdict, IDENTITY_MOVED);
	assert_string_equal(BDF_TEXT(found.from), "0000:41:00.0");
	assert_string_equal(found.seed, "mac 52:54:00:aa:00:01");
	record(f, ETH0, 1);
	verdict(f, ETH0, IDENTITY_SAME);
	assert_int_equal(store_remove(f->dir, "0000:41:00.0"), 0);
}

/* Two cards changed places: each address has another card now, and that is said. */
static void swapped_cards_are_refused(void **state)
{
	struct fixture *f = *state;

	record(f, ETH0, 1);
	record(f, ETH1, 1);
	exchange(f, ETH0, "0000:41:00.0");
	exchange(f, ETH1, ETH0);
	exchange(f, "0000:41:00.0", ETH1);
	refused(f, ETH0, "it is the one recorded for " ETH1);
	refused(f, ETH1, "it is the one recorded for " ETH0);
}

static void a_neighbour_is_no_moved_card(void **state)
{
	struct fixture *f = *state;

	record(f, ETH0, 1);
	verdict(f, ETH1, IDENTITY_NEW);
}

static void a_broken_record_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(store_put(f->dir, ETH0, "Vendor=x\n\x01\xff"), 0);
	refused(f, ETH0, "cannot be understood");
	assert_int_equal(store_put(f->dir, ETH0, ""), 0);
	refused(f, ETH0, "cannot be understood");
	record(f, ETH0, 1);
	verdict(f, ETH0, IDENTITY_SAME);
}

static void what_is_gone_cannot_be_verified(void **state)
{
	struct fixture *f = *state;
	autoidentity found = { 0 };
	autoproblem *p = NULL;

	assert_int_equal(identity_verify(f->h, f->dir, at("0000:99:00.0"), &found, &p), -ENOENT);
	assert_int_equal(p->kind, PROBLEM_VANISHED);
}

static void an_nvme_controller_has_a_serial(void **state)
{
	struct fixture *f = *state;
	autofree char *text = NULL;

	record(f, NVME, 1);
	assert_int_equal(store_get(f->dir, NVME, &text), 0);
	assert_non_null(strstr(text, "\nNVMeSerial="));
	fake_put(f->h, "another             \n", "/sys/bus/pci/devices/" NVME "/nvme/nvme0/serial");
	refused(f, NVME, "now it is another");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(first_new_then_the_same),
		TEST(an_exchanged_card_is_refused),
		TEST(another_kind_is_refused),
		TEST(unknown_facts_do_not_count),
		TEST(a_moved_card_is_followed),
		TEST(swapped_cards_are_refused),
		TEST(a_neighbour_is_no_moved_card),
		TEST(a_broken_record_is_refused),
		TEST(what_is_gone_cannot_be_verified),
		TEST(an_nvme_controller_has_a_serial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "cm.h"
#include "base/str.h"
#include "plan/wish.h"

static void kept_in_order_and_once(void **state UNUSED)
{
	static const uint8_t buses[] = { 5, 1, 9, 5, 3, 1 };
	autowishes w = { 0 };
	struct pf_wish *pf;

	for (size_t i = 0; i < ARRAY_SIZE(buses); i++) {
		pf = wishes_pf(&w, (struct bdf) { .bus = buses[i] });
		assert_non_null(pf);
		assert_int_equal(pf->bdf.bus, buses[i]);
	}
	assert_int_equal(w.n, 4);
	for (size_t i = 1; i < w.n; i++)
		assert_true(bdf_cmp(w.v[i - 1].bdf, w.v[i].bdf) < 0);
	assert_int_equal(w.v[0].num_vfs, WISH_LEAVE);
	assert_int_equal(w.v[0].autoprobe, WISH_LEAVE);
	pf = &w.v[2];
	for (unsigned i = 8; i--;)
		assert_int_equal(pf_wish_vf(pf, i)->index, i);
	assert_int_equal(wish_put(&pf_wish_vf(pf, 3)->driver, "igbvf"), 0);
	assert_int_equal(pf->n_vfs, 8);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(pf->vfs[i].index, i);
	assert_string_equal(pf->vfs[3].driver, "igbvf");
	assert_null(pf->vfs[4].driver);
}

static void a_key_is_set_once(void **state UNUSED)
{
	autostrv char **s = NULL;

	assert_int_equal(wish_setting(&s, "vlan=1"), 0);
	assert_int_equal(wish_setting(&s, "vlan-proto=802.1ad"), 0);
	assert_int_equal(wish_setting(&s, "vlan=2"), 0);
	assert_int_equal(strv_len(s), 2);
	assert_string_equal(s[0], "vlan=2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_in_order_and_once),
		cmocka_unit_test(a_key_is_set_once),
	};

	return cmocka_run_group_tests_name("wish", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Plans are pure: machines here are made of structs, and none is touched. */
#include "cm.h"
#include "made-plan.h"
#include "base/str.h"

#include <stdio.h>
#include <time.h>

static void wish_all(struct wishes *w, size_t pfs, unsigned vfs)
{
	for (size_t i = 0; i < pfs; i++) {
		struct pf_wish *pf = wishes_pf(w, bdf_of(i, 0));

		pf->num_vfs = (int)vfs;
		for (unsigned k = 0; k < vfs; k++) {
			struct vf_wish *v = pf_wish_vf(pf, k);
			autofree char *word = str_printf("vlan=%u", k + 1);

			assert_int_equal(wish_put(&v->driver, "vfio-pci"), 0);
			assert_int_equal(wish_setting(&v->settings, word), 0);
		}
	}
}

static const struct plan_opts consent = { .allow_destroy = true, .allow_in_use = true };

/* "num_vfs 0; eswitch-mode=switchdev; …" in the order of the plan. */
static char *order_of(const struct plan *p)
{
	autostrbuf b = { 0 };

	for (size_t i = 0; i < p->n; i++) {
		autofree char *text = action_text(&p->steps[i].todo);

		strbuf_add(&b, "%s", i ? "; " : "");
		if (p->steps[i].todo.vf != OF_ITSELF)
			strbuf_add(&b, "%d ", p->steps[i].todo.vf);
		strbuf_add(&b, "%s", text);
	}
	return strbuf_take(&b);
}

static void ordered(const char *driver, size_t vfs, unsigned want, const char *mode, const char *is)
{
	autowishes w = { 0 };
	autoplan p = { 0 };
	autofree char *order = NULL;
	autonow now = { 0 };
	struct pf_wish *pf;
	struct made_pfs m;

	make(&m, 1, vfs, driver);
	assert_int_equal(now_add(&now, bdf_of(0, 0), OF_ITSELF, "link=down"), 0);
	assert_int_equal(now_add(&now, bdf_of(0, 0), OF_ITSELF, "eswitch-mode=legacy"), 0);
	now_sort(&now);
	pf = wishes_pf(&w, bdf_of(0, 0));
	pf->num_vfs = (int)want;
	assert_int_equal(wish_put(&pf->eswitch_mode, mode), 0);
	assert_int_equal(plan_make(&m.inv, &now, &w, &consent, &p), 0);
	assert_null(plan_refusal(&p));
	order = order_of(&p);
	assert_string_equal(order, is);
	unmake(&m);
}

static void what_drivers_want(void **state UNUSED)
{
	ordered("igb", 0, 2, NULL, "2 VFs");
	ordered("bnxt_en", 0, 2, NULL, "link up; 2 VFs");
	ordered("ice", 0, 1, "switchdev", "eswitch-mode=switchdev; 1 VF");
	ordered("ice", 2, 2, "switchdev", "no VFs; eswitch-mode=switchdev; 2 VFs");
	ordered("mlx5_core", 0, 1, "switchdev",
		"1 VF; 0 unbind; eswitch-mode=switchdev; 0 restore");
	ordered("mlx5_core", 1, 1, "switchdev",
		"0 unbind; eswitch-mode=switchdev; 0 back to vfdrv");
}

static void nvme_resources_come_first(void **state UNUSED)
{
	autowishes w = { 0 };
	autoplan p = { 0 };
	autofree char *order = NULL;
	autonow now = { 0 };
	struct vf_wish *v;
	struct made_pfs m;

	make(&m, 1, 0, "nvme");
	m.inv.functions[0].class_word = "nvme";
	m.inv.functions[0].id.class_code = 0x010802;
	wishes_pf(&w, bdf_of(0, 0))->num_vfs = 1;
	v = pf_wish_vf(&w.v[0], 0);
	assert_int_equal(wish_put(&v->driver, "vfio-pci"), 0);
	assert_int_equal(wish_setting(&v->settings, "online=yes"), 0);
	assert_int_equal(wish_setting(&v->settings, "vq=2"), 0);
	assert_int_equal(wish_setting(&v->settings, "vi=1"), 0);
	assert_int_equal(plan_make(&m.inv, &now, &w, &consent, &p), 0);
	order = order_of(&p);
	assert_string_equal(order, "0 vq=2 vi=1; 1 VF; 0 online=yes; 0 bind to vfio-pci");
	unmake(&m);
}

/* "VF 0: a=b c=d, on DRIVER" of an existing VF that is bound. */
static void each_ordered(const char *words, const char *driver, const char *is)
{
	autofree char *list = strdup(words), *order = NULL;
	autowishes w = { 0 };
	autoplan p = { 0 };
	autonow now = { 0 };
	struct vf_wish *v;
	struct made_pfs m;
	char *rest = list;

	make(&m, 1, 1, "igb");
	v = pf_wish_vf(wishes_pf(&w, bdf_of(0, 0)), 0);
	for (char *word; (word = strsep(&rest, " "));)
		assert_int_equal(wish_setting(&v->settings, word), 0);
	if (driver)
		assert_int_equal(wish_put(&v->driver, driver), 0);
	assert_int_equal(plan_make(&m.inv, &now, &w, &consent, &p), 0);
	assert_null(plan_refusal(&p));
	order = order_of(&p);
	assert_string_equal(order, is);
	unmake(&m);
}

/* Whoever binds later sees them; what needs a VF without driver gets one, for that long. */
static void attributes_come_before_drivers(void **state UNUSED)
{
	each_ordered("vlan=7 mac=02:00:00:00:00:01", "vfio-pci",
		"0 vlan=7 mac=02:00:00:00:00:01; 0 bind to vfio-pci");
	each_ordered("msix=4", NULL, "0 unbind; 0 msix=4; 0 back to vfdrv");
	each_ordered("msix=4 vlan=7", "vfio-pci", "0 unbind; 0 msix=4 vlan=7; 0 bind to vfio-pci");
}

/* bnxt_en: brought up only where it is down, and only for VFs that come. */
static void link_only_when_needed(void **state UNUSED)
{
	autowishes w = { 0 };
	autoplan up = { 0 };
	autofree char *order = NULL;
	autonow now = { 0 };
	struct made_pfs m;

	make(&m, 1, 0, "bnxt_en");
	assert_int_equal(now_add(&now, bdf_of(0, 0), OF_ITSELF, "link=up"), 0);
	now_sort(&now);
	wishes_pf(&w, bdf_of(0, 0))->num_vfs = 2;
	assert_int_equal(plan_make(&m.inv, &now, &w, &consent, &up), 0);
	order = order_of(&up);
	assert_string_equal(order, "2 VFs");
	unmake(&m);
	ordered("bnxt_en", 2, 0, NULL, "no VFs");
}

/* From 2 to 3 with consent only, never when one is held, and what was set is set again. */
static void through_none(void **state UNUSED)
{
	autonow now = { .holders = { .v = calloc(1, sizeof(struct holder)), .n = 1 } };
	autoplan no = { 0 }, held = { 0 }, yes = { 0 };
	autofree char *order = NULL;
	autowishes w = { 0 };
	struct made_pfs m;

	make(&m, 1, 2, "igb");
	assert_int_equal(now_add(&now, bdf_of(0, 0), 1, "vlan=7"), 0);
	now.holders.v[0] = (struct holder) {
		.bdf = bdf_of(0, 1), .strength = HOLD_BLOCKS, .text = strdup("pid 4711 (qemu web1)")
	};
	now_sort(&now);
	wishes_pf(&w, bdf_of(0, 0))->num_vfs = 3;
	assert_int_equal(plan_make(&m.inv, &now, &w, &consent, &held), 0);
	assert_int_equal(plan_refusal(&held)->kind, PROBLEM_IN_USE);
	assert_non_null(strstr(plan_refusal(&held)->what, "pid 4711 (qemu web1)"));
	assert_int_equal(held.n, 0);
	assert_int_equal(held.groups[0].n_blast, 2);
	now.holders.v[0].bdf = bdf_of(9, 9);
	assert_int_equal(plan_make(&m.inv, &now, &w, &(struct plan_opts) { 0 }, &no), 0);
	assert_non_null(strstr(plan_refusal(&no)->hint, "--allow-destroy"));
	assert_int_equal(plan_make(&m.inv, &now, &w, &consent, &yes), 0);
	order = order_of(&yes);
	assert_string_equal(order, "3 VFs; 1 vlan=7");
	unmake(&m);
}

static uint64_t visits(size_t pfs, unsigned vfs, double *ret_ms)
{
	autowishes w = { 0 };
	autoplan p = { 0 };
	autonow now = { 0 };
	struct made_pfs m;
	clock_t begin;

	make(&m, pfs, 0, "igb");
	wish_all(&w, pfs, vfs);
	begin = clock();
	assert_int_equal(plan_make(&m.inv, &now, &w, &consent, &p), 0);
	*ret_ms = 1000.0 * (double)(clock() - begin) / CLOCKS_PER_SEC;
	assert_int_equal(p.n, pfs * (1 + 2 * vfs));
	unmake(&m);
	return p.visited;
}

/* Counted, for clocks lie on a busy machine; the time is only told. */
static void cost_is_linear(void **state UNUSED)
{
	double small_ms, big_ms;
	uint64_t small = visits(4, 16, &small_ms), big = visits(64, 64, &big_ms);

	assert_true(big <= small * 64 + 64);
	print_message("plan of 64 PFs with 64 VFs each: %.1f ms of CPU\n", big_ms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_drivers_want),
		cmocka_unit_test(nvme_resources_come_first),
		cmocka_unit_test(attributes_come_before_drivers),
		cmocka_unit_test(link_only_when_needed),
		cmocka_unit_test(through_none),
		cmocka_unit_test(cost_is_linear),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}

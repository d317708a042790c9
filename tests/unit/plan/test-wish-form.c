// SPDX-License-Identifier: GPL-2.0-or-later
/* Wishes as JSON: nothing is lost on the way, and nothing strange is taken. */
#include "cm.h"
#include "base/str.h"
#include "plan/wish.h"

#include <json-c/json.h>

static struct bdf at(const char *text)
{
	struct bdf a;

	assert_int_equal(bdf_parse(text, &a), 0);
	return a;
}

static void fill(struct wishes *w)
{
	struct pf_wish *pf = wishes_pf(w, at("0000:01:00.0"));
	struct vf_wish *vf;

	pf->num_vfs = 4;
	pf->autoprobe = 0;
	assert_int_equal(wish_put(&pf->source, "/etc/vfctl/pf.d/ü.conf:3"), 0);
	assert_int_equal(wish_put(&pf->eswitch_mode, "switchdev"), 0);
	assert_int_equal(wish_setting(&pf->settings, "encap-mode=basic"), 0);
	vf = pf_wish_vf(pf, 0);
	assert_int_equal(wish_put(&vf->driver, WISH_BEST_VFIO), 0);
	assert_int_equal(wish_put(&vf->override, WISH_NO_OVERRIDE), 0);
	assert_int_equal(wish_setting(&vf->settings, "mac=02:00:00:00:00:01"), 0);
	assert_int_equal(wish_setting(&vf->settings, "vlan=100"), 0);
	vf = pf_wish_vf(pf, 65535);
	assert_int_equal(wish_put(&vf->driver, WISH_NO_DRIVER), 0);
	assert_int_equal(wish_put(&vf->source, "command line"), 0);
	pf = wishes_pf(w, at("0001:02:1f.7"));
	assert_int_equal(wish_put(&pf->driver, "vfio-pci"), 0);
	assert_int_equal(wish_put(&pf->override, "vfio-pci"), 0);
}

static char *form_of(const struct wishes *w)
{
	json_object *j = wishes_to_form(w);
	char *text;

	assert_non_null(j);
	text = strdup(json_object_to_json_string_ext(j, JSON_C_TO_STRING_PLAIN));
	json_object_put(j);
	return text;
}

static int read_form(const char *text, struct wishes *ret, struct problem **reterr)
{
	json_object *j = json_tokener_parse(text);
	int r = wishes_from_form(j, ret, reterr);

	json_object_put(j);
	return r;
}

static void there_and_back(void **state UNUSED)
{
	autofree char *once = NULL, *twice = NULL;
	autowishes w = { 0 }, again = { 0 };

	fill(&w);
	once = form_of(&w);
	assert_int_equal(read_form(once, &again, NULL), 0);
	twice = form_of(&again);
	assert_string_equal(once, twice);
	assert_int_equal(again.n, 2);
	assert_int_equal(again.v[0].num_vfs, 4);
	assert_int_equal(again.v[0].autoprobe, 0);
	assert_string_equal(again.v[0].source, "/etc/vfctl/pf.d/ü.conf:3");
	assert_string_equal(again.v[0].eswitch_mode, "switchdev");
	assert_string_equal(again.v[0].settings[0], "encap-mode=basic");
	assert_null(again.v[0].driver);
	assert_int_equal(again.v[0].n_vfs, 2);
	assert_string_equal(again.v[0].vfs[0].driver, WISH_BEST_VFIO);
	assert_string_equal(again.v[0].vfs[0].override, "");
	assert_string_equal(again.v[0].vfs[0].settings[1], "vlan=100");
	assert_int_equal(again.v[0].vfs[1].index, 65535);
	assert_string_equal(again.v[0].vfs[1].driver, "");
	assert_null(again.v[0].vfs[1].override);
	assert_string_equal(again.v[0].vfs[1].source, "command line");
	assert_int_equal(again.v[1].num_vfs, WISH_LEAVE);
	assert_int_equal(again.v[1].autoprobe, WISH_LEAVE);
	assert_string_equal(again.v[1].override, "vfio-pci");
}

static void refused(void **state UNUSED)
{
#define F "\"function\":\"0000:01:00.0\""
	static const char *const bad[] = {
		"{}",
		"7",
		"[7]",
		"[{}]",
		"[{\"function\":7}]",
		"[{\"function\":\"x\"}]",
		"[{" F ",\"num_vfs\":-1}]",
		"[{" F ",\"num_vfs\":65536}]",
		"[{" F ",\"num_vfs\":\"4\"}]",
		"[{" F ",\"num_vfs\":null}]",
		"[{" F ",\"autoprobe\":2}]",
		"[{" F ",\"unknown\":1}]",
		"[{" F ",\"driver\":\"../../x\"}]",
		"[{" F ",\"driver\":\"a/b\"}]",
		"[{" F ",\"driver_override\":\"a b\"}]",
		"[{" F ",\"driver\":\"a\\u0000b\"}]",
		"[{" F ",\"source\":\"\\u001b[2J\"}]",
		"[{" F ",\"settings\":\"vlan=1\"}]",
		"[{" F ",\"settings\":[\"vlan\"]}]",
		"[{" F ",\"settings\":[\"=1\"]}]",
		"[{" F ",\"vfs\":{}}]",
		"[{" F ",\"vfs\":[{}]}]",
		"[{" F ",\"vfs\":[{\"index\":65536}]}]",
		"[{" F ",\"vfs\":[{\"index\":0,\"x\":1}]}]",
		"[{" F ",\"vfs\":[{\"index\":0},{\"index\":0}]}]",
		"[{" F "},{" F "}]",
		"[{" F
		",\"driver\":\"0123456789012345678901234567890123456789012345678901234567890123\"}]",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		autoproblem *p = NULL;
		autowishes w = { 0 };

		if (read_form(bad[i], &w, &p) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(p->kind, PROBLEM_USAGE);
		assert_int_equal(w.n, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests_name("wish-form", tests, NULL, NULL);
}

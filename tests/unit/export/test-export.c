// SPDX-License-Identifier: GPL-2.0-or-later
/* Names that would be markup, tokens, nodes: what the golden answers do not show. */
#include "cm.h"
#include "machine.h"
#include "export/export.h"

#include <json-c/json.h>

struct scene {
	struct host *h;
	struct inventory *inv;
	struct exported e;
	struct problem *why;
};

static struct scene look(void)
{
	struct scene s = { .h = machine("s2-vfio") };

	assert_int_equal(inventory_load(s.h, INVENTORY_GROUPS, &s.inv, NULL), 0);
	return s;
}

static void done(struct scene *s)
{
	exported_done(&s->e);
	problem_free(s->why);
	inventory_free(s->inv);
	host_free(s->h);
}
#define autoscene CLEANUP(done) struct scene

static int make(struct scene *s, const char *format, const char *address, struct export_opts opts)
{
	struct function *f = inventory_find_bdf(s->inv, at(address));

	assert_non_null(f);
	exported_done(&s->e);
	problem_free(s->why);
	s->why = NULL;
	return export_make(s->h, s->inv, export_format_find(format), &f, 1, &opts, &s->e, &s->why);
}

static void has(const struct scene *s, const char *part)
{
	if (!strstr(s->e.text, part))
		fail_msg("no %s in %s", part, s->e.text);
}

/* An interface may be called nearly anything. */
static void names_are_no_markup(void **state UNUSED)
{
	autoscene s = look();
	struct netdev *d;

	assert_int_equal(make(&s, "libvirt-network", "02:00.0", (struct export_opts) { 0 }), 0);
	has(&s, "<pf dev=\"eth1\"/>");
	d = (struct netdev *)(void *)(uintptr_t)s.e.v[0].f->netdevs;
	strcpy(d->name, "a'><b&\"");
	assert_int_equal(make(&s, "libvirt-network", "02:00.0", (struct export_opts) { 0 }), 0);
	has(&s, "<name>vfctl-a'&gt;&lt;b&amp;");
	has(&s, "<pf dev=\"a'&gt;&lt;b&amp;&quot;\"/>");
	/* What XML cannot say at all is said by addresses. */
	strcpy(d->name, "a\x1b[0m\xff");
	assert_int_equal(make(&s, "libvirt-network", "02:00.0", (struct export_opts) { 0 }), 0);
	has(&s, "<name>vfctl-0000:02:00.0</name>");
	has(&s, "<address type=\"pci\" domain=\"0x0000\" bus=\"0x02\" slot=\"0x10\" function=\"0x2\"/>");
	assert_null(strstr(s.e.text, "<pf"));
}

/* libvirt has to bind what is not on VFIO yet, and must not touch what is. */
static void who_binds(void **state UNUSED)
{
	autoscene s = look();
	struct function *vf = inventory_find_bdf(s.inv, at("02:10.0"));

	assert_int_equal(make(&s, "libvirt-network", "02:00.0", (struct export_opts) { 0 }), 0);
	has(&s, "managed=\"no\"");
	free(vf->driver);
	vf->driver = NULL;
	assert_int_equal(make(&s, "libvirt-network", "02:00.0", (struct export_opts) { 0 }), 0);
	has(&s, "managed=\"yes\"");
}

static void a_token_is_passed_or_missed(void **state UNUSED)
{
	static const char uuid[] = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
	autoscene s = look();
	struct function *pf = inventory_find_bdf(s.inv, at("02:00.0"));

	assert_int_equal(make(&s, "qemu", "02:10.0", (struct export_opts) { .vf_token = uuid }), 0);
	assert_null(strstr(s.e.text, uuid)); /* the kernel refuses a token that is not needed */
	free(pf->driver);
	pf->driver = strdup("vfio-pci");
	assert_int_equal(make(&s, "qemu", "02:10.0", (struct export_opts) { .vf_token = uuid }), 0);
	has(&s, uuid);
	assert_int_equal(make(&s, "qemu", "02:10.0", (struct export_opts) { 0 }), -EACCES);
	assert_int_equal(make(&s, "libvirt", "02:10.0", (struct export_opts) { .as_is = true }),
		-EOPNOTSUPP);
	assert_int_equal(
		make(&s, "libvirt-network", "02:00.0", (struct export_opts) { 0 }), -EOPNOTSUPP);
}

static void kinds_of_devices(void **state UNUSED)
{
	static const char *const bad[] = { "", "/", "a/", "/a", "a", "1a/b", "a/b-", "a/b/c",
		"a b/c", "a/\"b" };
	autoscene s = look();
	json_object *root, *kind;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(
			make(&s, "cdi", "02:10.0", (struct export_opts) { .kind = bad[i] }),
			-EINVAL);
		assert_int_equal(s.why->kind, PROBLEM_USAGE);
	}
	assert_int_equal(make(&s, "cdi", "02:10.0", (struct export_opts) { .kind = "a.b/C_1" }), 0);
	root = json_tokener_parse(s.e.text);
	assert_true(json_object_object_get_ex(root, "kind", &kind));
	assert_string_equal(json_object_get_string(kind), "a.b/C_1");
	json_object_put(root);
}

/* Linux has the folder vfio-dev since 6.1; without iommufd there is no device in it. */
static void nodes(void **state UNUSED)
{
	autoscene s = look();
	autostrv char **v = NULL, **w = NULL;

	assert_int_equal(make(&s, "qemu", "02:10.0", (struct export_opts) { .iommufd = -1 }), 0);
	assert_null(s.e.v[0].cdev);
	assert_string_equal(s.e.text, "-device vfio-pci,host=0000:02:10.0\n");
	assert_int_equal(export_nodes(&s.e.v[0], -1, &v), 0);
	assert_string_equal(v[0], "/dev/vfio/15");
	assert_string_equal(v[1], "/dev/vfio/vfio");
	s.e.v[0].cdev = strdup("vfio3");
	assert_int_equal(export_nodes(&s.e.v[0], -1, &w), 0);
	assert_string_equal(w[0], "/dev/vfio/devices/vfio3");
	assert_string_equal(w[1], "/dev/iommu");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_no_markup),
		cmocka_unit_test(who_binds),
		cmocka_unit_test(a_token_is_passed_or_missed),
		cmocka_unit_test(kinds_of_devices),
		cmocka_unit_test(nodes),
	};

	return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}

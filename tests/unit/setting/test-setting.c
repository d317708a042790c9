// SPDX-License-Identifier: GPL-2.0-or-later
/* The tables of all kinds, what is refused before anybody is asked, and what is learned. */
#include "set.h"
#include "netdev/vfattr.h"

#include <stdio.h>

#define PF "0000:01:00.0"
#define VF "0000:01:10.0"

static int setup(void **state)
{
	*state = fixture_new("s1-igb4-igbvf");
	assert_int_equal(host_link_set_up(((struct fixture *)*state)->h, 2, true), 0);
	return 0;
}

static int teardown(void **state)
{
	fixture_free(*state);
	return 0;
}

static void every_key_is_found_once(void **state UNUSED)
{
	const struct setting_key *key;

	for (unsigned i = 0; (key = setting_key_at(i)); i++) {
		assert_ptr_equal(setting_key_find(key->name), key);
		assert_true(strlen(key->takes) > 4);
		assert_true(strlen(setting_key_kind(key)) > 2);
		assert_true(key->level & (SETTING_OF_PF | SETTING_OF_VF));
		assert_true(key->type != SETTING_CHOICE || key->choices);
		assert_true((key->type != SETTING_NUMBER && key->type != SETTING_BYTES) ||
			    key->max > key->min);
		assert_true(key->when != SETTING_BEFORE_VFS || key->level == SETTING_OF_PF);
	}
	assert_ptr_equal(setting_key_find("vlan=100"), setting_key_find("vlan"));
	assert_null(setting_key_find("vla"));
	assert_null(setting_key_find("vlans"));
	assert_null(setting_key_find(""));
}

/* The netlink table is another room's: both say the same. */
static void network_is_what_netlink_has(void **state UNUSED)
{
	const struct setting_key *key;
	const struct vfattr *a;
	unsigned n = 0;

	for (unsigned i = 0; (a = vfattr_at(i)); i++, n++) {
		key = setting_key_find(vfattr_name(a));
		assert_non_null(key);
		assert_string_equal(key->takes, vfattr_help(a));
		assert_string_equal(setting_key_kind(key), "network");
	}
	for (unsigned i = 0; (key = setting_key_at(i)); i++)
		n -= str_eq(setting_key_kind(key), "network");
	assert_int_equal(n, 0);
}

static void values_have_one_form(void **state UNUSED)
{
	static const char *const rows[][2] = {
		{ "vlan=none", "0" },
		{ "vlan=0x10", "16" },
		{ "trust=yes", "on" },
		{ "mac=02:AA:00:00:00:0F", "02:aa:00:00:00:0f" },
		{ "link-state=no", "disable" },
		{ "proto=802.1Q", "802.1q" },
		{ "node-guid=00:11:22:33:44:55:66:FF", "00:11:22:33:44:55:66:ff" },
		{ "online=on", "yes" },
		{ "vq=007", "7" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autofree char *value = NULL, *again = NULL, *word = NULL;

		assert_int_equal(setting_value(rows[i][0], &value, NULL), 0);
		assert_string_equal(value, rows[i][1]);
		word = str_printf("%.*s=%s", (int)strcspn(rows[i][0], "="), rows[i][0], value);
		assert_int_equal(setting_value(word, &again, NULL), 0);
		assert_string_equal(again, value);
	}
}

static void what_can_never_be_right(void **state UNUSED)
{
	static const char *const bad[][2] = { { "vlan" }, { "" }, { "=" }, { "nosuch=1" },
		{ "vlan=1", "vlan=2" }, { "vlan=1", "vq=2" }, { "vq=65536" }, { "vq=-1" },
		{ "online=perhaps" }, { "mac=\033[2J" }, { "trust=on", "mac=" } };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		autoproblem *p = NULL;

		assert_int_equal(settings_check(bad[i], bad[i][1] ? 2 : 1, &p), -EINVAL);
		assert_int_equal(p->kind, PROBLEM_USAGE);
		assert_null(strchr(p->what, '\033'));
	}
}

static void a_typo_is_answered(void **state UNUSED)
{
	const char *word = "spoofcheck=on";
	autoproblem *p = NULL;

	assert_int_equal(settings_check(&word, 1, &p), -EINVAL);
	assert_string_equal(problem_best_hint(p), "did you mean spoofchk?");
}

static int suit(struct fixture *f, const char *address, const char *word, char **ret_what)
{
	autoproblem *p = NULL;
	int r = settings_suit(function_at(f, address), &word, 1, &p);

	*ret_what = problem_text(p);
	return r;
}

static void who_can_have_it(void **state)
{
	autofree char *a = NULL, *b = NULL, *c = NULL;
	struct fixture *f = *state;

	assert_int_equal(suit(f, VF, "vlan=1", &a), 0);
	assert_int_equal(suit(f, PF, "vlan=1", &b), -ENODEV);
	assert_string_equal(b, PF " is not a VF: vlan is set for VFs");
	assert_int_equal(suit(f, VF, "vq=1", &c), -EOPNOTSUPP);
}

static void values_are_read(void **state)
{
	struct fixture *f = *state;
	autofree char *none = NULL;

	assert_int_equal(set(f, VF, "vlan=100"), 1);
	assert_value(f, VF, "vlan", "100");
	assert_int_equal(set(f, VF, "vlan=100"), 0);
	assert_value(f, VF, "spoofchk", "on");
	assert_int_equal(
		setting_read(f->h, function_at(f, VF), "query-rss", &none, NULL), -ENODATA);
	assert_int_equal(setting_read(f->h, function_at(f, PF), "vlan", &none, NULL), -ENODEV);
	assert_int_equal(setting_read(f->h, function_at(f, VF), "nosuch", &none, NULL), -EINVAL);
}

/* igb tells the link state and refuses to set it: known only when somebody has tried. */
static void answers_are_learned(void **state)
{
	struct fixture *f = *state;
	struct support s;

	assert_int_equal(support_of(f, VF, "link-state").s, SETTING_UNKNOWN);
	assert_int_equal(set(f, VF, "link-state=enable"), -EOPNOTSUPP);
	s = support_of(f, VF, "link-state");
	assert_int_equal(s.s, SETTING_UNSUPPORTED);
	assert_string_equal(s.why, "igb refused it before on this kernel: Operation not supported");
	assert_int_equal(set(f, VF, "trust=on"), 1);
	assert_int_equal(support_of(f, VF, "trust").s, SETTING_SUPPORTED);
	/* Of all VFs of that driver, and on this kernel only. */
	assert_int_equal(support_of(f, "0000:01:10.2", "trust").s, SETTING_SUPPORTED);
	fake_put(f->h, "6.13.0\n", "/proc/sys/kernel/osrelease");
	assert_int_equal(support_of(f, VF, "trust").s, SETTING_UNKNOWN);
}

/* A value that is refused says nothing about the key, nor does the protocol about the VLAN. */
static void a_refused_value_is_not_a_refused_key(void **state)
{
	struct fixture *f = *state;
	const char *both[] = { "vlan=7", "proto=802.1ad" };
	struct setting_opts opts = { .learned_dir = f->dir };

	assert_int_equal(set(f, VF, "min-rate=5"), -EINVAL);
	assert_int_equal(support_of(f, VF, "min-rate").s, SETTING_UNKNOWN);
	assert_int_equal(
		settings_apply(f->h, function_at(f, VF), both, 2, &opts, NULL), -EPROTONOSUPPORT);
	assert_int_equal(support_of(f, VF, "vlan").s, SETTING_UNKNOWN);
	assert_int_equal(support_of(f, VF, "proto").s, SETTING_UNSUPPORTED);
}

/* What was learned keeps nobody from trying, and the newest answer counts. */
static void a_fresh_success_wins(void **state)
{
	struct fixture *f = *state;

	fake_fail_nth(f->h, FAKE_LINK_SET_VF, 1, -EOPNOTSUPP);
	assert_int_equal(set(f, VF, "trust=on"), -EOPNOTSUPP);
	assert_int_equal(support_of(f, VF, "trust").s, SETTING_UNSUPPORTED);
	assert_int_equal(set(f, VF, "trust=on"), 1);
	assert_int_equal(support_of(f, VF, "trust").s, SETTING_SUPPORTED);
}

static void a_dry_run_learns_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set_with(f, VF, "trust=on", true, false), 1);
	assert_int_equal(support_of(f, VF, "trust").s, SETTING_UNKNOWN);
	assert_value(f, VF, "trust", "off");
}

/* The state folder cannot be written, or holds nonsense: it is of no use, and no harm. */
static void bad_memory(void **state)
{
	struct fixture *f = *state;
	autofree char *path = str_printf("%s/igb@6.12.95-amd64", f->dir);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs("trust\nlink-state maybe\nmac no\n\n \nquery-rss no x\nvlan", file);
	fclose(file);
	assert_int_equal(support_of(f, VF, "trust").s, SETTING_UNKNOWN);
	assert_int_equal(support_of(f, VF, "link-state").s, SETTING_UNKNOWN);
	assert_int_equal(set(f, VF, "trust=on"), 1);
	assert_int_equal(support_of(f, VF, "trust").s, SETTING_SUPPORTED);
	strcpy(f->dir, "/proc/nosuch");
	assert_int_equal(set(f, VF, "trust=off"), 1);
	assert_int_equal(support_of(f, VF, "trust").s, SETTING_UNKNOWN);
}

/* The PF's interface does not know the VF any more: that is told, not "was so". */
static void a_vf_that_went(void **state)
{
	struct setting_opts opts = { 0 };
	struct fixture *f = *state;
	const char *word = "trust=on";
	autoproblem *p = NULL;

	fake_fail_nth(f->h, FAKE_LINK_VFS, 1, -ENOENT);
	assert_int_equal(settings_apply(f->h, function_at(f, VF), &word, 1, &opts, &p), -ENOENT);
	assert_non_null(p);
}

static void a_pf_without_interface(void **state)
{
	struct fixture *f = *state;

	fake_vanish(f->h, "/sys/class/net/eth0");
	look_again(f);
	assert_int_equal(support_of(f, VF, "mac").s, SETTING_UNSUPPORTED);
	assert_int_equal(set(f, VF, "trust=on"), -ENODEV);
}

static void a_plain_function_has_none(void **state)
{
	struct fixture *f = *state;
	autosettings s = { 0 };

	assert_int_equal(settings_supported(f->h, function_at(f, "0000:00:1f.0"), f->dir, &s), 0);
	assert_int_equal(s.n, 0);
}

static void only_own_values_are_unique(void **state UNUSED)
{
	const char *words[] = { "vlan=1", "mac=02:00:00:00:00:01" };

	assert_ptr_equal(settings_unique(words, 2), words[1]);
	assert_null(settings_unique(words, 1));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_is_found_once),
		cmocka_unit_test(network_is_what_netlink_has),
		cmocka_unit_test(values_have_one_form),
		cmocka_unit_test(what_can_never_be_right),
		cmocka_unit_test(a_typo_is_answered),
		T(who_can_have_it),
		T(values_are_read),
		T(answers_are_learned),
		T(a_refused_value_is_not_a_refused_key),
		T(a_fresh_success_wins),
		T(a_dry_run_learns_nothing),
		T(bad_memory),
		T(a_vf_that_went),
		T(a_pf_without_interface),
		T(a_plain_function_has_none),
		cmocka_unit_test(only_own_values_are_unique),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

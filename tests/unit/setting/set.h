/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine of the fake kernel, its functions, and setting one word at a time. */
#pragma once

#include "cm.h"
#include "machine.h"
#include "fake/fake.h"
#include "inventory/inventory.h"
#include "setting/setting.h"

#include <stdio.h>

struct fixture {
	struct host *h;
	struct inventory *inv;
	char dir[64]; /* what drivers answered */
	int code;     /* of the last word tried */
	char *what;   /* and its problem */
	enum problem_kind kind;
	unsigned told;
};

static inline UNUSED void look_again(struct fixture *f)
{
	inventory_free(f->inv);
	f->inv = NULL;
	assert_int_equal(inventory_load(f->h, INVENTORY_SRIOV, &f->inv, NULL), 0);
}

static inline UNUSED struct fixture *fixture_new(const char *capture)
{
	struct fixture *f = calloc(1, sizeof(*f));
	autofree char *path = str_printf(HOSTS_DIR "/%s.tar.gz", capture);

	assert_non_null(f);
	f->h = fake_kernel_new(path);
	fake_put(f->h, "6.12.95-amd64\n", "/proc/sys/kernel/osrelease");
	strcpy(f->dir, "/tmp/vfctl-learned-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	look_again(f);
	return f;
}

static inline UNUSED void fixture_free(struct fixture *f)
{
	autofree char *rm = str_printf("rm -rf '%s'", f->dir);

	inventory_free(f->inv);
	host_free(f->h);
	assert_int_equal(system(rm), 0);
	free(f->what);
	free(f);
}

static inline UNUSED const struct function *function_at(struct fixture *f, const char *address)
{
	const struct function *found = inventory_find_bdf(f->inv, at(address));

	assert_non_null(found);
	return found;
}

static void keep_result(void *arg, const struct function *vf UNUSED, const char *word UNUSED,
	int code, struct problem *p)
{
	struct fixture *f = arg;

	f->told++;
	f->code = code;
	free(f->what);
	f->what = problem_text(p);
	f->kind = p ? p->kind : PROBLEM_KINDS;
	problem_free(p);
}

static inline UNUSED int set_with(
	struct fixture *f, const char *address, const char *word, bool dry_run, bool in_use)
{
	struct setting_opts opts = { .dry_run = dry_run,
		.allow_in_use = in_use,
		.learned_dir = f->dir,
		.result = keep_result,
		.arg = f };
	const struct function *fn = function_at(f, address);

	f->told = 0;
	assert_int_equal(settings_check(&word, 1, NULL), 0);
	assert_int_equal(settings_suit(fn, &word, 1, NULL), 0);
	return settings_apply(f->h, fn, &word, 1, &opts, NULL);
}

static inline UNUSED int set(struct fixture *f, const char *address, const char *word)
{
	return set_with(f, address, word, false, false);
}

/* The value as setting_read() tells it; NULL when it does not. */
static inline UNUSED char *value_of(struct fixture *f, const char *address, const char *key)
{
	char *value = NULL;

	if (setting_read(f->h, function_at(f, address), key, &value, NULL) < 0)
		return NULL;
	return value;
}

static inline UNUSED void assert_value(
	struct fixture *f, const char *address, const char *key, const char *expected)
{
	autofree char *value = value_of(f, address, key);

	assert_non_null(value);
	assert_string_equal(value, expected);
}

struct support {
	enum setting_support s;
	char why[200];
};

static inline UNUSED struct support support_of(
	struct fixture *f, const char *address, const char *key)
{
	struct support r = { .s = SETTING_UNKNOWN };
	autosettings all = { 0 };

	assert_int_equal(settings_supported(f->h, function_at(f, address), f->dir, &all), 0);
	for (size_t i = 0; i < all.n; i++)
		if (str_eq(all.v[i].key->name, key)) {
			r.s = all.v[i].support;
			snprintf(r.why, sizeof(r.why), "%s", all.v[i].why ? all.v[i].why : "");
			return r;
		}
	fail_msg("%s has no %s", address, key);
	return r;
}

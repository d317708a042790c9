/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handles on captured machines and on the fake kernel, for tests of the public calls. */
#pragma once

#include "cm.h"
#include "api/handle.h"
#include "base/str.h"
#include "fake/fake.h"

static inline UNUSED struct vfctl_host *captured(const char *name)
{
	autofree char *path = str_printf(HOSTS_DIR "/%s.tar.gz", name);
	struct vfctl_host *h = NULL;

	assert_int_equal(vfctl_host_open_captured(path, &h, NULL), 0);
	return h;
}

/* Nothing is kept of what is done to it. */
static inline UNUSED struct vfctl_host *fake_machine(const char *name, struct host **ret)
{
	autofree char *path = str_printf(HOSTS_DIR "/%s.tar.gz", name);
	struct vfctl_host *h = NULL;

	*ret = fake_kernel_new(path);
	assert_int_equal(api_host_new(*ret, &h), 0);
	assert_int_equal(vfctl_host_set_state_dir(h, NULL), 0);
	assert_int_equal(vfctl_host_set_run_dir(h, NULL), 0);
	return h;
}

static inline UNUSED struct vfctl_snapshot *picture(struct vfctl_host *h)
{
	struct vfctl_snapshot *s = NULL;

	assert_int_equal(vfctl_snapshot_take(h, &s, NULL), 0);
	return s;
}

static inline UNUSED const struct vfctl_function *find(
	struct vfctl_host *h, const struct vfctl_snapshot *s, const char *selector)
{
	const struct vfctl_function *f = NULL;

	assert_int_equal(vfctl_snapshot_find(h, s, selector, &f, NULL), 0);
	return f;
}

/* NULL: none. */
static inline UNUSED void driver_is(struct host *h, const char *address, const char *want)
{
	autofree char *have = fake_driver(h, address);

	assert_true(str_eq(have, want));
}

/* Of an error that is then freed. */
static inline UNUSED void assert_kind(struct vfctl_error **e, const char *kind)
{
	assert_non_null(*e);
	assert_string_equal(vfctl_error_kind(*e), kind);
	vfctl_error_free(*e);
	*e = NULL;
}

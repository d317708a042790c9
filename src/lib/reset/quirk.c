// SPDX-License-Identifier: GPL-2.0-or-later
#include "quirk.h"

#include "base/str.h"

/*
 * What a driver's reset_prepare handler cannot cope with. It runs under the locks of the device and
 * of the bridge above, so that a handler that does not return takes those with it for ever.
 */
static const struct quirk {
	const char *driver;
	bool needs_up; /* its interface must be up */
} quirks[] = {
	/* igbvf_io_prepare() calls igbvf_down(), whose napi_disable() waits for what is disabled
	 * already while the interface is down (seen on Linux 6.12.95). */
	{ "igbvf", true },
};

static const struct quirk *find(const char *driver)
{
	for (size_t i = 0; driver && i < ARRAY_SIZE(quirks); i++)
		if (str_eq(quirks[i].driver, driver))
			return &quirks[i];
	return NULL;
}

/* The name of an interface of the function that is down; NULL: none, or nobody can tell. */
static char *interface_that_is_down(struct host *h, const struct function *f)
{
	autofree struct netdev *v = NULL;
	size_t n = 0;

	if (netdevs_of(h, f->bdf, &v, &n) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct host_link link;

		if (host_link_get(h, v[i].ifindex, &link) == 0 && !link.up)
			return str_printable(v[i].name);
	}
	return NULL;
}

int reset_quirk_refuse(struct host *h, const struct function *f, struct problem **reterr)
{
	const struct quirk *q = find(f->driver);
	autofree char *down = q && q->needs_up ? interface_that_is_down(h, f) : NULL;

	if (!down)
		return 0;
	problem(reterr, -EBUSY, PROBLEM_IN_USE, NULL,
		"%s: %s never comes back from a reset while its interface %s is down", f->address,
		f->driver, down);
	problem_hint(reterr, "vfctl unbind %s before, or set %s up", f->address, down);
	return -EBUSY;
}

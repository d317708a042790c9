/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever libvirt, or somebody else, hands to a hook: it ends, and what is taken is usable. */
#include "fuzz.h"

#include "base/str.h"
#include "domain/domain.h"

static void check_wish(const struct domain_assign *a)
{
	if (a->wrong) {
		if (!str_is_printable(a->wrong))
			__builtin_trap();
		return;
	}
	if (!a->pool || !*a->pool || !str_is_printable(a->pool) || !a->count ||
		a->count > DOMAIN_COUNT_MAX || (a->fallback == INSTEAD_NONE) != !a->fallback_name)
		__builtin_trap();
	STRV_FOREACH (word, a->settings)
		if (!strchr(*word, '=') || !str_is_printable(*word))
			__builtin_trap();
}

static void check(const struct domain *d)
{
	if (!d->name || !str_is_printable(d->name) || (d->uuid && !str_is_uuid(d->uuid)))
		__builtin_trap();
	for (size_t i = 0; i < d->n_devices; i++) {
		const struct domain_device *x = &d->devices[i];

		if (x->bdf.dev > 0x1f || x->bdf.fn > 7 ||
			(x->driver && !str_is_printable(x->driver)))
			__builtin_trap();
	}
	for (size_t i = 0; i < d->n_assigns; i++)
		check_wish(&d->assigns[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autodomain d = { 0 };

	if (domain_parse((const char *)data, size, &d) == 0)
		check(&d);
	return 0;
}

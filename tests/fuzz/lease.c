/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever a claim's record says: what is taken of it is whole, and is the same when written anew.
 */
#include "fuzz.h"

#include "base/str.h"
#include "lease/lease.h"

static void check(const struct lease *l)
{
	autofree char *text = lease_to_json(l), *again = NULL;
	CLEANUP(lease_done) struct lease copy = { 0 };

	if (!l->owner.id || !l->driver || !l->override || !str_is_printable(l->owner.id) ||
		(l->node && (*l->node == '/' || strstr(l->node, ".."))))
		__builtin_trap();
	if (!text || lease_from_json(text, &copy) < 0)
		__builtin_trap();
	again = lease_to_json(&copy);
	if (!str_eq(text, again))
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *text = strndup((const char *)data, size);
	CLEANUP(lease_done) struct lease l = { 0 };

	if (text && lease_from_json(text, &l) == 0)
		check(&l);
	return 0;
}

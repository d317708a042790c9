/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words that users write: whatever is accepted must come back the same when written again. */
#include "fuzz.h"

#include "base/bdf.h"
#include "base/mac.h"
#include "select/vfrange.h"

static void address(const char *s)
{
	struct bdf a, again;
	char text[BDF_TEXT_MAX];

	if (bdf_parse(s, &a) < 0)
		return;
	if (bdf_parse(bdf_format(a, text), &again) < 0 || !bdf_eq(a, again))
		__builtin_trap();
}

static void mac(const char *s)
{
	struct mac m, again;
	char text[MAC_TEXT_MAX];

	if (mac_parse(s, &m) < 0)
		return;
	if (mac_parse(mac_format(m, text), &again) < 0 || memcmp(&m, &again, sizeof(m)) != 0)
		__builtin_trap();
}

static void ranges(const char *s)
{
	autovf_ranges r = { 0 };

	if (vf_ranges_parse(s, &r) <= 0)
		return;
	if (!r.pf || !r.pf[0] || !r.n)
		__builtin_trap();
	for (size_t i = 0; i < r.n; i++)
		if (r.v[i].first > r.v[i].last || r.v[i].last > VF_INDEX_MAX)
			__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *s = strndup((const char *)data, size);

	if (!s)
		return 0;
	address(s);
	mac(s);
	ranges(s);
	return 0;
}

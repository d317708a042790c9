// SPDX-License-Identifier: GPL-2.0-or-later
#include "identity.h"
#include "record.h"

#include "base/str.h"

int identity_fingerprint(struct host *h, struct bdf a, char **ret)
{
	autopfidentity now = { 0 };
	int r = pf_identity_read(h, a, &now);
	char *text;

	if (r < 0)
		return r;
	text = record_text(&now);
	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

int identity_is(struct host *h, struct bdf a, const char *fingerprint, char **ret_why)
{
	autopfidentity was = { 0 }, now = { 0 };
	int r = record_parse(fingerprint, strlen(fingerprint), a, &was);

	if (r == 0)
		r = pf_identity_read(h, a, &now);
	return r < 0 ? r : record_compare(&was, &now, ret_why);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* The end of a list of holders: for who never looks for any, and so needs nothing of the search. */
#include "holder.h"

#include "base/str.h"

void holders_done(struct holders *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].command);
		free(s->v[i].vm_name);
		free(s->v[i].text);
	}
	free(s->v);
	strv_free(s->unknown);
	*s = (struct holders) { 0 };
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "host.h"
#include "given.h"

void host_free(struct host *h)
{
	if (!h)
		return;
	host_forget_given(h);
	h->ops->free(h);
}

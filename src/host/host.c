// SPDX-License-Identifier: GPL-2.0-or-later
#include "host.h"

void host_free(struct host *h)
{
	if (h)
		h->ops->free(h);
}

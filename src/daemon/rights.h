/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of root's power is kept. */
#pragma once

#include <stdbool.h>

/*
 * Of the capabilities those alone stay that workers need, for whom no more can come by exec; `idle`
 * then takes all from the process itself: the loop needs none. Workers that it starts itself get
 * them back by their exec, unless it is `for_good`. Without capabilities (a plain user's daemon)
 * nothing is done. -errno.
 */
int rights_limit(void);
int rights_idle(bool for_good);

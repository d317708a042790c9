/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What devlink says of a device, as text: how a captured machine keeps it, in the file
 * vfctl/devlink/ADDRESS of each PF. One line each, numbers apart by one blank, -1 what is not told:
 *
 *   eswitch CODE MODE INLINE ENCAP             CODE: 0, or the errno that the question got
 *   ports CODE
 *   port INDEX FLAVOUR PF VF CONTROLLER EXTERNAL IFINDEX NETDEV|- STATE OPSTATE CAPS-KNOWN CAPS
 *        MAX-IO-EQS ADDRESS|-                  (in one line)
 *   rate PORT CODE SHARE MAX PRIORITY WEIGHT
 *   reporter NAME ERROR ERRORS RECOVERIES
 *
 * Lines that are not understood are skipped.
 */
#pragma once

#include "base/str.h"
#include "host.h"

/* Asks the machine about one device, "0000:3b:00.0". */
void devlinkfacts_add(struct host *h, const char *address, struct strbuf *to);

/* On a captured machine. -EROFS: the capture does not tell; to set something, always. */
extern const struct devlink_ops devlink_captured_ops;

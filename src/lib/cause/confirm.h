/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What confirms a cause: each looks at the machine as it is after a failure. 1 and the fact in
 * *ret; 0 it is not so, or cannot be known. Some are also what checks are made of.
 */
#pragma once

#include "cause.h"

#define CONFIRM(name) int name(struct host *h, const struct cause_query *q, struct fact *ret)
CONFIRM(no_vfs_allowed);
CONFIRM(more_than_total);
CONFIRM(has_vfs);
CONFIRM(has_no_driver);
CONFIRM(has_driver);
CONFIRM(vfio_without_sriov);
CONFIRM(vf_bar_unassigned);
CONFIRM(bar_unassigned);
CONFIRM(no_bus_numbers);
CONFIRM(device_gone);
CONFIRM(vf_on_vfio);
CONFIRM(interface_down);
CONFIRM(locked_down);
CONFIRM(vfio_without_group);
CONFIRM(vfio_on_bridge);
CONFIRM(vfio_with_vfs);
CONFIRM(group_on_vfio);
CONFIRM(group_blocked);
CONFIRM(override_elsewhere);
CONFIRM(autoprobe_off);
CONFIRM(nvme_vf);
CONFIRM(not_on_vfio);
CONFIRM(pf_on_vfio);
CONFIRM(no_interrupt_remapping);
CONFIRM(firmware_owns_memory);
CONFIRM(memlock_limited);
CONFIRM(dma_entries_limited);
CONFIRM(knows_no_reset);
CONFIRM(asleep);
#undef CONFIRM

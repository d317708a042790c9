/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Proof on the real function that it can be given away: its group opens, only mapped memory is in
 * its reach, interrupts arrive, a reset leaves it clean. No disk is written.
 */
#ifndef VFCTL_TEST_H
#define VFCTL_TEST_H

#include "act.h"
#include "report.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The function (by address) has to be on a VFIO driver and held by nobody; it is reset several
 * times. `vf_token` is the UUID of a VF whose PF is on vfio-pci, else NULL. Flags: VFCTL_NO_FAULTS.
 * What keeps the function from being tested, and what it fails, is in the report and no error. Its
 * class (an NVMe controller, an Intel 82576, another) decides what can be tried. Takes seconds;
 * while it waits, vfctl_host_set_progress() is told. -ENOENT: there is no such function.
 */
VFCTL_PUBLIC int vfctl_test(struct vfctl_host *host, const char *function, const char *vf_token,
	unsigned flags, struct vfctl_report **ret, struct vfctl_error **reterr);

#ifdef __cplusplus
}
#endif
#endif

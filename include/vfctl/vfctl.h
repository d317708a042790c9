/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libvfctl: PCI functions, SR-IOV and VFIO, from the host to the guest. Link with
 * `pkg-config --cflags --libs libvfctl`. All names begin with vfctl_; structs are opaque. There is
 * a header for each noun; libvfctl(3) lists all calls.
 */
#ifndef VFCTL_VFCTL_H
#define VFCTL_VFCTL_H

#include "act.h"
#include "capture.h"
#include "check.h"
#include "detail.h"
#include "error.h"
#include "holder.h"
#include "host.h"
#include "import.h"
#include "plan.h"
#include "policy.h"
#include "report.h"
#include "reset.h"
#include "setting.h"
#include "snapshot.h"
#include "test.h"
#include "topology.h"
#include "watch.h"

#endif

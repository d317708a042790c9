/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libvfctl: PCI functions, SR-IOV and VFIO, from the host to the guest. Link with
 * `pkg-config --cflags --libs libvfctl`. All names begin with vfctl_; structs are opaque.
 */
#ifndef VFCTL_VFCTL_H
#define VFCTL_VFCTL_H

#include "act.h"
#include "error.h"
#include "host.h"
#include "plan.h"
#include "snapshot.h"

#endif

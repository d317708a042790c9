/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VFIO drivers that know a device (and so its live migration) better than vfio-pci does. They say
 * which functions they take by module aliases that begin with "vfio_pci:", in the form of the
 * bus's own; vfio-pci has one too, of nothing but wildcards. The alias that fits with the fewest
 * wildcards wins, the first of several (Documentation/driver-api/vfio.rst, and as libvirt does).
 */
#pragma once

#include "base/bdf.h"
#include "host/host.h"

/*
 * The name of the best driver's module for a function; *ret NULL: vfio-pci alone, also where the
 * kernel's aliases are not known. Negative: a failing look.
 */
int variant_module(struct host *h, struct bdf a, char **ret);
/*
 * The PCI driver of that module: not always of the module's name, so it is known for sure only
 * while the module is loaded; until then the module's name.
 */
int variant_driver(struct host *h, const char *module, char **ret);

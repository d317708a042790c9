/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devlink of functions: the eswitch of a PF, and its ports, which in switchdev mode are the VFs'
 * other ends, with an interface each (the representor). Errors as in host/devlink.h; -EROFS on a
 * captured machine, which does not have what devlink tells.
 */
#pragma once

#include "host/devlink.h"
#include "inventory/inventory.h"

int port_eswitch(struct host *h, const struct function *pf, struct devlink_eswitch *ret);
/* All ports of the PF's device; the array is the caller's (free). */
int port_list(struct host *h, const struct function *pf, struct devlink_port **ret, size_t *ret_n);
/* That of a VF. -ENOENT: it has none, as in legacy mode. */
int port_of_vf(struct host *h, const struct function *vf, struct devlink_port *ret);
/* Whether `port` is the one of VF `index` of the device's PF. */
bool port_is_of_vf(const struct devlink_port *port, unsigned index);
int port_rate(struct host *h, const struct function *pf, unsigned port, struct devlink_rate *ret);
/* The array is the caller's (free). */
int port_reporters(
	struct host *h, const struct function *pf, struct devlink_reporter **ret, size_t *ret_n);

int port_set_eswitch(struct host *h, const struct function *pf, const struct devlink_eswitch *to,
	struct devlink_says *says);
int port_set_function(struct host *h, const struct function *pf, unsigned port,
	const struct devlink_function *to, struct devlink_says *says);
int port_set_rate(struct host *h, const struct function *pf, unsigned port,
	const struct devlink_rate *to, struct devlink_says *says);

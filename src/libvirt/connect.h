/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection to libvirt, and what it says when something fails. Calls may block for as long as
 * libvirtd does: whoever must not wait runs them in a process that can be killed.
 *
 * Source: libvirt's API, as libvirt-domain.h, libvirt-network.h and virterror.h describe it.
 */
#pragma once

#include "base/problem.h"

#include <libvirt/libvirt.h>
#include <stdbool.h>

#define VIRT_URI "qemu:///system"

/* `uri` NULL: VIRT_URI. PROBLEM_PERMISSION, PROBLEM_NOT_FOUND: nobody is there. */
int virt_connect(const char *uri, virConnectPtr *ret, struct problem **reterr);
static inline void virt_closep(virConnectPtr *c)
{
	if (*c)
		virConnectClose(*c);
}
#define autovirt CLEANUP(virt_closep) virConnectPtr

/* What libvirt said last: "what: its words". Negative. */
int virt_problem(struct problem **reterr, const char *what, ...) PRINTF(2, 3);
/* Whether what failed last did so with this error (VIR_ERR_NO_NETWORK). */
bool virt_failed_with(int code);

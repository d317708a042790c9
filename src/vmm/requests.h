/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may be asked of a running guest on its control socket:
 *
 *	{"cmd":"status"}	name, pid, devices
 *	{"cmd":"stats"}		the line of --status, as it is now
 *	{"cmd":"stop"}		presses the power button; with "force":true the guest ends here
 *	{"cmd":"container"}	the answer brings VFIO's container or iommufd, if there is one, so
 *that the next function's group can be put into it
 *	{"cmd":"attach"}	"name", "on_loss"; with it come the function's descriptor, its
 *				group's, and a new container's if there was none
 *	{"cmd":"detach"}	"name", "force", "wait_ms"; answered when the function has gone,
 *				or the guest did not let go of it in time
 */
#pragma once

#include "base/problem.h"
#include "vmm/devices/devices.h"
#include "vmm/machine/report.h"

struct requests;

struct requests_params {
	struct loop *loop;
	int socket; /* listening */
	const struct options *options;
	struct devices *devices;
	/* What the line of --status would say, but for the end. */
	void (*describe)(void *arg, struct report *ret);
	void (*stop)(void *arg, const char *why);
	void *arg;
};

/* Takes the socket over on success. */
int requests_new(const struct requests_params *params, struct requests **ret);
/* See control_knows_nobody(). */
void requests_knows_nobody(struct requests *r);
void requests_free(struct requests *r);

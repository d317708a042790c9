/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a running domain still has to be given for its wishes (<vfctl:assign>): of what is claimed
 * for it, and for the rest what it wants instead. Pure.
 */
#pragma once

#include "domain/domain.h"
#include "host/host.h"
#include "lease/lease.h"

struct wish_device {
	char *xml;  /* an element, as libvirt attaches it */
	char *what; /* "attach 0000:01:10.0", "attach virtio on bridge br0 instead" */
	/* Nothing is there to be attached: that is missing. */
	struct problem *missing;
};

struct wish_devices {
	struct wish_device *v;
	size_t n;
};

void wish_devices_done(struct wish_devices *s);
#define autowishdevices CLEANUP(wish_devices_done) struct wish_devices

/* Whether it is that domain's, and held. */
bool wish_is_claim_of(struct host *h, const struct domain *d, const struct lease *l);
/*
 * In the order of the wishes. `d` is the domain as it runs: what it has of them already is left
 * out. -ENOMEM.
 */
int wish_devices(
	struct host *h, const struct domain *d, const struct leases *all, struct wish_devices *ret);

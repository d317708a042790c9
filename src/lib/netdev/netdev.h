/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network interfaces that belong to PCI functions. An interface is its index: names change under
 * one's feet (udev renames VF netdevs right after they appear), so names are for people only.
 */
#pragma once

#include "base/bdf.h"
#include "host/host.h"

enum { NETDEV_NAME_MAX = 16 };

struct netdev {
	int ifindex; /* 0: not asked for */
	char name[NETDEV_NAME_MAX];
	struct bdf bdf; /* the function it stands on, also through virtio or a port device */
};

/* All of the machine, sorted by function, then index. The array is the caller's (free). */
int netdevs_list(struct host *h, struct netdev **ret, size_t *ret_n);
/* The same in a third of the time: only functions with several interfaces have their ifindex. */
int netdevs_list_brief(struct host *h, struct netdev **ret, size_t *ret_n);
/* Those of one function. */
int netdevs_of(struct host *h, struct bdf a, struct netdev **ret, size_t *ret_n);

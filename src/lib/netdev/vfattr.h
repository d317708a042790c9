/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The attributes of a VF that its PF's netdev sets: one table says how each is named, parsed,
 * read back and written as text. Drivers differ widely in what they accept; every attribute gets
 * a result of its own, and what the driver reports afterwards counts, not its answer.
 */
#pragma once

#include "host/host.h"

struct vfattr; /* one row of the table */

/* The rows in display order: vfattr_at(0) … until NULL. */
const struct vfattr *vfattr_at(unsigned i);
const struct vfattr *vfattr_find(const char *name);
const char *vfattr_name(const struct vfattr *a); /* "mac", "vlan", "link-state" */
const char *vfattr_help(const struct vfattr *a); /* "an address, 02:00:00:00:00:01" */

/* The value as `set` takes it; NULL when the driver does not report it (or memory is out). */
char *vfattr_format(const struct vfattr *a, const struct host_vf *vf) NODISCARD;

/* One wish, "vlan=100", and what became of it. */
struct vfattr_wish {
	const struct vfattr *attr;
	struct host_vf want;	 /* the field of `attr` */
	int result;		 /* 1 changed, 0 was so, negative errno */
	struct problem *problem; /* when result < 0 */
};

/* "KEY=VALUE". Refuses unknown keys (with the nearest), bad values, zero and multicast MACs. */
int vfattr_parse(const char *text, struct vfattr_wish *ret, struct problem **reterr);
void vfattr_wish_done(struct vfattr_wish *w);

/*
 * Sets each wish on VF `index` of the PF's interface, and reads back. `driver` (may be NULL) names
 * the PF's driver in refusals. Returns 1 something changed, 0 all was so, or the first failure
 * with a summary in reterr; the others are still tried. vlan, qos and proto travel together, and
 * so do min-rate and max-rate: what is not wished keeps its value.
 */
int vfattr_apply(struct host *h, int ifindex, const char *driver, unsigned index,
	struct vfattr_wish *wishes, size_t n, struct problem **reterr);

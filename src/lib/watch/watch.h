/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to the machine's functions, in words: out of what the kernel announces (raw events,
 * host/events.h) and a picture of how it was before. Uevents do not say what was: that VFs go the
 * PF never tells, the driver that lost a function is not named, and of an interface's change only
 * that there was one. So the picture is kept here and compared.
 *
 * Linux 6.12, measured: enabling VFs is for each add, change (with the links to its PF), net add,
 * bind, and one change of the PF at the end. Disabling is net remove, unbind, remove for each, and
 * nothing of the PF.
 *
 * Users of this header also name the rooms pci, iommu, netdev, sriov and inventory in USES.
 */
#pragma once

#include "base/bdf.h"
#include "host/events.h"
#include "host/host.h"

enum watch_kind {
#define WATCH(id, name, text) WATCH_##id,
#include "kinds.def"
#undef WATCH
	WATCH_KINDS
};

struct watch_event {
	enum watch_kind kind;
	enum host_event_source source;
	bool has_function;
	struct bdf bdf; /* the function, where there is one */
	bool is_vf;
	struct bdf pf;	       /* of a VF */
	int vf_index;	       /* -1 unknown, or no VF */
	const char *name;      /* an interface, a group's number, "mac" of an attribute; NULL */
	const char *from, *to; /* what was and what is; NULL unknown or not of this kind */
};

struct watch;

/* Takes the first picture; events that were announced before are not told again. */
int watch_new(struct host *h, struct watch **ret, struct problem **reterr);
void watch_free(struct watch *w);
DEFINE_AUTO(struct watch, watch_free);

typedef int watch_tell(void *arg, const struct watch_event *e);
/* What follows from one raw event; stops at the first negative answer of `tell`. */
int watch_feed(struct watch *w, const struct host_event *raw, watch_tell *tell, void *arg);

/* Of the picture as it is now: how many functions there are. */
size_t watch_count(const struct watch *w);
/* The PF of a VF, any other function itself. -ENOENT: there is no such function. */
int watch_pf_of(const struct watch *w, struct bdf a, struct bdf *ret);

const char *watch_kind_name(enum watch_kind kind); /* JSON: "bound", "vfs-created" */
const char *watch_source_name(enum host_event_source s);
/* "bound to igbvf". Allocated; NULL when memory is out. */
char *watch_event_text(const struct watch_event *e) NODISCARD;

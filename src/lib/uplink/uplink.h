/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the packets of an emulated network interface go: a tap as it is, one of our own in a bridge
 * or in a switch of Open vSwitch, or a macvtap above an interface of the host, which may be a VF's.
 * Whatever was made for it is taken away again, in the end or as soon as something fails; what a
 * killed process left behind, the next one that opens such an uplink takes away.
 */
#pragma once

#include "base/mac.h"
#include "base/problem.h"
#include "host/host.h"

enum {
	UPLINK_QUEUES_MAX = 8,
	UPLINK_NAME_MAX = 15,
	UPLINK_MTU_LEAST = 68,
	UPLINK_MTU_MOST = 65521
};

enum uplink_kind { UPLINK_TAP, UPLINK_BRIDGE, UPLINK_OVS, UPLINK_MACVTAP, UPLINK_KINDS };

struct uplink_wish {
	enum uplink_kind kind;
	char *name;	 /* the tap's, the bridge's, or the interface's below; NULL: no uplink */
	unsigned queues; /* pairs; 0 is 1 */
	unsigned mtu;	 /* 0: as it comes */
	unsigned number; /* of those with the same kind and name in one guest, from 0 */
	struct mac mac;	 /* the guest's; zero: any */
	int mode;	 /* enum host_macvtap_mode; 0: passthru above a VF, else bridge */
};

/* "tap", "bridge", … */
const char *uplink_kind_name(enum uplink_kind k);
/* -EINVAL: there is none of that name. */
int uplink_kind_parse(const char *word, enum uplink_kind *ret);
int uplink_mode_parse(const char *word, int *ret);
/* 1 to 15 letters, digits, "-", "_", "."; nothing that a program or the kernel reads otherwise. */
bool uplink_is_name(const char *name);
/*
 * "bridge:br0", and "bridge:br0#1" for the second of them in one guest: as host_give() has it when
 * somebody else opened it, and as people are told. Allocated.
 */
char *uplink_text(const struct uplink_wish *w) NODISCARD;

struct uplink_ops;

struct uplink {
	struct host *host;
	const struct uplink_ops *ops;
	char tap[UPLINK_NAME_MAX + 1]; /* what was made or attached to */
	char to[UPLINK_NAME_MAX + 1];  /* the bridge, or the interface below; "" none */
	int ifindex;		       /* of what is to be removed; 0: nothing */
	int raised;		       /* an interface that is to be set down again; 0: none */
	int fds[UPLINK_QUEUES_MAX];    /* a queue pair each; frames carry a virtio-net header */
	unsigned n;
	unsigned mtu;	/* that the guest has to be told; 0: the usual one */
	struct mac mac; /* that the guest has to have; zero: any */
	bool fixed_mac; /* … for as long as it runs */
	bool over_vf;	/* what is below is a VF of this host */
};

/*
 * The host's end of a VF's wire (its representor, `netdev`) becomes a port of the bridge or switch
 * that is wished for, and is set up. It is taken out and down again by uplink_free(); one that was
 * there before stays. PROBLEM_IN_USE: it is somebody else's port.
 */
int uplink_join(struct host *h, const struct uplink_wish *w, const char *netdev,
	struct uplink **ret, struct problem **reterr);
/*
 * Descriptors are close-on-exec. PROBLEM_NOT_FOUND: no such bridge or interface; PROBLEM_IN_USE;
 * PROBLEM_PERMISSION; PROBLEM_UNSUPPORTED: the kernel or a program is not there.
 */
int uplink_open(
	struct host *h, const struct uplink_wish *w, struct uplink **ret, struct problem **reterr);
/* When somebody else has the descriptors; what was made stays. */
void uplink_close_fds(struct uplink *u);
/* Takes away what was made. */
void uplink_free(struct uplink *u);
DEFINE_AUTO(struct uplink, uplink_free);

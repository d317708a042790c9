/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What other managers' configuration says about functions of the machine (systemd, NetworkManager,
 * netplan, driverctl, modprobe, mdevctl, libvirt), and where they contradict each other or ours.
 * Only their files are read.
 */
#ifndef VFCTL_IMPORT_H
#define VFCTL_IMPORT_H

#include "policy.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vfctl_import;
struct vfctl_claim;

/* In place of a VF's index: all of the PF. */
enum { VFCTL_ALL_VFS = -2 };

/* `policy` takes part in the comparison; NULL: it does not. It borrows from the snapshot. */
VFCTL_PUBLIC int vfctl_import_read(struct vfctl_host *host, const struct vfctl_snapshot *s,
	const struct vfctl_policy *policy, struct vfctl_import **ret, struct vfctl_error **reterr);
/* NULL is fine. */
VFCTL_PUBLIC void vfctl_import_free(struct vfctl_import *m);

/* By function, VF and key. NULL beyond the last. */
VFCTL_PUBLIC size_t vfctl_import_claims(const struct vfctl_import *m);
VFCTL_PUBLIC const struct vfctl_claim *vfctl_import_claim(const struct vfctl_import *m, size_t i);
/* "systemd", "NetworkManager"…; ours is "vfctl". */
VFCTL_PUBLIC const char *vfctl_claim_manager(const struct vfctl_claim *c);
VFCTL_PUBLIC const char *vfctl_claim_file(const struct vfctl_claim *c);
/* From 1; 0: the file as a whole. */
VFCTL_PUBLIC unsigned vfctl_claim_line(const struct vfctl_claim *c);
/* Address of the PF, or of another function; and which VF, VFCTL_ITSELF or VFCTL_ALL_VFS. */
VFCTL_PUBLIC const char *vfctl_claim_function(const struct vfctl_claim *c);
VFCTL_PUBLIC int vfctl_claim_vf(const struct vfctl_claim *c);
/* A setting's key, or "num-vfs", "autoprobe", "driver", "blacklist", "mdev", "network". */
VFCTL_PUBLIC const char *vfctl_claim_key(const struct vfctl_claim *c);
VFCTL_PUBLIC const char *vfctl_claim_value(const struct vfctl_claim *c);
/* As it stands there: "SR-IOVVirtualFunctions=4". */
VFCTL_PUBLIC const char *vfctl_claim_said(const struct vfctl_claim *c);
/* "alone", "agrees", "conflict". */
VFCTL_PUBLIC const char *vfctl_claim_verdict(const struct vfctl_claim *c);
/* The first that it is in conflict with; NULL: none. */
VFCTL_PUBLIC const struct vfctl_claim *vfctl_claim_rival(const struct vfctl_claim *c);
/* What could not be read or understood: "FILE:LINE: what"; NULL beyond the last. */
VFCTL_PUBLIC const char *vfctl_import_doubt(const struct vfctl_import *m, size_t i);
/*
 * What others say of one PF, as a file for pf.d; "" when nobody says anything. *ret is the
 * caller's, free().
 */
VFCTL_PUBLIC int vfctl_import_as_policy(const struct vfctl_import *m,
	const struct vfctl_function *pf, char **ret, struct vfctl_error **reterr);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration, vfctl-pf.d(5): what is wrong with it and where, what it wants of each PF and VF,
 * pools, and the wishes (plan.h) that it comes to.
 */
#ifndef VFCTL_POLICY_H
#define VFCTL_POLICY_H

#include "plan.h"
#include "snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vfctl_policy;
struct vfctl_finding;

/*
 * `files`: files and folders of this machine that are read instead of its own configuration, NULL
 * at the end; `files` NULL: that. What is wrong is no failure but a finding. It borrows from the
 * snapshot, which must live longer.
 */
VFCTL_PUBLIC int vfctl_policy_load(struct vfctl_host *host, const struct vfctl_snapshot *s,
	const char *const *files, struct vfctl_policy **ret, struct vfctl_error **reterr);
/* NULL is fine. */
VFCTL_PUBLIC void vfctl_policy_free(struct vfctl_policy *p);

/* What is wrong, by file and place. NULL beyond the last. */
VFCTL_PUBLIC size_t vfctl_policy_findings(const struct vfctl_policy *p);
VFCTL_PUBLIC const struct vfctl_finding *vfctl_policy_finding(
	const struct vfctl_policy *p, size_t i);
/* "error": nothing of the configuration is applied; "warning". */
VFCTL_PUBLIC const char *vfctl_finding_level(const struct vfctl_finding *f);
/* "unknown-key", "bad-value", "collision"… */
VFCTL_PUBLIC const char *vfctl_finding_kind(const struct vfctl_finding *f);
VFCTL_PUBLIC const char *vfctl_finding_file(const struct vfctl_finding *f);
/* From 1; 0: the file as a whole. */
VFCTL_PUBLIC unsigned vfctl_finding_line(const struct vfctl_finding *f);
VFCTL_PUBLIC unsigned vfctl_finding_column(const struct vfctl_finding *f);
VFCTL_PUBLIC const char *vfctl_finding_text(const struct vfctl_finding *f);
/* What was meant, or what to do; NULL. */
VFCTL_PUBLIC const char *vfctl_finding_hint(const struct vfctl_finding *f);

/* PFs that the configuration is about, by address. NULL beyond the last. */
VFCTL_PUBLIC size_t vfctl_policy_pfs(const struct vfctl_policy *p);
VFCTL_PUBLIC const struct vfctl_function *vfctl_policy_pf(const struct vfctl_policy *p, size_t i);
/*
 * The i-th value that counts in the end for a VF of that PF, or VFCTL_ITSELF: "VLANId", "100",
 * "/etc/vfctl/pf.d/10-x.conf", 7. Each ret_ may be NULL. -ENOENT beyond the last.
 */
VFCTL_PUBLIC int vfctl_policy_value(const struct vfctl_policy *p, const struct vfctl_function *pf,
	int vf, size_t i, const char **ret_key, const char **ret_value, const char **ret_file,
	unsigned *ret_line);

/* Names of pools, in order; NULL beyond the last. */
VFCTL_PUBLIC size_t vfctl_policy_pools(const struct vfctl_policy *p);
VFCTL_PUBLIC const char *vfctl_policy_pool(const struct vfctl_policy *p, size_t i);
/* Member k of pool i: its PF, its index there, and its function (NULL: not yet). -ENOENT. */
VFCTL_PUBLIC int vfctl_policy_pool_member(const struct vfctl_policy *p, size_t i, size_t k,
	const struct vfctl_function **ret_pf, int *ret_vf,
	const struct vfctl_function **ret_function);

/*
 * What it comes to, for vfctl_plan_make(); the caller's. Refused while there is an error in the
 * configuration: -EINVAL that quotes the first, -ESTALE (kind drift) for another card.
 */
VFCTL_PUBLIC int vfctl_policy_wishes(
	const struct vfctl_policy *p, struct vfctl_wishes **ret, struct vfctl_error **reterr);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings: which there are, which of them a function has, and their values. vfctl_set() and
 * vfctl_wishes_set() set them.
 */
#ifndef VFCTL_SETTING_H
#define VFCTL_SETTING_H

#include "snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vfctl_settings;

/* All keys there are, "vlan", in the order in which they are set; NULL after the last. */
VFCTL_PUBLIC const char *vfctl_setting_key(unsigned i);
/* What a key takes, for people: "Mb/s, 0 for no limit"; NULL: that is no key. */
VFCTL_PUBLIC const char *vfctl_setting_takes(const char *key);

/* Of a PF, a VF or any function of a snapshot: those that its class and level can have. */
VFCTL_PUBLIC int vfctl_settings_read(struct vfctl_host *host, const struct vfctl_function *f,
	struct vfctl_settings **ret, struct vfctl_error **reterr);
/* NULL is fine. */
VFCTL_PUBLIC void vfctl_settings_free(struct vfctl_settings *s);
VFCTL_PUBLIC size_t vfctl_settings_count(const struct vfctl_settings *s);
/* In all of these: NULL when i is beyond the last. */
VFCTL_PUBLIC const char *vfctl_settings_key(const struct vfctl_settings *s, size_t i);
/* Whether driver and kernel have it: "yes", "no", "unknown". */
VFCTL_PUBLIC const char *vfctl_settings_support(const struct vfctl_settings *s, size_t i);
/* Why not, or who says that it is; NULL: nothing to tell. */
VFCTL_PUBLIC const char *vfctl_settings_why(const struct vfctl_settings *s, size_t i);
/* The value now, as vfctl_set() takes it; NULL unknown. */
VFCTL_PUBLIC const char *vfctl_settings_value(const struct vfctl_settings *s, size_t i);

#ifdef __cplusplus
}
#endif
#endif

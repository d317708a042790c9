/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors. Every call that can fail returns a negative errno and, through its last argument, a
 * story: what failed and why, what to do, and a stable name of the kind. That argument may be
 * NULL. It is set only on failure (and not even then when memory is out) and then the caller's, to
 * be given to vfctl_error_free().
 */
#ifndef VFCTL_ERROR_H
#define VFCTL_ERROR_H

#if defined(__GNUC__)
#define VFCTL_PUBLIC __attribute__((visibility("default")))
#else
#define VFCTL_PUBLIC
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct vfctl_error;

/* One line, "0000:3b:00.0 supports at most 8 VFs". Never NULL; valid as long as the error. */
VFCTL_PUBLIC const char *vfctl_error_message(const struct vfctl_error *e);
/* What to do about it, one line; NULL when nothing is known to help. */
VFCTL_PUBLIC const char *vfctl_error_hint(const struct vfctl_error *e);
/* "in-use", "group-not-viable"…: the kinds that vfctl(8) lists under EXIT STATUS. */
VFCTL_PUBLIC const char *vfctl_error_kind(const struct vfctl_error *e);
/* The negative errno that the call returned. */
VFCTL_PUBLIC int vfctl_error_code(const struct vfctl_error *e);
/* What vfctl would exit with. */
VFCTL_PUBLIC int vfctl_error_exit_code(const struct vfctl_error *e);
/* NULL is fine. */
VFCTL_PUBLIC void vfctl_error_free(struct vfctl_error *e);

#ifdef __cplusplus
}
#endif
#endif

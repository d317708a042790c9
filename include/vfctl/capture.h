/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This machine as a file that vfctl_host_open_captured() takes. */
#ifndef VFCTL_CAPTURE_H
#define VFCTL_CAPTURE_H

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

enum vfctl_capture_flags {
	/* Serial numbers, addresses and names stay as they are; else they become pseudonyms. */
	VFCTL_CAPTURE_PLAIN = 1 << 0,
	/* A file that is there is replaced; else -EEXIST. */
	VFCTL_CAPTURE_REPLACE = 1 << 1
};

/*
 * Writes a tar archive; its name tells the compression: .tar, .tar.gz, .tar.xz, .tar.zst. It is
 * there whole or not at all. -EINVAL: another name. Nothing is read that can block without bound.
 */
VFCTL_PUBLIC int vfctl_capture(
	struct vfctl_host *host, const char *file, unsigned flags, struct vfctl_error **reterr);

#ifdef __cplusplus
}
#endif
#endif

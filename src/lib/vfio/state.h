/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inner state of a function, taken out and put in by its driver while it stands still: version
 * 2 of VFIO's migration (linux/vfio.h, VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE; Linux 5.18 and later).
 * What the bytes mean only the driver knows; they go to a function of the same kind. Whether a
 * function has it says vfio_migration_get().
 *
 * Nobody else uses the function meanwhile. Each step is one call of the kernel's, which ends when
 * the driver's firmware has answered; what is waited for here has a deadline.
 */
#pragma once

#include "device.h"

/* The kernel's numbers. */
enum vfio_state {
	VFIO_STATE_ERROR, /* only a reset leads out of it */
	VFIO_STATE_STOP,
	VFIO_STATE_RUNNING,
	VFIO_STATE_STOP_COPY,
	VFIO_STATE_RESUMING,
	VFIO_STATE_RUNNING_P2P,
	VFIO_STATE_PRE_COPY,
	VFIO_STATE_PRE_COPY_P2P,
	VFIO_STATES,
};

/* "stop-copy"; "unknown" of one that came later. */
const char *vfio_state_name(enum vfio_state s);
/* -ENOTTY: its driver offers no migration. */
int vfio_state_get(struct vfio_device *d, enum vfio_state *ret);
/* How many bytes its state has about, as the driver guesses. -ENOTTY: it does not (Linux 6.2). */
int vfio_state_size(struct vfio_device *d, uint64_t *ret);
/*
 * To one of error-free rest or work: VFIO_STATE_STOP, VFIO_STATE_RUNNING, VFIO_STATE_RUNNING_P2P;
 * the kernel takes the ways between. When the driver fails, and has lost the function by that, it
 * is reset: it runs, and has forgotten all; the problem's hint says so.
 */
int vfio_state_set(struct vfio_device *d, enum vfio_state to, struct problem **reterr);

/* Where the bytes go, or come from; negative errnos end the transfer. */
struct vfio_state_io {
	int (*put)(void *arg, const void *data, size_t len); /* all of it */
	ssize_t (*get)(void *arg, void *buf, size_t len);    /* 0: that was the last */
	void *arg;
	unsigned stall_ms; /* so long the driver may have nothing to give or take */
};

/*
 * Stops the function, takes its state and leaves it stopped. When that fails it runs on, as if
 * nothing had been, if its driver can still do that; else see vfio_state_set(). -ETIMEDOUT.
 */
int vfio_state_save(struct vfio_device *d, const struct vfio_state_io *to, uint64_t *ret_bytes,
	struct problem **reterr);
/*
 * Gives the function another state and leaves it stopped. When that fails it is reset, for nobody
 * knows what it holds; one that has no reset runs again with just that. -EINVAL and others, as its
 * driver likes: it does not take that state.
 */
int vfio_state_load(struct vfio_device *d, const struct vfio_state_io *from, uint64_t *ret_bytes,
	struct problem **reterr);

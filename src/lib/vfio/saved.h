/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A function's state (state.h) as a file. Its head, all numbers little-endian:
 *
 *     0  "vfctl state\n\0\0\0\0"
 *    16  u32 version, 1
 *    20  u32 bytes of the head, 64; the state begins there
 *    24  u64 bytes of the state; all ones: it was not completed
 *    32  u32 CRC-32 (IEEE 802.3) of the state
 *    36  u16 vendor, u16 device, u16 subsystem vendor, u16 subsystem device, u8 revision, 3 zeros
 *    48  12 zeros
 *    60  u32 CRC-32 of the 60 bytes before
 *
 * It is checked as a whole before a function gets a byte of it.
 */
#pragma once

#include "state.h"

enum { VFIO_SAVED_HEAD = 64 };

/* As configuration space has it. */
struct vfio_saved_id {
	uint16_t vendor, device, subsystem_vendor, subsystem;
	uint8_t revision;
};

struct vfio_saved {
	struct vfio_saved_id id;
	uint64_t bytes; /* without the head */
};

/* The file: bytes at places. Reading short is its end. Negative errnos. */
struct vfio_saved_file {
	ssize_t (*read)(void *arg, void *buf, size_t len, uint64_t at);
	int (*write)(void *arg, const void *data, size_t len, uint64_t at); /* all of it */
	void *arg;
};

/* vfio_state_save() into a file; the function is stopped then. */
int vfio_saved_write(struct vfio_device *d, const struct vfio_saved_file *f, unsigned stall_ms,
	struct vfio_saved *ret, struct problem **reterr);
/* What is in it; -EBADMSG when it is none, is damaged, or not complete, -EPROTONOSUPPORT newer. */
int vfio_saved_check(
	const struct vfio_saved_file *f, struct vfio_saved *ret, struct problem **reterr);
/*
 * vfio_state_load() from a file that was checked; the function is stopped then. -EINVAL before
 * anything was done to it: the state is that of another kind of function.
 */
int vfio_saved_read(struct vfio_device *d, const struct vfio_saved_file *f, unsigned stall_ms,
	struct vfio_saved *ret, struct problem **reterr);

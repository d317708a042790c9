/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What assigned functions were asked, and answered, as text: a host that passes everything on to
 * another and writes a line for each call that concerns VFIO, and for each thing that the guest or
 * this program does with a function. tests/trace plays it again without the hardware.
 *
 *	vfctl-trace 1			the version of this format
 *	# kernel Linux 6.12.48		what is for people; anywhere
 *	1 > add 0000:01:10.0 …		the first thing that is done
 *	1 0000:01:10.0 VFIO_DEVICE_GET_INFO argsz=0x10 = 0 argsz=0x18 flags=0x3 …
 *	1 <				it is over; behind it what came of it, if anything
 *
 * Each line is one write(2): what happened before a crash is there. Calls of two threads may be
 * between one another; the number says what they belong to. Things are numbered as they begin.
 *
 * There is no memory of the guest in it, no address of this process, no VF token. There are the
 * configuration space and the registers that trapped: ids, MAC addresses, serial numbers.
 */
#pragma once

#include "host/host.h"

struct record_params {
	int fd;		   /* to be appended to; borrowed */
	const char *about; /* lines for people, without "# "; may be NULL */
	uint64_t limit;	   /* bytes; then it ends, and says so. 0: RECORD_LIMIT */
	/* It has ended before its time, and why; may be NULL. Any thread. */
	void (*note)(void *arg, const char *text);
	void *arg;
};

#define RECORD_VERSION "vfctl-trace 1"
#define RECORD_LIMIT   (64ULL << 20)

/* `inner` stays the caller's, and is freed after it. -ENOMEM. */
int record_new(struct host *inner, const struct record_params *params, struct host **ret);

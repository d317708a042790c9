/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vhost-user back end for a disk that keeps account of the requests that it has taken
 * (VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD), answers the newest first, and can be made to stop with
 * some of them unanswered, so that it is killed just then. The protocol's text and layout of the
 * account: QEMU's docs/interop/vhost-user.rst.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Between the test and the back end's processes: in memory that they share. */
struct fake_blk_news {
	uint32_t stop;	   /* the test: take all that come, answer half of them, and no more */
	uint32_t stopped;  /* the back end: so many are taken and unanswered */
	uint32_t accounts; /* it made a new account of requests; … */
	uint32_t resumed;  /* … it took one over, and of that so many requests */
};

enum { FAKE_BLK_BATCH = 16 }; /* requests of the guest's at once: when it has them it stops */

/* Serves one connection after the other that comes to the listening socket; for a child. */
_Noreturn void fake_blk_serve(int listening, int image, uint64_t bytes, struct fake_blk_news *news);

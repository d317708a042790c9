/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The back end of an emulated network interface: a tap device (Documentation/networking/tuntap.rst)
 * that was opened and attached by someone else. Packets go in and out with a 12-byte virtio-net
 * header in front (TUNSETVNETHDRSZ), so that checksums and segmentation can be left to the other
 * side.
 *
 * One thread may read while another writes.
 */
#pragma once

#include "base/mac.h"
#include "base/problem.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct host;
struct tap;

enum { TAP_HEADER_BYTES = 12, TAP_FILTER_MAX = 130 };

/*
 * The fd stays the caller's and must outlive the tap; it becomes non-blocking. USAGE when it is not
 * a tap with IFF_VNET_HDR and IFF_NO_PI.
 */
int tap_new(struct host *h, int fd, struct tap **ret, struct problem **reterr);
/* Leaves the device without offloads. */
void tap_free(struct tap *t);
DEFINE_AUTO(struct tap, tap_free);

int tap_fd(const struct tap *t); /* borrowed, to poll */
const char *tap_name(const struct tap *t);

/* TUN_F_* that the reader can cope with; may be refused (-EINVAL), then nothing changed. */
int tap_set_offload(struct tap *t, unsigned flags);

/*
 * Of a tap with several queues, each of which is a struct tap of its own: whether packets go to
 * this one. While they do not, reading is -EBADFD. Nothing else has them for one alone (-EINVAL).
 */
int tap_set_queue(struct tap *t, bool on);
/*
 * Frames for other addresses than these do not arrive any more; without any address (n 0) all do.
 * With `allmulti` all multicasts and broadcasts do. Unicast addresses come first. For all queues.
 */
int tap_set_filter(struct tap *t, const struct mac *v, unsigned n, bool allmulti);

/*
 * One packet, header in front. The length; -EAGAIN when there is none, or no room now; -EIO while
 * the interface is down. A read packet that is longer than the iovecs is cut.
 */
ssize_t tap_read(struct tap *t, const struct iovec *v, unsigned n);
ssize_t tap_write(struct tap *t, const struct iovec *v, unsigned n);

// SPDX-License-Identifier: GPL-2.0-or-later
#include "virtio.h"
#include "balloon.h"
#include "blk.h"
#include "console.h"
#include "net.h"
#include "pci.h"
#include "ports.h"
#include "rng.h"
#include "vmm/block/disk.h"
#include "vmm/net/tap.h"

#include <string.h>

/* The device was made, or why not; if so it goes onto the bus. */
static int add(const struct vmm_services *s, const struct virtio_options *o, int made,
	struct virtio_device *d, struct problem **reterr)
{
	struct virtio_pci_options options = {
		.no_ioeventfd = o->no_ioeventfd, .may_trap = o->may_trap, .slot = o->slot
	};

	if (made < 0)
		return problem(reterr, made, problem_kind_from_errno(made), NULL,
			"cannot make %s: %s", o->name, strerror(-made));
	virtio_device_set_rings(d, &o->rings);
	return virtio_pci_add(s, d, &options, reterr);
}

int virtio_blk_new(
	const struct vmm_services *s, const struct virtio_blk_params *p, struct problem **reterr)
{
	struct virtio_device *d = NULL;
	struct disk *disk = NULL;
	int r = disk_raw_new(s->host, p->fd, p->read_only, &disk, reterr);

	if (r < 0)
		return problem_wrap(reterr, r, "%s", p->common.name);
	disk->over_vf = p->over_vf;
	r = virtio_blk_device_new(s->memory, p->common.name, disk, p->engine, p->serial, &d);
	return add(s, &p->common, r, d, reterr);
}

int virtio_net_open_taps(const struct vmm_services *s, const struct virtio_net_params *p,
	struct tap **taps, struct problem **reterr)
{
	for (unsigned i = 0; i < p->n_fds; i++) {
		int r = tap_new(s->host, p->fds[i], &taps[i], reterr);

		if (r < 0) {
			while (i--)
				tap_free(taps[i]);
			return problem_wrap(reterr, r, "%s", p->common.name);
		}
	}
	return 0;
}

struct virtio_net_setup virtio_net_setup_of(
	const struct virtio_net_params *p, struct tap *const *taps)
{
	return (struct virtio_net_setup) {
		.taps = taps,
		.n_taps = p->n_fds,
		.mac = p->mac,
		.fixed_mac = p->fixed_mac,
		.standby = p->standby,
		.standby_needed = p->standby_needed,
		.over_vf = p->over_vf,
		.mtu = p->mtu,
	};
}

int virtio_net_new(
	const struct vmm_services *s, const struct virtio_net_params *p, struct problem **reterr)
{
	struct tap *taps[VIRTIO_NET_PAIRS_MAX] = { NULL };
	const struct virtio_net_setup setup = virtio_net_setup_of(p, taps);
	struct virtio_device *d = NULL;
	int r = virtio_net_open_taps(s, p, taps, reterr);

	if (r < 0)
		return r;
	r = virtio_net_device_new(s->memory, p->common.name, &setup, &d);
	return add(s, &p->common, r, d, reterr);
}

int virtio_console_new(const struct vmm_services *s, const struct virtio_console_params *p,
	struct virtio_console **ret, struct problem **reterr)
{
	const struct virtio_console_setup setup = { p->out_fd, p->more, p->arg };
	struct virtio_device *d = NULL;
	int r = virtio_console_device_new(s->memory, p->common.name, &setup, &d);

	r = add(s, &p->common, r, d, reterr);
	if (r == 0)
		*ret = virtio_console_of(d);
	return r;
}

int virtio_ports_new(const struct vmm_services *s, const struct virtio_options *o,
	const struct virtio_port_setup *v, unsigned n, struct problem **reterr)
{
	struct virtio_device *d = NULL;
	int r = virtio_ports_device_new(s->memory, o->name, v, n, &d);

	return add(s, o, r, d, reterr);
}

int virtio_balloon_new(
	const struct vmm_services *s, const struct virtio_options *o, struct problem **reterr)
{
	struct virtio_device *d = NULL;
	int r = virtio_balloon_device_new(s->memory, o->name, &d);

	return add(s, o, r, d, reterr);
}

int virtio_rng_new(
	const struct vmm_services *s, const struct virtio_options *o, struct problem **reterr)
{
	struct virtio_device *d = NULL;
	int r = virtio_rng_device_new(s->memory, o->name, &d);

	return add(s, o, r, d, reterr);
}

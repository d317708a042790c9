/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "devices.h"

#include "vmm/pci/bus.h"
#include "vmm/vfio/function.h"
#include "vmm/vfio/session.h"
#include "vmm/virtio/virtio.h"

#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 24 };

struct devices {
	const struct options *options;
	struct vfio_session *vfio;
	struct guest_range *reserved;
	size_t n_reserved;
	devices_lost_fn lost;
	void *lost_arg;
};

static int open_vfio(struct devices *d, struct host *h, struct problem **reterr)
{
	int r = vfio_session_new(h, &d->vfio);

	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "assigned functions");
	for (size_t i = 0; i < d->options->n_devices; i++) {
		const struct device_option *o = &d->options->devices[i];
		const struct vfio_fds fds = { o->container, o->group, o->device, o->name };

		if (o->kind != DEVICE_VFIO)
			continue;
		r = vfio_session_add(d->vfio, &fds, reterr);
		if (r < 0)
			return r;
	}
	r = vfio_session_reserved(d->vfio, &d->reserved, &d->n_reserved);
	return r < 0 ? problem(reterr, r, PROBLEM_FAILED, NULL,
			       "the I/O address ranges cannot be read: %s", strerror(-r))
		     : 0;
}

int devices_new(struct host *h, const struct options *o, devices_lost_fn lost, void *arg,
	struct devices **ret, struct problem **reterr)
{
	CLEANUP(devices_freep) struct devices *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "devices");
	d->options = o;
	d->lost = lost;
	d->lost_arg = arg;
	r = open_vfio(d, h, reterr);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(d);
	return 0;
}

void devices_free(struct devices *d)
{
	if (!d)
		return;
	vfio_session_free(d->vfio);
	free(d->reserved);
	free(d);
}

const struct guest_range *devices_reserved(const struct devices *d, size_t *ret_n)
{
	*ret_n = d->n_reserved;
	return d->reserved;
}

/* "virtio-blk0": numbered by kind, so that a name does not depend on the other devices. */
static struct virtio_options common(
	char buf[NAME_BYTES], const char *kind, unsigned number, const struct device_option *o)
{
	snprintf(buf, NAME_BYTES, "%s%u", kind, number);
	return (struct virtio_options) {
		.name = buf, .slot = PCI_SLOT_ANY, .no_ioeventfd = o->no_ioeventfd
	};
}

static int add_disk(const struct vmm_services *s, const struct device_option *o, unsigned number,
	struct problem **reterr)
{
	char name[NAME_BYTES];
	const struct virtio_blk_params p = {
		.common = common(name, "virtio-blk", number, o),
		.fd = o->fd,
		.read_only = o->read_only,
		.serial = o->serial,
	};

	return virtio_blk_new(s, &p, reterr);
}

static int add_net(const struct vmm_services *s, const struct device_option *o, unsigned number,
	struct problem **reterr)
{
	char name[NAME_BYTES];
	const struct virtio_net_params p = {
		.common = common(name, "virtio-net", number, o),
		.fd = o->fd,
		.mac = o->mac,
	};

	return virtio_net_new(s, &p, reterr);
}

static int add_rng(const struct vmm_services *s, const struct device_option *o, unsigned number,
	struct problem **reterr)
{
	char name[NAME_BYTES];
	const struct virtio_options options = common(name, "virtio-rng", number, o);

	return virtio_rng_new(s, &options, reterr);
}

static int add(struct devices *d, const struct vmm_services *s, const struct device_option *o,
	unsigned number, struct problem **reterr)
{
	switch (o->kind) {
	case DEVICE_DISK:
		return add_disk(s, o, number, reterr);
	case DEVICE_NET:
		return add_net(s, o, number, reterr);
	case DEVICE_RNG:
		return add_rng(s, o, number, reterr);
	case DEVICE_VFIO:
		return vfio_function_add(
			s, vfio_session_device(d->vfio, number), d->lost, d->lost_arg, reterr);
	}
	return -EINVAL;
}

/* In the order of the command line, which so decides the slots. */
int devices_attach(struct devices *d, const struct vmm_services *s, struct problem **reterr)
{
	unsigned numbers[DEVICE_VFIO + 1] = { 0 };
	int r = vfio_session_enter(d->vfio, s->kvm, s->memory, reterr);

	for (size_t i = 0; i < d->options->n_devices && r == 0; i++) {
		const struct device_option *o = &d->options->devices[i];

		r = add(d, s, o, numbers[o->kind]++, reterr);
	}
	return r;
}

void devices_detach(struct devices *d)
{
	vfio_session_leave(d->vfio);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Devices that a vhost serves, complete: see virtio.h. */
#include "pci.h"
#include "vhost-kinds.h"
#include "virtio.h"
#include "vmm/net/tap.h"
#include "vmm/vhost/kernel.h"

#include <string.h>

static int add(const struct vmm_services *s, const struct virtio_options *o, int made,
	struct virtio_device *d, struct problem **reterr)
{
	struct virtio_pci_options options = { .no_ioeventfd = o->no_ioeventfd, .slot = o->slot };

	if (made == -EPROTONOSUPPORT)
		return problem(reterr, made, PROBLEM_UNSUPPORTED, NULL,
			"%s: its back end does not know virtio 1", o->name);
	if (made < 0)
		return problem(reterr, made, problem_kind_from_errno(made), NULL,
			"cannot make %s: %s", o->name, strerror(-made));
	return virtio_pci_add(s, d, &options, reterr);
}

static int connect_to(const struct virtio_vhost_user_params *p, unsigned rings,
	struct vhost_source *ret, struct problem **reterr)
{
	char why[VHOST_WHY_BYTES] = "";
	int r = vhost_link_connect(p->channel, VHOST_TIMEOUT_MS, rings, why, &ret->vhost);

	ret->channel = p->channel;
	ret->timeout_ms = VHOST_TIMEOUT_MS;
	return r < 0 ? problem(reterr, r, problem_kind_from_errno(r),
			       "it has to be there before the guest starts",
			       "%s: the back end cannot be used: %s", p->common.name, why)
		     : 0;
}

int virtio_vhost_user_blk_new(const struct vmm_services *s,
	const struct virtio_vhost_user_params *p, struct problem **reterr)
{
	struct virtio_device *d = NULL;
	struct vhost_source source;
	int r = connect_to(p, 1, &source, reterr);

	if (r < 0)
		return r;
	r = vhost_blk_device_new(s->memory, p->common.name, &source, p->queues, &d);
	return add(s, &p->common, r, d, reterr);
}

int virtio_vhost_user_net_new(const struct vmm_services *s,
	const struct virtio_vhost_user_params *p, struct problem **reterr)
{
	const struct virtio_net_setup n = { .mac = p->mac, .mtu = p->mtu };
	const unsigned pairs = p->queues ? p->queues : 1;
	struct virtio_device *d = NULL;
	struct vhost_source source;
	int r = connect_to(p, 2, &source, reterr);

	if (r < 0)
		return r;
	/* Of a network, pairs are counted. */
	if (pairs > 1 && pairs > source.vhost->rings) {
		r = problem(reterr, -E2BIG, PROBLEM_UNSUPPORTED, NULL,
			"%s: the back end has %u pairs of queues, not %u", p->common.name,
			source.vhost->rings, pairs);
		vhost_free(source.vhost);
		return r;
	}
	r = vhost_net_device_new(s->memory, p->common.name, &source, &n, pairs, &d);
	return add(s, &p->common, r, d, reterr);
}

int virtio_vhost_net_new(const struct vmm_services *s, const struct virtio_vhost_net_params *k,
	struct problem **reterr)
{
	const struct virtio_net_params *p = k->net;
	struct tap *taps[VHOST_PAIRS_MAX] = { NULL };
	const struct virtio_net_setup n = virtio_net_setup_of(p, taps);
	struct vhost_source source = { .channel = -1 };
	struct virtio_device *d = NULL;
	int r = vhost_net_new(s->host, k->fds, p->fds, p->n_fds, &source.vhost, reterr);

	if (r < 0)
		return problem_wrap(reterr, r, "%s", p->common.name);
	r = virtio_net_open_taps(s, p, taps, reterr);
	if (r < 0) {
		vhost_free(source.vhost);
		return r;
	}
	r = vhost_net_device_new(s->memory, p->common.name, &source, &n, p->n_fds, &d);
	return add(s, &p->common, r, d, reterr);
}

int virtio_vhost_vsock_new(const struct vmm_services *s, const struct virtio_vhost_vsock_params *p,
	struct problem **reterr)
{
	struct vhost_source source = { .channel = -1 };
	struct virtio_device *d = NULL;
	int r = vhost_vsock_new(s->host, p->fd, p->cid, &source.vhost, reterr);

	if (r < 0)
		return problem_wrap(reterr, r, "%s", p->common.name);
	r = vhost_vsock_device_new(s->memory, p->common.name, &source, p->cid, &d);
	return add(s, &p->common, r, d, reterr);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel.h"

#include <errno.h>
#include <linux/vhost.h>
#include <stdlib.h>
#include <string.h>

/*
 * The kernel serves two rings by each of its descriptors (drivers/vhost/net.c, vsock.c): ring i of
 * ours is ring i % 2 of descriptor i / 2.
 */
enum { RINGS_PER_FD = 2 };

struct kernel {
	struct vhost base;
	struct host *host;
	unsigned n_fds;
	bool vsock, running;
	int fds[VHOST_PAIRS_MAX], taps[VHOST_PAIRS_MAX];
};

static struct kernel *kernel_of(struct vhost *v)
{
	return container_of(v, struct kernel, base);
}

static int control(struct kernel *k, unsigned i, unsigned long request, const char *name, void *arg)
{
	int r = host_ioctl(k->host, k->fds[i], request, arg);

	return r < 0 ? vhost_failed(&k->base, r, name) : 0;
}

#define CONTROL(k, i, request, arg) control(k, i, request, #request, arg)

static int set_memory(struct kernel *k, const struct guest_memory *m)
{
	autofree struct vhost_memory *table =
		calloc(1, sizeof(*table) + m->n_banks * sizeof(table->regions[0]));
	int r = 0;

	if (!table)
		return vhost_failed(&k->base, -ENOMEM, "the memory's table");
	table->nregions = (uint32_t)m->n_banks;
	for (size_t i = 0; i < m->n_banks; i++)
		table->regions[i] = (struct vhost_memory_region) {
			.guest_phys_addr = m->banks[i].start.v,
			.memory_size = m->banks[i].size,
			.userspace_addr = (uintptr_t)m->banks[i].host,
		};
	for (unsigned i = 0; i < k->n_fds && r == 0; i++)
		r = CONTROL(k, i, VHOST_SET_MEM_TABLE, table);
	return r;
}

static int kernel_set_up(struct vhost *v, const struct guest_memory *m, uint64_t features)
{
	struct kernel *k = kernel_of(v);
	int r = 0;

	for (unsigned i = 0; i < k->n_fds && r == 0; i++)
		r = CONTROL(k, i, VHOST_SET_FEATURES, &features);
	return r < 0 ? r : set_memory(k, m);
}

static int set_file(
	struct kernel *k, unsigned long request, const char *name, unsigned index, int fd)
{
	struct vhost_vring_file f = { .index = index % RINGS_PER_FD, .fd = fd };

	return control(k, index / RINGS_PER_FD, request, name, &f);
}

static int set_state(
	struct kernel *k, unsigned long request, const char *name, unsigned index, unsigned num)
{
	struct vhost_vring_state s = { .index = index % RINGS_PER_FD, .num = num };

	return control(k, index / RINGS_PER_FD, request, name, &s);
}

#define SET_FILE(k, request, index, fd)	  set_file(k, request, #request, index, fd)
#define SET_STATE(k, request, index, num) set_state(k, request, #request, index, num)

static int kernel_call(struct vhost *v, unsigned index, int fd)
{
	return SET_FILE(kernel_of(v), VHOST_SET_VRING_CALL, index, fd);
}

static int kernel_start(struct vhost *v, const struct vhost_ring *ring)
{
	struct kernel *k = kernel_of(v);
	struct vhost_vring_addr a = {
		.index = ring->index % RINGS_PER_FD,
		.desc_user_addr = (uintptr_t)ring->desc,
		.avail_user_addr = (uintptr_t)ring->driver,
		.used_user_addr = (uintptr_t)ring->device,
	};
	int r = SET_STATE(k, VHOST_SET_VRING_NUM, ring->index, ring->size);

	if (r == 0)
		r = SET_STATE(k, VHOST_SET_VRING_BASE, ring->index, ring->base);
	if (r == 0)
		r = CONTROL(k, ring->index / RINGS_PER_FD, VHOST_SET_VRING_ADDR, &a);
	if (r == 0)
		r = kernel_call(v, ring->index, ring->call);
	if (r == 0)
		r = SET_FILE(k, VHOST_SET_VRING_KICK, ring->index, ring->kick);
	return r;
}

/*
 * Without a back end it looks at neither the ring nor the tap. A doorbell that rang meanwhile is
 * not looked at again, but a tap that can be written, or has something, makes it look at the ring.
 */
static int kernel_enable(struct vhost *v, unsigned index, bool on)
{
	struct kernel *k = kernel_of(v);

	if (k->vsock)
		return 0;
	return SET_FILE(k, VHOST_NET_SET_BACKEND, index, on ? k->taps[index / RINGS_PER_FD] : -1);
}

static int set_running(struct kernel *k, int on)
{
	int r = on == k->running ? 0 : CONTROL(k, 0, VHOST_VSOCK_SET_RUNNING, &on);

	if (r == 0)
		k->running = on;
	return r;
}

static int kernel_run(struct vhost *v)
{
	struct kernel *k = kernel_of(v);

	return k->vsock ? set_running(k, 1) : 0;
}

/* It answers when who works on the ring has finished. */
static int kernel_stop(struct vhost *v, unsigned index, uint16_t *ret_base)
{
	struct kernel *k = kernel_of(v);
	struct vhost_vring_state s = { .index = index % RINGS_PER_FD };
	int r = k->vsock ? set_running(k, 0) : kernel_enable(v, index, false);

	if (r == 0)
		r = CONTROL(k, index / RINGS_PER_FD, VHOST_GET_VRING_BASE, &s);
	if (r == 0)
		*ret_base = (uint16_t)s.num;
	return r;
}

static void kernel_free(struct vhost *v)
{
	free(kernel_of(v));
}

static const struct vhost_ops kernel_ops = {
	.set_up = kernel_set_up,
	.start = kernel_start,
	.run = kernel_run,
	.call = kernel_call,
	.enable = kernel_enable,
	.stop = kernel_stop,
	.free = kernel_free,
};

/*
 * A descriptor's owner is the process that set it first, and stays it: -EBUSY is that of an earlier
 * life of this guest, or somebody else's, whom the next call would tell from us.
 */
static int own(struct kernel *k, unsigned i)
{
	int r = host_ioctl(k->host, k->fds[i], VHOST_SET_OWNER, NULL);
	uint64_t features;

	if (r < 0 && r != -EBUSY)
		return vhost_failed(&k->base, r, "VHOST_SET_OWNER");
	r = CONTROL(k, i, VHOST_GET_FEATURES, &features);
	if (r == 0)
		k->base.features = i ? k->base.features & features : features;
	return r;
}

static int make(struct host *h, const int *fds, unsigned n, struct kernel **ret)
{
	struct kernel *k = calloc(1, sizeof(*k));
	int r = 0;

	if (!k)
		return -ENOMEM;
	k->base.ops = &kernel_ops;
	k->base.rings = n * RINGS_PER_FD;
	k->host = h;
	k->n_fds = n;
	memcpy(k->fds, fds, n * sizeof(*fds));
	*ret = k;
	for (unsigned i = 0; i < n && r == 0; i++)
		r = own(k, i);
	return r;
}

static int blame(struct kernel *k, int r, const char *what, struct problem **reterr)
{
	problem(reterr, r, problem_kind_from_errno(r), NULL, "%s cannot be used: %s", what,
		k && *k->base.why ? k->base.why : strerror(-r));
	free(k);
	return r;
}

int vhost_net_new(struct host *h, const int *fds, const int *taps, unsigned pairs,
	struct vhost **ret, struct problem **reterr)
{
	struct kernel *k = NULL;
	int r = pairs && pairs <= VHOST_PAIRS_MAX ? make(h, fds, pairs, &k) : -E2BIG;

	if (r < 0)
		return blame(k, r, "vhost-net", reterr);
	memcpy(k->taps, taps, pairs * sizeof(*taps));
	*ret = &k->base;
	return 0;
}

int vhost_vsock_new(
	struct host *h, int fd, uint64_t cid, struct vhost **ret, struct problem **reterr)
{
	struct kernel *k = NULL;
	int r = make(h, &fd, 1, &k);

	if (r == 0)
		r = host_ioctl(h, fd, VHOST_VSOCK_SET_GUEST_CID, &cid);
	if (r == -EADDRINUSE) {
		free(k);
		return problem(reterr, r, PROBLEM_IN_USE, "another number from 3 upwards",
			"another guest has the context identifier %llu", (unsigned long long)cid);
	}
	if (r < 0)
		return blame(k, r, "vhost-vsock", reterr);
	k->vsock = true;
	*ret = &k->base;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtio devices of a machine: each call makes one, complete with back end and PCI function,
 * and gives it to the PCI bus of `s`. File descriptors stay the caller's and must stay open as long
 * as the bus lives. On failure nothing is left behind.
 */
#pragma once

#include "base/mac.h"
#include "device.h"

#include "vmm/pci/services.h"

#include <stdint.h>

struct disk_engine;

struct virtio_options {
	const char *name;  /* "virtio-blk0": for messages and statistics; copied */
	int slot;	   /* PCI_SLOT_ANY or a device number */
	bool no_ioeventfd; /* every doorbell exits and is worked on in the vCPU thread */
	bool may_trap;	   /* … or may be later: nobody forbids CPUs a device's work */
	struct virtio_rings rings;
};

struct virtio_blk_params {
	struct virtio_options common;
	int fd;			    /* raw image file or block device */
	struct disk_engine *engine; /* on it; the caller's, and outlives the bus */
	bool read_only;
	const char *serial; /* at most 20 bytes, NULL = none */
	bool over_vf;	    /* it is a VF's on the host: to be told */
};

struct virtio_net_params {
	struct virtio_options common;
	const int *fds; /* a tap with IFF_VNET_HDR and IFF_NO_PI: a queue of it each */
	unsigned n_fds;
	struct mac mac; /* zero = a random one */
	bool fixed_mac; /* the guest cannot choose another */
	/* Beside another interface with this address; only for drivers that know of that. */
	bool standby, standby_needed;
	bool over_vf; /* the tap leads to a VF of the host: to be told */
	uint16_t mtu; /* 0 = the guest's default */
};

/*
 * BAD_IMAGE, or USAGE of what is no tap: what the back ends say, with the device's name; else what
 * the kernel refused.
 */
int virtio_blk_new(
	const struct vmm_services *s, const struct virtio_blk_params *p, struct problem **reterr);
int virtio_net_new(
	const struct vmm_services *s, const struct virtio_net_params *p, struct problem **reterr);

struct virtio_console_params {
	struct virtio_options common;
	int out_fd;
	void (*more)(void *arg); /* see virtio/console.h */
	void *arg;
};

struct virtio_console;

/* *ret: who takes what is typed, as long as the bus lives. */
int virtio_console_new(const struct vmm_services *s, const struct virtio_console_params *p,
	struct virtio_console **ret, struct problem **reterr);
struct virtio_port_setup;
/* n: 1 to VIRTIO_PORTS_MAX: ports.h. */
int virtio_ports_new(const struct vmm_services *s, const struct virtio_options *o,
	const struct virtio_port_setup *v, unsigned n, struct problem **reterr);
/* Not beside assigned functions, nor vhost-user: balloon.h. */
int virtio_balloon_new(
	const struct vmm_services *s, const struct virtio_options *o, struct problem **reterr);
int virtio_rng_new(
	const struct vmm_services *s, const struct virtio_options *o, struct problem **reterr);

/* Served by another process (vhost-user), which a channel leads to (vhost/dial.h). */
struct virtio_vhost_user_params {
	struct virtio_options common;
	int channel;
	unsigned queues; /* of a disk at most, 0: as many as there are; of a network its pairs */
	struct mac mac;	 /* of a network; zero = a random one */
	uint16_t mtu;	 /* of a network; 0 = the guest's default */
};

/* Served by the kernel. */
struct virtio_vhost_net_params {
	const int *fds; /* an open /dev/vhost-net for each of net->fds */
	const struct virtio_net_params *net;
};

struct virtio_vhost_vsock_params {
	struct virtio_options common;
	int fd;	      /* an open /dev/vhost-vsock */
	uint64_t cid; /* 3 … 2^32 - 2 */
};

/* Waits for the other process, VHOST_TIMEOUT_MS (vhost.h) at most. UNSUPPORTED: it lacks virtio 1,
 * or, of a network, as many queues. */
int virtio_vhost_user_blk_new(const struct vmm_services *s,
	const struct virtio_vhost_user_params *p, struct problem **reterr);
int virtio_vhost_user_net_new(const struct vmm_services *s,
	const struct virtio_vhost_user_params *p, struct problem **reterr);
int virtio_vhost_net_new(const struct vmm_services *s, const struct virtio_vhost_net_params *p,
	struct problem **reterr);
int virtio_vhost_vsock_new(const struct vmm_services *s, const struct virtio_vhost_vsock_params *p,
	struct problem **reterr);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that the VMM is handed: it opens nothing itself. */
#pragma once

#include "plan.h"
#include "vhost-net.h"

#include "vfio/device.h"
#include "vfio/pick.h"

/* Somebody listens there; removed when the guest has ended. */
struct launch_socket {
	int fd;
	char *path;
};

struct launch_handles {
	struct host *host;
	int kvm, kernel, initrd;       /* -1 = none */
	int record;		       /* -1 = none */
	int control;		       /* a listening socket, given by who calls; -1 = none */
	struct vfio_space *space;      /* one for all functions; NULL: none is assigned */
	struct problem *why_type1;     /* that was no wish: why not iommufd; NULL: it is */
	struct vfio_device **devices;  /* per choice; NULL where it is no function */
	int *fallbacks;		       /* per choice; -1 where it is no disk */
	struct uplink **fallback_nets; /* per choice; NULL where there is none */
	struct uplink **ports;	       /* per choice; NULL: its representor goes nowhere */
	size_t n;
	int *roms; /* per function of the request; -1 = no file */
	size_t n_roms;
	int *disks;
	struct uplink **nets; /* per disk and net of the request */
	size_t n_disks, n_nets;
	/* Per net of the request, and per choice. */
	struct launch_kernel_net *net_vhosts, *fallback_vhosts;
	unsigned vhosts_used;
	int *dialers; /* per vhost of the request */
	size_t n_dialers;
	int vsock;		       /* -1 = none */
	struct launch_socket *sockets; /* per port of the request */
	size_t n_sockets;
};

/* The user's files, and KVM. First, because they cost nothing and are wrong most often. */
int launch_open_files(struct host *files, const struct launch_request *r,
	struct launch_handles *ret, struct problem **reterr);
/*
 * The functions, then what falls back, then the emulated devices. What cannot be opened turns
 * its choice into the fallback; the plan tells afterwards.
 */
int launch_open_devices(struct host *h, const struct launch_request *r, struct launch_plan *p,
	struct launch_handles *io, struct problem **reterr);
/* The request's record, if there is one; when it is sure that the guest is to be started. */
int launch_open_record(
	const struct launch_request *r, struct launch_handles *io, struct problem **reterr);
void launch_handles_done(struct launch_handles *l);
/*
 * What has to stay until the VMM has ended, because it must be taken away then, moves to *ret; the
 * descriptors of that are closed.
 */
void launch_handles_keep_uplinks(struct launch_handles *l, struct launch_handles *ret);
#define autohandles CLEANUP(launch_handles_done) struct launch_handles

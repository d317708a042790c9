/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of vfctl-vmm. */
#pragma once

#include "base/mac.h"
#include "base/problem.h"
#include "vmm/sandbox/sandbox.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OPTIONS_DEVICES_MAX = 31,
	OPTION_QUEUES_MAX = 8, /* of a disk; pairs of a network interface */
	OPTION_PORTS_MAX = 7,
	OPTIONS_FDS_MAX = 5 + 2 * OPTION_QUEUES_MAX * OPTIONS_DEVICES_MAX + 8 + OPTION_PORTS_MAX,
	OPTION_NUMA_NONE = -1,
	OPTION_PORT_NAME_MAX = 63,
};

/* Assigned functions reach each other's BARs by DMA: when there are two, always, never. */
enum option_peers { OPTION_PEERS_AUTO, OPTION_PEERS_ON, OPTION_PEERS_OFF };

/* How a disk's requests are carried out: vmm/block has the same, and knows what they are. */
enum option_engine {
	OPTION_ENGINE_AUTO,
	OPTION_ENGINE_URING,
	OPTION_ENGINE_SQPOLL,
	OPTION_ENGINE_THREADS,
	OPTION_ENGINE_SYNC,
};

/* How a disk interrupts: see vmm/block/engine.h. */
enum option_signals {
	OPTION_SIGNALS_AUTO,
	OPTION_SIGNALS_RING,
	OPTION_SIGNALS_WRITE,
};

/* Of a function, what the guest sees of its option ROM: nothing, its own, a file in its place. */
enum option_rom { OPTION_ROM_OFF, OPTION_ROM_DEVICE, OPTION_ROM_FILE };

enum device_kind {
	DEVICE_DISK,
	DEVICE_NET,
	DEVICE_RNG,
	DEVICE_VSOCK,
	DEVICE_CONSOLE,
	DEVICE_PORTS,
	DEVICE_BALLOON,
	DEVICE_VFIO,
};

/* What a disk or a network card looks like to the guest. */
enum device_model {
	MODEL_VIRTIO,
	MODEL_IDE,
	MODEL_E1000,
	MODELS,
};

/* What the guest finds by its name, and the socket behind it, which listens. */
struct port_option {
	const char *name;
	int listener;
};

/* Fields that the kind does not have are -1, zero or NULL. */
struct device_option {
	enum device_kind kind;
	enum device_model model;
	int fd;
	bool read_only;
	const char *serial;
	enum option_engine engine;
	enum option_signals signals;
	unsigned queues; /* at most; 0: the usual, for a disk one for each CPU */
	struct mac mac;
	bool standby, standby_needed; /* VIRTIO_NET_F_STANDBY; nobody else may drive it */
	bool fixed_mac;		      /* the guest cannot choose another */
	bool over_vf;		      /* the tap or disk is a VF's on the host */
	uint16_t mtu;		      /* 0: the guest is not told */
	int fds[OPTION_QUEUES_MAX];   /* of a network interface, `fd` the first of them */
	unsigned n_fds;
	bool no_ioeventfd;
	bool may_trap;			  /* devices.c's: CPUs may do the device's work */
	const char *threads, *poll, *pin; /* as for vfctl vm set; NULL: as usual */
	int vhosts[OPTION_QUEUES_MAX];	  /* an open /dev/vhost-net for each of `fds`, … */
	unsigned n_vhosts;		  /* … or none */
	int vhost_user; /* the channel to who dials for a vhost of another process */
	uint64_t cid;
	bool no_packed;	     /* packed rings are not offered */
	int in_order;	     /* 1: offered, -1: not, 0: as is usual for the device */
	uint16_t queue_size; /* 0: as is usual */
	int container, group, device, iommufd;
	const char *name;
	const char *beside; /* a function of the same group that the guest has; NULL: none */
	enum option_rom rom;
	int rom_fd;
	bool stop_on_loss; /* of a function: the guest ends with it, instead of going on without */
	struct port_option ports[OPTION_PORTS_MAX];
	unsigned n_ports;
	bool clean; /* of a function: it was reset when it was opened, just now */
};

struct options {
	const char *name, *append;
	int kvm, kernel, initrd, status, control, record; /* -1 = not given */
	unsigned cpus;
	uint64_t memory_bytes;
	uint64_t huge_page; /* bytes of one; 0 = ordinary memory */
	int numa;	    /* the node that the memory is near to, or OPTION_NUMA_NONE */
	bool numa_only;	    /* none but that node's */
	enum option_peers peers;
	bool no_thp; /* the host has transparent huge pages off */
	bool no_reboot, verbose;
	struct device_option devices[OPTIONS_DEVICES_MAX];
	size_t n_devices;
	enum sandbox_mode sandbox;
	int fds[OPTIONS_FDS_MAX]; /* every descriptor that is named, in no order */
	size_t n_fds;
	bool help, version, sandbox_rules;
};

/*
 * Strings point into argv, which is cut at commas. Descriptors are checked to be open, each is made
 * close-on-exec. Usage problems: PROBLEM_USAGE.
 */
int options_parse(int argc, char **argv, struct options *ret, struct problem **reterr);
extern const char options_help[];

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a user asks for when he starts a guest. Pure data; nothing is looked at yet. */
#pragma once

#include "base/problem.h"
#include "uplink/uplink.h"
#include "vfio/pick.h"

#include <stdbool.h>
#include "serve.h"

#include <stddef.h>
#include <stdint.h>

enum {
	LAUNCH_DEVICES_MAX = 31,
	LAUNCH_CPUS_MAX = 8,
	LAUNCH_PORTS_MAX = 7,
	LAUNCH_PORT_NAME_MAX = 63
};

struct launch_disk {
	char *path;
	bool read_only;
	bool direct;	     /* without the host's page cache */
	char *serial;	     /* NULL: none */
	const char *model;   /* the same: "ide"; NULL: virtio */
	const char *engine;  /* as vfctl-vmm calls them; NULL: it chooses */
	const char *signals; /* the same */
	unsigned queues;     /* 0: one for each CPU */
	struct launch_serve serve;
};

/* The kernel moves the packets (vhost-net). As is usual is auto, of which nobody asked to hear. */
enum launch_vhost_wish { LAUNCH_VHOST_USUAL, LAUNCH_VHOST_AUTO, LAUNCH_VHOST_ON, LAUNCH_VHOST_OFF };

struct launch_net {
	struct uplink_wish uplink;
	bool e1000; /* emulated, instead of virtio-net */
	enum launch_vhost_wish vhost;
	char *selector; /* of the function whose interface is below; NULL: it is named */
	struct launch_serve serve;
};

/* Served by another process, which listens on a socket (vhost-user). */
struct launch_vhost {
	char *path;
	bool disk;	/* else a network interface */
	struct mac mac; /* zero: the VMM's choice */
	uint32_t mtu;	/* 0: the guest is not told */
};

/* What the guest finds by its name, and who connects to the socket talks to. */
struct launch_port {
	char *name, *path;
};

enum launch_fallback { LAUNCH_FALLBACK_NONE, LAUNCH_FALLBACK_NET, LAUNCH_FALLBACK_DISK };

struct launch_vf {
	char *selector;
	char *vf_token;	   /* NULL: none */
	bool rom;	   /* the guest sees its option ROM, … */
	char *rom_file;	   /* … or this file in its place; NULL: none */
	bool stop_on_loss; /* the guest ends when it loses the function, instead of going on */
	enum launch_fallback fallback;
	bool standby; /* `net` is there beside it, too, with its address: net_failover takes over */
	struct mac standby_mac; /* that address, where nobody tells it; zero: it is told */
	struct launch_net net;
	struct launch_disk disk;
	struct launch_net port; /* what its representor joins; no name: nothing */
};

/* The node that the guest's memory comes from. */
enum launch_numa {
	LAUNCH_NUMA_AUTO, /* that of the first function, as long as it has any */
	LAUNCH_NUMA_OFF,
	LAUNCH_NUMA_NODE, /* one, and no other */
};

struct launch_request {
	const char *name, *kernel, *append;
	const char *initrd;	  /* NULL: none */
	const char *sandbox;	  /* "on", "log", "off" */
	const char *peers;	  /* "auto", "on", "off": functions reach each other's BARs */
	const char *record;	  /* a file for what functions are asked; NULL: none */
	const char *identity_dir; /* which cards were configured (identity.h); NULL: nobody knows */
	int guest_pid;		  /* the VMM of a guest that runs already; 0: there is none yet */
	bool named;		  /* by who asks for it; else `name` is only the usual one */
	unsigned cpus;
	uint64_t memory_bytes;
	uint64_t huge_page; /* bytes of one from the reserved pool; 0: ordinary memory */
	enum launch_numa numa;
	unsigned node; /* of LAUNCH_NUMA_NODE */
	bool rng, balloon, virtio_console, no_reboot, verbose;
	enum vfio_backend backend; /* of all functions: they share one I/O address space */
	struct launch_vf *vfs;
	size_t n_vfs;
	struct launch_disk *disks;
	size_t n_disks;
	struct launch_net *nets;
	size_t n_nets;
	struct launch_vhost *vhosts;
	size_t n_vhosts;
	struct launch_port *ports;
	size_t n_ports;
	uint32_t cid; /* of virtio-vsock; 0: none */
};

/* Sets the defaults: one CPU, 512 MiB, "guest". Strings are borrowed, the lists are owned. */
void launch_request_init(struct launch_request *r);
void launch_request_done(struct launch_request *r);

/* One value of the option; PROBLEM_USAGE when it is not understood. */
int launch_set_cpus(struct launch_request *r, const char *text, struct problem **reterr);
int launch_set_memory(struct launch_request *r, const char *text, struct problem **reterr);
/* "2M" or "1G"; NULL: 2M */
int launch_set_huge_pages(struct launch_request *r, const char *text, struct problem **reterr);
/* "auto", "off" or a node's number */
int launch_set_numa(struct launch_request *r, const char *text, struct problem **reterr);
/* on, log or off. */
int launch_set_sandbox(struct launch_request *r, const char *text, struct problem **reterr);
/* serial or virtio. */
int launch_set_console(struct launch_request *r, const char *text, struct problem **reterr);
/* auto, on or off. */
int launch_set_peers(struct launch_request *r, const char *text, struct problem **reterr);
int launch_set_backend(struct launch_request *r, const char *text, struct problem **reterr);
/* SEL[,vf-token=UUID][,on-loss=unplug|stop][,rom=on|off|FILE][,fallback=virtio-net:UPLINK|virtio-blk:FILE]
 * [,standby=UPLINK[,standby-mac=ADDRESS]][,representor=bridge:NAME|ovs:NAME];
 * SEL may hold commas. */
int launch_add_vf(struct launch_request *r, const char *text, struct problem **reterr);
/* CID */
int launch_set_vsock(struct launch_request *r, const char *text, struct problem **reterr);
/* FILE[,ro][,cache=none|host][,engine=ENGINE][,signals=HOW][,queues=N][,serial=TEXT], or
 * vhost-user=SOCKET: disk.c */
int launch_add_disk(struct launch_request *r, const char *text, struct problem **reterr);
/* tap=NAME, bridge=NAME, … [,KEY=VALUE…]: net.c */
int launch_add_net(struct launch_request *r, const char *text, struct problem **reterr);
/* After all of them: what only the whole can tell. Who must have peers gets the back end that can.
 */
int launch_request_check(struct launch_request *r, struct problem **reterr);

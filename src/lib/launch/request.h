/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a user asks for when he starts a guest. Pure data; nothing is looked at yet. */
#pragma once

#include "base/mac.h"
#include "base/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LAUNCH_DEVICES_MAX = 31, LAUNCH_CPUS_MAX = 8 };

struct launch_disk {
	char *path;
	bool read_only;
};

struct launch_net {
	char *tap;
	struct mac mac; /* zero: the VMM's choice */
};

enum launch_fallback { LAUNCH_FALLBACK_NONE, LAUNCH_FALLBACK_NET, LAUNCH_FALLBACK_DISK };

struct launch_vf {
	char *selector;
	char *vf_token; /* NULL: none */
	enum launch_fallback fallback;
	struct launch_net net;
	struct launch_disk disk;
};

struct launch_request {
	const char *name, *kernel, *append;
	const char *initrd;	  /* NULL: none */
	const char *identity_dir; /* which cards were configured (identity.h); NULL: nobody knows */
	unsigned cpus;
	uint64_t memory_bytes;
	bool huge_pages, rng, no_reboot, verbose;
	struct launch_vf *vfs;
	size_t n_vfs;
	struct launch_disk *disks;
	size_t n_disks;
	struct launch_net *nets;
	size_t n_nets;
};

/* Sets the defaults: one CPU, 512 MiB, "guest". Strings are borrowed, the lists are owned. */
void launch_request_init(struct launch_request *r);
void launch_request_done(struct launch_request *r);

/* One value of the option; PROBLEM_USAGE when it is not understood. */
int launch_set_cpus(struct launch_request *r, const char *text, struct problem **reterr);
int launch_set_memory(struct launch_request *r, const char *text, struct problem **reterr);
/* SEL[,vf-token=UUID][,fallback=virtio-net:TAP|virtio-blk:FILE]; SEL may hold commas. */
int launch_add_vf(struct launch_request *r, const char *text, struct problem **reterr);
/* FILE[,ro] */
int launch_add_disk(struct launch_request *r, const char *text, struct problem **reterr);
/* tap=NAME[,mac=MAC] */
int launch_add_net(struct launch_request *r, const char *text, struct problem **reterr);
/* After all of them: what only the whole can tell. */
int launch_request_check(const struct launch_request *r, struct problem **reterr);

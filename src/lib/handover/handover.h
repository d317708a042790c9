/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening for somebody what he may have and could not open himself, so that his guest's VMM needs
 * no right of its own. What he may have is what he has claimed, KVM, and the taps that the
 * administrator allows; files are his own affair, for what he cannot open nobody opens for him.
 */
#pragma once

#include "base/problem.h"
#include "host/host.h"
#include "vfio/pick.h"

struct lease;

enum { HANDOVER_MAX = 64 }; /* names in one request */

/* The process that asks, as the bus knows it. */
struct handover_asker {
	uint32_t uid; /* 0 may have what anybody has claimed */
	int pid;
	uint64_t start; /* in clock ticks since the boot (/proc/PID/stat) */
};

/* What the administrator allows; handover_limits_read(). */
struct handover_limits {
	char **taps, **bridges; /* patterns of names; NULL: none */
	uint64_t memory_bytes;	/* that one process may pin at most */
};

struct handover_request {
	struct handover_asker asker;
	char *const *what;     /* "0000:01:10.0", "kvm", "vhost-net", "vhost-net#1", "tap:NAME",
				  "bridge:NAME", "bridge:NAME#1"; each once */
	uint64_t memory_bytes; /* to be pinned for the functions; 0: nothing is raised */
	enum vfio_backend backend;
	const char *run_dir; /* "/run/vfctl" */
};

struct handover_fd {
	char *name; /* as host_give() takes it: "/dev/vfio/12", "tap:vm0" */
	int fd;
};

struct handover {
	struct host *host; /* whose the descriptors are; NULL: they came from another process */
	struct handover_fd v[HANDOVER_MAX + 1];
	size_t n;
};

void handover_done(struct handover *o);
#define autohandover CLEANUP(handover_done) struct handover

/*
 * All or nothing. For a function that is the node of its IOMMU group, once, and a container for all
 * of them; or by iommufd, which auto is where all of them can be had so, its own node, and an
 * iommufd for all, which counts memory per process. What a group's members do to each other no
 * IOMMU sees: so every member of the group that VFIO could give out has to be his. At the end the
 * asker's RLIMIT_MEMLOCK is raised to `memory_bytes`, for his VMM to inherit; it is never lowered.
 *
 * PROBLEM_USAGE: names nothing; PROBLEM_PERMISSION: not his, or not allowed; PROBLEM_NOT_FOUND: the
 * asker or the claim's owner has ended; PROBLEM_MEMLOCK: more than is allowed, which is told;
 * PROBLEM_IN_USE, PROBLEM_NOT_BOUND_TO_VFIO, PROBLEM_NO_KVM … as opening them.
 */
int handover_open(struct host *h, const struct handover_request *q,
	const struct handover_limits *limits, struct handover *ret, struct problem **reterr);

/*
 * Whether a process of that user would get what this lease is about; for who wants to know before
 * he asks.
 */
bool handover_is_of(struct host *h, const struct handover_asker *a, const struct lease *l);

/*
 * [Guests] in /etc/vfctl/vfctl.conf, else in /run/vfctl, else in /usr/lib/vfctl: the first that is
 * there. No file: no taps, and half of the machine's memory. PROBLEM_USAGE with FILE:LINE: what is
 * not understood allows nothing.
 */
int handover_limits_read(struct host *h, struct handover_limits *ret, struct problem **reterr);
void handover_limits_done(struct handover_limits *l);
#define autolimits CLEANUP(handover_limits_done) struct handover_limits
